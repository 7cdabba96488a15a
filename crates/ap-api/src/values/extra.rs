//! [`Extra`]: the members of an object that this version does not know.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde_json::{Map, Value};

/// The members of an object that this version does not know, and those that are `null`.
///
/// It is a map from names to JSON values. They are written back with the object, so changing one member of an object
/// loses none of the others. Numbers are those of [`serde_json`]: an integer beyond 64 bits, or a number of more than 15
/// digits, is written back as the nearest float. If a member comes twice in the JSON, the last one counts. To
/// send an explicit `null`, set the field to `None` and insert the `null` here.
///
/// `Debug` shows the names alone, because an unknown member could be a secret.
///
/// ```
/// use ap_api::leadconduit::flows::Flow;
///
/// let text = r#"{"name":"Solar","enabled":true,"fields":[],"sources":[],"steps":[],"level":"pro","caps":null}"#;
/// let mut flow: Flow = serde_json::from_str(text)?;
/// assert_eq!(flow.extra["level"], "pro");
/// assert!(flow.caps.is_none() && flow.extra["caps"].is_null());
///
/// flow.name = "Roofs".to_owned();
/// assert!(serde_json::to_string(&flow)?.contains(r#""level":"pro""#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Extra(Map<String, Value>);

impl Deref for Extra {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Extra {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
