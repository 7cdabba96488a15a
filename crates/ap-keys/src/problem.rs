//! [`Problem`]: why a source has no keys, in words for the person who keeps it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ap_core::SourceError;

/// What is wrong with a place where keys are kept, and what to do. It holds no key and no part of one;
/// names of files are escaped.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{happened}: {to_do}")]
pub struct Problem {
    happened: String,
    to_do: String,
    #[source]
    source: Option<Arc<io::Error>>,
}

impl Problem {
    pub(crate) fn new(happened: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            happened: happened.into(),
            to_do: to_do.into(),
            source: None,
        }
    }

    pub(crate) fn because(mut self, error: io::Error) -> Self {
        self.source = Some(Arc::new(error));
        self
    }

    /// What is wrong, and where.
    #[must_use]
    pub fn happened(&self) -> &str {
        &self.happened
    }

    /// What to do about it.
    #[must_use]
    pub fn to_do(&self) -> &str {
        &self.to_do
    }
}

impl From<Problem> for SourceError {
    fn from(problem: Problem) -> Self {
        let error = Self::new(problem.to_string());
        match problem.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// A file's name as it may be said, on one line.
pub(crate) fn name(path: &Path) -> String {
    ap_core::escape(&path.to_string_lossy())
}
