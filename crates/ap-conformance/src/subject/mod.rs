//! The two ways to drive a subject that is a transport: blocking, and async on any runtime. They differ
//! by the `await`, and by who keeps watch over a call that hangs.

mod program;

use std::fmt::Debug;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ap_core::{
    AsyncClient, AsyncTransport, CallError, Client, Settings, Transport, TransportError,
};
use bytes::Bytes;
use http::{Request, Response};

use crate::case::{self, Case};
use crate::outcome::{Outcome, chain};
use crate::run::{GRACE, Ground, Ready, Run};
use crate::suite::Verdict;

/// How long a listener may take to come to its mark.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How often something is looked at that tells nobody when it changes.
pub(crate) const STEP: Duration = Duration::from_millis(5);

/// Makes a request of a ready call, with a client of either colour.
macro_rules! request {
    ($client:expr, $run:expr, $call:expr) => {
        match $run.parts($call)?.ready() {
            Ready::Request { request, unsigned } => Ok((request, unsigned)),
            Ready::Path {
                method,
                path,
                headers,
                body,
                unsigned,
            } => {
                $client
                    .request($run.service(), method, &path)
                    .map(|mut request| {
                        for (name, _) in &headers {
                            // The case's own headers are in the place of the client's.
                            request.headers_mut().remove(name);
                        }
                        for (name, value) in headers {
                            request.headers_mut().append(name, value);
                        }
                        *request.body_mut() = body;
                        (request, unsigned)
                    })
            }
            Ready::Unwritable => Err(ap_core::RequestError::Body),
        }
    };
}

/// A client of either colour over what the maker makes of the run's settings.
macro_rules! client {
    ($client:ident, $run:expr, $ring:expr, $make:expr) => {{
        match $make(&$run.settings) {
            Err(error) => Err(error),
            Ok(transport) => Ok($client::builder()
                .keys($ring.clone())
                .origins($run.origins.clone())
                .timeout($run.timeout())
                .build_with(transport)
                .map_err(|error| error.to_string())?),
        }
    }};
}

/// How a client and its transport show themselves, which is after a call as well.
macro_rules! shown {
    ($client:expr) => {
        format!("{0:?}{0:#?}{1:?}{1:#?}", $client, $client.transport())
    };
}

/// What is left of a run whose subject could not be made: every call failed so.
fn unmade(run: &mut Run<'_>, error: &TransportError) {
    let mut outcome = Outcome::of_kind(error.kind().name());
    outcome.text = chain(error);
    run.outcomes = vec![outcome; run.case.each_call().count()];
}

/// One run with a blocking transport.
pub(crate) fn blocking<T, M>(
    case: &Case,
    place: Option<usize>,
    ground: &Ground,
    make: &M,
) -> Result<Verdict, String>
where
    T: Transport + Debug + 'static,
    M: Fn(&Settings) -> Result<T, TransportError>,
{
    let mut run = Run::prepare(case, &ground.authority, place)?;
    blocking_calls(&mut run, ground, make)?;
    Ok(Verdict::of(&run))
}

/// The calls of a run, with a blocking transport.
pub(crate) fn blocking_calls<T, M>(
    run: &mut Run<'_>,
    ground: &Ground,
    make: &M,
) -> Result<(), String>
where
    T: Transport + Debug + 'static,
    M: Fn(&Settings) -> Result<T, TransportError>,
{
    let ring = run.keys()?;
    match client!(Client, run, ring, make) {
        Err(error) => unmade(run, &error),
        Ok(client) => {
            let memory = ground.memory();
            for call in &run.case.calls {
                let end = Instant::now() + PATIENCE;
                while !run.is_marked(call) && Instant::now() < end {
                    std::thread::sleep(STEP);
                }
                std::thread::sleep(Duration::from_millis(call.after_ms));
                run.install(call, &ring)?;
                let begun = Instant::now();
                let outcomes = match request!(client, run, call) {
                    Err(error) => vec![Outcome::of(Err(error.into()))],
                    Ok((request, unsigned)) => {
                        let one = || {
                            let (client, request) = (client.clone(), request.clone());
                            begin(move || {
                                if unsigned {
                                    client.send_unsigned(request)
                                } else {
                                    client.send(request)
                                }
                            })
                        };
                        let begun: Vec<_> = std::iter::repeat_with(one).take(call.times).collect();
                        begun
                            .iter()
                            .map(|call| watched(run.timeout(), call))
                            .collect()
                    }
                };
                for mut outcome in outcomes {
                    if let Some(log) = ground.log {
                        outcome.log = log();
                    }
                    finish(&mut outcome, call, begun, run, &shown!(client));
                    run.outcomes.push(outcome);
                }
            }
            let end = Instant::now() + GRACE;
            while run.is_left_open() && Instant::now() < end {
                std::thread::sleep(STEP);
            }
            run.measure(ground, memory);
        }
    }
    Ok(())
}

/// One run with an async transport.
pub(crate) async fn asynchronous<T, M>(
    case: &Case,
    place: Option<usize>,
    ground: &Ground,
    make: &M,
) -> Result<Verdict, String>
where
    T: AsyncTransport + Debug,
    M: Fn(&Settings) -> Result<T, TransportError>,
{
    let mut run = Run::prepare(case, &ground.authority, place)?;
    let ring = run.keys()?;
    match client!(AsyncClient, run, ring, make) {
        Err(error) => unmade(&mut run, &error),
        Ok(client) => {
            let memory = ground.memory();
            for call in &case.calls {
                let end = Instant::now() + PATIENCE;
                while !run.is_marked(call) && Instant::now() < end {
                    pause(STEP).await;
                }
                pause(Duration::from_millis(call.after_ms)).await;
                run.install(call, &ring)?;
                let begun = Instant::now();
                let outcomes = match request!(client, run, call) {
                    Err(error) => vec![Outcome::of(Err(error.into()))],
                    Ok((request, unsigned)) => {
                        let answered = run.servers.record("target").requests.len();
                        let cancelled = || {
                            call.cancel && run.servers.record("target").requests.len() > answered
                        };
                        let one = || {
                            raced(
                                send(&client, request.clone(), unsigned),
                                run.timeout() + GRACE,
                                cancelled,
                            )
                        };
                        all(std::iter::repeat_with(one).take(call.times)).await
                    }
                };
                for mut outcome in outcomes {
                    if let Some(log) = ground.log {
                        outcome.log = log();
                    }
                    finish(&mut outcome, call, begun, &run, &shown!(client));
                    run.outcomes.push(outcome);
                }
            }
            let end = Instant::now() + GRACE;
            while run.is_left_open() && Instant::now() < end {
                pause(STEP).await;
            }
            run.measure(ground, memory);
        }
    }
    Ok(Verdict::of(&run))
}

async fn send<T: AsyncTransport>(
    client: &AsyncClient<T>,
    request: Request<Bytes>,
    unsigned: bool,
) -> Result<Response<Bytes>, CallError> {
    if unsigned {
        client.send_unsigned(request).await
    } else {
        client.send(request).await
    }
}

fn finish(outcome: &mut Outcome, call: &case::Call, begun: Instant, run: &Run<'_>, shown: &str) {
    let taken = begun.elapsed();
    outcome.text.push_str(shown);
    if taken > run.allowed(call) && outcome.kind != "hung" {
        *outcome = Outcome::of_kind("late");
    }
}

/// What a blocking call came to, or that it panicked.
type Ended = std::thread::Result<Result<Response<Bytes>, CallError>>;

/// Makes a blocking call on a thread of its own, so that one that hangs or panics is seen as such. A
/// hung thread is left behind: nothing can end it.
fn begin(
    call: impl FnOnce() -> Result<Response<Bytes>, CallError> + Send + 'static,
) -> Receiver<Ended> {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        // That nobody waits any more is not this thread's fault.
        let _ = done.send(catch_unwind(AssertUnwindSafe(call)));
    });
    wait
}

fn watched(timeout: Duration, call: &Receiver<Ended>) -> Outcome {
    match call.recv_timeout(timeout + GRACE) {
        Ok(Ok(result)) => Outcome::of(result),
        Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Outcome::of_kind("panicked"),
        Err(RecvTimeoutError::Timeout) => Outcome::of_kind("hung"),
    }
}

/// Awaits all of some futures at once.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in &mut waiting {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if waiting.iter().all(|(_, output)| output.is_some()) {
            let outputs = waiting.iter_mut().filter_map(|(_, output)| output.take());
            Poll::Ready(outputs.collect())
        } else {
            Poll::Pending
        }
    })
    .await
}

/// Awaits a call until it is over, cancelled, or hung. The watch is a thread, so that any runtime will
/// do, and so that a call which blocks its runtime's timers is still seen when it comes back.
async fn raced<F>(call: F, time: Duration, cancelled: impl Fn() -> bool) -> Outcome
where
    F: Future<Output = Result<Response<Bytes>, CallError>>,
{
    let watch = Watch::start(time);
    let mut call = pin!(call);
    std::future::poll_fn(|context| {
        watch.wake(context.waker());
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        match polled {
            Err(_) => Poll::Ready(Outcome::of_kind("panicked")),
            Ok(Poll::Ready(result)) => Poll::Ready(Outcome::of(result)),
            Ok(Poll::Pending) if cancelled() => Poll::Ready(Outcome::of_kind("cancelled")),
            Ok(Poll::Pending) if watch.is_past() => Poll::Ready(Outcome::of_kind("hung")),
            Ok(Poll::Pending) => Poll::Pending,
        }
    })
    .await
}

/// Waits without a runtime's timer, and without holding the runtime up.
async fn pause(time: Duration) {
    if time.is_zero() {
        return;
    }
    let watch = Watch::start(time);
    std::future::poll_fn(|context| {
        watch.wake(context.waker());
        if watch.is_past() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Whether the watch is over, and whom to wake.
type Watched = (Mutex<(bool, Option<Waker>)>, Condvar);

/// Wakes a future every few milliseconds, so that it can look at what no waker tells it.
struct Watch {
    /// Never, if that is further than can be counted.
    end: Option<Instant>,
    shared: Arc<Watched>,
}

impl Watch {
    fn start(time: Duration) -> Self {
        let shared = Arc::new((Mutex::new((false, None::<Waker>)), Condvar::new()));
        let watched = Arc::clone(&shared);
        std::thread::spawn(move || {
            let (state, changed) = &*watched;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            while !state.0 {
                if let Some(waker) = state.1.take() {
                    waker.wake();
                }
                state = changed
                    .wait_timeout(state, STEP)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        });
        Self {
            end: Instant::now().checked_add(time),
            shared,
        }
    }

    fn wake(&self, waker: &Waker) {
        self.shared
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1 = Some(waker.clone());
    }

    fn is_past(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() > end)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0 = true;
        self.shared.1.notify_all();
    }
}

/// Runs a future on this thread, without any runtime: for tests, and for transports that need none.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future: Pin<&mut F> = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
