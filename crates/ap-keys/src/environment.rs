//! [`Environment`]: keys from variables.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use ap_core::{ApiKey, KeySource, SourceError};
use secrecy::zeroize::Zeroizing;

use crate::Problem;

/// The variable of the key in use.
pub const KEY_VARIABLE: &str = "ACTIVEPROSPECT_API_KEY";

/// The variable of the key to come: set it before a reset is brought to the first product.
pub const NEXT_KEY_VARIABLE: &str = "ACTIVEPROSPECT_NEXT_API_KEY";

/// Keys from environment variables, oldest first. One that is not set, or is empty, has none; equal keys
/// count as one.
///
/// A process cannot be given new variables while it runs, so a service that is to learn of a key
/// without a restart reads it from a [`File`](crate::File) or a [`Command`](crate::Command).
///
/// ```
/// use ap_core::KeySource as _;
/// use ap_keys::Environment;
///
/// assert!(Environment::named(["NO_SUCH_VARIABLE"]).keys(None)?.is_empty());
/// # Ok::<(), ap_core::SourceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Environment {
    names: Vec<OsString>,
}

impl Environment {
    /// [`KEY_VARIABLE`], then [`NEXT_KEY_VARIABLE`].
    #[must_use]
    pub fn new() -> Self {
        Self::named([KEY_VARIABLE, NEXT_KEY_VARIABLE])
    }

    /// Variables of other names, the one of the oldest key first.
    #[must_use]
    pub fn named(names: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
        }
    }

    /// The keys as they are now.
    ///
    /// # Errors
    ///
    /// [`Problem`] names the variable whose value is not a key.
    pub fn read(&self) -> Result<Vec<ApiKey>, Problem> {
        self.of(|name| std::env::var_os(name))
    }

    fn of(&self, value: impl Fn(&OsStr) -> Option<OsString>) -> Result<Vec<ApiKey>, Problem> {
        let mut keys: Vec<ApiKey> = Vec::new();
        for name in &self.names {
            let Some(value) = value(name).filter(|value| !value.is_empty()) else {
                continue;
            };
            let shown = ap_core::escape(&name.to_string_lossy());
            let value = Zeroizing::new(value.into_encoded_bytes());
            let key = ApiKey::parse(value.as_slice())
                .map_err(|error| Problem::new(format!("{shown}: {error}"), "set it again"))?;
            if keys.iter().all(|other| other.expose() != key.expose()) {
                keys.push(key.labelled(&shown));
            }
        }
        Ok(keys)
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

impl KeySource for Environment {
    fn keys(&self, _left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        Ok(self.read()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(current: Option<&str>, next: Option<&str>) -> Result<Vec<String>, String> {
        let value = |name: &OsStr| match name.to_str() {
            Some(KEY_VARIABLE) => current.map(OsString::from),
            Some(NEXT_KEY_VARIABLE) => next.map(OsString::from),
            _ => None,
        };
        Environment::new()
            .of(value)
            .map(|keys| {
                keys.iter()
                    .map(|key| format!("{}={}", key.label().unwrap(), key.expose()))
                    .collect()
            })
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn both_variables_are_read_oldest_first() {
        let old = format!("{KEY_VARIABLE}=old-key");
        let new = format!("{NEXT_KEY_VARIABLE}=new-key");
        for (current, next, expected) in [
            (None, None, vec![]),
            (Some(""), Some(""), vec![]),
            (Some("old-key"), None, vec![old.clone()]),
            (Some("old-key"), Some(""), vec![old.clone()]),
            (None, Some("new-key"), vec![new.clone()]),
            (Some("old-key"), Some("new-key"), vec![old.clone(), new]),
            (Some("old-key"), Some("old-key"), vec![old]),
        ] {
            assert_eq!(read(current, next).unwrap(), expected);
        }
    }

    #[test]
    fn a_value_that_is_no_key_is_named_and_not_repeated() {
        let said = read(Some("old-key"), Some("new key ")).unwrap_err();
        assert!(said.starts_with(NEXT_KEY_VARIABLE), "{said}");
        assert!(said.contains("blank"), "{said}");
        assert!(!said.contains("new key"), "{said}");
    }
}
