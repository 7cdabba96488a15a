//! Makes the calls of a run with an async transport, on any runtime.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ap_client::transport::{AsyncTransport, TransportConfig, TransportError};
use ap_client::{Async, Client, ClientBuilder};

use ap_core::Draft;

use super::watch::{all, pause, watch_call};
use super::{MARK_TIMEOUT, POLL_INTERVAL, draft, fail_all_calls, store_outcomes};
use crate::case::{Call, Case};
use crate::context::SuiteContext;
use crate::outcome::Outcome;
use crate::run::{GRACE, Run, Verdict};

/// Runs a case once.
pub(crate) async fn run_async<T, M>(
    case: &Case,
    offset: Option<usize>,
    context: &SuiteContext,
    make: &M,
) -> Result<Verdict, String>
where
    T: AsyncTransport + Debug + 'static,
    M: Fn(&TransportConfig) -> Result<T, TransportError>,
{
    let mut run = Run::prepare(case, context, offset)?;
    let transport = match make(&run.config) {
        Ok(transport) => Arc::new(transport),
        Err(error) => {
            fail_all_calls(&mut run, &error);
            return Ok(run.verdict());
        }
    };
    let ring = run.key_ring()?;
    let client = ClientBuilder::<Async>::new()
        .keys(ring.clone())
        .origins(run.origins.clone())
        .timeout(run.timeout())
        .build_with(Arc::clone(&transport))
        .map_err(|error| error.to_string())?;
    let memory = context.memory();
    for call in &case.calls {
        wait_before(&run, call).await;
        run.install_keys(call, &ring)?;
        let started = Instant::now();
        let outcomes = match draft(&run, call)? {
            Err(outcome) => vec![outcome],
            Ok(draft) => make_call(&client, &run, call, &draft).await,
        };
        let shown: (&dyn Debug, &dyn Debug) = (&client, &transport);
        store_outcomes(&mut run, context, call, started, outcomes, shown);
    }
    let end = Instant::now() + GRACE;
    while run.has_open_connection() && Instant::now() < end {
        pause(POLL_INTERVAL).await;
    }
    run.measure_memory(context, memory);
    Ok(run.verdict())
}

/// Makes one call as often at the same time as the case demands, and drops it if the case says so.
async fn make_call(
    client: &Client<Async>,
    run: &Run<'_>,
    call: &Call,
    draft: &Draft,
) -> Vec<Outcome> {
    let requests_before = run.requests_at_target();
    let is_cancelled = || call.cancel && run.requests_at_target() > requests_before;
    let start = || {
        let sent = client.send(draft.clone());
        watch_call(sent, run.timeout() + GRACE, is_cancelled)
    };
    all(std::iter::repeat_with(start).take(call.times)).await
}

/// Waits until a call may be made: for the target's mark, then for the case's own pause.
async fn wait_before(run: &Run<'_>, call: &Call) {
    let end = Instant::now() + MARK_TIMEOUT;
    while !run.has_passed_marks(call) && Instant::now() < end {
        pause(POLL_INTERVAL).await;
    }
    pause(Duration::from_millis(call.after_ms)).await;
}
