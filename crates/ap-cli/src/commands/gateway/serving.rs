//! What `ap gateway` and `ap run` share: options, the gateway over a session's client, and its end.

use ap_gateway::{Gateway, Limits, Listener, LocalKey, Route};
use tokio::runtime::Runtime;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::options::values::{parse_call_count, parse_mebibytes};
use crate::output;
use crate::session::Session;
use crate::stop::Stop;

/// File descriptors that are left for everything but connections that serve calls, such as those that are being
/// refused.
const OTHER_FILES: usize = 64;
/// How many calls are made at once, unless the option says otherwise.
const MAX_IN_FLIGHT: usize = 256;
const MAX_CONNECTIONS: usize = 2048;
/// How many bytes of answers may be in memory.
const MAX_BUFFERED: usize = 256 << 20;

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
        let share = Share::of(max_files(), self.max_in_flight)?;
        limits = limits
            .max_in_flight(share.in_flight)
            .max_connections(share.connections);
        if let Some(mebibytes) = self.max_body {
            limits = limits.max_body_size(mebibytes << 20);
        }
        if let Some(timeout) = session.timeout() {
            limits = limits.timeout(timeout);
        }
        let transport = ap_hyper::Limits::new()
            .max_idle(share.in_flight)
            .max_buffered(MAX_BUFFERED);
        let client = session.async_client_with(transport)?;
        let gateway = Gateway::new(client, local_key, limits);
        let mut gateway = gateway.map_err(|error| {
            Failure::usage(error.to_string(), "remove it, so that a new one is made")
        })?;
        if session.verbosity > 0 {
            gateway.on_access(|access| output::eprintln(&format!("ap: {access}")));
        }
        Ok(gateway)
    }
}

/// How the file descriptors of this process are shared out. There is one for each client's connection, one for each call
/// that is made, and one for each connection to a product that is idle: as many as calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    in_flight: usize,
    connections: usize,
}

impl Share {
    fn of(max_files: usize, in_flight: Option<usize>) -> Result<Self, Failure> {
        let files = max_files.saturating_sub(OTHER_FILES);
        let in_flight = in_flight.unwrap_or_else(|| (files / 4).clamp(1, MAX_IN_FLIGHT));
        match files.checked_sub(in_flight.saturating_mul(2)) {
            Some(rest @ 1..) => Ok(Self {
                in_flight,
                connections: rest.min(MAX_CONNECTIONS),
            }),
            _ => {
                let message = format!(
                    "this process may open {max_files} files, too few for {in_flight} calls at once"
                );
                let hint = "allow more with `ulimit -n`, or choose a smaller --max-in-flight";
                Err(Failure::usage(message, hint))
            }
        }
    }
}

/// Returns how many files this process may open.
#[cfg(unix)]
fn max_files() -> usize {
    use rustix::process::{Resource, getrlimit};

    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
const fn max_files() -> usize {
    usize::MAX
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
    let ended = runtime.block_on(gateway.serve(stop.notified()));
    // A name that is being resolved must not delay the end.
    runtime.shutdown_background();
    let ended = ended.map_err(|error| failed(&error))?;
    if ended.unfinished > 0 {
        let calls = ended.unfinished;
        output::eprintln(&format!("ap: {calls} calls were not finished in time"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_connections_together_need_no_more_files_than_there_are() {
        for (max_files, option, expected) in [
            (usize::MAX, None, Some((256, 2048))),
            (4096, None, Some((256, 2048))),
            (1024, None, Some((240, 480))),
            (1024, Some(400), Some((400, 160))),
            (1024, Some(480), None),
            (1024, Some(usize::MAX), None),
            (256, None, Some((48, 96))),
            (67, None, Some((1, 1))),
            (64, None, None),
        ] {
            let share = Share::of(max_files, option).ok();
            let found = share.map(|share| (share.in_flight, share.connections));
            assert_eq!(found, expected, "{max_files} {option:?}");
            if let Some((in_flight, connections)) = found {
                assert!(connections + 2 * in_flight <= max_files - OTHER_FILES);
            }
        }
    }
}
