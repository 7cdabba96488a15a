//! [`Call`]: one call of a case, and the result that it must have.

use serde::Deserialize;

/// One call, and the result that it must have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    #[serde(default = "get")]
    pub method: String,
    /// A path on the target's service, passed to the client unchanged.
    #[serde(default)]
    pub path: Option<String>,
    /// A whole URL instead of a path.
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Option<String>,
    /// A body of this many bytes instead of a text.
    #[serde(default)]
    pub body_bytes: Option<usize>,
    #[serde(default)]
    pub unsigned: bool,
    /// Names of the keys that the client has from this call on.
    #[serde(default)]
    pub install: Option<Vec<String>>,
    /// How many calls of this kind are made at the same time.
    #[serde(default = "once")]
    pub times: usize,
    /// Drops the call once the target has read its request.
    #[serde(default)]
    pub cancel: bool,
    /// Waits before the call until the target's scripts have passed this many marks.
    #[serde(default)]
    pub after_mark: usize,
    /// Waits this many milliseconds before the call, after the mark if there is one.
    #[serde(default)]
    pub after_ms: u64,
    pub expect: ExpectedResult,
}

fn once() -> usize {
    1
}

fn get() -> String {
    "GET".to_owned()
}

/// The result that a call must have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedResult {
    /// The accepted kinds of outcome.
    pub outcome: OneOrMore,
    #[serde(default)]
    pub status: Option<u16>,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub body_bytes: Option<usize>,
    /// The body in hexadecimal instead of a text.
    #[serde(default)]
    pub body_hex: Option<String>,
    /// Header lines that the response must have, with exact values.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Texts that no error, `Debug` or `Display` may contain, besides the keys.
    #[serde(default)]
    pub text_lacks: Vec<String>,
    /// When the call must be over, if that is sooner than its deadline and the grace period.
    #[serde(default)]
    pub within_ms: Option<u64>,
}

impl ExpectedResult {
    /// Returns `true` if the call may end in an outcome of this kind.
    pub(crate) fn accepts(&self, kind: &str) -> bool {
        self.outcome.all().contains(&kind)
    }
}

/// Every outcome that a case may name.
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

/// One text, or a list of texts.
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
