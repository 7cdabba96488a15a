//! Cases as data: what a case file may hold, and how variants become cases.

pub(crate) mod files;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::server::script::Step;

/// A case file: a list of cases of one group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseFile {
    /// What the group is about, in a sentence.
    pub about: String,
    pub cases: Vec<Value>,
}

/// One case: a requirement, what the listeners do, what is called, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// `group/behaviour`, stable.
    pub id: String,
    /// The id without a variant's name.
    #[serde(default, rename = "<family>")]
    pub family: String,
    pub title: String,
    /// The rule, in one sentence that says what a client must do.
    pub requirement: String,
    /// Where the rule comes from.
    pub source: String,
    pub level: Level,
    /// What the subject must be able to do, or the surroundings must be.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Variables of the environment, for cases with the need `env`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files of the home directory, for cases with the need `env`.
    #[serde(default)]
    pub home: BTreeMap<String, String>,
    /// Names of files that must not be in the home directory when the case is over.
    #[serde(default)]
    pub home_lacks: Vec<String>,
    /// Names of the keys that the client has, oldest first.
    #[serde(default = "one_key")]
    pub keys: Vec<String>,
    /// Texts of keys by name, where the generated ones will not do; each `*` becomes the generated one.
    #[serde(default)]
    pub key_texts: BTreeMap<String, String>,
    /// The user name of the pair, where it is not the client's own.
    #[serde(default)]
    pub user: Option<String>,
    /// The product whose origin is the listener `target`.
    #[serde(default)]
    pub product: Product,
    /// Other products, each with the listener that is its origin. It may get keys, as the target does.
    #[serde(default)]
    pub products: BTreeMap<Product, String>,
    /// The target's host, where it is not 127.0.0.1.
    #[serde(default)]
    pub host: Option<String>,
    #[serde(default)]
    pub settings: CaseSettings,
    #[serde(default)]
    pub listeners: BTreeMap<String, Listener>,
    pub calls: Vec<Call>,
    /// Runs the case once for every place in the sent bytes.
    #[serde(default)]
    pub sweep: Option<Sweep>,
}

fn one_key() -> Vec<String> {
    vec!["first".to_owned()]
}

/// How binding a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Level {
    /// A client that fails it is not safe to use with a key.
    #[serde(rename = "MUST")]
    Must,
    /// A good client keeps it. Counts only in a strict run.
    #[serde(rename = "SHOULD")]
    Should,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Need {
    /// A future that can be dropped.
    Async,
    /// Variables of the environment, so a process of its own.
    Env,
    /// A proxy can be given.
    Proxy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Product {
    #[default]
    Lcx,
    TrustedForm,
    SuppressionList,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CaseSettings {
    pub timeout_ms: Option<u64>,
    pub connect_timeout_ms: Option<u64>,
    pub body_limit: Option<usize>,
    pub head_limit: Option<usize>,
    pub header_limit: Option<usize>,
    pub proxy: Option<String>,
    pub proxy_user: Option<String>,
    pub proxy_password: Option<String>,
    /// Leaves the suite's authority out of the roots.
    pub no_root: bool,
}

/// A listener on loopback, and what it must and must not have seen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listener {
    pub tls: Option<Certificate>,
    /// Whether its origin says https, where that is not what it speaks.
    pub https: Option<bool>,
    /// What it sends with its part of the TLS handshake, before any request can come.
    pub greeting: Option<String>,
    /// Its queue of connections is full, and it takes none.
    pub full: bool,
    /// What it does on a connection; `scripts` where connections differ, the last one again and again.
    pub script: Option<Vec<Step>>,
    pub scripts: Option<Vec<Vec<Step>>>,
    /// What it does after each request instead, counted over all its connections; the last one again
    /// and again.
    pub answers: Option<Vec<Vec<Step>>>,
    /// The keys that it takes instead, one after another: each for so many requests, the last for ever.
    /// Any other is refused.
    pub takes: Option<Vec<Takes>>,
    pub expect: Seen,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Takes {
    pub key: String,
    #[serde(default)]
    pub times: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Certificate {
    /// For localhost, 127.0.0.1, ::1 and `proxied.example`, by the suite's authority.
    Good,
    Expired,
    NotYetValid,
    OtherName,
    SelfSigned,
    UnknownAuthority,
    /// Its extended key usage is for clients alone.
    ClientOnly,
    /// The name stands in the common name alone.
    NameInSubject,
}

/// What a listener must have seen when the case is over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Seen {
    pub connections: Option<Range>,
    pub requests: Option<Range>,
    /// The request lines, in order.
    pub lines: Option<Vec<String>>,
    /// Texts that must stand in every request (headers lower-cased by name).
    pub has: Vec<String>,
    /// Texts that must stand in no request.
    pub lacks: Vec<String>,
    /// The names of the keys that came, in order; of every key once unless said.
    pub keys: Option<Vec<String>>,
    /// The names of the last keys that came.
    pub last_keys: Vec<String>,
    /// The body of every request.
    pub body: Option<String>,
    /// Whether all requests must be the same, byte for byte, but for `Authorization`.
    pub same: bool,
    /// The most bytes that it may have been sent.
    pub max_bytes: Option<usize>,
    /// The numbers of the connections, from 1, that the client must have hung up within two seconds of
    /// its last call.
    pub hangs_up: Vec<usize>,
}

/// A number, or the least and the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Range {
    Exactly(usize),
    Between(usize, usize),
}

impl Case {
    /// The names of all keys that the client has at any time, each once.
    pub(crate) fn all_keys(&self) -> Vec<&str> {
        let installed = self
            .calls
            .iter()
            .flat_map(|call| call.install.iter().flatten());
        let mut names: Vec<&str> = Vec::new();
        for name in self.keys.iter().chain(installed) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Whether a listener is a product's, which gets keys.
    pub(crate) fn is_product(&self, listener: &str) -> bool {
        listener == "target" || self.products.values().any(|name| name == listener)
    }

    /// The calls, one for each time that one is made.
    pub(crate) fn each_call(&self) -> impl Iterator<Item = &Call> {
        let calls = self.calls.iter();
        calls.flat_map(|call| std::iter::repeat_n(call, call.times))
    }
}

impl Range {
    pub(crate) fn holds(self, number: usize) -> bool {
        match self {
            Self::Exactly(n) => n == number,
            Self::Between(least, most) => (least..=most).contains(&number),
        }
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "{n}"),
            Self::Between(least, most) => write!(f, "{least} to {most}"),
        }
    }
}

/// One call, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    #[serde(default = "get")]
    pub method: String,
    /// A path on the target's service, given to the client as it is.
    #[serde(default)]
    pub path: Option<String>,
    /// A whole URL instead.
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Option<String>,
    /// A body of so many bytes instead.
    #[serde(default)]
    pub body_bytes: Option<usize>,
    #[serde(default)]
    pub unsigned: bool,
    /// The client's keys from this call on, by name.
    #[serde(default)]
    pub install: Option<Vec<String>>,
    /// How many calls of this kind are made at once.
    #[serde(default = "once")]
    pub times: usize,
    /// Drops the call once the target has read its request.
    #[serde(default)]
    pub cancel: bool,
    /// Waits before the call until the target's scripts have passed so many marks.
    #[serde(default)]
    pub after_mark: usize,
    /// Waits so many milliseconds before the call, behind the mark if there is one.
    #[serde(default)]
    pub after_ms: u64,
    pub expect: Expect,
}

fn once() -> usize {
    1
}

fn get() -> String {
    "GET".to_owned()
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The kinds of outcome that are right.
    pub outcome: OneOrMore,
    #[serde(default)]
    pub status: Option<u16>,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub body_bytes: Option<usize>,
    /// The body in hexadecimal instead.
    #[serde(default)]
    pub body_hex: Option<String>,
    /// Header lines that the response must have, values exact.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Texts that no error, `Debug` or `Display` may hold, besides the keys.
    #[serde(default)]
    pub text_lacks: Vec<String>,
    /// When the call must be over, where that is sooner than its deadline and two seconds.
    #[serde(default)]
    pub within_ms: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(crate) fn all(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more.iter().map(String::as_str).collect(),
        }
    }
}

/// A case that is run at every place of the bytes that the first `send` of the target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sweep {
    /// The bytes end there, and the connection with them.
    CutFin,
    /// The same with a reset.
    CutRst,
    /// The bytes come in two pieces.
    Split,
}

/// A fault in a case file, with where it is.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct CaseError {
    file: String,
    what: String,
}

impl CaseError {
    pub(crate) fn new(file: &str, what: &str) -> Self {
        Self {
            file: file.to_owned(),
            what: what.to_owned(),
        }
    }
}

/// Every outcome a case may name.
pub(crate) const OUTCOMES: &[&str] = &[
    "response",
    "refused",
    "unauthorized",
    "dns",
    "connect",
    "connect_timeout",
    "proxy",
    "tls",
    "timeout",
    "closed",
    "truncated",
    "malformed",
    "too_large",
    "unsendable",
    "setup",
    "cancelled",
    "other",
];

/// Reads one case file: checks it, and makes a case of every variant.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Case>, CaseError> {
    let fault = |what: String| CaseError {
        file: file.to_owned(),
        what,
    };
    let parsed: CaseFile = serde_json::from_str(text).map_err(|error| fault(error.to_string()))?;
    if parsed.about.is_empty() {
        return Err(fault(
            "`about` is empty: say what the group is about".to_owned(),
        ));
    }
    let mut cases = Vec::new();
    for (at, value) in parsed.cases.into_iter().enumerate() {
        for value in variants(value).map_err(|what| fault(format!("case {}: {what}", at + 1)))? {
            let id = value["id"].as_str().unwrap_or("without an id").to_owned();
            let mut case: Case = serde_json::from_value(value)
                .map_err(|error| fault(format!("case {} ({id}): {error}", at + 1)))?;
            check(&case).map_err(|what| fault(format!("case {} ({id}): {what}", at + 1)))?;
            if case.family.is_empty() {
                case.family.clone_from(&case.id);
            }
            cases.push(case);
        }
    }
    Ok(cases)
}

/// A case with `variants` is that many cases: each has a `name`, which is put behind the id, and texts
/// for the places marked `<name>` anywhere in the case. A text that is a marker alone takes the
/// variant's value as it is, a number or a list too.
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
            fill(&mut one, &values);
            Ok(one)
        })
        .collect()
}

fn fill(value: &mut Value, with: &serde_json::Map<String, Value>) {
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
        Value::Array(values) => values.iter_mut().for_each(|value| fill(value, with)),
        Value::Object(members) => members.values_mut().for_each(|value| fill(value, with)),
        _ => {}
    }
}

fn check(case: &Case) -> Result<(), String> {
    let sound = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    match case.id.split_once('/') {
        Some((group, behaviour)) if sound(group) && sound(behaviour) => {}
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
    if case.calls.is_empty() {
        return Err("there is no call".to_owned());
    }
    for call in &case.calls {
        if call.path.is_some() == call.url.is_some() {
            return Err("a call has either a `path` or a `url`".to_owned());
        }
        if let Some(unknown) = call
            .expect
            .outcome
            .all()
            .into_iter()
            .find(|kind| !OUTCOMES.contains(kind))
        {
            return Err(format!(
                "there is no outcome {unknown:?}: choose from {OUTCOMES:?}"
            ));
        }
        if !(1..=100).contains(&call.times) || call.cancel && call.times > 1 {
            return Err("a call is made 1 to 100 `times`, and once if it is cancelled".to_owned());
        }
        if call.cancel && !case.needs.contains(&Need::Async) {
            return Err("a call that is cancelled needs `async`".to_owned());
        }
    }
    let is_plain = case.env.is_empty() && case.home.is_empty() && case.home_lacks.is_empty();
    if !is_plain && !case.needs.contains(&Need::Env) {
        return Err("`env`, `home` and `home_lacks` go with the need `env` alone".to_owned());
    }
    for name in case.home.keys().chain(&case.home_lacks) {
        if name.is_empty() || name.contains(['/', '\\']) {
            return Err(format!(
                "{name:?} is not the name of a file in a home directory"
            ));
        }
    }
    if let Some(missing) = case
        .products
        .values()
        .find(|name| !case.listeners.contains_key(*name))
    {
        return Err(format!(
            "`products` names {missing:?}, which is no listener"
        ));
    }
    let keys = case.all_keys();
    for (name, listener) in &case.listeners {
        let given = [
            listener.script.is_some(),
            listener.scripts.is_some(),
            listener.answers.is_some(),
            listener.takes.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(format!(
                "{name} has more than one of `script`, `scripts`, `answers` and `takes`"
            ));
        }
        if listener.greeting.is_some() && listener.tls.is_none() {
            return Err(format!(
                "{name} has a `greeting`, which goes with `tls` alone"
            ));
        }
        if listener.expect.hangs_up.contains(&0) {
            return Err(format!(
                "{name} has a connection 0 in `hangs_up`, which counts from 1"
            ));
        }
        if listener.answers.as_ref().is_some_and(Vec::is_empty) {
            return Err(format!("{name} has no answer in its `answers`"));
        }
        let takes = listener.takes.iter().flatten().map(|takes| &takes.key);
        let expected = listener.expect.keys.iter().flatten();
        let named = takes.chain(expected).chain(&listener.expect.last_keys);
        if let Some(unknown) = named.into_iter().find(|key| !keys.contains(&key.as_str())) {
            return Err(format!(
                "{name} names the key {unknown:?}, which the client never has"
            ));
        }
    }
    Ok(())
}
