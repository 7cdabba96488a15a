//! The command line as a whole, and usage errors that repeat nothing that was typed.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _, Error, FromArgMatches as _, Parser};

use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::possible_key::may_be_key;
use crate::{commands, error_kind, exit_code, help, known_words};

/// Call the ActiveProspect APIs (LeadConduit, TrustedForm, SuppressionList, the account API).
///
/// The key comes from ACTIVEPROSPECT_API_KEY and ACTIVEPROSPECT_NEXT_API_KEY, from the file in
/// ACTIVEPROSPECT_API_KEY_FILE, from the command in ACTIVEPROSPECT_KEY_COMMAND, from the keys file ($XDG_CONFIG_HOME/ap/keys or ~/.config/ap/keys), or from a
/// hidden prompt. It never comes from an argument.
#[derive(Debug, Parser)]
#[command(name = "ap", version, max_term_width = 80)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: commands::Command,
}

/// Returns the text of a topic of help that is no command.
fn topic(name: &OsStr) -> Option<String> {
    match name.to_str()? {
        "exit-codes" => Some(exit_code::table()),
        "error-kinds" => Some(error_kind::table()),
        _ => None,
    }
}

/// What the arguments mean.
pub(crate) enum Parsed {
    /// A command to run.
    Cli(Box<Cli>),
    /// A help text or the version, to print.
    Text(String),
}

/// Returns clap's definition of the command line.
pub(crate) fn definition() -> Command {
    help::with_examples(Cli::command())
}

/// Returns the definition by which words are completed.
pub(crate) fn completions_definition() -> Command {
    help::without_refused_options(Cli::command())
}

/// Parses the arguments, the program's name included.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Parsed, Failure> {
    if let [_, help, name, ..] = arguments
        && help == "help"
        && let Some(text) = topic(name)
    {
        return Ok(Parsed::Text(text));
    }
    let parsed = definition()
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => Ok(Parsed::Cli(Box::new(cli))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Ok(Parsed::Text(error.render().to_string()))
            }
            _ => Err(usage_error(&error, arguments)),
        },
    }
}

/// Says what is wrong in our own words: clap's text repeats what was typed, which may be a key.
fn usage_error(error: &Error, arguments: &[OsString]) -> Failure {
    // For an argument that exists, clap has our spelling of it; for another one, the user's.
    let name = context(error, ContextKind::InvalidArg).unwrap_or("an argument");
    let message = match error.kind() {
        ErrorKind::UnknownArgument => "this command has no such argument".to_owned(),
        ErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ErrorKind::InvalidValue if context(error, ContextKind::InvalidValue) == Some("") => {
            format!("{name} needs a value")
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            match std::error::Error::source(error) {
                Some(cause) => format!("the value of {name} is not valid: {cause}"),
                None => format!("the value of {name} is not valid"),
            }
        }
        ErrorKind::MissingRequiredArgument => format!("{name} is missing"),
        ErrorKind::MissingSubcommand => "the command is missing".to_owned(),
        ErrorKind::ArgumentConflict => format!("{name} cannot be used with the other arguments"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => "the arguments are not valid".to_owned(),
    };
    Failure::usage(message, hint(error, arguments))
}

/// Says what to do: only in words of ours.
fn hint(error: &Error, arguments: &[OsString]) -> String {
    let command = CommandPath::of(arguments);
    let see = format!("see `{} --help`", command.name);
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            let is_argument = error.kind() == ErrorKind::UnknownArgument;
            let typed = context(error, ContextKind::InvalidArg)
                .or_else(|| context(error, ContextKind::InvalidSubcommand))
                .unwrap_or_default();
            if may_be_key(typed) {
                return "a key is never an argument: if this is one, reset it, then run `ap auth login`"
                    .to_owned();
            }
            if is_argument && command.is_place_of_key(typed) {
                return "a key is never an argument: reset one that was typed, then run `ap auth login`, which reads it from a hidden prompt or from standard input"
                    .to_owned();
            }
            let suggestion = if is_argument {
                command.suggest_argument(error, typed)
            } else {
                command.suggest_command(error, typed)
            };
            let mut own = command.command.get_arguments();
            if is_argument && !typed.starts_with('-') && own.any(clap::Arg::is_last_set) {
                return format!("write `--` before the command that it runs; {see}");
            }
            if is_argument && let Some(placed) = command.placement(typed) {
                return format!("{placed}; {see}");
            }
            match suggestion {
                Some(suggestion) => format!("did you mean {suggestion}? {see}"),
                None => see,
            }
        }
        _ => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(values)) if !values.is_empty() => {
                format!("use one of: {}", values.join(", "))
            }
            _ => see,
        },
    }
}

/// Returns a command's own spelling of an option, unless it is hidden.
fn option_of<'a>(command: &'a Command, typed: &str) -> Option<&'a str> {
    let typed = typed.strip_prefix("--")?;
    let options = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    let mut names = options.filter_map(|option| option.get_long());
    names.find(|name| *name == typed)
}

fn has_option(command: &Command, name: &str) -> bool {
    let mut options = command.get_arguments();
    options.any(|option| option.get_long() == Some(name) && !option.is_hide_set())
}

/// Returns a piece of an error's context. Of several suggestions, the last is the most similar.
fn context(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        ContextValue::Strings(texts) => texts.last().map(String::as_str),
        _ => None,
    }
}

/// The command that arguments name, such as `ap auth rotate`. Every word of it is one of ours.
struct CommandPath {
    name: String,
    command: Command,
}

impl CommandPath {
    fn of(arguments: &[OsString]) -> Self {
        let mut command = definition();
        command.build();
        let mut name = command.get_name().to_owned();
        for argument in arguments.iter().skip(1) {
            if let Some(found) = command.find_subcommand(argument) {
                name = format!("{name} {}", found.get_name());
                command = found.clone();
            }
        }
        Self { name, command }
    }

    /// Returns `true` for an argument that people write a key in, or before one.
    fn is_place_of_key(&self, typed: &str) -> bool {
        const OPTIONS: [&str; 5] = ["--key", "--api-key", "--apikey", "--token", "--password"];
        let is_for_login = self.name == "ap auth login" && !typed.starts_with('-');
        is_for_login || OPTIONS.contains(&typed) && !has_option(&self.command, "key-file")
    }

    /// Says where a member or a file for results belongs, or an argument that was written as an option.
    fn placement(&self, typed: &str) -> Option<String> {
        if !typed.starts_with('-') && typed.contains('=') && has_option(&self.command, "raw-field")
        {
            let query = match has_option(&self.command, "query") {
                true => ", a parameter of the query as -q NAME=VALUE",
                false => "",
            };
            return Some(format!("write a member as -f NAME=VALUE{query}"));
        }
        let Some(option) = typed.strip_prefix("--") else {
            let has_output = !typed.starts_with('-') && has_option(&self.command, "output");
            return has_output.then(|| "write results to a file with -o FILE".to_owned());
        };
        let names = self.command.get_positionals();
        let mut names = names.filter_map(|argument| argument.get_value_names()?.first());
        let name = names.find(|name| name.eq_ignore_ascii_case(option))?;
        Some(format!("write {name} alone, without --"))
    }

    /// Returns where an option belongs, or one that is spelled nearly like it.
    fn suggest_argument(&self, error: &Error, typed: &str) -> Option<String> {
        if let Some(long) = option_of(&self.command, typed) {
            return Some(format!("`--{long}` after `{}`", self.name));
        }
        let exists = |name: &str| has_option(&self.command, name);
        if let Some(known) = known_words::option(typed, exists) {
            return Some(format!("`--{known}`"));
        }
        let mut subcommands = self.command.get_subcommands();
        let elsewhere = subcommands.find_map(|subcommand| {
            let long = option_of(subcommand, typed)?;
            let name = subcommand.get_name();
            Some(format!("`--{long}` after `{} {name}`", self.name))
        });
        elsewhere.or_else(|| {
            let similar = context(error, ContextKind::SuggestedArg)?;
            Some(format!("`--{}`", option_of(&self.command, similar)?))
        })
    }

    /// Returns a command that is spelled nearly like the typed one, here or one level below.
    fn suggest_command(&self, error: &Error, typed: &str) -> Option<String> {
        let is_group =
            |command: &&Command| command.get_name() != "help" && command.has_subcommands();
        let groups = || self.command.get_subcommands().filter(is_group);
        let exact = || {
            groups().find_map(|group| {
                let found = group.find_subcommand(typed)?;
                Some(format!("{} {}", group.get_name(), found.get_name()))
            })
        };
        let here = || context(error, ContextKind::SuggestedSubcommand).map(str::to_owned);
        let below = || {
            groups().find_map(|group| {
                let error = group
                    .clone()
                    .try_get_matches_from([group.get_name(), typed])
                    .err()?;
                let found = context(&error, ContextKind::SuggestedSubcommand)?;
                Some(format!("{} {found}", group.get_name()))
            })
        };
        let exists = |words: &str| {
            let first = words.split(' ').next().unwrap_or(words);
            self.command.find_subcommand(first).is_some()
        };
        if typed == "version" && self.name == "ap" {
            return Some("`ap --version`".to_owned());
        }
        let known = known_words::command(typed, exists).map(str::to_owned);
        let found = known.or_else(exact).or_else(here).or_else(below)?;
        Some(format!("`{} {found}`", self.name))
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, Parser as _};

    use super::{Cli, definition};
    use crate::commands::emulator_refusal;

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
        let mut command = definition();
        command.build();
        check_width(&mut command);
    }

    #[test]
    fn a_command_that_refuses_the_emulator_is_named_as_it_is_typed() {
        for refusal in emulator_refusal::ALL {
            let cli = Cli::try_parse_from(refusal.command.split(' ')).unwrap();
            let found = cli.command.emulator_refusal().unwrap();
            assert_eq!(found.command, refusal.command);
        }
    }
}
