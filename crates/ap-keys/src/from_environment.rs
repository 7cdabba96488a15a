//! [`FromEnvironment`]: the key source that the key variables configure.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ap_client::{KeySource, KeySourceError};
use ap_core::ApiKey;

use crate::command::{Command, KEY_COMMAND_FIRST_LINE_VARIABLE};
use crate::command_line;
use crate::environment::{Environment, KEY_VARIABLE, NEXT_KEY_VARIABLE};
use crate::error::Error;
use crate::file::File;

/// The variable of a command that prints the keys.
pub const KEY_COMMAND_VARIABLE: &str = "ACTIVEPROSPECT_KEY_COMMAND";

/// The variable of a file that contains the keys: a credential of systemd, a mounted secret, or a private file.
pub const KEY_FILE_VARIABLE: &str = "ACTIVEPROSPECT_API_KEY_FILE";

/// Every variable that gives [`FromEnvironment`] its keys.
pub const KEY_VARIABLES: [&str; 4] = [
    KEY_VARIABLE,
    NEXT_KEY_VARIABLE,
    KEY_FILE_VARIABLE,
    KEY_COMMAND_VARIABLE,
];

/// A password manager may ask a person, who needs time.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// A key source that is configured by environment variables, in the same way as the command line `ap`.
///
/// 1. [`KEY_VARIABLE`] and [`NEXT_KEY_VARIABLE`] contain keys. If there is one, they are the source.
/// 2. [`KEY_FILE_VARIABLE`] is the absolute path of a file with one key per line, oldest first. It is read each time
///    that keys are needed. Nobody but its owner may have access to it, who is this process's user or root; a group may
///    read a file of root, as service managers and orchestrators hand out secrets.
/// 3. [`KEY_COMMAND_VARIABLE`] is a command that prints keys, such as `pass show activeprospect`. It is run
///    each time that keys are needed. It may ask a person on the terminal, and has 120 s, or less if the call
///    has less. If [`KEY_COMMAND_FIRST_LINE_VARIABLE`] is `1`, only the first line that it prints is read.
///
/// The command is split into words at spaces, and run without a shell. Single or double quotes keep spaces,
/// backslashes and everything else between them; in double quotes, `\"` is a quote. Outside of quotes, a
/// backslash, a `~` at the start of a word and an assignment before the command are errors, since only a shell gives them a
/// meaning.
///
/// An empty variable counts as unset. Keys that `ap auth login` has stored are not read.
///
/// ```
/// use ap_client::{Blocking, ClientBuilder, fake};
/// use ap_keys::FromEnvironment;
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = ClientBuilder::<Blocking>::new()
///     .key_source(FromEnvironment::new()?)
///     .build_with(fake(|_| (200, "[]")))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FromEnvironment {
    /// [`KEY_VARIABLE`], [`NEXT_KEY_VARIABLE`] or both contain a key.
    Variables(Environment),
    /// [`KEY_FILE_VARIABLE`] contains a path.
    File(Arc<File>),
    /// [`KEY_COMMAND_VARIABLE`] contains a command.
    Command(Command),
}

impl FromEnvironment {
    /// Returns the key source that the variables configure. A command is not run yet.
    ///
    /// # Errors
    ///
    /// [`Error`] if no variable is set, or names the variable whose value is not a key or not a command.
    pub fn new() -> Result<Self, Error> {
        Self::find()?.ok_or_else(|| {
            Error::new(
                format!(
                    "there is no API key: {} are not set",
                    KEY_VARIABLES.join(", ")
                ),
                format!("set {KEY_VARIABLE} to the account's key"),
            )
        })
    }

    /// Returns the key source that the variables configure, or `None` if no variable is set. A command is not
    /// run yet.
    ///
    /// # Errors
    ///
    /// [`Error`] names the variable whose value is not a key or not a command.
    pub fn find() -> Result<Option<Self>, Error> {
        Self::find_with(|name| std::env::var_os(name))
    }

    fn find_with(variable: impl Fn(&OsStr) -> Option<OsString>) -> Result<Option<Self>, Error> {
        let environment = Environment::new();
        if !environment.read_with(&variable)?.is_empty() {
            return Ok(Some(Self::Variables(environment)));
        }
        if let Some(path) = variable(KEY_FILE_VARIABLE.as_ref()).filter(|path| !path.is_empty()) {
            return parse_path(path).map(Some);
        }
        variable(KEY_COMMAND_VARIABLE.as_ref())
            .filter(|line| !line.is_empty())
            .map(|line| {
                let command = parse_command(&line)?;
                let is_first_line = is_set(variable(KEY_COMMAND_FIRST_LINE_VARIABLE.as_ref()))?;
                let command = if is_first_line {
                    command.first_line()
                } else {
                    command
                };
                Ok(Self::Command(command))
            })
            .transpose()
    }

    /// Reads the keys now. A command is run, and may take no longer than `remaining` (`None`: its own limit).
    ///
    /// # Errors
    ///
    /// [`Error`] as for [`Environment::read`] and [`Command::read`], or if the file cannot be used.
    pub fn read(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, Error> {
        match self {
            Self::Variables(environment) => environment.read(),
            Self::File(file) => file.read_settled(remaining),
            Self::Command(command) => command.read(remaining),
        }
    }
}

impl KeySource for FromEnvironment {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        Ok(self.read(remaining)?)
    }
}

fn parse_path(path: OsString) -> Result<FromEnvironment, Error> {
    let path = PathBuf::from(path);
    // A relative one would be read in the working directory, which may belong to anybody.
    if path.is_relative() {
        return Err(Error::new(
            format!("{KEY_FILE_VARIABLE} is not an absolute path"),
            "write the whole path of a file with one key per line",
        ));
    }
    Ok(FromEnvironment::File(Arc::new(File::credential(path))))
}

fn parse_command(line: &OsStr) -> Result<Command, Error> {
    let invalid = |what: &str| {
        Error::new(
            format!("{KEY_COMMAND_VARIABLE} {what}"),
            "write a program and its arguments, for example: pass show activeprospect",
        )
    };
    let line = line.to_str().ok_or_else(|| invalid("is not text"))?;
    let words = command_line::split(line).map_err(|error| invalid(&error.to_string()))?;
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| invalid("contains no command"))?;
    Ok(Command::new(program)
        .args(arguments)
        // Otherwise a command that uses this source itself would never end.
        .without_variable(KEY_COMMAND_VARIABLE)
        .timeout(COMMAND_TIMEOUT)
        .in_foreground())
}

/// Returns `true` if the value of [`KEY_COMMAND_FIRST_LINE_VARIABLE`] switches it on.
fn is_set(value: Option<OsString>) -> Result<bool, Error> {
    match value.as_deref().map(OsStr::as_encoded_bytes) {
        Some(b"1") => Ok(true),
        None | Some(b"" | b"0") => Ok(false),
        Some(_) => Err(Error::new(
            format!("{KEY_COMMAND_FIRST_LINE_VARIABLE} is neither 1 nor 0"),
            "set it to 1 to read only the first line that the command prints",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> Result<Option<FromEnvironment>, String> {
        FromEnvironment::find_with(|name| {
            let found = variables.iter().find(|(variable, _)| name == *variable);
            found.map(|(_, value)| value.into())
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_in_variables_come_before_a_command_and_empty_variables_count_as_unset() {
        let command = (KEY_COMMAND_VARIABLE, "pass show key");
        for (variables, expected) in [
            (&[][..], "None"),
            (&[(KEY_VARIABLE, ""), (KEY_COMMAND_VARIABLE, "")], "None"),
            (&[(KEY_VARIABLE, "1234567890")], "Variables"),
            (&[(NEXT_KEY_VARIABLE, "1234567890"), command], "Variables"),
            (&[(KEY_VARIABLE, ""), command], "Command"),
            (&[command], "Command"),
            (&[command, (KEY_FILE_VARIABLE, "/run/key")], "File"),
            (&[command, (KEY_FILE_VARIABLE, "")], "Command"),
            (
                &[
                    (KEY_VARIABLE, "1234567890"),
                    (KEY_FILE_VARIABLE, "/run/key"),
                ],
                "Variables",
            ),
        ] {
            let found = match find(variables).unwrap() {
                None => "None",
                Some(FromEnvironment::Variables(_)) => "Variables",
                Some(FromEnvironment::File(_)) => "File",
                Some(FromEnvironment::Command(_)) => "Command",
            };
            assert_eq!(found, expected, "{variables:?}");
        }
    }

    #[test]
    fn a_command_is_split_into_words_and_has_time_for_a_person() {
        let found = find(&[(KEY_COMMAND_VARIABLE, r#"pass show "my keys" 'a b'"#)]).unwrap();
        let Some(FromEnvironment::Command(command)) = found else {
            panic!("{found:?}");
        };
        let expected = r#"Command { program: "pass", arguments: 3, timeout: 120s, .. }"#;
        assert_eq!(format!("{command:?}"), expected);
    }

    #[test]
    fn the_first_line_alone_is_read_if_the_variable_is_1() {
        let command = (KEY_COMMAND_VARIABLE, "pass show key");
        for (value, expected) in [("", false), ("0", false), ("1", true)] {
            let found = find(&[command, (KEY_COMMAND_FIRST_LINE_VARIABLE, value)]).unwrap();
            let Some(FromEnvironment::Command(found)) = found else {
                panic!("{found:?}");
            };
            let is_first_line = format!("{found:?}").contains("first_line: true");
            assert_eq!(is_first_line, expected, "{value:?}");
        }
        let error = find(&[command, (KEY_COMMAND_FIRST_LINE_VARIABLE, "secret")]).unwrap_err();
        let expected = "ACTIVEPROSPECT_KEY_COMMAND_FIRST_LINE is neither 1 nor 0; set it to 1";
        assert!(error.starts_with(expected), "{error}");
        let none = find(&[(KEY_COMMAND_FIRST_LINE_VARIABLE, "secret")]).unwrap();
        assert!(none.is_none(), "it says nothing without a command");
    }

    #[test]
    fn an_invalid_variable_is_named_and_its_value_is_not_repeated() {
        for (variable, value, expected) in [
            (
                KEY_VARIABLE,
                "secret key",
                "ACTIVEPROSPECT_API_KEY: the key contains a space",
            ),
            (
                KEY_FILE_VARIABLE,
                "secret/key",
                "API_KEY_FILE is not an absolute path; write the whole path",
            ),
            (
                KEY_COMMAND_VARIABLE,
                "echo 'secret",
                "KEY_COMMAND has a quote that is not closed, at byte 5; write a program",
            ),
            (
                KEY_COMMAND_VARIABLE,
                " \t",
                "KEY_COMMAND contains no command; write a program and its arguments",
            ),
            (
                KEY_COMMAND_VARIABLE,
                r"C:\bin\secret.exe",
                "KEY_COMMAND has a backslash outside of quotes at byte 2; quote the word",
            ),
            (
                KEY_COMMAND_VARIABLE,
                "TOKEN=secret vault read key",
                "KEY_COMMAND begins with an assignment, which only a shell understands",
            ),
            (
                KEY_COMMAND_VARIABLE,
                "~/bin/secret",
                "KEY_COMMAND has a ~ at byte 0, which only a shell replaces",
            ),
        ] {
            let error = find(&[(variable, value)]).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
