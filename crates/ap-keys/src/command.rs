//! [`Command`]: keys that a program prints, such as a password manager.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use ap_client::{KeySource, KeySourceError};
use ap_core::ApiKey;
use memchr::memmem::Finder;

use crate::environment::{KEY_VARIABLE, NEXT_KEY_VARIABLE};
use crate::error::{Error, display_path};
use crate::key_list::{self, FinalLineFeed};
use crate::running::{Failure, Running, Wanted};

/// The variable that makes [`FromEnvironment`](crate::FromEnvironment) read only the first line of its command,
/// if it is `1`.
pub const KEY_COMMAND_FIRST_LINE_VARIABLE: &str = "ACTIVEPROSPECT_KEY_COMMAND_FIRST_LINE";

/// The most bytes that a command may print. Three keys of the greatest length need less.
pub const MAX_OUTPUT_SIZE: usize = 4096;

/// How long a command may take, unless another limit is set.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The length of the shortest key that is searched for inside arguments. A shorter one may be part of any
/// word.
const MIN_SEARCHED_LEN: usize = 8;

/// The length of the shortest program's name that may be a key instead.
const MIN_UNNAMED_LEN: usize = 16;

/// A key source that reads what a program prints: one key per line, oldest first, up to three.
///
/// The program runs each time that keys are needed. The last line needs no line feed. A line below the first
/// counts as a key only if it is as long as the first, and consists of letters and digits, apart from
/// characters that the first has in the same places. Anything else there is an error, because it may be a user
/// name or a note; see [`first_line`](Self::first_line).
///
/// There is no shell in between: the program gets its arguments as they are. Its standard input is empty, its
/// standard error is that of this process. It inherits the working directory, and the environment except for
/// the variables that [`Environment`](crate::Environment) reads keys from. It must end with exit code 0 in
/// time. Otherwise it is killed; on Unix, so are all processes in its group.
///
/// If it succeeds and leaves a process behind that has its output open, such as an agent, that process has one
/// more second to print. Then what was printed counts, and that process goes on. On Unix, no thread and no open
/// file is left behind. Elsewhere, a thread waits until that process ends.
///
/// Every user of the machine can read arguments, so they must not contain a key. A key that is printed and is
/// also in an argument is an error.
///
/// ```
/// use ap_keys::Command;
///
/// let source = Command::new("pass").args(["show", "activeprospect/keys"]);
/// assert_eq!(format!("{source:?}"), r#"Command { program: "pass", arguments: 2, timeout: 30s, .. }"#);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Command {
    program: OsString,
    arguments: Vec<OsString>,
    removed_variables: Vec<OsString>,
    timeout: Duration,
    is_in_foreground: bool,
    wanted: Wanted,
}

impl Command {
    /// Creates a source that runs a program, given by its path or by a name to find in `PATH`.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            removed_variables: [KEY_VARIABLE, NEXT_KEY_VARIABLE].map(OsString::from).into(),
            timeout: DEFAULT_TIMEOUT,
            is_in_foreground: false,
            wanted: Wanted::All,
        }
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Removes one more variable from the program's environment.
    pub fn without_variable(mut self, name: impl Into<OsString>) -> Self {
        self.removed_variables.push(name.into());
        self
    }

    /// Sets how long the program may take; 30 s by default, and never longer than the call has.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Leaves the program in this process's group, so that it can ask a person on the terminal.
    ///
    /// If it takes too long, only the program itself is killed.
    pub const fn in_foreground(mut self) -> Self {
        self.is_in_foreground = true;
        self
    }

    /// Reads only the first line that the program prints, and drops the others.
    ///
    /// Use it if the key comes with notes, as in the entries of many password managers.
    ///
    /// ```
    /// use ap_keys::Command;
    ///
    /// // The first line of the entry is the password, the others are a user name and notes.
    /// let source = Command::new("pass").args(["show", "activeprospect"]).first_line();
    /// ```
    pub const fn first_line(mut self) -> Self {
        self.wanted = Wanted::FirstLine;
        self
    }

    /// Runs the program and reads its keys. It may take no longer than `remaining` (`None`: its own limit).
    ///
    /// # Errors
    ///
    /// [`Error`] if the program cannot be started, takes too long, prints too much or anything but keys, or
    /// ends with another exit code than 0. Its output is not in the error.
    pub fn read(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, Error> {
        let limit = remaining.map_or(self.timeout, |remaining| remaining.min(self.timeout));
        let name = self.display_name();
        if limit.is_zero() {
            return Err(Error::new(
                format!("there is no time left to run {name}"),
                "set a longer timeout for the call",
            ));
        }
        let output = self
            .start()?
            .output(limit, MAX_OUTPUT_SIZE, self.wanted)
            .map_err(|failure| explain(failure, &name, limit))?;
        let output_name = format!("the output of {name}");
        check_further_lines(&output, &output_name)?;
        let keys = key_list::parse(&output, FinalLineFeed::Optional, &output_name, &name)?;
        if keys.iter().any(|key| self.is_in_arguments(key)) {
            return Err(Error::new(
                format!("an argument of {name} contains the key, and other users can read it"),
                "reset the key, and remove it from the arguments",
            ));
        }
        Ok(keys)
    }

    fn start(&self) -> Result<Running, Error> {
        let mut system = std::process::Command::new(&self.program);
        system.args(&self.arguments);
        for name in &self.removed_variables {
            system.env_remove(name);
        }
        Running::start(&mut system, self.is_in_foreground).map_err(|error| {
            let hint = if self.program.as_encoded_bytes().starts_with(b"~") {
                "write the whole path: only a shell replaces ~ by the home folder"
            } else if may_be_key(self.program.as_encoded_bytes()) {
                "a command that prints the key belongs here, and not the key itself"
            } else {
                "check its name, that it is executable, and that a script begins with a line such as #!/bin/sh"
            };
            let name = self.display_name();
            Error::new(format!("{name} cannot be started ({})", error.kind()), hint)
                .with_source(error)
        })
    }

    pub(crate) fn is_in_arguments(&self, key: &ApiKey) -> bool {
        let key = key.expose().as_bytes();
        // It takes linear time, whatever the arguments are.
        let finder = Finder::new(key);
        self.arguments.iter().any(|argument| {
            let argument = argument.as_encoded_bytes();
            argument == key || key.len() >= MIN_SEARCHED_LEN && finder.find(argument).is_some()
        })
    }

    /// Returns a name for errors and labels. It has no arguments, since these may be private.
    fn display_name(&self) -> String {
        let program = Path::new(&self.program);
        let file = program.file_name().map_or(program, Path::new);
        if may_be_key(file.as_os_str().as_encoded_bytes()) {
            return "the command".to_owned();
        }
        format!("the command {}", display_path(file))
    }
}

impl KeySource for Command {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        Ok(self.read(remaining)?)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Command");
        if !may_be_key(self.program.as_encoded_bytes()) {
            shown.field("program", &self.program);
        }
        shown
            .field("arguments", &self.arguments.len())
            .field("timeout", &self.timeout);
        if self.wanted == Wanted::FirstLine {
            shown.field("first_line", &true);
        }
        shown.finish_non_exhaustive()
    }
}

/// Returns `true` for a program's name that may be a key, which somebody gave in place of a command that prints it.
fn may_be_key(name: &[u8]) -> bool {
    name.len() >= MIN_UNNAMED_LEN
        && name.iter().all(u8::is_ascii_alphanumeric)
        && name.iter().any(u8::is_ascii_digit)
}

/// Checks that every line below the first looks like a key, which a user name or a note does not.
///
/// An invalid first line is left to the parser.
pub(crate) fn check_further_lines(output: &[u8], output_name: &str) -> Result<(), Error> {
    let output = output.strip_suffix(b"\n").unwrap_or(output);
    let mut lines = output.split(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    if ApiKey::parse(first).is_err() {
        return Ok(());
    }
    // A key such as `emulator-1-0a1b` has other characters too, and the next one has them in the same places.
    let is_key = |line: &[u8]| {
        line.len() == first.len()
            && line
                .iter()
                .zip(first)
                .all(|(byte, of_first)| byte.is_ascii_alphanumeric() || byte == of_first)
    };
    match lines.position(|line| !is_key(line)) {
        None => Ok(()),
        Some(index) => Err(Error::new(
            format!(
                "line {} of {output_name} is not a key of the first one's form",
                index + 2
            ),
            format!(
                "print one key per line; if only the first line is a key, use \
                 `Command::first_line()`, or set {KEY_COMMAND_FIRST_LINE_VARIABLE}=1"
            ),
        )),
    }
}

/// Returns the error for a program that gave no output.
fn explain(failure: Failure, name: &str, limit: Duration) -> Error {
    match failure {
        Failure::TooSlow => Error::new(
            format!(
                "{name} took longer than {} ms and was killed",
                limit.as_millis()
            ),
            "run it yourself to see what it waits for",
        ),
        Failure::TooMuch => Error::new(
            format!("{name} printed more than {MAX_OUTPUT_SIZE} bytes"),
            "let it print one key per line, at most three",
        ),
        // "exit status: 1", or the signal.
        Failure::Status(status) => Error::new(
            format!("{name} failed ({status})"),
            "run it yourself to see why",
        ),
        Failure::Io(error) => Error::new(
            format!("the output of {name} cannot be read ({})", error.kind()),
            "try again",
        )
        .with_source(error),
    }
}
