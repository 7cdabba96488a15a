//! [`Capability`]: something that a transport may not offer.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::choice::ChoiceError;

/// Something that a transport may not offer.
///
/// Cases that need it do not apply to a subject that is declared without it, see
/// [`Suite::without`](crate::Suite::without).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Capability {
    /// Reuses a connection for the next request.
    ConnectionReuse,
    /// Sends requests through a proxy.
    Proxy,
    /// Speaks TLS.
    Tls,
    /// Trusts the root certificates of the settings, so that it accepts the suite's own TLS servers.
    CustomRoots,
    /// Ends a call when its future is dropped.
    Cancellation,
    /// Makes calls at the same time.
    ConcurrentCalls,
    /// Reads a response that arrives while it still sends the body.
    EarlyResponses,
    /// Keeps the limits on the size of a response.
    ResponseLimits,
    /// Reads responses of servers that speak HTTP/1.0.
    #[serde(rename = "http-1.0")]
    Http10,
}

impl Capability {
    /// Every capability.
    pub const ALL: &[Self] = &[
        Self::ConnectionReuse,
        Self::Proxy,
        Self::Tls,
        Self::CustomRoots,
        Self::Cancellation,
        Self::ConcurrentCalls,
        Self::EarlyResponses,
        Self::ResponseLimits,
        Self::Http10,
    ];

    /// Returns its name on the command line and in case files, such as `connection-reuse`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectionReuse => "connection-reuse",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::CustomRoots => "custom-roots",
            Self::Cancellation => "cancellation",
            Self::ConcurrentCalls => "concurrent-calls",
            Self::EarlyResponses => "early-responses",
            Self::ResponseLimits => "response-limits",
            Self::Http10 => "http-1.0",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Capability {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let mut all = Self::ALL.iter().copied();
        all.find(|capability| capability.name() == text)
            .ok_or_else(|| {
                ChoiceError::unknown("capability", text, Self::ALL.iter().map(|one| one.name()))
            })
    }
}
