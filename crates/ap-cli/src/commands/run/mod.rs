//! `ap run`: runs one command with a gateway of its own.

#[cfg(unix)]
mod child;
#[cfg(not(unix))]
#[path = "child_elsewhere.rs"]
mod child;
#[cfg(all(unix, test))]
#[allow(dead_code, reason = "its tests alone are used here")]
mod child_elsewhere;
mod environment;

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use activeprospect::ApiKey;
use ap_gateway::{Limits, Route};

use self::environment::{Environment, NamedVariable, parse_named_variable};
use super::gateway::serving::{self, ServingOptions};
use super::gateway::{each_service, key};
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::keys::in_arguments::MIN_SEARCHED_LEN;
use crate::options::GlobalOptions;
use crate::output::{self, Printed};
use crate::redact::Secrets;
use crate::session::Session;
use crate::stop::Stop;

/// How long the command may take to end, if it has no gateway any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long calls of processes that the command left behind may take after it ended.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Also set the variable NAME. SERVICE is lcx, trustedform, trustedform-app or suppressionlist for a URL, or key.
    #[arg(long, value_name = "NAME=SERVICE", value_parser = parse_named_variable)]
    env: Vec<NamedVariable>,
    #[command(flatten)]
    serving: ServingOptions,
    /// The command and its arguments, after `--`.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    // Standard input is the command's.
    session.find_keys(Prompt::Never)?;
    let local_key = key::generate()?;
    let mut environment = Environment::new(local_key.expose());
    let limits = Limits::new().stop_timeout(STOP_TIMEOUT);
    let mut gateway = args.serving.gateway(&session, local_key, limits)?;
    for (name, route) in each_service() {
        let listener = serving::bind(0, route)?;
        environment.add_url(name, listener.url().unwrap_or_default());
        gateway.listen(listener);
    }
    let listener = serving::bind(0, Route::ByPath)?;
    environment.add_gateway(listener.url().unwrap_or_default());
    gateway.listen(listener);

    let (program, arguments) = args
        .command
        .split_first()
        .ok_or_else(|| Failure::usage("the command is missing", "write it after `--`"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    let keys = searched(&session.keys)?;
    let removed = environment.apply(&mut command, &args.env, std::env::vars_os(), &keys);
    if session.verbosity > 0 {
        for name in removed {
            let name = output::display_path(&name);
            output::eprintln(&format!("ap: the command does not get the variable {name}"));
        }
    }
    // Whatever can fail does so before the command starts.
    let runtime = serving::runtime()?;
    let stop = Stop::default();
    let child = match child::start(command, &stop) {
        Ok(child) => child,
        Err(error) => return Err(not_started(&error)),
    };
    match serving::serve(runtime, gateway, &stop) {
        Ok(()) => child.end(),
        Err(failure) => {
            child.end_within(PATIENCE);
            Err(failure)
        }
    }
}

/// Returns the keys that the command's variables must not contain.
fn searched(keys: &[ApiKey]) -> Result<Secrets, Failure> {
    let is_searched = |key: &&ApiKey| key.expose().len() >= MIN_SEARCHED_LEN;
    let keys: Vec<_> = keys.iter().filter(is_searched).cloned().collect();
    Secrets::new(&keys)
}

/// Ends as a shell does whose command cannot be run.
fn not_started(error: &std::io::Error) -> Failure {
    let message = format!(
        "the command could not be started ({})",
        output::reason(error)
    );
    let failure = Failure::usage(message, "check its name, and that it is in PATH");
    let _ = output::report(&failure, &[]);
    let is_missing = error.kind() == std::io::ErrorKind::NotFound;
    std::process::exit(if is_missing { 127 } else { 126 })
}
