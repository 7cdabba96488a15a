//! One call, and what `-v` prints about it: not the path, which may contain ids, and not the key.

use std::time::Instant;

use activeprospect::ap_core::redact;
use activeprospect::http::{HeaderName, HeaderValue, Request};
use activeprospect::{Draft, Error, Response};

use crate::output;
use crate::redact::MARK;
use crate::session::{Session, USER_AGENT};

/// Sends a draft and returns the response of any status.
pub(crate) fn send(session: &Session, draft: Draft) -> Result<Response, Error> {
    if !session.is_verbose {
        return session.client.send(draft);
    }
    let user_agent = HeaderValue::from_static(USER_AGENT);
    let (request, _) = draft
        .clone()
        .prepare(session.client.origins(), Some(&user_agent))?;
    print_request(session, &request);
    if !draft.is_unsigned() {
        output::eprintln(&format!("> authorization: Basic {MARK}"));
    }
    let started = Instant::now();
    let result = session.client.send(draft);
    print_result(started, &result);
    result
}

fn print_request<B>(session: &Session, request: &Request<B>) {
    let uri = request.uri();
    output::eprintln(&format!(
        "> {} {}://{}",
        request.method(),
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map_or("", |authority| authority.as_str())
    ));
    for (name, value) in request.headers() {
        let value = if may_be_secret(name) {
            MARK.into()
        } else {
            let value = session.secrets.redact_text(value.as_bytes());
            redact::escape(&String::from_utf8_lossy(&value))
        };
        output::eprintln(&format!("> {name}: {value}"));
    }
}

/// Returns `true` if the name of a header suggests that its value is a secret.
fn may_be_secret(name: &HeaderName) -> bool {
    ["auth", "cookie", "key", "pass", "secret", "token"]
        .iter()
        .any(|word| name.as_str().contains(word))
}

fn print_result(started: Instant, result: &Result<Response, Error>) {
    let status = match result {
        Ok(response) => Some(response.status()),
        Err(error) => error.status(),
    };
    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let elapsed = started.elapsed().as_millis();
    output::eprintln(&format!("< {status} in {elapsed} ms"));
}
