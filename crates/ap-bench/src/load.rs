//! Makes calls from so many workers at once, after each has made its first ones, and measures them.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::Failure;
use crate::subject::{
    ApUreq, AsyncCall, BlockingCall, Connection, Place, Pool, Reqwest, Subject, Ureq, ap_hyper,
    ap_reqwest,
};

/// Calls that each worker makes before anything is measured: its connection is there then.
const WARM_UP: usize = 3;

/// How many calls, and from how many workers at once.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Threads or tasks, each of which has one call in flight.
    pub workers: usize,
    /// Calls of each worker.
    pub calls: usize,
    /// Whether times are taken. Instructions are counted without: clocks cost some, and the processor's
    /// does not run under valgrind.
    pub timed: bool,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Calls in all, those of the warm-up left out.
    pub calls: usize,
    /// From the first measured call to the last.
    pub wall: Duration,
    /// Of all threads of this process meanwhile.
    pub cpu: Duration,
    /// Each call's time, sorted, if taken.
    pub times: Vec<Duration>,
}

impl Seen {
    /// For the one who started this process.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let at = |part: f64| {
            let last = self.times.len().saturating_sub(1) as f64;
            let time = self.times.get((last * part).round() as usize);
            time.map(|time| time.as_secs_f64() * 1e6)
        };
        json!({
            "calls": self.calls,
            "wall_us": self.wall.as_secs_f64() * 1e6,
            "cpu_us": self.cpu.as_secs_f64() * 1e6,
            "p50_us": at(0.5),
            "p99_us": at(0.99),
            "peak_bytes": peak_memory(),
        })
    }
}

/// Runs a load with a subject, on one thread if its calls are awaited.
///
/// # Errors
///
/// If a call did not come to its end.
pub fn run(subject: Subject, place: &Place, load: Load) -> Result<Seen, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match subject {
        Subject::Ureq => blocking(&Ureq::new(place)?, load),
        Subject::ApUreq => blocking(&ApUreq::new(place)?, load),
        Subject::Hyper => runtime.block_on(async {
            let mut workers = Vec::new();
            for _ in 0..load.workers {
                workers.push(Connection::open(place).await?);
            }
            asynchronous(workers, load).await
        }),
        Subject::HyperPool => runtime.block_on(shared(&Pool::new(place)?, load)),
        Subject::Reqwest => runtime.block_on(shared(&Reqwest::new(place)?, load)),
        Subject::ApReqwest => runtime.block_on(async { shared(&ap_reqwest(place)?, load).await }),
        Subject::ApHyper => runtime.block_on(async { shared(&ap_hyper(place)?, load).await }),
    }
}

/// What makes one call and waits for it, on this thread alone: for counts that are kept by thread.
///
/// # Errors
///
/// If the subject cannot be made.
pub fn caller(subject: Subject, place: &Place) -> Result<Caller, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    fn waiting(runtime: tokio::runtime::Runtime, mut worker: impl AsyncCall) -> Caller {
        Box::new(move || runtime.block_on(worker.call()))
    }
    Ok(match subject {
        Subject::Ureq => {
            let mut worker = Ureq::new(place)?;
            Box::new(move || worker.call())
        }
        Subject::ApUreq => {
            let mut worker = ApUreq::new(place)?;
            Box::new(move || worker.call())
        }
        Subject::Hyper => {
            let worker = runtime.block_on(Connection::open(place))?;
            waiting(runtime, worker)
        }
        Subject::HyperPool => waiting(runtime, Pool::new(place)?),
        Subject::Reqwest => waiting(runtime, Reqwest::new(place)?),
        Subject::ApReqwest => waiting(runtime, ap_reqwest(place)?),
        Subject::ApHyper => waiting(runtime, ap_hyper(place)?),
    })
}

/// Makes one call, and returns how many bytes its body had.
pub type Caller = Box<dyn FnMut() -> Result<usize, Failure>>;

async fn shared(call: &(impl AsyncCall + Clone), load: Load) -> Result<Seen, Failure> {
    asynchronous(vec![call.clone(); load.workers], load).await
}

async fn asynchronous(workers: Vec<impl AsyncCall>, load: Load) -> Result<Seen, Failure> {
    let ready = Arc::new(tokio::sync::Barrier::new(load.workers + 1));
    let tasks: Vec<_> = workers
        .into_iter()
        .map(|mut worker| {
            let ready = Arc::clone(&ready);
            tokio::spawn(async move {
                let mut warm = Ok(0);
                for _ in 0..WARM_UP {
                    if warm.is_ok() {
                        warm = worker.call().await;
                    }
                }
                // The others wait, whatever became of this one.
                ready.wait().await;
                warm?;
                let mut times = Times::new(load);
                for _ in 0..load.calls {
                    let start = times.start();
                    worker.call().await?;
                    times.end(start);
                }
                Ok::<_, Failure>(times.0)
            })
        })
        .collect();
    ready.wait().await;
    let clock = Clock::start(load);
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok(clock.seen(load, times))
}

fn blocking(call: &(impl BlockingCall + Clone), load: Load) -> Result<Seen, Failure> {
    let ready = Arc::new(Barrier::new(load.workers + 1));
    let threads: Vec<_> = (0..load.workers)
        .map(|_| {
            let (mut worker, ready) = (call.clone(), Arc::clone(&ready));
            std::thread::spawn(move || {
                let mut warm = Ok(0);
                for _ in 0..WARM_UP {
                    if warm.is_ok() {
                        warm = worker.call();
                    }
                }
                // The others wait, whatever became of this one.
                ready.wait();
                warm?;
                let mut times = Times::new(load);
                for _ in 0..load.calls {
                    let start = times.start();
                    worker.call()?;
                    times.end(start);
                }
                Ok::<_, Failure>(times.0)
            })
        })
        .collect();
    ready.wait();
    let clock = Clock::start(load);
    let mut times = Vec::new();
    for thread in threads {
        times.extend(thread.join().map_err(|_| "a worker panicked")??);
    }
    Ok(clock.seen(load, times))
}

struct Times(Vec<Duration>, bool);

impl Times {
    fn new(load: Load) -> Self {
        Self(
            Vec::with_capacity(if load.timed { load.calls } else { 0 }),
            load.timed,
        )
    }

    fn start(&self) -> Option<Instant> {
        self.1.then(Instant::now)
    }

    fn end(&mut self, start: Option<Instant>) {
        self.0.extend(start.map(|start| start.elapsed()));
    }
}

struct Clock {
    wall: Instant,
    cpu: Duration,
}

impl Clock {
    fn start(load: Load) -> Self {
        Self {
            wall: Instant::now(),
            cpu: if load.timed { cpu() } else { Duration::ZERO },
        }
    }

    fn seen(self, load: Load, mut times: Vec<Duration>) -> Seen {
        let cpu = if load.timed { cpu() } else { self.cpu };
        let (wall, cpu) = (self.wall.elapsed(), cpu.saturating_sub(self.cpu));
        times.sort_unstable();
        Seen {
            calls: load.workers * load.calls,
            wall,
            cpu,
            times,
        }
    }
}

fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(now).unwrap_or_default()
}

/// The most memory that this process had at once, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
