//! [`Proxy`]: what stands between a client and the server of all calls, in a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::bench::tools::{KEY, Tools, cpu};
use crate::program::resident;

/// The key that a proxy puts in the place of the client's. No account has it.
const ACCOUNT_KEY: &str = "placeholder-key-of-the-account";

/// The same as the password of HTTP Basic, without a user name.
const ACCOUNT_BASIC: &str = "Basic OnBsYWNlaG9sZGVyLWtleS1vZi10aGUtYWNjb3VudA==";

/// As many calls as are in flight at most, so that none waits for another.
const MAX_IN_FLIGHT: &str = "512";

/// How long nginx may take to listen, and any proxy to end.
const START_TIMEOUT: Duration = Duration::from_secs(10);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

/// A proxy that passes every call on, with another key. It ends when this is dropped.
pub(super) struct Proxy {
    name: &'static str,
    child: Child,
    pub(super) url: String,
    /// Its files.
    _folder: TempDir,
}

impl Proxy {
    /// Starts `ap gateway` before a server.
    pub(super) fn gateway(tools: &Tools, server: &str) -> Result<Self, String> {
        Self::gateway_by(Command::new(tools.program("ap")), server)
    }

    /// Starts `ap gateway` so that its instructions are counted, if valgrind is installed. They are in what
    /// [`stop`](Self::stop) returns.
    pub(super) fn counted_gateway(tools: &Tools, server: &str) -> Result<Option<Self>, String> {
        let command = tools.counted(&tools.program("ap"));
        let started = command.map(|command| Self::gateway_by(command, server));
        started.transpose()
    }

    fn gateway_by(mut command: Command, server: &str) -> Result<Self, String> {
        let folder = folder()?;
        command
            .arg(format!("--origin=lcx={server}"))
            .args(["gateway", "--max-in-flight", MAX_IN_FLIGHT])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", folder.path())
            .env("ACTIVEPROSPECT_API_KEY", ACCOUNT_KEY)
            .env("ACTIVEPROSPECT_GATEWAY_KEY", KEY)
            .current_dir(folder.path());
        let mut proxy = Self::spawn("ap gateway", command, folder)?;
        let mut line = String::new();
        if let Some(stdout) = proxy.child.stdout.take() {
            let read = BufReader::new(stdout).read_line(&mut line);
            read.map_err(|error| format!("ap gateway: {error}"))?;
        }
        let started: Value = serde_json::from_str(&line)
            .map_err(|error| format!("ap gateway did not say where it listens: {error}"))?;
        proxy.url = started["lcx"].as_str().unwrap_or_default().to_owned();
        Ok(proxy)
    }

    /// Starts nginx before a server: one process, which adds a header and keeps connections.
    pub(super) fn nginx(program: &Path, server: &str) -> Result<Self, String> {
        let folder = folder()?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("there is no free port: {error}"))?;
        let server = server.trim_start_matches("http://");
        let config = NGINX
            .replace("ADDRESS", &address.to_string())
            .replace("SERVER", server)
            .replace("AUTHORIZATION", ACCOUNT_BASIC);
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config)
            .map_err(|error| format!("cannot write nginx's settings: {error}"))?;
        let mut command = Command::new(program);
        command
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"]);
        let mut proxy = Self::spawn("nginx", command, folder)?;
        proxy.url = format!("http://{address}");
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = proxy.child.try_wait();
            if start.elapsed() > START_TIMEOUT || !matches!(ended, Ok(None)) {
                let said = proxy.stop()?;
                let last = said.lines().last().unwrap_or_default();
                return Err(format!("nginx does not listen: {last}"));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(proxy)
    }

    fn spawn(name: &'static str, mut command: Command, folder: TempDir) -> Result<Self, String> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        Ok(Self {
            name,
            child,
            url: String::new(),
            _folder: folder,
        })
    }

    /// Returns its processor time until now, in seconds.
    pub(super) fn cpu(&self) -> Result<f64, String> {
        self.seen(cpu(self.child.id()))
    }

    /// Returns its memory in use, in KiB.
    pub(super) fn resident(&self) -> Result<f64, String> {
        self.seen(resident(self.child.id()).map(|kib| kib as f64))
    }

    fn seen(&self, figure: Option<f64>) -> Result<f64, String> {
        figure.ok_or_else(|| format!("{} has ended, or this system says nothing of it", self.name))
    }

    /// Ends it as a terminal does, and returns what it wrote to standard error.
    pub(super) fn stop(&mut self) -> Result<String, String> {
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended already.
            let _ = kill_process(process, Signal::TERM);
        }
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > STOP_TIMEOUT {
                return Err(format!("{} does not end", self.name));
            }
            std::thread::sleep(PAUSE);
        }
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let read = stderr.read_to_string(&mut said);
            read.map_err(|error| format!("{}: {error}", self.name))?;
        }
        Ok(said)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> Result<TempDir, String> {
    TempDir::new().map_err(|error| format!("cannot make a folder: {error}"))
}

/// nginx's settings. It checks nothing, and keeps as many connections as there are.
const NGINX: &str = include_str!("nginx.conf");
