//! [`Level`]: how binding a case is.

use serde::{Deserialize, Serialize};

/// How binding a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Level {
    /// A client that fails it is not safe to use with a key.
    #[serde(rename = "MUST")]
    Must,
    /// A good client passes it. It counts only in a strict run.
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
