//! What the connections of a thread must know of the call that it makes, and the library does not tell
//! them: when it must be over, and its key. A call is made on one thread from its first byte to its last.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use http::HeaderValue;
use ureq::Timeout;
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration as Span;

/// The longest that one read waits: systems do not take any number.
const LONGEST: Duration = Duration::from_secs(3600);

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    static HAS_BEGUN: Cell<bool> = const { Cell::new(false) };
    static WAS_INTERRUPTED: Cell<bool> = const { Cell::new(false) };
    static KEY: RefCell<Option<HeaderValue>> = const { RefCell::new(None) };
}

/// While this lives, this thread makes a call.
pub(crate) struct Call(());

impl Call {
    pub(crate) fn begin(now: Instant, left: Option<Duration>) -> Self {
        DEADLINE.set(left.and_then(|left| now.checked_add(left)));
        HAS_BEGUN.set(false);
        Self(())
    }

    /// Whether the request was begun: what failed before was the way to the target.
    pub(crate) fn has_begun(&self) -> bool {
        HAS_BEGUN.get()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        DEADLINE.set(None);
        keep_key(None);
    }
}

/// The connection to the target is there, and the request begins.
pub(crate) fn begun() {
    HAS_BEGUN.set(true);
}

/// A connection heard something while it was sending. It says so here, because there is TLS between it
/// and whoever wants to know.
pub(crate) fn interrupted() {
    WAS_INTERRUPTED.set(true);
}

/// Whether a connection heard something while it was sending, since this was last asked.
pub(crate) fn was_interrupted() -> bool {
    WAS_INTERRUPTED.replace(false)
}

/// Keeps the key that goes on the wire in the place of the blank.
pub(crate) fn keep_key(key: Option<HeaderValue>) {
    KEY.with(|kept| *kept.borrow_mut() = key);
}

/// Hands the kept key to a function that says whether it was put in; then it is kept no longer.
pub(crate) fn put_key(put: impl FnOnce(&HeaderValue) -> bool) {
    KEY.with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.as_ref().is_some_and(put) {
            *kept = None;
        }
    });
}

/// When an operation must be over, and what it is then called: the library's own time for it, or the
/// call's, whichever ends first.
#[derive(Clone, Copy)]
pub(crate) struct End {
    at: Option<Instant>,
    pub(crate) reason: Timeout,
}

impl End {
    pub(crate) fn of(timeout: NextTimeout) -> Self {
        let own = match timeout.after {
            Span::Exact(after) => Instant::now().checked_add(after),
            Span::NotHappening => None,
        };
        match (own, DEADLINE.get()) {
            (own, Some(call)) if own.is_none_or(|own| call < own) => Self {
                at: Some(call),
                reason: Timeout::Global,
            },
            (own, _) => Self {
                at: own,
                reason: timeout.reason,
            },
        }
    }

    pub(crate) fn left(self) -> Duration {
        self.at.map_or(LONGEST, |end| {
            end.saturating_duration_since(Instant::now()).min(LONGEST)
        })
    }

    /// What is left, for the library.
    pub(crate) fn timeout(self) -> NextTimeout {
        NextTimeout {
            after: self.left().into(),
            reason: self.reason,
            ..NextTimeout::default()
        }
    }
}
