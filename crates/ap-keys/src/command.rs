//! [`Command`]: keys that a program prints, such as a password manager's.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use ap_core::{ApiKey, KeySource, SourceError};
use secrecy::zeroize::Zeroizing;

use crate::environment::{KEY_VARIABLE, NEXT_KEY_VARIABLE};
use crate::lines::{self, LastLine};
use crate::problem::{Problem, name};

/// The most that a command may print, in bytes. Three keys of the longest kind take less.
pub const OUTPUT_LIMIT: usize = 4096;

/// How long a command may take, unless said otherwise or the call has less left.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A shorter key may be a part of any word.
const SHORTEST_PART: usize = 8;

/// Keys from a program's standard output: one key a line, oldest first, up to three; the last line may be
/// without its end. It is run each time that it is asked.
///
/// No shell is between: the program gets its arguments as they are. Its standard input is empty, its
/// standard error is this process's own, its working directory and environment are inherited, save for the
/// variables that [`Environment`](crate::Environment) reads keys from: it has to bring keys, not to get some. It has to
/// end with exit code 0 and to close its output in time, else it is killed, on Unix with every process
/// that it started in its group.
///
/// Arguments are seen by every user of the machine, so they must hold no key; one that is printed and
/// stands among them is refused.
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
    without: Vec<OsString>,
    timeout: Duration,
    in_foreground: bool,
}

impl Command {
    /// A program, by its path or by a name that is looked up in `PATH`.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            without: [KEY_VARIABLE, NEXT_KEY_VARIABLE].map(OsString::from).into(),
            timeout: TIMEOUT,
            in_foreground: false,
        }
    }

    /// More arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Leaves one more variable out of the program's environment.
    pub fn without_variable(mut self, name: impl Into<OsString>) -> Self {
        self.without.push(name.into());
        self
    }

    /// How long it may take: 30 seconds unless said, and never longer than the call has left.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Leaves the program in this process's own group, so that it can ask a person on the terminal. When
    /// its time is up, it alone is killed.
    pub const fn in_foreground(mut self) -> Self {
        self.in_foreground = true;
        self
    }

    /// Runs the program and reads its keys.
    ///
    /// # Errors
    ///
    /// [`Problem`] if it cannot be started, takes too long, prints too much or anything but keys, or ends
    /// with another exit code than 0. Nothing that it printed is in there.
    pub fn read(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, Problem> {
        let limit = left.map_or(self.timeout, |left| left.min(self.timeout));
        let place = self.place();
        if limit.is_zero() {
            return Err(Problem::new(
                format!("there is no time left to run {place}"),
                "give the call longer",
            ));
        }
        let mut run = Run::start(self)?;
        let output = run.output(Instant::now(), limit, &place)?;
        let keys = lines::parse(&output, LastLine::Open, &place, &place)?;
        if keys.iter().any(|key| self.holds(key)) {
            return Err(Problem::new(
                format!("{place}: the key stands among its arguments, where others can see it"),
                "reset the key, and keep it out of the arguments",
            ));
        }
        Ok(keys)
    }

    fn holds(&self, key: &ApiKey) -> bool {
        let key = key.expose().as_bytes();
        self.arguments.iter().any(|argument| {
            let argument = argument.as_encoded_bytes();
            argument == key
                || key.len() >= SHORTEST_PART && argument.windows(key.len()).any(|part| part == key)
        })
    }

    /// The program's name alone: arguments may hold what is nobody's business.
    fn place(&self) -> String {
        let program = Path::new(&self.program);
        let file = program.file_name().map_or(program, Path::new);
        format!("the command {}", name(file))
    }
}

impl KeySource for Command {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        Ok(self.read(left)?)
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

/// A program that runs, which ends with this value at the latest.
struct Run {
    child: Child,
    has_group: bool,
    ended: bool,
}

impl Run {
    fn start(command: &Command) -> Result<Self, Problem> {
        let mut system = std::process::Command::new(&command.program);
        system
            .args(&command.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        for name in &command.without {
            system.env_remove::<&OsStr>(name);
        }
        let has_group = cfg!(unix) && !command.in_foreground;
        #[cfg(unix)]
        if has_group {
            std::os::unix::process::CommandExt::process_group(&mut system, 0);
        }
        let child = system.spawn().map_err(|error| {
            Problem::new(
                format!("{} cannot be started ({})", command.place(), error.kind()),
                "check its name and that it may be run",
            )
            .because(error)
        })?;
        Ok(Self {
            child,
            has_group,
            ended: false,
        })
    }

    /// Everything that it prints, if it ends well and in time.
    fn output(
        &mut self,
        begun: Instant,
        limit: Duration,
        place: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let left = || limit.saturating_sub(begun.elapsed());
        let too_slow = || {
            Problem::new(
                format!(
                    "{place} took longer than {} ms and was killed",
                    limit.as_millis()
                ),
                "run it by hand to see what it waits for",
            )
        };
        let unread = |error: io::Error| {
            Problem::new(
                format!("the output of {place} cannot be read ({})", error.kind()),
                "try again",
            )
            .because(error)
        };
        let output = match self.read_on_thread().recv_timeout(left()) {
            Ok(output) => output.map_err(unread)?,
            Err(RecvTimeoutError::Timeout) => return Err(too_slow()),
            Err(RecvTimeoutError::Disconnected) => return Err(unread(io::ErrorKind::Other.into())),
        };
        if output.len() > OUTPUT_LIMIT {
            return Err(Problem::new(
                format!("{place} printed more than {OUTPUT_LIMIT} bytes"),
                "one key a line, three at most",
            ));
        }
        // It has closed its output, so it is about to end; the standard library cannot wait with a limit.
        let mut pause = Duration::from_millis(1);
        let status = loop {
            match self.child.try_wait().map_err(unread)? {
                Some(status) => break status,
                None if left().is_zero() => return Err(too_slow()),
                None => std::thread::sleep(pause.min(left())),
            }
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        self.ended = true;
        if status.success() {
            return Ok(output);
        }
        // "exit status: 1", or the signal.
        Err(Problem::new(
            format!("{place} failed ({status})"),
            "run it by hand to see why",
        ))
    }

    /// Reads on a thread, because a read of a pipe has no limit in time.
    fn read_on_thread(&mut self) -> mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let Some(stdout) = self.child.stdout.take() else {
            return receiver;
        };
        let read = move || {
            // Room for all of it from the start: growing would leave copies behind.
            let mut output = Zeroizing::new(Vec::with_capacity(OUTPUT_LIMIT + 1));
            let read = stdout
                .take(OUTPUT_LIMIT as u64 + 1)
                .read_to_end(&mut output);
            // Nobody listens any more if it took too long.
            let _ = sender.send(read.map(|_| output));
        };
        // That no thread can be started comes out as a sender that is gone.
        let _ = std::thread::Builder::new()
            .name("ap-keys".to_owned())
            .spawn(read);
        receiver
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        #[cfg(unix)]
        if self.has_group {
            // It has not been waited for, so its number is nobody else's yet.
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
