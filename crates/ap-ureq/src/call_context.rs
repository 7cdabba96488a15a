//! What the connections of a thread need to know about its current call, and ureq does not pass on:
//! the deadline, the method and the key on the way down, the response on the way back.
//!
//! ureq makes a call on one thread from its first byte to its last, so one slot for each thread is enough.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Response};
use ureq::Timeout;
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration as UreqDuration;

use crate::hidden_key::HiddenKey;

/// The longest time that one read waits: operating systems do not accept every number.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

thread_local! {
    static CURRENT: RefCell<Option<CallContext>> = const { RefCell::new(None) };
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The request has not begun: perhaps there is no connection to the target yet.
    Connecting,
    /// The request is being sent, or waits for its response.
    Requested,
    /// The head of the response is complete.
    HeadReceived,
}

/// One call.
pub(crate) struct CallContext {
    deadline: Option<Instant>,
    pub(crate) method: Method,
    pub(crate) has_body: bool,
    pub(crate) progress: Progress,
    /// The key, until it was written to the connection.
    pub(crate) unsent_key: Option<HiddenKey>,
    /// The server sent something before the request was sent out.
    server_sent_early: bool,
    pub(crate) response: Option<Response<Bytes>>,
}

impl CallContext {
    pub(crate) fn new(
        deadline: Option<Instant>,
        method: Method,
        unsent_key: Option<HiddenKey>,
    ) -> Self {
        Self {
            deadline,
            method,
            has_body: false,
            progress: Progress::Connecting,
            unsent_key,
            server_sent_early: false,
            response: None,
        }
    }

    /// Makes this the current call of the thread until the guard is dropped.
    pub(crate) fn enter(self) -> CurrentCall {
        CurrentCall {
            previous: CURRENT.replace(Some(self)),
        }
    }
}

/// Clears the thread's slot when the call is over, however it ends. A logger may make a call of its
/// own within a call: then the outer one continues afterwards.
pub(crate) struct CurrentCall {
    previous: Option<CallContext>,
}

impl CurrentCall {
    /// Ends the call and returns what is known about it.
    pub(crate) fn finish(mut self) -> Option<CallContext> {
        CURRENT.replace(self.previous.take())
    }
}

impl Drop for CurrentCall {
    fn drop(&mut self) {
        CURRENT.set(self.previous.take());
    }
}

/// Returns what `read` makes of the current call, or `None` if there is no call.
pub(crate) fn with<T>(read: impl FnOnce(&mut CallContext) -> T) -> Option<T> {
    CURRENT.with_borrow_mut(|call| call.as_mut().map(read))
}

/// Records that the server sent something before the request was sent out. The layer that notices this is
/// below TLS, the one that acts on it is above.
pub(crate) fn set_server_sent_early() {
    let _ = with(|call| call.server_sent_early = true);
}

/// Returns `true` if the server sent something early since this was last called.
pub(crate) fn take_server_sent_early() -> bool {
    with(|call| std::mem::take(&mut call.server_sent_early)).unwrap_or_default()
}

/// When an operation must be over, and why: the time that ureq allows for it, or the deadline of the
/// call, whichever comes first.
#[derive(Clone, Copy)]
pub(crate) struct TimeLimit {
    at: Option<Instant>,
    pub(crate) reason: Timeout,
}

impl TimeLimit {
    pub(crate) fn new(timeout: NextTimeout) -> Self {
        let by_ureq = match timeout.after {
            UreqDuration::Exact(after) => Instant::now().checked_add(after),
            UreqDuration::NotHappening => None,
        };
        match with(|call| call.deadline).flatten() {
            Some(deadline) if by_ureq.is_none_or(|at| deadline < at) => Self {
                at: Some(deadline),
                reason: Timeout::Global,
            },
            _ => Self {
                at: by_ureq,
                reason: timeout.reason,
            },
        }
    }

    pub(crate) fn remaining(self) -> Duration {
        self.at.map_or(LONGEST_WAIT, |at| {
            at.saturating_duration_since(Instant::now())
                .min(LONGEST_WAIT)
        })
    }

    /// Returns the remaining time as ureq takes it.
    pub(crate) fn as_timeout(self) -> NextTimeout {
        NextTimeout {
            after: self.remaining().into(),
            reason: self.reason,
            ..NextTimeout::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: Method) -> CallContext {
        CallContext::new(None, method, None)
    }

    fn is_empty() -> bool {
        CURRENT.with_borrow(Option::is_none)
    }

    #[test]
    fn the_slot_is_empty_after_a_call_however_it_ends() {
        drop(call(Method::GET).enter());
        assert!(is_empty());

        assert!(call(Method::GET).enter().finish().is_some());
        assert!(is_empty());

        let panicked = std::panic::catch_unwind(|| {
            let _call = call(Method::GET).enter();
            std::panic::resume_unwind(Box::new("a logger that panics"));
        });
        assert!(panicked.is_err());
        assert!(is_empty());
    }

    #[test]
    fn a_call_within_a_call_leaves_the_outer_one_as_it_was() {
        let outer = call(Method::POST).enter();
        set_server_sent_early();
        let inner = call(Method::GET).enter();
        assert_eq!(with(|call| call.method.clone()), Some(Method::GET));
        assert!(!take_server_sent_early());
        drop(inner);
        assert_eq!(with(|call| call.method.clone()), Some(Method::POST));
        assert!(take_server_sent_early());
        assert!(!take_server_sent_early());
        drop(outer);
        assert!(is_empty());
    }
}
