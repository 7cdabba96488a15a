//! Makes the calls of a run with an async transport, on any runtime.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ap_core::{AsyncClient, AsyncTransport, Settings, TransportError};

use super::watch::{all, pause, watch_call};
use super::{
    ClientRequest, MARK_TIMEOUT, POLL_INTERVAL, client_request, fail_all_calls, store_outcomes,
};
use crate::case::{Call, Case};
use crate::context::SuiteContext;
use crate::outcome::{CallResult, Outcome};
use crate::run::{GRACE, Run, Verdict};

/// Runs a case once.
pub(crate) async fn run_async<T, M>(
    case: &Case,
    offset: Option<usize>,
    context: &SuiteContext,
    make: &M,
) -> Result<Verdict, String>
where
    T: AsyncTransport + Debug,
    M: Fn(&Settings) -> Result<T, TransportError>,
{
    let mut run = Run::prepare(case, context, offset)?;
    let transport = match make(&run.settings) {
        Ok(transport) => Arc::new(transport),
        Err(error) => {
            fail_all_calls(&mut run, &error);
            return Ok(run.verdict());
        }
    };
    let ring = run.key_ring()?;
    let client = AsyncClient::builder()
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
        let request = client_request(&run, call, |service, method, path| {
            client.request(service, method, path)
        })?;
        let outcomes = match request {
            Err(outcome) => vec![outcome],
            Ok(request) => make_call(&client, &run, call, &request).await,
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
async fn make_call<T: AsyncTransport>(
    client: &AsyncClient<T>,
    run: &Run<'_>,
    call: &Call,
    request: &ClientRequest,
) -> Vec<Outcome> {
    let requests_before = run.requests_at_target();
    let is_cancelled = || call.cancel && run.requests_at_target() > requests_before;
    let start = || watch_call(send(client, request), run.timeout() + GRACE, is_cancelled);
    all(std::iter::repeat_with(start).take(call.times)).await
}

async fn send<T: AsyncTransport>(client: &AsyncClient<T>, request: &ClientRequest) -> CallResult {
    let unsigned = request.unsigned;
    let request = request.request.clone();
    if unsigned {
        client.send_unsigned(request).await
    } else {
        client.send(request).await
    }
}

/// Waits until a call may be made: for the target's mark, then for the case's own pause.
async fn wait_before(run: &Run<'_>, call: &Call) {
    let end = Instant::now() + MARK_TIMEOUT;
    while !run.has_passed_marks(call) && Instant::now() < end {
        pause(POLL_INTERVAL).await;
    }
    pause(Duration::from_millis(call.after_ms)).await;
}
