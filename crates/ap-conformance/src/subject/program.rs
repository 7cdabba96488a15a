//! Process mode: any program is a subject that answers one JSON object a line on its standard output for
//! each one that it reads on its standard input. `docs/conformance.md` describes the protocol.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use ap_core::Service;

use crate::case::{Call, Case, Need};
use crate::outcome::Outcome;
use crate::report::Report;
use crate::run::{GRACE, Ground, Run};
use crate::subject;
use crate::suite::{Suite, Verdict};

/// How long a program may take to begin or end a case.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest line that is read from a program, in bytes.
const LINE_LIMIT: u64 = 256 * 1024 * 1024;

/// How many lines are read before anyone wants them.
const LINES_AHEAD: usize = 10_000;

impl Suite {
    /// Judges a program by the command that starts it (through the shell). A program that dies, hangs or
    /// prints anything else fails the case that it was at, and is started anew for the next.
    pub fn check_program(&self, command: &str) -> Report {
        let mut program: Option<Program> = None;
        self.report(
            |case| {
                let beyond = if case.needs.contains(&Need::Async) {
                    Some("is about dropping a future, which this protocol has none of")
                } else if case.calls.iter().any(|call| call.times > 1) {
                    Some("is about calls at once, which this protocol has none of")
                } else {
                    None
                };
                beyond.map(str::to_owned).or_else(|| self.any_skip(case))
            },
            |case, place, ground| {
                let mut running = match program.take() {
                    Some(running) => running,
                    None => Program::start(command)?,
                };
                let verdict = once(case, place, ground, &mut running)?;
                // Kept only after a run without a fault: dropping it ends the process.
                program = Some(running);
                Ok(verdict)
            },
        )
    }
}

fn once(
    case: &Case,
    place: Option<usize>,
    ground: &Ground,
    program: &mut Program,
) -> Result<Verdict, String> {
    let mut run = Run::prepare(case, &ground.authority, place)?;
    let begun: Begun = program.ask("begin", begin(&run).to_string(), PATIENCE)?;
    if let Some(reason) = begun.skip {
        return Ok(Verdict {
            skipped: Some(reason),
            ..Verdict::default()
        });
    }
    if !begun.ok {
        return Err("the program answered neither `ok` nor `skip` to `begin`".to_owned());
    }
    for call in &case.calls {
        let end = Instant::now() + subject::PATIENCE;
        while !run.is_marked(call) && Instant::now() < end {
            std::thread::sleep(subject::STEP);
        }
        std::thread::sleep(Duration::from_millis(call.after_ms));
        // Writing a large body down takes the suite a while, which is no fault of the program.
        let question = ask(&run, call)?.to_string();
        let started = Instant::now();
        let answer: Answer = program.ask("call", question, run.timeout() + GRACE)?;
        let body = STANDARD.decode(&answer.body);
        let mut outcome = answer.outcome;
        outcome.body = body.map_err(|_| "the program's `body` is not base64".to_owned())?;
        if started.elapsed() > run.allowed(call) {
            outcome = Outcome::of_kind("late");
        }
        outcome.text.push_str(&program.said());
        run.outcomes.push(outcome);
    }
    let ended: Begun = program.ask("end", json!({"op": "end"}).to_string(), PATIENCE)?;
    if !ended.ok {
        return Err("the program did not answer `ok` to `end`".to_owned());
    }
    Ok(Verdict::of(&run))
}

#[derive(Deserialize)]
struct Begun {
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    skip: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(default)]
    body: String,
}

fn begin(run: &Run<'_>) -> Value {
    let settings = &run.settings;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let password = settings
        .proxy
        .as_ref()
        .and_then(ap_core::Proxy::user_and_password);
    let origin = |service| run.origins.get(service).as_str();
    json!({
        "op": "begin",
        "case": run.case.id,
        "keys": keys(run, &run.case.keys),
        "user": run.case.user.as_deref().unwrap_or(ap_core::DEFAULT_USER),
        "service": match run.service() {
            Service::LeadConduit => "lcx",
            Service::TrustedForm => "trustedform",
            Service::TrustedFormApp => "trustedform-app",
            Service::SuppressionList => "suppressionlist",
        },
        "origins": {
            "lcx": origin(Service::LeadConduit),
            "trustedform": origin(Service::TrustedForm),
            "trustedform-app": origin(Service::TrustedFormApp),
            "suppressionlist": origin(Service::SuppressionList),
        },
        "root_pem": settings.root_pems.first().map(|pem| String::from_utf8_lossy(pem).into_owned()),
        "settings": {
            "timeout_ms": millis(settings.timeout),
            "connect_timeout_ms": millis(settings.connect_timeout),
            "body_limit": settings.body_limit,
            "head_limit": settings.head_limit,
            "header_limit": settings.header_limit,
            "proxy": settings.proxy.as_ref().map(|proxy| proxy.origin().as_str()),
            "proxy_user": password.as_ref().map(|pair| &pair.0),
            "proxy_password": password.as_ref().map(|pair| &pair.1),
        },
    })
}

/// Keys by name, as a program is given them.
fn keys(run: &Run<'_>, names: &[String]) -> Value {
    let find = |name: &String| run.secrets.iter().find(|secret| secret.name == *name);
    let keys = names.iter().filter_map(find);
    keys.map(|secret| json!({"label": secret.name, "key": secret.key}))
        .collect()
}

fn ask(run: &Run<'_>, call: &Call) -> Result<Value, String> {
    let parts = run.parts(call)?;
    Ok(json!({
        "op": "call",
        "method": parts.method,
        "path": parts.is_path.then_some(&parts.target),
        "url": (!parts.is_path).then_some(&parts.target),
        "headers": parts.headers,
        "body": STANDARD.encode(&parts.body),
        "signed": !parts.unsigned,
        "install": call.install.as_ref().map(|names| keys(run, names)),
    }))
}

/// A running program. Ended when dropped.
struct Program {
    child: Child,
    input: Sender<String>,
    output: Receiver<String>,
    errors: Receiver<String>,
}

impl Program {
    fn start(command: &str) -> Result<Self, String> {
        let (shell, flag) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let mut child = Command::new(shell)
            .args([flag, command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the program could not be started: {error}"))?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("the program has no standard streams".to_owned());
        };
        Ok(Self {
            child,
            input: writer(input),
            output: lines(output),
            errors: lines(errors),
        })
    }

    fn ask<T: for<'de> Deserialize<'de>>(
        &mut self,
        op: &str,
        question: String,
        time: Duration,
    ) -> Result<T, String> {
        // Whether it takes it shows in whether it answers.
        let _ = self.input.send(question + "\n");
        match self.output.recv_timeout(time) {
            Ok(line) => serde_json::from_str(&line).map_err(|error| {
                // Not the line itself: it may hold what it was sent.
                format!("the program answered `{op}` with a line that is not the protocol's JSON: {error}")
            }),
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "the program did not answer `{op}` within {} ms",
                time.as_millis()
            )),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended(op)),
        }
    }

    /// Why its standard output has come to an end.
    fn ended(&mut self, op: &str) -> String {
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return format!("the program ended before it answered `{op}` ({status})");
            }
            std::thread::sleep(subject::STEP);
        }
        format!("the program closed its standard output before it answered `{op}`")
    }

    /// What it has written to standard error since it was last asked.
    fn said(&self) -> String {
        self.errors.try_iter().collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes lines on a thread of its own, so that a program that reads nothing can be given up.
fn writer(mut stream: ChildStdin) -> Sender<String> {
    let (send, receive) = mpsc::channel::<String>();
    std::thread::spawn(move || {
        for line in receive {
            if stream
                .write_all(line.as_bytes())
                .and_then(|()| stream.flush())
                .is_err()
            {
                return;
            }
        }
    });
    send
}

/// Reads lines on a thread of its own, so that a program that says nothing can be given up; not many
/// ahead, so that one that says too much has to wait.
fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = mpsc::sync_channel(LINES_AHEAD);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(std::io::Read::take(stream, LINE_LIMIT));
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            if send
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                return;
            }
            line.clear();
            reader.get_mut().set_limit(LINE_LIMIT);
        }
    });
    receive
}
