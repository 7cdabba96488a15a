//! Makes the calls of a run with a blocking transport.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ap_client::transport::{Transport, TransportConfig, TransportError};
use ap_client::{Blocking, Client, ClientBuilder};

use ap_core::Draft;

use super::{MARK_TIMEOUT, POLL_INTERVAL, draft, fail_all_calls, store_outcomes};
use crate::case::{Call, Case};
use crate::context::SuiteContext;
use crate::outcome::{CallResult, Outcome};
use crate::run::{GRACE, Run, Verdict};

/// Runs a case once.
pub(crate) fn run_blocking<T, M>(
    case: &Case,
    offset: Option<usize>,
    context: &SuiteContext,
    make: &M,
) -> Result<Verdict, String>
where
    T: Transport + Debug + 'static,
    M: Fn(&TransportConfig) -> Result<T, TransportError>,
{
    let mut run = Run::prepare(case, context, offset)?;
    make_calls(&mut run, context, make)?;
    Ok(run.verdict())
}

/// Makes all calls of a run.
pub(crate) fn make_calls<T, M>(
    run: &mut Run<'_>,
    context: &SuiteContext,
    make: &M,
) -> Result<(), String>
where
    T: Transport + Debug + 'static,
    M: Fn(&TransportConfig) -> Result<T, TransportError>,
{
    let transport = match make(&run.config) {
        Ok(transport) => Arc::new(transport),
        Err(error) => {
            fail_all_calls(run, &error);
            return Ok(());
        }
    };
    let ring = run.key_ring()?;
    let client = ClientBuilder::<Blocking>::new()
        .keys(ring.clone())
        .origins(run.origins.clone())
        .timeout(run.timeout())
        .build_with(Arc::clone(&transport))
        .map_err(|error| error.to_string())?;
    let memory = context.memory();
    for call in &run.case.calls {
        wait_before(run, call);
        run.install_keys(call, &ring)?;
        let started = Instant::now();
        let outcomes = match draft(run, call)? {
            Err(outcome) => vec![outcome],
            Ok(draft) => make_call(&client, run, call, &draft),
        };
        store_outcomes(run, context, call, started, outcomes, (&client, &transport));
    }
    let end = Instant::now() + GRACE;
    while run.has_open_connection() && Instant::now() < end {
        std::thread::sleep(POLL_INTERVAL);
    }
    run.measure_memory(context, memory);
    Ok(())
}

/// Makes one call as often at the same time as the case demands.
fn make_call(client: &Client<Blocking>, run: &Run<'_>, call: &Call, draft: &Draft) -> Vec<Outcome> {
    let start = || {
        let (client, draft) = (client.clone(), draft.clone());
        start_call(move || client.send(draft))
    };
    let started: Vec<_> = std::iter::repeat_with(start).take(call.times).collect();
    started
        .iter()
        .map(|call| wait_for_call(run.timeout(), call))
        .collect()
}

/// Waits until a call may be made: for the target's mark, then for the case's own pause.
pub(super) fn wait_before(run: &Run<'_>, call: &Call) {
    let end = Instant::now() + MARK_TIMEOUT;
    while !run.has_passed_marks(call) && Instant::now() < end {
        std::thread::sleep(POLL_INTERVAL);
    }
    std::thread::sleep(Duration::from_millis(call.after_ms));
}

/// The result of a blocking call, or its panic.
type CallOrPanic = std::thread::Result<CallResult>;

/// Makes a blocking call on a thread of its own, so that one that hangs or panics can be reported.
///
/// A thread that hangs is left behind, because nothing can end it.
fn start_call(call: impl FnOnce() -> CallResult + Send + 'static) -> Receiver<CallOrPanic> {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        // If nobody waits any more, the call was already reported as hung.
        let _ = done.send(catch_unwind(AssertUnwindSafe(call)));
    });
    wait
}

fn wait_for_call(timeout: Duration, call: &Receiver<CallOrPanic>) -> Outcome {
    match call.recv_timeout(timeout + GRACE) {
        Ok(Ok(result)) => Outcome::of(result),
        Ok(Err(panic)) => Outcome::of_panic(&*panic),
        Err(RecvTimeoutError::Disconnected) => Outcome::of_kind("panicked"),
        Err(RecvTimeoutError::Timeout) => Outcome::hung(timeout),
    }
}
