//! Makes the calls of a run with a program that speaks the protocol of `docs/conformance/other-languages.md`.

use std::time::{Duration, Instant};

use ap_client::transport::{Proxy, TransportConfig};
use ap_core::Service;
use ap_core::key::DEFAULT_USER;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::blocking::wait_before;
use super::process::{NoAnswer, Process};
use crate::case::{Call, Case, OUTCOMES};
use crate::context::SuiteContext;
use crate::outcome::Outcome;
use crate::run::{GRACE, Run, Verdict};
use crate::secrets::one_line;

/// How long a program may take to begin or end a case.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A program under test, by the command that starts it.
///
/// It is started when a case needs it. After a run with a mistake in the protocol it is ended, and
/// started again for the next case.
pub(crate) struct Program<'a> {
    command: &'a str,
    process: Option<Process>,
}

impl<'a> Program<'a> {
    pub(crate) fn new(command: &'a str) -> Self {
        Self {
            command,
            process: None,
        }
    }

    /// Runs a case once.
    pub(crate) fn run(
        &mut self,
        case: &Case,
        offset: Option<usize>,
        context: &SuiteContext,
    ) -> Result<Verdict, String> {
        let mut process = match self.process.take() {
            Some(running) => running,
            None => Process::start(self.command)?,
        };
        // Dropping a process ends it, so it is kept only if the run made no mistake.
        let verdict = run_case(case, offset, context, &mut process);
        if verdict.is_ok() {
            self.process = Some(process);
        }
        judged(verdict)
    }
}

/// Returns the verdict on a run, or why the program gave none. If it did not answer, the call hangs.
pub(super) fn judged(verdict: Result<Verdict, NoAnswer>) -> Result<Verdict, String> {
    match verdict {
        Ok(verdict) => Ok(verdict),
        Err(NoAnswer {
            message,
            is_timeout: true,
        }) => Ok(Verdict::hung(message)),
        Err(NoAnswer { message, .. }) => Err(message),
    }
}

fn run_case(
    case: &Case,
    offset: Option<usize>,
    context: &SuiteContext,
    process: &mut Process,
) -> Result<Verdict, NoAnswer> {
    let mut run = Run::prepare(case, context, offset)?;
    let reply: Reply = process.exchange("begin", begin_message(&run), TIMEOUT)?;
    if let Some(reason) = reply.skip {
        let reason = one_line(reason.trim(), &run.secrets);
        if reason.is_empty() {
            let message = "the program skipped the case without a reason: `skip` is empty";
            return Err(message.to_owned().into());
        }
        return Ok(Verdict::skipped(reason));
    }
    if !reply.ok {
        let message = "the program answered neither `ok` nor `skip` to `begin`";
        return Err(message.to_owned().into());
    }
    for call in &case.calls {
        wait_before(&run, call);
        let message = call_message(&run, call)?;
        // The time starts here, because the suite itself needs a while to encode a large body.
        let started = Instant::now();
        let reply: CallReply = process.exchange("call", message, run.timeout() + GRACE)?;
        let mut outcome = reply.into_outcome()?;
        let elapsed = started.elapsed();
        if !OUTCOMES.contains(&outcome.kind.as_str()) {
            return Err(format!(
                "the program answered `call` with an outcome that does not exist; choose from {}",
                OUTCOMES.join(", ")
            )
            .into());
        }
        outcome.text.push_str(&process.standard_error()?);
        outcome.error.clone_from(&outcome.text);
        let limit = run.allowed_time(call);
        if elapsed > limit {
            outcome = outcome.late(elapsed, limit);
        }
        outcome.is_at_limit = run.is_at_limit(elapsed);
        run.outcomes.push(outcome);
    }
    let reply: Reply = process.exchange("end", json!({"op": "end"}), TIMEOUT)?;
    if !reply.ok {
        return Err("the program did not answer `ok` to `end`".to_owned().into());
    }
    Ok(run.verdict())
}

/// The answer to `begin` and to `end`.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    skip: Option<String>,
}

/// The answer to `call` and to `send`.
#[derive(Deserialize)]
pub(super) struct CallReply {
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(default)]
    body: String,
}

impl CallReply {
    pub(super) fn into_outcome(self) -> Result<Outcome, NoAnswer> {
        let mut outcome = self.outcome;
        let body = STANDARD.decode(self.body);
        outcome.body = body.map_err(|_| "the program's `body` is not base64".to_owned())?;
        Ok(outcome)
    }
}

/// Encodes a body as it is in messages.
pub(super) fn encode(body: &[u8]) -> String {
    STANDARD.encode(body)
}

/// Returns the root certificate that a program must trust.
pub(super) fn root_pem(config: &TransportConfig) -> Option<String> {
    let pem = config.root_pems.first()?;
    Some(String::from_utf8_lossy(pem).into_owned())
}

/// Returns the settings of a transport as they are in messages.
pub(super) fn settings(config: &TransportConfig, timeout: Duration) -> Value {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let proxy = config.proxy.as_ref();
    let proxy_login = proxy.and_then(Proxy::user_and_password);
    json!({
        "timeout_ms": millis(timeout),
        "connect_timeout_ms": millis(config.connect_timeout),
        "body_limit": config.max_body_size,
        "head_limit": config.max_header_size,
        "header_limit": config.max_headers,
        "proxy": proxy.map(|proxy| proxy.origin().as_str()),
        "proxy_user": proxy_login.as_ref().map(|login| &login.0),
        "proxy_password": proxy_login.as_ref().map(|login| &login.1),
    })
}

fn begin_message(run: &Run<'_>) -> Value {
    let origin = |service| run.origins.get(service).as_str();
    json!({
        "op": "begin",
        "case": run.case.id,
        "needs": run.case.needs.iter().map(|need| need.name()).collect::<Vec<_>>(),
        "keys": keys_named(run, &run.case.keys),
        "user": run.case.user.as_deref().unwrap_or(DEFAULT_USER),
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
        "root_pem": root_pem(&run.config),
        "settings": settings(&run.config, run.timeout()),
    })
}

fn call_message(run: &Run<'_>, call: &Call) -> Result<Value, String> {
    let parts = run.request(call)?;
    Ok(json!({
        "op": "call",
        "method": parts.method,
        "path": parts.is_path.then_some(&parts.target),
        "url": (!parts.is_path).then_some(&parts.target),
        "headers": parts.headers,
        "body": encode(&parts.body),
        "signed": !parts.unsigned,
        "install": call.install.as_ref().map(|names| keys_named(run, names)),
    }))
}

fn keys_named(run: &Run<'_>, names: &[String]) -> Value {
    let find = |name: &String| run.secrets.iter().find(|secret| secret.name == *name);
    let keys = names.iter().filter_map(find);
    keys.map(|secret| json!({"label": secret.name, "key": secret.key}))
        .collect()
}
