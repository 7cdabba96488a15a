//! `ap gateway`: serves programs on this machine until interrupted, and signs their calls.

pub(super) mod key;
pub(super) mod serving;

use std::path::PathBuf;

use activeprospect::Service;
use ap_gateway::{Limits, Listener, Route, service_name};
use serde_json::{Map, Value};

use self::serving::ServingOptions;
use crate::failure::Failure;
use crate::interrupt;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::options::values::parse_first_of_five_ports;
use crate::output::{self, Printed};
use crate::session::Session;
use crate::stop::Stop;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Use port N for paths that begin with the service, and N+1 to N+4 for the services [default: free ports].
    #[arg(long, value_name = "N", value_parser = parse_first_of_five_ports, allow_hyphen_values = true)]
    port: Option<u16>,
    /// Serve on a Unix socket with mode 0600 instead of ports.
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", conflicts_with = "port")]
    socket: Option<PathBuf>,
    /// The file of the gateway's own key; made if there is none [default: gateway-key beside the keys file].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    serving: ServingOptions,
}

pub(crate) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    session.find_keys(Prompt::Allowed)?;
    let local_key = key::find(args.key_file.as_deref(), &options.account)?;
    let mut started = Map::new();
    let mut note = |name: &str, url: String| {
        started.insert(name.to_owned(), Value::String(url));
    };
    let mut listeners = Vec::new();
    if let Some(path) = args.socket() {
        listeners.push(socket(path)?);
        note("socket", output::display_path(path));
    } else {
        let (urls, bound) = ports(args.port)?;
        listeners = bound;
        for (name, url) in urls {
            note(name, url);
        }
    }
    let limits = Limits::new();
    let mut gateway = args.serving.gateway(&session, local_key.key, limits)?;
    let runtime = serving::runtime()?;
    for listener in listeners {
        gateway.listen(listener);
    }
    note("key_file", local_key.place);
    if output::print(output::json_line(&started)?.as_bytes())?.is_reader_gone() {
        return Ok(Printed::ReaderGone);
    }
    let stop = Stop::default();
    stop.on_signals();
    serving::serve(runtime, gateway, &stop)?;
    interrupt::end_by(stop.signal().unwrap_or(interrupt::INTERRUPT))
}

impl Args {
    fn socket(&self) -> Option<&PathBuf> {
        #[cfg(unix)]
        return self.socket.as_ref();
        #[cfg(not(unix))]
        None
    }
}

#[cfg(unix)]
fn socket(path: &PathBuf) -> Result<Listener, Failure> {
    Listener::unix(path, Route::ByPath).map_err(|error| {
        let path = output::display_path(path);
        let message = format!("the socket {path} cannot be made: {error}");
        Failure::usage(message, "choose another --socket")
    })
}

#[cfg(not(unix))]
fn socket(_: &PathBuf) -> Result<Listener, Failure> {
    Err(Failure::usage(
        "there are no Unix sockets here",
        "leave --socket out",
    ))
}

type Urls = Vec<(&'static str, String)>;

/// Binds the port for paths that name the service, and one for each service.
fn ports(first: Option<u16>) -> Result<(Urls, Vec<Listener>), Failure> {
    let routes = [("url", Route::ByPath)].into_iter().chain(each_service());
    let (mut urls, mut listeners) = (Vec::new(), Vec::new());
    for (at, (name, route)) in (0..).zip(routes) {
        let listener = serving::bind(first.map_or(0, |first| first + at), route)?;
        urls.push((name, listener.url().unwrap_or_default()));
        listeners.push(listener);
    }
    Ok((urls, listeners))
}

/// Returns each service with its name and route.
pub(super) fn each_service() -> impl Iterator<Item = (&'static str, Route)> {
    let services = Service::ALL.into_iter();
    services.map(|service| (service_name(service), Route::Service(service)))
}
