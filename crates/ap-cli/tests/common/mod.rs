//! Runs the binary as a person would, in a home of its own, and sees to it that no key is ever shown.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

pub(crate) const KEY: &str = "placeholder-key-of-the-tests";
pub(crate) const VARIABLE: &str = "ACTIVEPROSPECT_API_KEY";

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

    /// `ap` with nothing of this process's environment.
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

    /// Runs it with [`KEY`] in the environment and something on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: impl Into<Vec<u8>>) -> Ran {
        let mut command = self.ap(arguments);
        command.env(VARIABLE, KEY);
        Ran::of(with_input(command, input), KEY)
    }

    /// Runs it with [`KEY`] in the environment.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.ap(arguments).env(VARIABLE, KEY).output().unwrap(), KEY)
    }

    /// Runs it without any key.
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
}

pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Takes the output, and asserts that no spelling of the key is in standard error.
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

    /// Asserts the exit code, and that standard error is a sentence that says this.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, says: &str) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stderr.starts_with("ap: "), "{}", self.stderr);
        assert!(
            self.stderr.contains(says),
            "{says:?} is not in {:?}",
            self.stderr
        );
        assert!(self.stderr.lines().count() <= 2, "{}", self.stderr);
    }

    #[track_caller]
    pub(crate) fn succeeds(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        &self.stdout
    }
}

/// What a command does with something on standard input, which is then at its end.
pub(crate) fn with_input(command: Command, input: impl Into<Vec<u8>>) -> Output {
    assert_cmd::Command::from_std(command)
        .write_stdin(input)
        .output()
        .unwrap()
}

/// No eight bytes of the key, plain, in base64 or backwards.
#[track_caller]
pub(crate) fn assert_absent(text: &str, key: &str) {
    let pair = STANDARD.encode(format!("API:{key}"));
    let backwards = |text: &str| text.chars().rev().collect::<String>();
    for secret in [
        key.to_owned(),
        pair.clone(),
        backwards(key),
        backwards(&pair),
    ] {
        for at in 0..=secret.len().saturating_sub(8) {
            let part = &secret[at..at + 8];
            assert!(!text.contains(part), "a part of the key is in {text:?}");
        }
    }
}

/// A listener that answers every connection with the same bytes and counts them.
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

    pub(crate) fn as_lcx(&self) -> String {
        format!("lcx={}", self.url)
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
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
