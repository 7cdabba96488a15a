//! [`Listener`]: one server of a case on loopback, and the requests that it must have received.

use serde::Deserialize;

use super::step::Step;

/// A server on loopback, and what it must and must not have received.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listener {
    pub tls: Option<Certificate>,
    /// Says that the origin is https, or that it is not, where that differs from `tls`.
    pub https: Option<bool>,
    /// A text sent with the server's part of the TLS handshake, before any request can arrive.
    pub greeting: Option<String>,
    /// The queue of connections is full, and none is accepted.
    pub full: bool,
    /// The steps for each connection.
    pub script: Option<Vec<Step>>,
    /// The steps for each connection in turn. The last script is repeated.
    pub scripts: Option<Vec<Vec<Step>>>,
    /// The steps after each request, counted over all connections. The last answer is repeated.
    pub answers: Option<Vec<Vec<Step>>>,
    /// The keys that are accepted, one after another. Any other key gets the documented 401.
    pub accepts: Option<Vec<AcceptedKey>>,
    pub expect: ExpectedRequests,
}

/// A key that a listener accepts for a number of requests, or from then on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptedKey {
    pub key: String,
    #[serde(default)]
    pub times: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Certificate {
    /// For localhost, 127.0.0.1, `proxied.example`, 192.0.2.1 and 2001:db8::1, by the suite's authority.
    Good,
    Expired,
    NotYetValid,
    OtherName,
    SelfSigned,
    UnknownAuthority,
    /// The extended key usage allows clients only.
    ClientOnly,
    /// The name is in the common name only.
    NameInSubject,
}

/// What a listener must have received when the case is over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExpectedRequests {
    pub connections: Option<Range>,
    pub requests: Option<Range>,
    /// The request lines, in order.
    pub lines: Option<Vec<String>>,
    /// Texts that every request must contain (header names in lower case).
    pub has: Vec<String>,
    /// Texts that every request must contain exactly once.
    pub once: Vec<String>,
    /// Texts that no request may contain.
    pub lacks: Vec<String>,
    /// The names of the keys that arrived, in order.
    pub keys: Option<Vec<String>>,
    /// The names of the last keys that arrived.
    pub last_keys: Vec<String>,
    /// The body of every request.
    pub body: Option<String>,
    /// All requests must be equal, byte for byte, except for `Authorization`.
    pub same: bool,
    /// The most bytes of a flood that the client may read.
    pub max_bytes: Option<usize>,
    /// The numbers, from 1, of the connections that the client must have closed within two seconds
    /// of its last call.
    pub hangs_up: Vec<usize>,
}

impl ExpectedRequests {
    /// Returns the most requests that may arrive, if the case says so.
    #[cfg(test)]
    pub(crate) fn max_requests(&self) -> Option<usize> {
        let (Range::Exactly(most) | Range::Between(_, most)) = self.requests?;
        Some(most)
    }
}

/// A number, or a least and a most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Range {
    Exactly(usize),
    Between(usize, usize),
}

impl Range {
    pub(crate) fn contains(self, number: usize) -> bool {
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
