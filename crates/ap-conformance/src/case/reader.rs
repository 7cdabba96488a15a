//! Reads case files: parses them, makes a case of every variant, and checks each.

use serde::Deserialize;
use serde_json::Value;

use super::call::OUTCOMES;
use super::{Call, Capability, Case, Listener, Profile};

/// A case file: a list of cases of one group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    /// What the group is about, in one sentence.
    description: String,
    /// The profile of its cases, except for those that have their own.
    #[serde(default)]
    profile: Profile,
    cases: Vec<Value>,
}

/// A mistake in a case file, with the file's name.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct CaseError {
    file: String,
    message: String,
}

impl CaseError {
    pub(crate) fn new(file: &str, message: &str) -> Self {
        Self {
            file: file.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// Reads one case file.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Case>, CaseError> {
    let error = |message: String| CaseError::new(file, &message);
    let parsed: CaseFile = serde_json::from_str(text).map_err(|e| error(e.to_string()))?;
    if parsed.description.is_empty() {
        return Err(error(
            "`description` is empty: say what the group is about".to_owned(),
        ));
    }
    let mut cases = Vec::new();
    for (index, value) in parsed.cases.into_iter().enumerate() {
        let number = index + 1;
        for value in variants(value).map_err(|e| error(format!("case {number}: {e}")))? {
            let id = value["id"].as_str().unwrap_or("without an id").to_owned();
            let has_profile = value.get("profile").is_some();
            let in_case = |e: String| error(format!("case {number} ({id}): {e}"));
            let mut case: Case =
                serde_json::from_value(value).map_err(|e| in_case(e.to_string()))?;
            check(&case).map_err(in_case)?;
            if case.family.is_empty() {
                case.family.clone_from(&case.id);
            }
            if !has_profile {
                case.profile = parsed.profile;
            }
            add_needs(&mut case);
            cases.push(case);
        }
    }
    Ok(cases)
}

/// Makes one case of each entry in `variants`.
///
/// A variant has a `name`, which is appended to the id, and texts that replace the markers `<member>`
/// anywhere in the case. A text that is nothing but a marker is replaced by the value itself, which may
/// be a number or a list.
fn variants(mut case: Value) -> Result<Vec<Value>, String> {
    let Some(variants) = case
        .as_object_mut()
        .and_then(|members| members.remove("variants"))
    else {
        return Ok(vec![case]);
    };
    let Value::Array(variants) = variants else {
        return Err("`variants` is not a list".to_owned());
    };
    let id = case["id"].as_str().ok_or("there is no id")?.to_owned();
    variants
        .into_iter()
        .map(|variant| {
            let Value::Object(values) = variant else {
                return Err("a variant is not an object".to_owned());
            };
            let name = values
                .get("name")
                .and_then(Value::as_str)
                .ok_or("a variant has no name")?;
            let mut one = case.clone();
            one["id"] = Value::String(format!("{id}-{name}"));
            one["<family>"] = Value::String(id.clone());
            replace_markers(&mut one, &values);
            Ok(one)
        })
        .collect()
}

fn replace_markers(value: &mut Value, with: &serde_json::Map<String, Value>) {
    match value {
        Value::String(text) => {
            for (name, replacement) in with {
                let marker = format!("<{name}>");
                if *text == marker {
                    *value = replacement.clone();
                    return;
                }
                if let Value::String(replacement) = replacement {
                    *text = text.replace(&marker, replacement);
                } else {
                    *text = text.replace(&marker, &replacement.to_string());
                }
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| replace_markers(value, with)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|value| replace_markers(value, with)),
        _ => {}
    }
}

/// Adds the capabilities that follow from what the case does and expects.
fn add_needs(case: &mut Case) {
    let calls = || case.calls.iter();
    let is_on_the_way = |name: &str| case.is_product(name) || case.settings.proxy.is_some();
    let mut on_the_way = case
        .listeners
        .iter()
        .filter(|(name, _)| is_on_the_way(name));
    let by_tls =
        on_the_way.any(|(_, listener)| listener.https.unwrap_or_else(|| listener.tls.is_some()));
    let expects_limit = |call: &Call| call.expect.outcome.all().contains(&"too_large");
    let derived = [
        (Capability::Proxy, case.settings.proxy.is_some()),
        (Capability::Tls, by_tls),
        (Capability::CustomRoots, by_tls && !case.settings.no_root),
        (Capability::Cancellation, calls().any(|call| call.cancel)),
        (
            Capability::ConcurrentCalls,
            calls().any(|call| call.times > 1),
        ),
        (Capability::ResponseLimits, calls().any(expects_limit)),
    ];
    for (capability, is_needed) in derived {
        if is_needed && !case.needs.contains(&capability) {
            case.needs.push(capability);
        }
    }
}

fn check(case: &Case) -> Result<(), String> {
    check_texts(case)?;
    if case.calls.is_empty() {
        return Err("there is no call".to_owned());
    }
    for call in &case.calls {
        check_call(call)?;
    }
    check_environment(case)?;
    if let Some(missing) = case
        .products
        .values()
        .find(|name| !case.listeners.contains_key(*name))
    {
        return Err(format!(
            "`products` names {missing:?}, but there is no such listener"
        ));
    }
    let keys = case.all_keys();
    for (name, listener) in &case.listeners {
        check_listener(listener, &keys).map_err(|e| format!("listener {name}: {e}"))?;
    }
    Ok(())
}

fn check_texts(case: &Case) -> Result<(), String> {
    let is_valid = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    match case.id.split_once('/') {
        Some((group, behaviour)) if is_valid(group) && is_valid(behaviour) => {}
        _ => return Err("the id is not `group/behaviour` in lower case and hyphens".to_owned()),
    }
    for (name, text) in [
        ("title", &case.title),
        ("requirement", &case.requirement),
        ("source", &case.source),
    ] {
        if text.trim().is_empty() {
            return Err(format!("`{name}` is empty"));
        }
    }
    Ok(())
}

fn check_call(call: &Call) -> Result<(), String> {
    if call.path.is_some() == call.url.is_some() {
        return Err("a call has either a `path` or a `url`".to_owned());
    }
    let outcomes = call.expect.outcome.all();
    if let Some(unknown) = outcomes.iter().find(|kind| !OUTCOMES.contains(kind)) {
        return Err(format!(
            "there is no outcome {unknown:?}; choose from {OUTCOMES:?}"
        ));
    }
    if !(1..=100).contains(&call.times) || call.cancel && call.times > 1 {
        return Err("a call is made 1 to 100 `times`, and once if it is cancelled".to_owned());
    }
    Ok(())
}

fn check_environment(case: &Case) -> Result<(), String> {
    for name in case.home.keys().chain(&case.home_lacks) {
        if name.is_empty() || name.contains(['/', '\\']) {
            return Err(format!(
                "{name:?} is not the name of a file in a home directory"
            ));
        }
    }
    Ok(())
}

fn check_listener(listener: &Listener, keys: &[&str]) -> Result<(), String> {
    let given = [
        listener.script.is_some(),
        listener.scripts.is_some(),
        listener.answers.is_some(),
        listener.accepts.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        return Err("has more than one of `script`, `scripts`, `answers` and `accepts`".to_owned());
    }
    if listener.greeting.is_some() && listener.tls.is_none() {
        return Err("has a `greeting` without `tls`".to_owned());
    }
    if listener.expect.hangs_up.contains(&0) {
        return Err("has a connection 0 in `hangs_up`; the first connection is 1".to_owned());
    }
    if listener.answers.as_ref().is_some_and(Vec::is_empty) {
        return Err("has no answer in its `answers`".to_owned());
    }
    let accepted = listener.accepts.iter().flatten();
    let expected = listener.expect.keys.iter().flatten();
    let named = accepted
        .map(|accepted| &accepted.key)
        .chain(expected)
        .chain(&listener.expect.last_keys);
    if let Some(unknown) = named.into_iter().find(|key| !keys.contains(&key.as_str())) {
        return Err(format!(
            "names the key {unknown:?}, which the client never has"
        ));
    }
    Ok(())
}
