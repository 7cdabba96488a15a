//! Collects everything that the libraries log, at the finest level, so that the suite can search it.

use std::sync::{Mutex, Once, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

struct Collector;

static COLLECTED: Mutex<String> = Mutex::new(String::new());

impl Log for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        if std::env::var_os("SHOWLOG").is_some() {
            eprint!("{line}");
        }
        COLLECTED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(&line);
    }

    fn flush(&self) {}
}

/// Begins to collect.
pub(crate) fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Nothing else sets a logger in this program.
        if log::set_logger(&Collector).is_ok() {
            log::set_max_level(LevelFilter::Trace);
        }
    });
}

/// What was logged since this was last called.
pub(crate) fn take() -> String {
    std::mem::take(&mut COLLECTED.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_logged_is_collected_once() {
        super::collect();
        log::trace!("a mark that only this test makes");
        assert!(super::take().contains("a mark that only this test makes"));
        assert!(!super::take().contains("a mark that only this test makes"));
    }
}
