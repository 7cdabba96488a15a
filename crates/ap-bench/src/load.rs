//! Makes calls from many workers at once and measures them. The first calls of each worker do not count.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::Failure;
use crate::subject::{
    AsyncCall, AsyncClient, BlockingCall, BlockingClient, Connection, Pool, Reqwest, Subject,
    Target, Ureq,
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
    /// `true` to measure times. Instructions are counted without them: reading a clock costs some, and the clock
    /// of the processor does not run under valgrind.
    pub is_timed: bool,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// All calls, without those of the warm-up.
    pub calls: usize,
    /// All calls, with those of the warm-up.
    pub made: usize,
    /// The time from the first of these calls to the last.
    pub wall: Duration,
    /// The processor time of this process meanwhile.
    pub cpu: Duration,
    /// The time of each call, sorted. Empty if times are not measured.
    pub times: Vec<Duration>,
}

impl Measured {
    /// Returns this for the process that started this one, with the most memory until now.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let at = |part: f64| {
            let last = self.times.len().saturating_sub(1) as f64;
            let time = self.times.get((last * part).round() as usize);
            time.map(|time| time.as_secs_f64() * 1e6)
        };
        json!({
            "calls": self.calls,
            "made": self.made,
            "wall_us": self.wall.as_secs_f64() * 1e6,
            "cpu_us": self.cpu.as_secs_f64() * 1e6,
            "p50_us": at(0.5),
            "p99_us": at(0.99),
            "peak_bytes": peak_memory(),
        })
    }
}

/// Runs a load with a subject. Async subjects run on one thread.
///
/// # Errors
///
/// If a call fails, or if the subject cannot make one with a body.
pub fn run(subject: Subject, target: &Target, load: Load) -> Result<Measured, Failure> {
    if !target.body.is_empty() && !subject.can_post() {
        return Err("this subject makes no calls with a body".into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match subject {
        Subject::Ureq => blocking(&Ureq::new(target)?, load),
        Subject::ApUreq => blocking(&BlockingClient::over_ureq(target)?, load),
        Subject::Hyper => runtime.block_on(async {
            let mut workers = Vec::new();
            for _ in 0..load.workers {
                workers.push(Connection::open(target).await?);
            }
            asynchronous(workers, load).await
        }),
        Subject::HyperPool => runtime.block_on(shared(&Pool::new(target)?, load)),
        Subject::Reqwest => runtime.block_on(shared(&Reqwest::new(target)?, load)),
        Subject::ApReqwest => runtime.block_on(shared(&AsyncClient::over_reqwest(target)?, load)),
        Subject::ApHyper => runtime.block_on(shared(&AsyncClient::over_hyper(target)?, load)),
    }
}

/// Returns a function that makes one call on this thread, for counts of a single thread.
///
/// # Errors
///
/// If the subject cannot be made.
pub fn caller(subject: Subject, target: &Target) -> Result<Caller, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    fn block_on(runtime: tokio::runtime::Runtime, mut worker: impl AsyncCall) -> Caller {
        Box::new(move || runtime.block_on(worker.call()))
    }
    Ok(match subject {
        Subject::Ureq => {
            let mut worker = Ureq::new(target)?;
            Box::new(move || worker.call())
        }
        Subject::ApUreq => {
            let mut worker = BlockingClient::over_ureq(target)?;
            Box::new(move || worker.call())
        }
        Subject::Hyper => {
            let worker = runtime.block_on(Connection::open(target))?;
            block_on(runtime, worker)
        }
        Subject::HyperPool => block_on(runtime, Pool::new(target)?),
        Subject::Reqwest => block_on(runtime, Reqwest::new(target)?),
        Subject::ApReqwest => block_on(runtime, AsyncClient::over_reqwest(target)?),
        Subject::ApHyper => block_on(runtime, AsyncClient::over_hyper(target)?),
    })
}

/// Makes one call and returns the size of its body.
pub type Caller = Box<dyn FnMut() -> Result<usize, Failure>>;

/// Opens connections, makes a call over each, and returns them. They stay open until they are dropped.
///
/// # Errors
///
/// If a call fails.
pub async fn idle(target: &Target, connections: usize) -> Result<Vec<Connection>, Failure> {
    let mut idle = Vec::new();
    for _ in 0..connections {
        let mut connection = Connection::open(target).await?;
        connection.call().await?;
        idle.push(connection);
    }
    Ok(idle)
}

async fn shared(call: &(impl AsyncCall + Clone), load: Load) -> Result<Measured, Failure> {
    asynchronous(vec![call.clone(); load.workers], load).await
}

async fn asynchronous(workers: Vec<impl AsyncCall>, load: Load) -> Result<Measured, Failure> {
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
                // The others wait, also if this one failed.
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
    Ok(clock.measured(load, times))
}

fn blocking(call: &(impl BlockingCall + Clone), load: Load) -> Result<Measured, Failure> {
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
                // The others wait, also if this one failed.
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
    Ok(clock.measured(load, times))
}

struct Times(Vec<Duration>, bool);

impl Times {
    fn new(load: Load) -> Self {
        Self(
            Vec::with_capacity(if load.is_timed { load.calls } else { 0 }),
            load.is_timed,
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
            cpu: if load.is_timed { cpu() } else { Duration::ZERO },
        }
    }

    fn measured(self, load: Load, mut times: Vec<Duration>) -> Measured {
        let cpu = if load.is_timed { cpu() } else { self.cpu };
        let (wall, cpu) = (self.wall.elapsed(), cpu.saturating_sub(self.cpu));
        times.sort_unstable();
        Measured {
            calls: load.workers * load.calls,
            made: load.workers * (load.calls + WARM_UP),
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

/// Returns the most memory that this process had, if the system reports it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
