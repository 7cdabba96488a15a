//! [`Profile`]: a part of the suite, by what it is about.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::choice::ChoiceError;

/// A part of the suite, by what it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// Where a key may go, what errors show, and what a 401 means. Every client needs this.
    KeySafety,
    /// Framing, bodies, connections, limits and deadlines.
    Http,
    /// Every case, also those of no other profile.
    #[default]
    All,
}

impl Profile {
    /// Every profile.
    pub const ALL: &[Self] = &[Self::KeySafety, Self::Http, Self::All];

    /// Returns its name on the command line and in case files, such as `key-safety`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeySafety => "key-safety",
            Self::Http => "http",
            Self::All => "all",
        }
    }

    /// Returns `true` if a case of the profile `other` is part of this one.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Profile {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let mut all = Self::ALL.iter().copied();
        all.find(|profile| profile.name() == text).ok_or_else(|| {
            ChoiceError::unknown("profile", text, Self::ALL.iter().map(|one| one.name()))
        })
    }
}
