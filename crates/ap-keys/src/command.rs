//! [`Command`]: keys that a program prints, such as a password manager.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use ap_client::{KeySource, KeySourceError};
use ap_core::ApiKey;
use secrecy::zeroize::Zeroizing;

use crate::environment::{KEY_VARIABLE, NEXT_KEY_VARIABLE};
use crate::error::{Error, display_path};
use crate::key_list::{self, FinalLineFeed};

/// The most bytes that a command may print. Three keys of the greatest length need less.
pub const MAX_OUTPUT_SIZE: usize = 4096;

/// How long a command may take, unless another limit is set.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The length of the shortest key that is searched for inside arguments. A shorter one may be part of any
/// word.
const MIN_SEARCHED_LEN: usize = 8;

/// A key source that reads what a program prints: one key per line, oldest first, up to three.
///
/// The program runs each time that keys are needed. The last line needs no line feed.
///
/// There is no shell in between: the program gets its arguments as they are. Its standard input is empty, its
/// standard error is that of this process. It inherits the working directory, and the environment except for
/// the variables that [`Environment`](crate::Environment) reads keys from. It must end with exit code 0 and
/// close its output in time. Otherwise it is killed; on Unix, so are all processes in its group.
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
        let output = Running::start(self)?.output(Instant::now(), limit, &name)?;
        let output_name = format!("the output of {name}");
        let keys = key_list::parse(&output, FinalLineFeed::Optional, &output_name, &name)?;
        if keys.iter().any(|key| self.is_in_arguments(key)) {
            return Err(Error::new(
                format!("an argument of {name} contains the key, and other users can read it"),
                "reset the key, and remove it from the arguments",
            ));
        }
        Ok(keys)
    }

    fn is_in_arguments(&self, key: &ApiKey) -> bool {
        let key = key.expose().as_bytes();
        self.arguments.iter().any(|argument| {
            let argument = argument.as_encoded_bytes();
            argument == key
                || key.len() >= MIN_SEARCHED_LEN
                    && argument.windows(key.len()).any(|part| part == key)
        })
    }

    /// Returns a name for errors and labels. It has no arguments, since these may be private.
    fn display_name(&self) -> String {
        let program = Path::new(&self.program);
        let file = program.file_name().map_or(program, Path::new);
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
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("arguments", &self.arguments.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A running program. Dropping it kills the program, unless that has ended.
struct Running {
    child: Child,
    has_own_group: bool,
    has_ended: bool,
}

impl Running {
    fn start(command: &Command) -> Result<Self, Error> {
        let mut system = std::process::Command::new(&command.program);
        system
            .args(&command.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        for name in &command.removed_variables {
            system.env_remove::<&OsStr>(name);
        }
        let has_own_group = cfg!(unix) && !command.is_in_foreground;
        #[cfg(unix)]
        if has_own_group {
            std::os::unix::process::CommandExt::process_group(&mut system, 0);
        }
        let child = system.spawn().map_err(|error| {
            Error::new(
                format!(
                    "{} cannot be started ({})",
                    command.display_name(),
                    error.kind()
                ),
                "check its name, and that it is executable",
            )
            .with_source(error)
        })?;
        Ok(Self {
            child,
            has_own_group,
            has_ended: false,
        })
    }

    /// Returns everything that the program prints, if it succeeds in time.
    fn output(
        &mut self,
        started: Instant,
        limit: Duration,
        name: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let remaining = || limit.saturating_sub(started.elapsed());
        let too_slow = || {
            Error::new(
                format!(
                    "{name} took longer than {} ms and was killed",
                    limit.as_millis()
                ),
                "run it yourself to see what it waits for",
            )
        };
        let unreadable = |error: io::Error| {
            Error::new(
                format!("the output of {name} cannot be read ({})", error.kind()),
                "try again",
            )
            .with_source(error)
        };
        let output = match self.read_on_thread().recv_timeout(remaining()) {
            Ok(output) => output.map_err(unreadable)?,
            Err(RecvTimeoutError::Timeout) => return Err(too_slow()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(unreadable(io::ErrorKind::Other.into()));
            }
        };
        if output.len() > MAX_OUTPUT_SIZE {
            return Err(Error::new(
                format!("{name} printed more than {MAX_OUTPUT_SIZE} bytes"),
                "let it print one key per line, at most three",
            ));
        }
        let status = self.wait(remaining).map_err(unreadable)?;
        let status = status.ok_or_else(too_slow)?;
        if status.success() {
            return Ok(output);
        }
        // "exit status: 1", or the signal.
        Err(Error::new(
            format!("{name} failed ({status})"),
            "run it yourself to see why",
        ))
    }

    /// Waits until the program ends; `None` if its time runs out first.
    ///
    /// The program has closed its output, so it ends soon. The standard library cannot wait with a limit.
    fn wait(&mut self, remaining: impl Fn() -> Duration) -> io::Result<Option<ExitStatus>> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.has_ended = true;
                return Ok(Some(status));
            }
            if remaining().is_zero() {
                return Ok(None);
            }
            std::thread::sleep(pause.min(remaining()));
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Reads the output on a thread, because reading a pipe has no time limit.
    fn read_on_thread(&mut self) -> mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let Some(stdout) = self.child.stdout.take() else {
            return receiver;
        };
        let read = move || {
            // Large enough from the start: a buffer that grows leaves copies behind.
            let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT_SIZE + 1));
            let read = stdout
                .take(MAX_OUTPUT_SIZE as u64 + 1)
                .read_to_end(&mut output);
            // An error means that the time has run out, so nobody waits.
            let _ = sender.send(read.map(|_| output));
        };
        // If no thread can be started, the sender is dropped, which the receiver reports.
        let _ = std::thread::Builder::new()
            .name("ap-keys".to_owned())
            .spawn(read);
        receiver
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        #[cfg(unix)]
        if self.has_own_group {
            // Nobody has waited for the program, so its process id is not reused yet.
            if let Some(group) = i32::try_from(self.child.id())
                .ok()
                .and_then(rustix::process::Pid::from_raw)
            {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
