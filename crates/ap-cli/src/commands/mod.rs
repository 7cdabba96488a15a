//! The commands of `ap`, one file or folder each.
//!
//! To add a command:
//!
//! 1. Add a file here with its arguments, a struct that derives `clap::Args`, and a function `run`.
//! 2. Add a variant to [`Command`] and a line to [`run()`].
//! 3. Add a row to the table of commands in docs/cli.md, and examples to its help (`help.rs`, `help/`).
//! 4. In `tests/program/commands.rs`, add a row to `ROWS` if the command calls a product. Otherwise add a line to
//!    `ELSEWHERE`, which names the file of its tests.
//! 5. If it makes no call, say so in `calls_products`. If it cannot run on the emulator, add a constant to
//!    the module `emulator_refusal`, also to its `ALL`, and a line to the function `emulator_refusal` below.
//!
//! A command that makes one call is a [`SingleCall`](single_call::SingleCall), which has the options of all of them.
//! A subcommand of `ap auth` is added in the same way in `auth/mod.rs`. A call goes through
//! [`Session`](crate::session::Session), which has the client and the keys, and [`call::send`](crate::call::send).
//! A failed call becomes a [`Failure`] with the operator `?`.

mod api;
mod auth;
mod body;
mod certs;
mod completions;
mod confirmation;
mod emulate;
pub(crate) mod emulator_refusal;
mod events;
mod gateway;
mod leads;
mod lists;
mod man;
mod members;
mod raw_object;
mod resources;
mod row_preview;
mod run;
mod selection;
mod shown;
mod single_call;
mod whoami;

use activeprospect::api::Id;
use clap::Subcommand;

use self::emulator_refusal::EmulatorRefusal;
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;

/// The command that the user chose.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make one authenticated call and print the answer.
    ///
    /// Members of -f and -F are a JSON body. With -X GET they go to the query, and with -H 'Content-Type:
    /// application/x-www-form-urlencoded' to a form; names keep their brackets there.
    Api(api::Args),
    /// Store a key, check which product accepts it, go through a reset, or remove it.
    #[command(subcommand)]
    Auth(auth::Command),
    /// Show, count and export events.
    #[command(subcommand)]
    Events(events::Command),
    /// Submit and search leads, ask for bids, give feedback.
    #[command(subcommand)]
    Leads(leads::Command),
    /// Retain, check and match TrustedForm certificates.
    #[command(subcommand)]
    Certs(certs::Command),
    /// Check, add and remove values of suppression lists.
    #[command(subcommand)]
    Lists(lists::Command),
    /// Show, create, change, delete and deploy flows.
    #[command(subcommand)]
    Flows(resources::Flows),
    /// Show, create, change and delete fields.
    #[command(subcommand)]
    Fields(resources::Fields),
    /// Show, create, change and delete entities: the sources and recipients of leads.
    #[command(subcommand)]
    Entities(resources::Entities),
    /// Show, create, change and delete reports.
    #[command(subcommand)]
    Reports(resources::Reports),
    /// Show the user whose key it is.
    Whoami(single_call::CallOptions),
    /// Run a command in any language that calls the APIs without the account's key.
    ///
    /// The command gets a key of its own in ACTIVEPROSPECT_API_KEY, and the URLs to call in ACTIVEPROSPECT_LCX_URL,
    /// ACTIVEPROSPECT_TRUSTEDFORM_URL, ACTIVEPROSPECT_TRUSTEDFORM_APP_URL and ACTIVEPROSPECT_SUPPRESSIONLIST_URL. If a
    /// program has a key or a URL in its text, change it to read these variables, or others that --env sets.
    Run(run::Args),
    /// Serve programs on this machine that call the APIs without the account's key.
    Gateway(gateway::Args),
    /// Run the emulator until interrupted.
    ///
    /// It prints its key and its URLs on one line, as JSON. To call it from another terminal, put the key into
    /// ACTIVEPROSPECT_API_KEY, and name each URL with --origin, such as --origin lcx=URL. The ids of its certificates
    /// begin with 65e0e501, also in URLs of cert.trustedform.com.
    Emulate(emulate::Args),
    /// Print a completion script.
    ///
    /// It runs `ap` for each word, which then offers commands, options, products, the profiles that exist, and the ids of
    /// flows, fields, entities and reports of the account.
    Completions(completions::Args),
    /// Write a manual page for each command to a folder.
    Man(man::Args),
}

impl Command {
    /// Returns why this command does not accept `--emulator`, if it does not.
    pub(crate) const fn emulator_refusal(&self) -> Option<&'static EmulatorRefusal> {
        match self {
            Self::Auth(auth::Command::Login(_)) => Some(&emulator_refusal::LOGIN),
            Self::Auth(auth::Command::Logout) => Some(&emulator_refusal::LOGOUT),
            Self::Auth(auth::Command::Rotate(_)) => Some(&emulator_refusal::ROTATE),
            Self::Emulate(_) => Some(&emulator_refusal::EMULATE),
            _ => None,
        }
    }

    /// Returns `true` if the settings of a profile mean something to this command.
    pub(crate) const fn calls_products(&self) -> bool {
        !matches!(self, Self::Emulate(_) | Self::Completions(_) | Self::Man(_))
    }
}

/// Runs a command. `definition` makes that of the whole command line, for the manual pages.
pub(crate) fn run(
    command: &Command,
    options: &GlobalOptions,
    definition: fn() -> clap::Command,
) -> Result<Printed, Failure> {
    if options.emulator
        && let Some(refusal) = command.emulator_refusal()
    {
        return Err(Failure::usage(refusal.message, refusal.hint));
    }
    if options.emulator && !options.origin.is_empty() {
        return Err(Failure::usage(
            "--emulator and --origin cannot be used together",
            "leave one of them out",
        ));
    }
    match command {
        Command::Api(args) => api::run(args, options),
        Command::Auth(command) => auth::run(command, options),
        Command::Lists(command) => lists::run(command, options),
        Command::Events(command) => events::run(command, options),
        Command::Leads(command) => leads::run(command, options),
        Command::Certs(command) => certs::run(command, options),
        Command::Flows(command) => command.run(options),
        Command::Fields(command) => command.run(options),
        Command::Entities(command) => command.run(options),
        Command::Reports(command) => command.run(options),
        Command::Whoami(call) => whoami::run(call, options),
        Command::Run(args) => run::run(args, options),
        Command::Gateway(args) => gateway::run(args, options),
        Command::Emulate(args) => emulate::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args, definition()),
    }
}

/// Parses the id of a flow.
fn parse_flow(text: &str) -> Result<Id, &'static str> {
    Id::parse(text)
        .map_err(|_| "write the flow's id, 24 hexadecimal digits, which `ap flows list` shows")
}

/// Parses the id of an entity, such as the source of a lead.
fn parse_entity(text: &str) -> Result<Id, &'static str> {
    Id::parse(text)
        .map_err(|_| "write the entity's id, 24 hexadecimal digits, which `ap entities list` shows")
}

/// Parses another id of LeadConduit.
fn parse_id(text: &str) -> Result<Id, &'static str> {
    Id::parse(text).map_err(|_| "write the id, 24 hexadecimal digits")
}
