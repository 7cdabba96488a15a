//! [`Chain`]: the first source that has keys.

use std::fmt;
use std::time::{Duration, Instant};

use ap_core::{ApiKey, KeySource, SourceError};

/// Several sources, of which the first that has keys counts. One that fails ends the search: a key from
/// a place further down might be one that was meant to be replaced.
///
/// ```
/// use ap_keys::{Chain, Environment, File};
///
/// let keys = Chain::new(Environment::new()).or(File::new("/etc/my-service/keys"));
/// ```
#[must_use]
pub struct Chain {
    sources: Vec<Box<dyn KeySource>>,
}

impl Chain {
    /// Begins with a source.
    pub fn new(source: impl KeySource + 'static) -> Self {
        Self {
            sources: vec![Box::new(source)],
        }
    }

    /// Then this one, if those before have no keys.
    pub fn or(mut self, source: impl KeySource + 'static) -> Self {
        self.sources.push(Box::new(source));
        self
    }
}

impl KeySource for Chain {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        let begun = Instant::now();
        for source in &self.sources {
            let left = left.map(|left| left.saturating_sub(begun.elapsed()));
            let keys = source.keys(left)?;
            if !keys.is_empty() {
                return Ok(keys);
            }
        }
        Ok(Vec::new())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({} sources)", self.sources.len())
    }
}
