//! Ids and names that are parts of a path: [`Id`], [`ShortId`], [`FieldId`] and the other ones.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::required_member;

/// The text is not such an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct InvalidId {
    what: &'static str,
}

/// An id that goes into a path.
pub(crate) trait PathSegment {
    fn segment(&self) -> &str;
    /// Returns what is wrong with it. One that came from the API is not checked before it is used.
    fn problem(&self) -> Option<&'static str>;
}

macro_rules! id {
    ($($(#[$meta:meta])* pub struct $name:ident, $is_valid:expr, $what:literal;)*) => {$(
        $(#[$meta])*
        ///
        /// Parsing checks it. In a response, any text is accepted; a request with a malformed one is refused before it
        /// is sent. In paths it is percent-encoded.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses it.
            ///
            /// # Errors
            ///
            /// [`InvalidId`], which does not repeat the text.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                text.parse()
            }

            /// Returns it as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl PathSegment for $name {
            fn segment(&self) -> &str {
                &self.0
            }

            fn problem(&self) -> Option<&'static str> {
                let is_valid: fn(&str) -> bool = $is_valid;
                (!is_valid(&self.0)).then_some($what)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = Self(text.into());
                match id.problem() {
                    None => Ok(id),
                    Some(what) => Err(InvalidId { what }),
                }
            }
        }

        impl From<&Self> for $name {
            fn from(id: &Self) -> Self {
                id.clone()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                super::text::deserialize(deserializer, |text| Ok(Self(text.into())))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        required_member!($name);
    )*};
}

id! {
    /// The id of a flow, an event, a lead, an entity and most other things: 24 hexadecimal digits.
    ///
    /// Ids of events sort in the order in which the events were created.
    ///
    /// ```
    /// use ap_api::Id;
    ///
    /// let id = Id::parse("5fd4371e940df5a34a3888b2")?;
    /// assert_eq!(id.as_str(), "5fd4371e940df5a34a3888b2");
    /// let error = Id::parse("../flows").unwrap_err();
    /// assert_eq!(error.to_string(), "the id does not have 24 hexadecimal digits");
    /// # Ok::<(), ap_api::InvalidId>(())
    /// ```
    pub struct Id, |text| text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()),
        "the id does not have 24 hexadecimal digits";
    /// The id of a source, step, rule or mapping inside a flow: 6 letters or digits.
    pub struct ShortId, |text| text.len() == 6 && text.bytes().all(|b| b.is_ascii_alphanumeric()),
        "the id does not have 6 letters or digits";
    /// The id of a field, for example `first_name` or `loan_amount_acme`: letters, digits and `_`.
    pub struct FieldId, |text| is_made_of(text, b"_"),
        "the id of the field is not made of letters, digits and underscores";
    /// The id of an integration package, for example `leadconduit-salesforce`: letters, digits, `-`, `_`, `.` and `@`.
    pub struct PackageId, |text| is_made_of(text, b"-_.@"),
        "the id of the package is not made of letters, digits, -, _, . and @";
    /// The name of a suppression list in URLs (`url_name`), for example `duplicate_check`: letters, digits, `_` and `-`.
    pub struct ListName, |text| is_made_of(text, b"_-"),
        "the name of the list is not made of letters, digits, underscores and hyphens; use its url_name";
    /// The id or the share token of a report: letters, digits, `_` and `-`.
    ///
    /// A token lets anyone read the report, so do not log it. `Debug` does not show it.
    pub struct ReportKey, |text| is_made_of(text, b"_-"),
        "the id or token of the report is not made of letters, digits, underscores and hyphens";
}

fn is_made_of(text: &str, others: &[u8]) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    (1..=255).contains(&text.len()) && text.bytes().all(is_allowed)
}

impl From<Id> for ReportKey {
    fn from(id: Id) -> Self {
        Self(id.0)
    }
}

impl From<&Id> for ReportKey {
    fn from(id: &Id) -> Self {
        Self(id.0.clone())
    }
}

macro_rules! debug_with_text {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }
    )*};
}

debug_with_text!(Id, ShortId, FieldId, PackageId, ListName);

/// Leaves the text out: a token lets anyone read the report.
impl fmt::Debug for ReportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReportKey")
    }
}

impl ListName {
    /// Returns the name that the product makes of a list's title, by the vendor's own rule: lower case, each white space
    /// becomes `_`, and everything but letters, digits and `_` is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] if nothing is left.
    ///
    /// ```
    /// use ap_api::ListName;
    ///
    /// assert_eq!(ListName::from_title("Bob's List, Unplugged")?.as_str(), "bobs_list_unplugged");
    /// # Ok::<(), ap_api::InvalidId>(())
    /// ```
    pub fn from_title(title: &str) -> Result<Self, InvalidId> {
        let name: String = title
            .to_lowercase()
            .chars()
            .map(|c| if c.is_whitespace() { '_' } else { c })
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        Self::parse(&name)
    }
}
