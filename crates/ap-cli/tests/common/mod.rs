//! Runs the program as a person would, with a home folder of its own, and checks that no key is ever shown.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub(crate) mod bulk;
pub(crate) mod counting;
pub(crate) mod door;
pub(crate) mod event_pages;
#[cfg(target_os = "linux")]
pub(crate) mod terminal;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ap_emulator::{Emulator, Product};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

pub(crate) const KEY: &str = "placeholder-key-of-the-tests";
pub(crate) const VARIABLE: &str = "ACTIVEPROSPECT_API_KEY";

/// The documented body of a 401 for a bad key.
pub(crate) const BAD_KEY: &str = r#"{"error":"authentication failed"}"#;

pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn keys_file(&self) -> PathBuf {
        self.folder.path().join("config/ap/keys")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path of a file here, as an argument.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path().join(name).to_str().unwrap().to_owned()
    }

    /// Returns `ap` with nothing of this process's environment.
    pub(crate) fn ap(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ap"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .stdin(Stdio::null());
        command
    }

    /// Runs it with [`KEY`] in the environment and with an input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: impl Into<Vec<u8>>) -> Ran {
        let mut command = self.ap(arguments);
        command.env(VARIABLE, KEY);
        Ran::of(with_input(command, input), KEY)
    }

    /// Runs it with [`KEY`] in the environment.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_key(arguments, KEY)
    }

    /// Runs it with a key in the environment.
    pub(crate) fn run_with_key(&self, arguments: &[&str], key: &str) -> Ran {
        Ran::of(self.ap(arguments).env(VARIABLE, key).output().unwrap(), key)
    }

    /// Runs it without a key in the environment.
    pub(crate) fn run_bare(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.ap(arguments).output().unwrap(), KEY)
    }

    /// Writes a keys file with a mode.
    #[cfg(unix)]
    pub(crate) fn store(&self, text: &[u8], mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.keys_file();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Returns the text of the keys file.
    pub(crate) fn stored(&self) -> String {
        std::fs::read_to_string(self.keys_file()).unwrap()
    }

    /// Returns the names of the files in the keys file's folder.
    pub(crate) fn files_beside_keys(&self) -> Vec<String> {
        let folder = self.keys_file();
        let mut names: Vec<_> = std::fs::read_dir(folder.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// How a command ended, and what it printed.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Asserts that no spelling of the key is in standard error.
    pub(crate) fn of(output: Output, key: &str) -> Self {
        let ran = Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert_absent(&ran.stderr, key);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        ran
    }

    /// Asserts the exit code, and that standard error is one failure with this text in it.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, text: &str) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stderr.starts_with("ap: "), "{}", self.stderr);
        self.says(text);
        assert!(self.stderr.lines().count() <= 2, "{}", self.stderr);
    }

    /// Asserts that a text is in standard error.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.stderr.contains(text), "{text:?} is not in {self:?}");
    }

    /// Asserts that a text is in standard output.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) {
        assert!(self.stdout.contains(text), "{text:?} is not in {self:?}");
    }

    #[track_caller]
    pub(crate) fn succeeds(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        &self.stdout
    }
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            code,
            stdout,
            stderr,
        } = self;
        write!(f, "exit code {code:?}\n{stdout}\n{stderr}")
    }
}

/// Runs a command with an input.
pub(crate) fn with_input(command: Command, input: impl Into<Vec<u8>>) -> Output {
    assert_cmd::Command::from_std(command)
        .write_stdin(input)
        .output()
        .unwrap()
}

/// Starts a command, with pipes for its streams. It ignores no signal, even if this process does.
pub(crate) fn spawn(command: Command) -> Child {
    with_default_signals(&command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Returns a command that runs another one with no signal ignored, in the same process. A shell ignores interrupts
/// for what it runs in the background, such as these tests.
pub(crate) fn with_default_signals(command: &Command) -> Command {
    let mut wrapped = if cfg!(target_os = "linux") {
        let mut env = Command::new("/usr/bin/env");
        env.arg("--default-signal=HUP,INT,QUIT,TERM")
            .arg(command.get_program());
        env
    } else {
        Command::new(command.get_program())
    };
    let variables = command.get_envs();
    wrapped
        .args(command.get_args())
        .env_clear()
        .envs(variables.filter_map(|(name, value)| Some((name, value?))));
    wrapped
}

/// Reads the first line of standard output. The rest is lost.
pub(crate) fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    line
}

/// Reads standard error to its end.
pub(crate) fn rest_of_stderr(child: &mut Child) -> String {
    let mut text = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut text).unwrap();
    text
}

/// Sends a signal to a process.
pub(crate) fn send_signal(process: u32, signal: &str) {
    let mut kill = Command::new("kill");
    kill.args([format!("-{signal}"), process.to_string()]);
    assert!(kill.status().unwrap().success());
}

/// Returns the signal that ended a process.
#[cfg(unix)]
pub(crate) fn ending_signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Returns the exit code of a process as a shell shows it: 128 and the signal, if one ended it.
#[cfg(unix)]
pub(crate) fn shell_code(status: ExitStatus) -> i32 {
    let by_signal = || ending_signal(status).map(|signal| 128 + signal);
    status.code().or_else(by_signal).unwrap()
}

/// Returns base64 of the user name and the key, as in `Authorization`.
pub(crate) fn encoded_pair(key: &str) -> String {
    STANDARD.encode(format!("API:{key}"))
}

pub(crate) fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// Asserts that no eight characters in a row of the key are in a text, plain, in base64 or backwards.
///
/// The emulator's keys begin with `emulator-1-`, which is no secret and may be a part of a path, so that only
/// the rest counts.
#[track_caller]
pub(crate) fn assert_absent(text: &str, key: &str) {
    const WIDTH: usize = 8;
    let is_emulators = key.starts_with("emulator-");
    let public = key
        .rfind('-')
        .filter(|_| is_emulators)
        .map_or(0, |at| at + 1);
    let secret = &key[public..];
    let pair = encoded_pair(key);
    // Each character has six bits. Those of the user name and of the prefix alone say nothing.
    let pair = match public {
        0 => pair.as_str(),
        public => &pair[("API:".len() + public) * 8 / 6..],
    };
    for spelling in [secret, pair, &reversed(secret), &reversed(pair)] {
        assert!(spelling.len() >= WIDTH, "the key of the test is too short");
        for at in 0..=spelling.len() - WIDTH {
            let part = &spelling[at..at + WIDTH];
            assert!(!text.contains(part), "a part of the key is in {text:?}");
        }
    }
}

/// Returns the label that a key gets from the name of its source. A label has at most 64 characters, and is left
/// out if it repeats eight characters in a row of the key, as a path can repeat the prefix of an emulator's key.
pub(crate) fn label(name: &str, key: &str) -> String {
    let label: String = name.chars().take(64).collect();
    let mut starts = 0..=key.len() - 8;
    if starts.any(|at| label.contains(&key[at..at + 8])) {
        return "without a label".to_owned();
    }
    label
}

/// Returns the options that send every call to an emulator.
pub(crate) fn emulator_origins(emulator: &Emulator) -> Vec<String> {
    Product::ALL
        .map(|product| format!("--origin={}={}", product.id(), emulator.url(product)))
        .to_vec()
}

/// Starts a server for each product, with one answer each, and returns the options that send the calls of
/// `ap auth` there.
pub(crate) fn fake_products(answers: [(u16, &str); 3]) -> ([Fake; 3], Vec<String>) {
    let fakes = answers.map(|(status, body)| Fake::status(status, "", body));
    let origins = ["lcx", "trustedform-app", "suppressionlist"]
        .iter()
        .zip(&fakes)
        .map(|(name, fake)| format!("--origin={name}={}", fake.url))
        .collect();
    (fakes, origins)
}

/// Adds the name of a command and of all below it, as the help has them. The program itself has no name.
pub(crate) fn commands(home: &Home, command: &str, found: &mut BTreeSet<String>) {
    let words: Vec<&str> = command.split_whitespace().collect();
    let help = home.run_bare(&[&words[..], &["--help"]].concat());
    found.insert(command.to_owned());
    let list = help.succeeds().split("\nCommands:\n").nth(1);
    let list = list.and_then(|list| list.split("\n\n").next());
    for line in list.unwrap_or_default().lines() {
        // A line that goes on with a description begins with more spaces.
        let name = line
            .strip_prefix("  ")
            .and_then(|line| line.split(' ').next());
        if let Some(name) = name.filter(|name| !matches!(*name, "" | "help")) {
            commands(home, format!("{command} {name}").trim_start(), found);
        }
    }
}

/// Returns options and arguments as one list.
pub(crate) fn join<'a>(options: &'a [String], arguments: &[&'a str]) -> Vec<&'a str> {
    let options = options.iter().map(String::as_str);
    options.chain(arguments.iter().copied()).collect()
}

/// A server that gives every connection the same answer, and counts them.
pub(crate) struct Fake {
    pub(crate) url: String,
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let received = Arc::new(Mutex::new(Vec::new()));
        // The thread waits for connections until the test process ends.
        std::thread::spawn({
            let (connections, received) = (Arc::clone(&connections), Arc::clone(&received));
            move || {
                for stream in listener.incoming() {
                    connections.fetch_add(1, Ordering::SeqCst);
                    let Ok(mut stream) = stream else { continue };
                    let request = read_request(&mut stream);
                    received.lock().unwrap().push(request);
                    let _ = stream.write_all(&answer);
                }
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            port,
            connections,
            received,
        }
    }

    pub(crate) fn status(status: u16, headers: &str, body: &str) -> Self {
        Self::answering(format!(
            "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// Returns the value of `--origin` that makes this LeadConduit.
    pub(crate) fn as_lcx(&self) -> String {
        format!("lcx={}", self.url)
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    // Long enough for a loaded machine. A client that sends less than it announces must not block the test.
    let timeout = Duration::from_secs(60);
    stream.set_read_timeout(Some(timeout)).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse::<usize>()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return text,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}
