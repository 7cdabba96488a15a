//! Collects everything that libraries log, at the level `trace`, so that the suite can search it for keys.

use std::fmt::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

/// The most that is kept, in bytes: in some cases the server sends a flood, and a library may log all of it.
const LIMIT: usize = 1024 * 1024;

struct Collector;

static COLLECTED: Mutex<String> = Mutex::new(String::new());

impl Log for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut collected = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner);
        if collected.len() < LIMIT {
            // Writing to a String cannot fail.
            let _ = writeln!(collected, "{} {}", record.target(), record.args());
        }
    }

    fn flush(&self) {}
}

/// Starts collecting. Returns `false` if the program has a logger of its own. Later calls change nothing.
pub(crate) fn collect() -> bool {
    static IS_COLLECTING: OnceLock<bool> = OnceLock::new();
    *IS_COLLECTING.get_or_init(|| {
        let is_set = log::set_logger(&Collector).is_ok();
        if is_set {
            log::set_max_level(LevelFilter::Trace);
        }
        is_set
    })
}

/// Returns what was logged since the last call, and forgets it.
pub(crate) fn take() -> String {
    std::mem::take(&mut COLLECTED.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_is_collected_once() {
        assert!(super::collect() && super::collect());
        log::trace!("a mark that only this test makes");
        assert!(super::take().contains("a mark that only this test makes"));
        assert!(!super::take().contains("a mark that only this test makes"));
    }
}
