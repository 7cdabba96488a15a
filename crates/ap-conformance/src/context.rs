//! [`SuiteContext`]: what is the same for all runs of a suite.

use std::sync::Arc;

use crate::authority::Authority;

/// What is the same for all runs of a suite.
#[derive(Clone)]
pub(crate) struct SuiteContext {
    pub authority: Arc<Authority>,
    /// Returns what the subject has logged since the last call.
    pub log: Option<fn() -> String>,
    /// Returns the most memory that the process has had so far.
    pub memory_meter: Option<fn() -> Option<u64>>,
    /// Every run shows its whole conversation, also one that passes.
    pub trace: bool,
}

impl SuiteContext {
    pub(crate) fn new(
        log: Option<fn() -> String>,
        memory_meter: Option<fn() -> Option<u64>>,
        trace: bool,
    ) -> Result<Self, String> {
        let authority = Authority::new().map_err(|error| {
            format!("the suite could not make its certificate authority: {error}")
        })?;
        Ok(Self {
            authority: Arc::new(authority),
            log,
            memory_meter,
            trace,
        })
    }

    /// Returns the most memory, in bytes, that the process has had so far.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.memory_meter.and_then(|meter| meter())
    }
}
