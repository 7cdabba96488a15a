//! [`Error`]: what is wrong with the keys in one place, and what to do.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ap_client::KeySourceError;

/// What is wrong with a file, a variable or a command that has keys, and what to do next.
///
/// It contains no key and no part of one. Names of files are escaped. The source is the operating system's error, if
/// there is one.
///
/// ```
/// use ap_keys::Store;
///
/// let folder = tempfile::tempdir()?;
/// let error = Store::new(folder.path()).read().unwrap_err(); // a folder is no keys file
/// eprintln!("{}", error.message());
/// eprintln!("to do: {}", error.hint());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct Error {
    message: String,
    hint: String,
    #[source]
    source: Option<Arc<io::Error>>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(mut self, error: io::Error) -> Self {
        self.source = Some(Arc::new(error));
        self
    }

    /// Returns what is wrong, and where.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to do next.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl From<Error> for KeySourceError {
    fn from(error: Error) -> Self {
        let converted = Self::new(error.to_string());
        match error.source {
            Some(source) => converted.with_source(source),
            None => converted,
        }
    }
}

/// Returns a path as it can be shown on one line.
pub(crate) fn display_path(path: &Path) -> String {
    ap_core::redact::escape(&path.to_string_lossy())
}
