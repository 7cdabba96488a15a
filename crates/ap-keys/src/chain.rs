//! [`Chain`]: the first of several key sources that has keys.

use std::fmt;
use std::time::{Duration, Instant};

use ap_client::{KeySource, KeySourceError};
use ap_core::ApiKey;

/// A key source that uses the first of several that has keys.
///
/// A source that fails ends the search: a key from a later source might be one that was meant to be replaced.
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
    /// Creates a chain that begins with this source.
    pub fn new(source: impl KeySource + 'static) -> Self {
        Self {
            sources: vec![Box::new(source)],
        }
    }

    /// Adds a source, used if those before it have no keys.
    pub fn or(mut self, source: impl KeySource + 'static) -> Self {
        self.sources.push(Box::new(source));
        self
    }
}

impl KeySource for Chain {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        let started = Instant::now();
        for source in &self.sources {
            let remaining = remaining.map(|time| time.saturating_sub(started.elapsed()));
            let keys = source.keys(remaining)?;
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
