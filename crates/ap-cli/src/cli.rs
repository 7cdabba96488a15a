//! The command line's grammar, and usage errors that repeat nothing of what was typed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use ap_core::{Origin, Product, Service};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::exit::Failure;

/// Call the ActiveProspect APIs (LeadConduit, TrustedForm, SuppressionList, the account API).
///
/// Keys come from ACTIVEPROSPECT_API_KEY and ACTIVEPROSPECT_NEXT_API_KEY, from the command in
/// ACTIVEPROSPECT_KEY_COMMAND, from the keys file ($XDG_CONFIG_HOME/ap/keys, else ~/.config/ap/keys), or
/// from a hidden prompt; never from an argument.
#[derive(Debug, Parser)]
#[command(name = "ap", version, disable_help_subcommand = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Start an emulator for this command alone, and use its key.
    #[arg(long, global = true)]
    pub emulator: bool,
    /// Call another origin: PRODUCT is lcx, trustedform, trustedform-app or suppressionlist.
    #[arg(long, global = true, value_name = "PRODUCT=URL", value_parser = parse_origin)]
    pub origin: Vec<NamedOrigin>,
    /// Trust the root certificates in this PEM file too.
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// How long a whole call may take (60 unless given).
    #[arg(long, global = true, value_name = "SECONDS", value_parser = parse_timeout, allow_hyphen_values = true)]
    pub timeout: Option<Duration>,
    /// Say on standard error what is called and how long it took.
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make one authenticated call and print the answer.
    Api(Api),
    /// Store a key, check which product takes it, go through a reset, or forget it.
    #[command(subcommand)]
    Auth(Auth),
    /// Run the emulator until interrupted.
    Emulate(Emulate),
    /// Print a completion script.
    Completions {
        /// The shell to complete for.
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Api {
    /// A path that begins with one slash, or a URL at one of the products' origins.
    #[arg(value_name = "PATH|URL")]
    pub target: String,
    /// The method; GET, or POST with -d.
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub method: Option<String>,
    /// A header, `Name: value`; repeatable.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// A JSON body: as it is, from a file with @FILE, or from standard input with -.
    #[arg(short, long, value_name = "DATA|@FILE|-", allow_hyphen_values = true)]
    pub data: Option<String>,
    /// Print the answer's head before its body.
    #[arg(short, long)]
    pub include: bool,
    /// The product that a path belongs to: lcx, trustedform or suppressionlist.
    #[arg(long, value_name = "PRODUCT", value_parser = parse_product)]
    pub product: Option<Product>,
    /// Send no key.
    #[arg(long)]
    pub no_auth: bool,
    /// Print the values of api_key and keen_read_api_key as they are.
    #[arg(long)]
    pub show_secrets: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    /// Store a key: from a hidden prompt, or from standard input when that is a pipe.
    Login {
        /// Replace the keys that are stored.
        #[arg(long)]
        replace: bool,
    },
    /// Ask each subscribed product which key it takes.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Go through a reset: store the new key beside the old one, watch until every product takes it, then
    /// forget the old one. Can be interrupted, and goes on when run again.
    Rotate(Rotate),
    /// Forget the stored keys.
    Logout,
}

#[derive(Args, Debug)]
pub(crate) struct Rotate {
    /// How often each product is asked (every 10 seconds unless given).
    #[arg(long, value_name = "SECONDS", value_parser = parse_timeout, default_value = "10", hide_default_value = true, allow_hyphen_values = true)]
    pub every: Duration,
    /// Ask each product once, and do not wait for those that are behind (exit code 9).
    #[arg(long)]
    pub once: bool,
    /// Stop waiting after so long (exit code 9).
    #[arg(long, value_name = "SECONDS", value_parser = parse_timeout, conflicts_with = "once", allow_hyphen_values = true)]
    pub wait: Option<Duration>,
    /// Ask for a new key though one is stored beside the old one already.
    #[arg(long)]
    pub new: bool,
    /// Print JSON, one object for each change.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Emulate {
    /// Use ports N, N+1 and N+2 for LeadConduit, TrustedForm and SuppressionList; free ones unless given.
    #[arg(long, value_name = "N", value_parser = parse_port, allow_hyphen_values = true)]
    pub port: Option<u16>,
}

/// What `--origin` moves, and where to.
#[derive(Clone, Debug)]
pub(crate) struct NamedOrigin {
    pub services: Vec<Service>,
    pub origin: Origin,
}

fn parse_product(text: &str) -> Result<Product, String> {
    text.parse()
        .map_err(|error: ap_core::UnknownProduct| error.to_string())
}

fn parse_origin(text: &str) -> Result<NamedOrigin, String> {
    let (name, url) = text.split_once('=').ok_or("it is written PRODUCT=URL")?;
    let services = if name == "trustedform-app" {
        vec![Service::TrustedFormApp]
    } else {
        name.parse::<Product>()
            .map_err(|_| "the product is lcx, trustedform, trustedform-app or suppressionlist")?
            .services()
            .collect()
    };
    Ok(NamedOrigin {
        services,
        origin: read_origin(url)?,
    })
}

/// An origin that the rules allow: https anywhere, http on loopback alone.
pub(crate) fn read_origin(url: &str) -> Result<Origin, String> {
    let is_plain = url
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"));
    let read = if is_plain {
        Origin::parse_loopback(url)
    } else {
        Origin::parse(url)
    };
    read.map_err(|error| match error {
        ap_core::InvalidOrigin::NotLoopback => ap_core::InvalidOrigin::PlainHttp.to_string(),
        error => error.to_string(),
    })
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    const DAY: f64 = 86_400.0;
    let sound = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.parse::<f64>() {
        // Less than a nanosecond comes out as none at all.
        Ok(seconds) if sound && (1e-9..=DAY).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err("the time is a number of seconds, above 0 and at most 86400".to_owned()),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    match text.parse() {
        Ok(port @ 1..=65_533) if plain => Ok(port),
        _ => Err("the port is a number from 1 to 65533, written plainly".to_owned()),
    }
}

/// What the arguments ask for: a command, or a text to print.
pub(crate) enum Asked {
    Run(Box<Cli>),
    Print(String),
}

pub(crate) fn parse(arguments: &[OsString]) -> Result<Asked, Failure> {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(Asked::Run(Box::new(cli))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Asked::Print(error.render().to_string()))
            }
            _ => Err(usage(&error, &command(arguments))),
        },
    }
}

/// The command that the arguments name, `ap auth rotate`: only words of our own.
fn command(arguments: &[OsString]) -> String {
    let mut command = <Cli as CommandFactory>::command();
    let mut named = command.get_name().to_owned();
    for argument in arguments.iter().skip(1) {
        if let Some(found) = command.find_subcommand(argument) {
            named = format!("{named} {}", found.get_name());
            command = found.clone();
        }
    }
    named
}

/// A usage error in words of our own: clap's own text repeats what was typed, which may be a key.
fn usage(error: &clap::Error, command: &str) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    // An argument that clap knows is spelled as we declared it; one that it does not is the user's.
    let known = context(ContextKind::InvalidArg).unwrap_or("an argument");
    let happened = match error.kind() {
        ErrorKind::UnknownArgument => {
            "there is an argument that this command does not take".to_owned()
        }
        ErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ErrorKind::InvalidValue if context(ContextKind::InvalidValue) == Some("") => {
            format!("{known} needs a value")
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            match std::error::Error::source(error) {
                Some(why) => format!("the value of {known} is not taken: {why}"),
                None => format!("the value of {known} is not taken"),
            }
        }
        ErrorKind::MissingRequiredArgument => format!("{known} is missing"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "the command is missing".to_owned()
        }
        ErrorKind::ArgumentConflict => format!("{known} does not go with the other arguments"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => "the arguments are not taken".to_owned(),
    };
    let to_do = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("it is one of: {}", values.join(", "))
        }
        _ => format!("see `{command} --help`"),
    };
    Failure::usage(happened, to_do)
}
