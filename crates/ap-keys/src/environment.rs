//! [`Environment`]: keys from environment variables.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use ap_client::{KeySource, KeySourceError};
use ap_core::ApiKey;
use secrecy::zeroize::Zeroizing;

use crate::error::Error;
use crate::key_list;

/// The variable of the present key.
pub const KEY_VARIABLE: &str = "ACTIVEPROSPECT_API_KEY";

/// The variable of the next key. Set it before anyone logs in to a product after a reset.
pub const NEXT_KEY_VARIABLE: &str = "ACTIVEPROSPECT_NEXT_API_KEY";

/// A key source that reads environment variables, the one with the oldest key first.
///
/// A variable that is unset or empty has no key. Equal keys count as one.
///
/// A running process cannot be given new variables. A service that must learn a new key without a restart
/// reads it from a [`File`](crate::File) or a [`Command`](crate::Command).
///
/// ```
/// use ap_client::KeySource as _;
/// use ap_keys::Environment;
///
/// assert!(Environment::named(["NO_SUCH_VARIABLE"]).keys(None)?.is_empty());
/// # Ok::<(), ap_client::KeySourceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Environment {
    names: Vec<OsString>,
}

impl Environment {
    /// Creates a source that reads [`KEY_VARIABLE`] and [`NEXT_KEY_VARIABLE`].
    #[must_use]
    pub fn new() -> Self {
        Self::named([KEY_VARIABLE, NEXT_KEY_VARIABLE])
    }

    /// Creates a source that reads variables of other names, the one with the oldest key first.
    #[must_use]
    pub fn named(names: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
        }
    }

    /// Reads the keys. The list is empty if no variable has one.
    ///
    /// # Errors
    ///
    /// [`Error`] names the variable whose value is not a key.
    pub fn read(&self) -> Result<Vec<ApiKey>, Error> {
        self.read_with(|name| std::env::var_os(name))
    }

    pub(crate) fn read_with(
        &self,
        variable: impl Fn(&OsStr) -> Option<OsString>,
    ) -> Result<Vec<ApiKey>, Error> {
        let mut keys: Vec<ApiKey> = Vec::new();
        for name in &self.names {
            let Some(value) = variable(name).filter(|value| !value.is_empty()) else {
                continue;
            };
            let shown = ap_core::redact::escape(&name.to_string_lossy());
            let value = Zeroizing::new(value.into_encoded_bytes());
            let key = ApiKey::parse(value.as_slice())
                .map_err(|error| Error::new(format!("{shown}: {error}"), "correct the variable"))?;
            keys.push(key.with_label(&shown));
        }
        Ok(key_list::without_duplicates(keys))
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

impl KeySource for Environment {
    fn keys(&self, _remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        Ok(self.read()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(current: &str, next: &str) -> Result<Vec<String>, String> {
        let variable = |name: &OsStr| match name.to_str() {
            Some(KEY_VARIABLE) => Some(current),
            Some(NEXT_KEY_VARIABLE) => Some(next),
            _ => None,
        };
        let variable = |name: &OsStr| variable(name).filter(|v| *v != "unset").map(OsString::from);
        Environment::new()
            .read_with(variable)
            .map(|keys| {
                keys.iter()
                    .map(|key| format!("{}={}", key.label().unwrap(), key.expose()))
                    .collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn both_variables_are_read_oldest_first() {
        let old = format!("{KEY_VARIABLE}=old-key");
        let new = format!("{NEXT_KEY_VARIABLE}=new-key");
        for (current, next, expected) in [
            ("unset", "unset", vec![]),
            ("", "", vec![]),
            ("old-key", "unset", vec![&old]),
            ("old-key", "", vec![&old]),
            ("unset", "new-key", vec![&new]),
            ("old-key", "new-key", vec![&old, &new]),
            ("old-key", "old-key", vec![&old]),
        ] {
            let read = read(current, next).unwrap();
            assert_eq!(read.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn an_invalid_value_is_named_by_its_variable_and_not_repeated() {
        let error = read("old-key", "new key ").unwrap_err();
        assert_eq!(
            error,
            "ACTIVEPROSPECT_NEXT_API_KEY: the key contains a space at byte 3; remove it; \
             correct the variable"
        );
    }
}
