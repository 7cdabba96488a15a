//! One call, and what `-v` says of it on standard error: nothing of the path, which may hold ids, and of
//! the key that there is one.

use std::time::Instant;

use ap_core::CallError;
use bytes::Bytes;
use http::{HeaderName, Request, Response};

use crate::output;
use crate::redact::MARK;
use crate::setup::Setup;

/// Whether a request goes with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    Signed,
    Unsigned,
}

pub(crate) fn send(
    setup: &Setup,
    request: Request<Bytes>,
    signing: Signing,
) -> Result<Response<Bytes>, CallError> {
    if setup.verbose {
        before(setup, &request, signing);
    }
    let begun = Instant::now();
    let outcome = match signing {
        Signing::Signed => setup.client.send(request),
        Signing::Unsigned => setup.client.send_unsigned(request),
    };
    if setup.verbose {
        after(begun, &outcome);
    }
    outcome
}

fn before(setup: &Setup, request: &Request<Bytes>, signing: Signing) {
    let uri = request.uri();
    output::say(&format!(
        "> {} {}://{}",
        request.method(),
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map_or("", |authority| authority.as_str())
    ));
    for (name, value) in request.headers() {
        let value = if is_secret(name) {
            MARK.into()
        } else {
            let value = setup.secrets.out_of_text(value.as_bytes());
            ap_core::escape(&String::from_utf8_lossy(&value))
        };
        output::say(&format!("> {name}: {value}"));
    }
    if signing == Signing::Signed {
        output::say(&format!("> authorization: Basic {MARK}"));
    }
}

/// Whether a header is one that secrets go in, by its name: what a user gives with `-H` is theirs to know.
fn is_secret(name: &HeaderName) -> bool {
    ["auth", "cookie", "key", "pass", "secret", "token"]
        .iter()
        .any(|word| name.as_str().contains(word))
}

fn after(begun: Instant, outcome: &Result<Response<Bytes>, CallError>) {
    let status = match outcome {
        Ok(response) => Some(response.status()),
        Err(CallError::Auth(refusal)) => refusal.response().map(Response::status),
        Err(_) => None,
    };
    let said = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    output::say(&format!("< {said} in {} ms", begun.elapsed().as_millis()));
}
