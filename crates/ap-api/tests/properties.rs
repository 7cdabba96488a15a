//! What is true for every response: decoding never panics, and what was decoded is written without a loss.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/examples.rs"]
mod examples;
#[path = "common/objects.rs"]
mod objects;

use ap_api::leadconduit::events;
use ap_api::trustedform::certificates::CertificateId;
use ap_core::{Endpoint as _, Response};
use objects::{Object, objects};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Number, Value, json};

/// Any JSON value, not deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (-1_000_000_i64..1_000_000, 0_u32..4).prop_map(|(number, scale)| {
            let float = number as f64 / 10_f64.powi(i32::try_from(scale).unwrap());
            Value::Number(Number::from_f64(float).unwrap())
        }),
        "[a-z ]{0,8}".prop_map(Value::String),
        Just(json!("2026-11-25T10:00:00.000Z")),
        Just(json!("5fd4371e940df5a34a3888b2")),
        "\\PC{0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec(("[a-z_]{1,8}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A change of an example: at the member of this number, counted through.
#[derive(Clone, Debug)]
enum Change {
    Remove(Index),
    Replace(Index, Value),
    Null(Index),
    Add(Index, String, Value),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<Index>().prop_map(Change::Remove),
        (any::<Index>(), any_json()).prop_map(|(at, value)| Change::Replace(at, value)),
        any::<Index>().prop_map(Change::Null),
        (any::<Index>(), "[a-z_]{1,9}", any_json())
            .prop_map(|(at, name, value)| Change::Add(at, name, value)),
    ]
}

/// Returns every object in a value, each by its JSON pointer.
fn pointers_in(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(pointer.to_owned());
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers_in(member, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                pointers_in(item, &format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

fn apply(value: &mut Value, change: Change) {
    let mut pointers = Vec::new();
    pointers_in(value, "", &mut pointers);
    if pointers.is_empty() {
        return;
    }
    let (Change::Remove(at) | Change::Replace(at, _) | Change::Null(at) | Change::Add(at, ..)) =
        &change;
    let at = *at;
    let Some(Value::Object(members)) = value.pointer_mut(&pointers[at.index(pointers.len())])
    else {
        return;
    };
    let name = members.keys().nth(at.index(members.len().max(1))).cloned();
    match (change, name) {
        (Change::Add(_, name, value), _) | (Change::Replace(_, value), Some(name)) => {
            members.insert(name, value);
        }
        (Change::Remove(_), Some(name)) => {
            members.remove(&name);
        }
        (Change::Null(_), Some(name)) => {
            members.insert(name, Value::Null);
        }
        (_, None) => {}
    }
}

/// Asserts that the second value is the first, save for empty lists that were not there.
fn assert_kept(read: &Value, written: &Value) {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            for (name, value) in read {
                let other = written.get(name);
                assert_kept(value, other.unwrap_or_else(|| panic!("{name} is lost")));
            }
            for (name, value) in written {
                assert!(
                    read.contains_key(name) || *value == json!([]),
                    "{name} was not there"
                );
            }
        }
        (Value::Array(read), Value::Array(written)) => {
            assert_eq!(read.len(), written.len());
            for (read, written) in read.iter().zip(written) {
                assert_kept(read, written);
            }
        }
        _ => assert_eq!(read, written),
    }
}

/// Reads and writes a value. Returns `false` if it is refused.
fn check(object: &Object, value: &Value) -> bool {
    match (object.rewrite)(&value.to_string()) {
        Ok(written) => {
            assert_kept(value, &written);
            true
        }
        Err(_) => false,
    }
}

fn response(body: Vec<u8>) -> Response {
    http::Response::new(body.into()).into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_decoded_is_written_without_a_loss(changes in vec(change(), 0..6)) {
        for object in &objects() {
            let mut value = object.example.clone();
            for change in &changes {
                apply(&mut value, change.clone());
            }
            check(object, &value);
        }
    }

    /// What is unknown must always decode, or the test above would prove little.
    #[test]
    fn unknown_members_are_always_kept(members in vec(("zz[a-z]{1,6}", any_json()), 1..6)) {
        for object in &objects() {
            let mut value = object.example.clone();
            let mut pointers = Vec::new();
            pointers_in(&value, "", &mut pointers);
            for pointer in pointers {
                let Some(Value::Object(inner)) = value.pointer_mut(&pointer) else {
                    continue;
                };
                inner.extend(members.iter().cloned());
            }
            prop_assert!(check(object, &value), "{}", object.name);
        }
    }

    #[test]
    fn any_json_is_decoded_or_refused(value in any_json()) {
        for object in &objects() {
            check(object, &value);
        }
    }

    #[test]
    fn bytes_that_were_changed_never_panic(at in any::<Index>(), byte in any::<u8>(), cut in any::<Index>()) {
        let mut body = json!([examples::source_event(), examples::recipient_event()]).to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = events::List::new().decode(response(body.clone()));
        body.truncate(cut.index(body.len()));
        let list = events::List::new().output::<Value>();
        prop_assert!(list.decode(response(body)).is_err());
    }

    #[test]
    fn a_certificate_s_url_is_at_its_origin_or_refused(url in "(https?://)?(cert\\.trustedform\\.com)?[/:@.?#a-z0-9_-]{0,90}") {
        if let Ok(id) = CertificateId::from_url(&url) {
            let lower = url.to_lowercase();
            let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap();
            let rest = rest.strip_prefix("cert.trustedform.com").unwrap();
            prop_assert_eq!(rest.strip_prefix(":443").unwrap_or(rest).trim_matches('/'), id.as_str().to_lowercase());
        }
    }
}
