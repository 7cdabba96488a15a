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
    /// The same member once more.
    Twice(Index, Value),
    /// A text that no `Value` can have: a deep value, or a huge number.
    Raw(Index, String),
}

/// Marks what [`to_text`] changes in the written JSON. No text of [`any_json`] has it.
const MARK: char = '\u{e000}';

/// Writes a value with what a `Value` cannot have: a member that comes twice, and raw texts.
fn to_text(value: &Value) -> String {
    let text = value.to_string();
    let text = text.replace(&format!("\"{MARK}{MARK}"), "\"");
    text.replace(&format!("\"{MARK}"), "")
        .replace(&format!("{MARK}\""), "")
}

/// JSON that is deep, or a number that is huge or exact.
fn raw_json() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        "-?[1-9][0-9]{15,40}",
        "-?[0-9]\\.[0-9]{15,40}",
        "-?[1-9]e[+-]?[0-9]{1,4}"
    ];
    let deep = (1_usize..140).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth));
    let deep_object =
        (1_usize..140).prop_map(|depth| r#"{"a":"#.repeat(depth) + "null" + &"}".repeat(depth));
    prop_oneof![number, deep, deep_object]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<Index>().prop_map(Change::Remove),
        (any::<Index>(), any_json()).prop_map(|(at, value)| Change::Replace(at, value)),
        any::<Index>().prop_map(Change::Null),
        (any::<Index>(), "[a-z_]{1,9}", any_json())
            .prop_map(|(at, name, value)| Change::Add(at, name, value)),
        (any::<Index>(), any_json()).prop_map(|(at, value)| Change::Twice(at, value)),
        (any::<Index>(), raw_json()).prop_map(|(at, text)| Change::Raw(at, text)),
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
    let (Change::Remove(at)
    | Change::Replace(at, _)
    | Change::Null(at)
    | Change::Add(at, ..)
    | Change::Twice(at, _)
    | Change::Raw(at, _)) = &change;
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
        (Change::Twice(_, value), Some(name)) => {
            members.insert(format!("{MARK}{MARK}{name}"), value);
        }
        (Change::Raw(_, text), Some(name)) => {
            members.insert(name, Value::String(format!("{MARK}{text}{MARK}")));
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
        // A list that was `null` first, and empty then.
        (Value::Array(read), Value::Null) if read.is_empty() => {}
        _ => assert_eq!(read, written),
    }
}

/// Reads and writes a text. Returns `false` if it is refused. Of a member that comes twice, the last is kept, as
/// `Value` has it.
fn check_text(object: &Object, text: &str) -> bool {
    match ((object.rewrite)(text), serde_json::from_str(text)) {
        (Ok(written), Ok(read)) => {
            assert_kept(&read, &written);
            true
        }
        (Ok(_), Err(error)) => panic!("{}: {error}: {text}", object.name),
        (Err(_), _) => false,
    }
}

fn check(object: &Object, value: &Value) -> bool {
    check_text(object, &to_text(value))
}

/// Writes a value with every member twice.
fn with_all_twice(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let (name, value) = (json!(name), with_all_twice(value));
                format!("{name}:{value},{name}:{value}")
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(with_all_twice).collect();
            format!("[{}]", items.join(","))
        }
        _ => value.to_string(),
    }
}

#[test]
fn a_member_may_come_twice() {
    for object in &objects() {
        assert!(
            check_text(object, &with_all_twice(&object.example)),
            "{}",
            object.name
        );
    }
}

#[test]
fn very_deep_and_very_long_texts_are_refused_or_kept() {
    let nested = |open: &str, close: &str, depth: usize| open.repeat(depth) + &close.repeat(depth);
    let texts = [
        nested("[", "]", 5_000),
        "[".repeat(5_000),
        nested(r#"{"a":"#, "}", 5_000),
        nested(r#"{"extra":["#, "]}", 5_000),
        "9".repeat(5_000),
        format!("0.{}", "0".repeat(5_000)),
        format!("1e{}", "9".repeat(1_000)),
        format!("\"{}\"", "\\u0000".repeat(3_000)),
    ];
    for object in &objects() {
        for text in &texts {
            check_text(object, text);
            let mut value = object.example.clone();
            for name in value.as_object().unwrap().clone().keys() {
                let before = value[name].take();
                value[name] = Value::String(format!("{MARK}{MARKED}{MARK}"));
                check_text(object, &to_text(&value).replace(MARKED, text));
                value[name] = before;
            }
        }
    }
}

/// Stands for a text that is too long to be written for each object.
const MARKED: &str = "MARKED";

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
