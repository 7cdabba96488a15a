//! [`Failure`]: what happened, what to do, and the exit code. The codes are documented in docs/cli.md
//! and do not change.

use std::process::ExitCode;

use ap_core::{CallError, ErrorKind, InvalidOrigin, Product, RequestError, Unauthorized, Why};
use http::{StatusCode, header};

use crate::output;

/// Any other refusal by the server, or a failure on this machine.
pub(crate) const OTHER: u8 = 1;
/// Refused before a packet left.
pub(crate) const USAGE: u8 = 2;
/// The key was refused, or there is none.
pub(crate) const KEY: u8 = 3;
/// Another 401, or a 402 or 403.
pub(crate) const FORBIDDEN: u8 = 4;
/// 404.
pub(crate) const NOT_FOUND: u8 = 5;
/// No complete answer came.
pub(crate) const TRANSPORT: u8 = 6;
/// 429 or 5xx: try again later.
pub(crate) const LATER: u8 = 7;
/// A product still takes an older key than the newest.
pub(crate) const BEHIND: u8 = 9;
/// Interrupted from the keyboard.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit codes from the worst on: a refused key is what checks look for.
const WORST_FIRST: [u8; 8] = [
    KEY, TRANSPORT, FORBIDDEN, LATER, NOT_FOUND, OTHER, USAGE, BEHIND,
];

/// Of several outcomes the one that decides; nothing, if all are well.
pub(crate) fn worst(codes: impl Iterator<Item = u8> + Clone) -> Option<u8> {
    WORST_FIRST
        .into_iter()
        .find(|code| codes.clone().any(|one| one == *code))
}

/// A command that did not do what was asked. Its texts are this program's own: they repeat nothing that
/// the server or the user wrote, because either may hold a key.
#[derive(Debug)]
pub(crate) struct Failure {
    pub code: u8,
    pub happened: String,
    pub to_do: String,
}

impl Failure {
    pub(crate) fn new(code: u8, happened: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            code,
            happened: happened.into(),
            to_do: to_do.into(),
        }
    }

    pub(crate) fn usage(happened: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self::new(USAGE, happened, to_do)
    }

    /// What a source of keys that cannot be used comes to.
    pub(crate) fn of_source(problem: &ap_keys::Problem) -> Self {
        Self::usage(problem.happened(), problem.to_do())
    }

    /// Two lines on standard error, and the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        output::say(&format!("ap: {}", self.happened));
        output::say(&format!("     {}", self.to_do));
        ExitCode::from(self.code)
    }

    /// What a request that may not be sent comes to.
    pub(crate) fn of_request(error: &RequestError) -> Self {
        let to_do = match error {
            RequestError::OriginNotListed(_) => {
                "call one of the vendor's origins, or name yours with --origin PRODUCT=URL"
            }
            RequestError::Origin(InvalidOrigin::PlainHttp) => "write https:// instead of http://",
            RequestError::ReservedHeader(name) if *name == header::AUTHORIZATION => {
                "the key comes from ACTIVEPROSPECT_API_KEY, the keys file or a prompt"
            }
            RequestError::KeyInUrl => "reset the key: it may be in this shell's history already",
            _ => "nothing was sent; see `ap api --help`",
        };
        Self::usage(error.to_string(), to_do)
    }

    /// What a call to a product comes to that has no answer.
    pub(crate) fn of_call(product: Product, error: &CallError) -> Self {
        match error {
            CallError::Request(error) => Self::of_request(error),
            CallError::Auth(refusal) => {
                let error = refusal.error();
                if error.why() == Why::NoKey {
                    return Self::no_key();
                }
                let labels: Vec<_> = error
                    .refused()
                    .iter()
                    .filter_map(|one| one.label())
                    .collect();
                let from = if labels.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", labels.join("; "))
                };
                Self::new(
                    KEY,
                    format!("{} refused the API key{from}", error.product()),
                    error.advice().to_string(),
                )
            }
            CallError::Transport(error) => {
                let (code, to_do) = match error.kind() {
                    ErrorKind::Setup => (USAGE, "check the file given with --ca"),
                    ErrorKind::Unsendable => {
                        (USAGE, "nothing was sent; write the path another way")
                    }
                    ErrorKind::Dns | ErrorKind::Connect | ErrorKind::ConnectTimeout => {
                        (TRANSPORT, "check the network, and that the server is up")
                    }
                    ErrorKind::Tls => (
                        TRANSPORT,
                        "check the server's certificate; a private authority is given with --ca FILE",
                    ),
                    ErrorKind::Timeout => {
                        (TRANSPORT, "try again, or give it longer with --timeout")
                    }
                    _ => (
                        TRANSPORT,
                        "try again; a POST may have been applied, so look first",
                    ),
                };
                Self::new(code, format!("{product}: {error}"), to_do)
            }
            _ => Self::new(OTHER, "the call failed", "run it again with -v"),
        }
    }

    /// What an answer comes to; nothing, if it is a success.
    pub(crate) fn of_status(product: Product, status: StatusCode, body: &[u8]) -> Option<Self> {
        let answered = format!("{product} answered {}", describe(status));
        let (code, to_do) = match status.as_u16() {
            200..=299 => return None,
            401 => {
                let read = Unauthorized::parse(product, body);
                if read.is_bad_key() {
                    // Of an unsigned call: a signed one has ended in an error by now.
                    (KEY, "this needs a key: leave out --no-auth".to_owned())
                } else {
                    (FORBIDDEN, read.advice().to_string())
                }
            }
            402 => (
                FORBIDDEN,
                "the account is unpaid or out of funds: see its billing".to_owned(),
            ),
            403 => (
                FORBIDDEN,
                "the key is not allowed to do this, or the Accept header leaves JSON out"
                    .to_owned(),
            ),
            404 => (NOT_FOUND, "check the path and the ids in it".to_owned()),
            429 => (LATER, "wait a while, then try again".to_owned()),
            500..=599 => (
                LATER,
                "try again later; a POST may have been applied, so look first".to_owned(),
            ),
            300..=399 => (
                OTHER,
                "a redirect is not followed: -i shows where it points".to_owned(),
            ),
            _ => (
                OTHER,
                "the answer above says what is wrong with the request".to_owned(),
            ),
        };
        Some(Self::new(code, answered, to_do))
    }

    pub(crate) fn no_key() -> Self {
        Self::new(
            KEY,
            "there is no API key",
            "run `ap auth login`, or set ACTIVEPROSPECT_API_KEY; --emulator needs none",
        )
    }
}

fn describe(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}
