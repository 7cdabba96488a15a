//! `ap auth rotate`: keeps the new key beside the old one until every product accepts it.
//!
//! After a reset, each product accepts the old key until someone logs in to it. So the new key is stored beside
//! the old one, each product is checked again and again, and the old key is removed only when every product has
//! accepted the new one in several checks in a row. Only the keys file remembers anything, so the command can be interrupted at any time and run
//! again.

mod event;
mod evidence;
#[cfg(test)]
mod evidence_properties;
mod key_location;
mod product_state;
mod watch;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use activeprospect::ApiKey;
use activeprospect::keys::{KEY_VARIABLES, NEXT_KEY_VARIABLE};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt;
use crate::keys::{in_arguments, prompt};
use crate::options::GlobalOptions;
use crate::options::values::parse_seconds;
use crate::output::{self, Printed};
use crate::session::Session;

use event::{Event, EventPrinter};
use key_location::{KeyLocation, RESET_PAGE};
use watch::Watch;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// How long to wait between checks of the products.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "10", allow_hyphen_values = true)]
    every: Duration,
    /// Do not wait for products that are behind (exit code 9). If none is, the products are checked three times
    /// before the old key is removed.
    #[arg(long)]
    once: bool,
    /// Stop after this time (exit code 9).
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, conflicts_with = "once", allow_hyphen_values = true)]
    wait: Option<Duration>,
    /// Ask for a new key although two are stored already.
    #[arg(long)]
    new: bool,
    /// Print JSON, one object for each change.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    let printer = EventPrinter { is_json: args.json };
    let (location, entered) = collect_keys(args, options, &printer, &mut session)?;
    interrupt::set_hint(match location {
        KeyLocation::File(_) => "both keys are stored; run `ap auth rotate` again to resume",
        KeyLocation::ReadOnly => "nothing was changed; run `ap auth rotate` again to resume",
    });
    Watch::new(session, location, printer, entered, args.every).run(args)
}

/// Gives the session the keys, and asks for the new one if it is not stored yet. Returns where the keys are, and
/// the new one if it was entered.
fn collect_keys(
    args: &Args,
    options: &GlobalOptions,
    printer: &EventPrinter,
    session: &mut Session,
) -> Result<(KeyLocation, Option<ApiKey>), Failure> {
    if let Some(keys) = options.account.keys_of_environment()? {
        if keys.len() < 2 || args.new {
            return Err(Failure::usage(
                "the key does not come from the keys file, so a new one cannot be stored beside it",
                format!(
                    "set {NEXT_KEY_VARIABLE} to the new key, or unset {} to use the file",
                    KEY_VARIABLES.join(", ")
                ),
            ));
        }
        session.set_keys(keys)?;
        return Ok((KeyLocation::ReadOnly, None));
    }
    let store = options.account.store()?;
    let Some(stored) = store.read()? else {
        return Err(Failure::new(
            ExitCode::NoAcceptedKey,
            "there is no API key to rotate",
            "run `ap auth login` with the present key, then run this command again",
        ));
    };
    let is_new_needed = stored.len() < 2 || args.new;
    session.set_keys(stored)?;
    let mut entered = None;
    if is_new_needed {
        if io::stdin().is_terminal() {
            output::eprintln(&format!(
                "ap: reset the key at {RESET_PAGE}, then enter the new one"
            ));
        }
        let new = prompt::ask_or_read("New API key")?;
        in_arguments::check_for(std::slice::from_ref(&new))?;
        session.set_keys(key_location::add(&store, new.clone())?)?;
        entered = Some(new);
        printer.print(&Event::Stored {
            keys: session.keys.len(),
            file: output::display_path(store.path()),
        })?;
    }
    Ok((KeyLocation::File(store), entered))
}
