//! The command line as a whole, and usage errors that repeat nothing that was typed.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::commands::Command;
use crate::failure::Failure;
use crate::options::GlobalOptions;

/// Call the ActiveProspect APIs (LeadConduit, TrustedForm, SuppressionList, the account API).
///
/// The key comes from ACTIVEPROSPECT_API_KEY and ACTIVEPROSPECT_NEXT_API_KEY, from the command in
/// ACTIVEPROSPECT_KEY_COMMAND, from the keys file ($XDG_CONFIG_HOME/ap/keys or ~/.config/ap/keys), or from a
/// hidden prompt. It never comes from an argument.
#[derive(Debug, Parser)]
#[command(name = "ap", version, max_term_width = 80)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the arguments mean.
pub(crate) enum Parsed {
    /// A command to run.
    Cli(Box<Cli>),
    /// A help text or the version, to print.
    Text(String),
}

/// Parses the arguments, the program's name included.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Parsed, Failure> {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(Parsed::Cli(Box::new(cli))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Parsed::Text(error.render().to_string()))
            }
            _ => Err(usage_error(&error, &command_name(arguments))),
        },
    }
}

/// Returns the name of the command that the arguments contain, such as `ap auth rotate`. Every word of it is
/// one of ours.
fn command_name(arguments: &[OsString]) -> String {
    let mut command = <Cli as CommandFactory>::command();
    let mut name = command.get_name().to_owned();
    for argument in arguments.iter().skip(1) {
        if let Some(found) = command.find_subcommand(argument) {
            name = format!("{name} {}", found.get_name());
            command = found.clone();
        }
    }
    name
}

/// Says what is wrong in our own words: clap's text repeats what was typed, which may be a key.
fn usage_error(error: &clap::Error, command: &str) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    // For an argument that exists, clap has our spelling of it; for another one, the user's.
    let name = context(ContextKind::InvalidArg).unwrap_or("an argument");
    let message = match error.kind() {
        ErrorKind::UnknownArgument => "this command has no such argument".to_owned(),
        ErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ErrorKind::InvalidValue if context(ContextKind::InvalidValue) == Some("") => {
            format!("{name} needs a value")
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            match std::error::Error::source(error) {
                Some(cause) => format!("the value of {name} is not valid: {cause}"),
                None => format!("the value of {name} is not valid"),
            }
        }
        ErrorKind::MissingRequiredArgument => format!("{name} is missing"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "the command is missing".to_owned()
        }
        ErrorKind::ArgumentConflict => format!("{name} cannot be used with the other arguments"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => "the arguments are not valid".to_owned(),
    };
    let hint = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("use one of: {}", values.join(", "))
        }
        _ => format!("see `{command} --help`"),
    };
    Failure::usage(message, hint)
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::Cli;

    fn check_width(command: &mut Command) {
        for help in [command.render_help(), command.render_long_help()] {
            for line in help.to_string().lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
        command.get_subcommands_mut().for_each(check_width);
    }

    #[test]
    fn every_help_text_fits_80_columns() {
        let mut command = Cli::command();
        command.build();
        check_width(&mut command);
    }
}
