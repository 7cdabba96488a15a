//! The process of a filter: it reads an answer, and writes what the filter makes of it.
//!
//! A filter can use up the stack, and then nothing saves the process that it runs in. So this is another one than the
//! program's, with limits of its own.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::process::ExitCode;
use std::thread::Builder;

use jaq_core::{Ctx, Vars};
use jaq_json::Val;

use super::functions::Data;
use super::language;
use super::message::Message;

/// The first argument of this process.
pub(super) const ARGUMENT: &str = "__filter";

/// The stack of a filter. Only what is used of it takes memory.
pub(super) const STACK: usize = 256 << 20;

/// How much memory the process may use, its stack included.
#[cfg(unix)]
const MEMORY: u64 = 2 << 30;

/// Evaluates a filter, if the program was started for this. The arguments are the filter and how many seconds it may
/// take.
pub(crate) fn run(arguments: &[OsString]) -> Option<ExitCode> {
    let [_, name, code, seconds] = arguments else {
        return None;
    };
    if name != ARGUMENT {
        return None;
    }
    let (code, seconds) = (code.to_str()?.to_owned(), seconds.to_str()?.parse().ok()?);
    Some(match evaluate_here(code, seconds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn evaluate_here(code: String, seconds: u64) -> io::Result<()> {
    limit(seconds);
    let mut answer = Vec::new();
    io::stdin().read_to_end(&mut answer)?;
    let thread = Builder::new().stack_size(STACK).spawn(move || {
        let mut out = io::stdout();
        evaluate(&code, &answer, |message| message.write(&mut out))
    })?;
    let ended = thread.join();
    ended.unwrap_or_else(|_| Err(io::Error::other("the filter panicked")))
}

/// Limits this process. Its time counts only while it runs, so that it ends even if nobody waits for it any more.
#[cfg(unix)]
fn limit(seconds: u64) {
    use rustix::process::{Resource, Rlimit, setrlimit};

    for (resource, soft, hard) in [
        (Resource::As, MEMORY, MEMORY),
        (Resource::Cpu, seconds, seconds.saturating_add(1)),
    ] {
        let limit = Rlimit {
            current: Some(soft),
            maximum: Some(hard),
        };
        // It fails if there is a lower limit already.
        let _ = setrlimit(resource, limit);
    }
}

#[cfg(not(unix))]
fn limit(_: u64) {}

/// Runs a filter on an answer, and sends the results until one cannot be sent.
pub(super) fn evaluate(
    code: &str,
    answer: &[u8],
    mut send: impl FnMut(Message) -> io::Result<()>,
) -> io::Result<()> {
    let failed = |reason: &str| Message::Failed(reason.as_bytes().to_vec());
    let (Ok(filter), Ok(input)) = (
        language::compile(code),
        jaq_json::read::parse_single(answer),
    ) else {
        return send(failed("it cannot be read"));
    };
    let context = Ctx::<Data>::new(&filter.lut, Vars::new([]));
    for result in filter.id.run((context, input)) {
        match result {
            Ok(Val::TStr(text)) => send(Message::Text(text.to_vec()))?,
            Ok(value) => send(Message::Json(value.to_string().into_bytes()))?,
            Err(exception) => match exception.get_err() {
                Ok(error) => return send(failed(describe(&error.to_string()))),
                // `halt` ends the filter.
                Err(_) => break,
            },
        }
    }
    send(Message::End)
}

/// Returns what is wrong without the values in an error, which come from the answer.
fn describe(error: &str) -> &'static str {
    if error.ends_with("as iterable (array or object)") {
        return "a value is no list and no object";
    }
    for (start, description) in [
        ("cannot index", "a value has no such member or item"),
        ("cannot use", "a value has another type"),
        ("cannot calculate", "values cannot be calculated with"),
        ("invalid path", "a part of it is no path"),
    ] {
        if error.starts_with(start) {
            return description;
        }
    }
    "it ended with an error"
}
