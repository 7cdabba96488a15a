//! A headless Chromium, driven over the pipe of its DevTools protocol: JSON messages that end in a
//! zero byte, on file descriptors 3 and 4. No port is opened, and the browser ends with the pipe.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

/// If this variable is set, a missing browser is a failure.
const NEEDED: &str = "ACTIVEPROSPECT_TESTS_NEED_BROWSER";
/// Far longer than a passing test waits, also on a busy machine: it only turns a hang into a failure.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How long the browser may take to exit before it is killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

const FLAGS: [&str; 12] = [
    "--headless",
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    // Lets the browser reach nothing but the emulator.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/// One browser with one page in it.
pub(crate) struct Browser {
    child: Child,
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    profile: TempDir,
    session: Option<String>,
    sent: u64,
    /// The events that no test has waited for yet.
    events: Vec<Value>,
}

impl Browser {
    /// Starts a browser, or prints which test is skipped because there is none.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = find("chromium") else {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("a test");
            let reason = "there is no `chromium` in PATH";
            assert!(
                std::env::var_os(NEEDED).is_none(),
                "{reason}; {NEEDED} is set"
            );
            // Written past the test runner, which hides the output of passing tests.
            let _ = writeln!(std::io::stderr(), "skipped: {name}: {reason}");
            return None;
        };
        let mut browser = Self::launch(&program);
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let params = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", params);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in [
            "Page",
            "Runtime",
            "Log",
            "Network",
            "Audits",
            "Accessibility",
        ] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    fn launch(program: &PathBuf) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let errors = std::fs::File::create(profile.path().join("stderr")).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()));
        if geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        let mut child = command
            .env("HOME", profile.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .process_group(0)
            .spawn()
            .unwrap();
        let (to, out) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, from) = channel();
        // This thread ends with the pipe.
        std::thread::spawn(move || {
            for message in BufReader::new(out).split(0) {
                let Ok(Ok(message)) = message.map(|bytes| serde_json::from_slice(&bytes)) else {
                    return;
                };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            to,
            from,
            profile,
            session: None,
            sent: 0,
            events: Vec::new(),
        }
    }

    /// Calls a method of the DevTools protocol and returns its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let sent = self.to.as_mut().map(|to| to.write_all(&bytes));
        assert!(matches!(sent, Some(Ok(()))), "{method}: {}", self.log());
        let id = json!(self.sent);
        let mut response = self.receive(method, |message| message["id"] == id);
        assert!(
            response["error"].is_null(),
            "{method}: {}",
            response["error"]
        );
        response["result"].take()
    }

    /// Waits for an event of that name, as [`wait_for`](Self::wait_for) does.
    pub(crate) fn wait_for_event(&mut self, method: &str) -> Value {
        self.wait_for(method, |message| message["method"] == method)
    }

    /// Waits for an event, or takes one that arrived before.
    pub(crate) fn wait_for(&mut self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        match self.events.iter().position(&is_wanted) {
            Some(at) => self.events.remove(at),
            None => self.receive(what, is_wanted),
        }
    }

    fn receive(&mut self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + TIMEOUT;
        loop {
            let remaining = end.saturating_duration_since(Instant::now());
            match self.from.recv_timeout(remaining) {
                Ok(message) if is_wanted(&message) => return message,
                Ok(message) => self.events.push(message),
                Err(error) => panic!("{error} while waiting for {what}: {}", self.log()),
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.profile.path().join("stderr")).unwrap_or_default()
    }

    /// Loads a page and waits until it is complete.
    pub(crate) fn open(&mut self, url: &str) {
        let response = self.call("Page.navigate", json!({ "url": url }));
        assert!(response["errorText"].is_null(), "{url}: {response}");
        self.wait_for_event("Page.loadEventFired");
    }

    /// Evaluates an expression in the page.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
            "userGesture": true,
        });
        let mut response = self.call("Runtime.evaluate", params);
        assert!(
            response["exceptionDetails"].is_null(),
            "{expression}: {response}"
        );
        response["result"]["value"].take()
    }

    pub(crate) fn text(&mut self, expression: &str) -> String {
        let value = self.eval(expression);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{expression}: {value}"))
            .to_owned()
    }

    /// Waits until an expression is true in the page.
    pub(crate) fn wait_until(&mut self, expression: &str) {
        let poll = format!(
            "new Promise((done) => {{
                const poll = () => ({expression}) ? done(true) : requestAnimationFrame(poll);
                poll();
            }})"
        );
        assert_eq!(self.eval(&poll), true, "{expression}");
    }

    /// Presses a key in the element that has the focus.
    pub(crate) fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            " " => (32, " "),
            _ => panic!("unknown key: {key:?}"),
        };
        let event = json!({ "key": key, "code": key, "windowsVirtualKeyCode": code });
        let mut down = event.clone();
        down["type"] = json!(if text.is_empty() {
            "rawKeyDown"
        } else {
            "keyDown"
        });
        down["text"] = json!(text);
        let mut up = event;
        up["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", down);
        self.call("Input.dispatchKeyEvent", up);
    }

    /// Shows the page in this width, and as light or dark (`scheme`) as the device asks for.
    pub(crate) fn show_as(&mut self, width: u32, scheme: &str) {
        let metrics = json!({
            "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": feature }));
    }

    /// The errors and warnings of the page's console, including violations of its policy.
    pub(crate) fn complaints(&self) -> Vec<&Value> {
        self.events
            .iter()
            .filter(|event| is_complaint(event))
            .collect()
    }

    /// Waits for a complaint that contains `word`, or takes one that arrived before.
    pub(crate) fn wait_for_complaint(&mut self, word: &str) {
        let wanted = |event: &Value| is_complaint(event) && event.to_string().contains(word);
        self.wait_for(word, wanted);
    }

    /// The URL of every request that the page has made so far.
    pub(crate) fn requested(&self) -> Vec<&str> {
        let requests = self
            .events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent");
        requests
            .filter_map(|event| event["params"]["request"]["url"].as_str())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.to.take());
        let end = Instant::now() + EXIT_TIMEOUT;
        let remaining = || end.saturating_duration_since(Instant::now());
        while !matches!(
            self.from.recv_timeout(remaining()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)
        ) {}
        // Kills the rest of its processes. The system does not reuse the id before `wait`.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn is_complaint(event: &Value) -> bool {
    let params = &event["params"];
    match event["method"].as_str() {
        Some("Runtime.exceptionThrown" | "Audits.issueAdded") => true,
        Some("Runtime.consoleAPICalled") => {
            matches!(
                params["type"].as_str(),
                Some("error" | "warning" | "assert")
            )
        }
        Some("Log.entryAdded") => {
            matches!(params["entry"]["level"].as_str(), Some("error" | "warning"))
        }
        _ => false,
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
