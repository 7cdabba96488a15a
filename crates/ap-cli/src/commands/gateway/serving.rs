//! What `ap gateway` and `ap run` share: options, the gateway over a session's client, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use ap_gateway::{Gateway, Limits, Listener, LocalKey, Route};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt::{self, Received};
use crate::options::values::{parse_call_count, parse_mebibytes};
use crate::output;
use crate::session::Session;

/// File descriptors that are left for everything but connections.
#[cfg(unix)]
const OTHER_FILES: usize = 64;

#[derive(clap::Args, Debug)]
pub(crate) struct ServingOptions {
    /// The largest body of a request, in MiB [default: 8].
    #[arg(long, value_name = "MIB", value_parser = parse_mebibytes, allow_hyphen_values = true)]
    max_body: Option<usize>,
    /// How many calls are made at once; the others wait [default: 256].
    #[arg(long, value_name = "N", value_parser = parse_call_count, allow_hyphen_values = true)]
    max_in_flight: Option<usize>,
}

impl ServingOptions {
    /// Creates the gateway, without listeners. With `--verbose` it writes an access log.
    pub(crate) fn gateway(
        &self,
        session: &Session,
        local_key: LocalKey,
        mut limits: Limits,
    ) -> Result<Gateway, Failure> {
        if let Some(mebibytes) = self.max_body {
            limits = limits.max_body_size(mebibytes << 20);
        }
        if let Some(calls) = self.max_in_flight {
            limits = limits.max_in_flight(calls);
        }
        if let Some(timeout) = session.timeout() {
            limits = limits.timeout(timeout);
        }
        let gateway = Gateway::new(session.async_client()?, local_key, limits);
        let mut gateway = gateway.map_err(|error| {
            Failure::usage(error.to_string(), "remove it, so that a new one is made")
        })?;
        if session.verbosity > 0 {
            gateway.on_access(|access| output::eprintln(&format!("ap: {access}")));
        }
        Ok(gateway)
    }
}

/// Returns the default limits, or lower ones if this process may not open so many files.
#[cfg(unix)]
pub(crate) fn limits() -> Limits {
    use rustix::process::{Resource, getrlimit};

    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    let connections = files.saturating_sub(OTHER_FILES);
    Limits::new()
        .max_in_flight((connections / 4).clamp(1, 256))
        .max_connections((connections / 2).clamp(1, 2048))
}

#[cfg(not(unix))]
pub(crate) fn limits() -> Limits {
    Limits::new()
}

/// Listens on a port of loopback.
pub(crate) fn bind(port: u16, route: Route) -> Result<Listener, Failure> {
    Listener::port(port, route).map_err(|error| {
        let message = format!(
            "the gateway cannot listen on port {port} ({})",
            error.kind()
        );
        Failure::new(
            ExitCode::Other,
            message,
            "choose another --port, or leave it out",
        )
    })
}

/// Tells a gateway to stop, and remembers the signal that was the reason.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    notify: Arc<Notify>,
    signal: Arc<AtomicI32>,
}

impl Stop {
    /// Stops at the first signal, and ends the program at the second one.
    pub(crate) fn on_signals(&self) {
        let stop = self.clone();
        interrupt::handle(move |Received { signal, .. }| {
            if stop.signal.swap(signal, Ordering::SeqCst) != 0 {
                interrupt::end_by(signal);
            }
            stop.now();
        });
    }

    pub(crate) fn now(&self) {
        self.notify.notify_one();
    }

    /// Returns the signal, or an interrupt if there was none.
    pub(crate) fn signal(&self) -> i32 {
        match self.signal.load(Ordering::SeqCst) {
            0 => interrupt::INTERRUPT,
            signal => signal,
        }
    }
}

/// Creates what a gateway runs on.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().map_err(|error| failed(&error))
}

fn failed(error: &std::io::Error) -> Failure {
    let message = format!("the gateway cannot serve ({})", error.kind());
    Failure::new(ExitCode::Other, message, "try again")
}

/// Serves until it is stopped, on this thread.
pub(crate) fn serve(runtime: Runtime, gateway: Gateway, stop: &Stop) -> Result<(), Failure> {
    let ended = runtime.block_on(gateway.serve(stop.notify.notified()));
    // A name that is being resolved must not delay the end.
    runtime.shutdown_background();
    let ended = ended.map_err(|error| failed(&error))?;
    if ended.unfinished > 0 {
        let calls = ended.unfinished;
        output::eprintln(&format!("ap: {calls} calls were not finished in time"));
    }
    Ok(())
}
