//! [`Texts`]: one text or a list of them, as parameters may be.

use serde::{Deserialize, Serialize};

/// One text or a list of them. It is written back as it came.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    List(Vec<String>),
}

impl Texts {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::List(texts) => texts,
        }
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}
