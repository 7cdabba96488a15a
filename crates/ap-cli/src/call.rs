//! One call, and what `-v` prints about it: not the path, which may contain ids, and not the key.

use std::time::Instant;

use activeprospect::ap_core::redact;
use activeprospect::http::{HeaderName, HeaderValue, Request};
use activeprospect::{Client, Draft, Error, Response};

use crate::output;
use crate::redact::MARK;
use crate::session::{Session, USER_AGENT};

/// Sends a draft and returns the response of any status.
pub(crate) fn send(session: &Session, draft: Draft) -> Result<Response, Error> {
    let trace = Trace::begin(session, &draft)?;
    trace.end(session.client.send(draft))
}

/// The same with an async client of the session.
pub(crate) async fn send_async(
    session: &Session,
    client: &Client,
    draft: Draft,
) -> Result<Response, Error> {
    let trace = Trace::begin(session, &draft)?;
    trace.end(client.send(draft).await)
}

/// When a call began that `-v` prints.
struct Trace(Option<Instant>);

impl Trace {
    fn begin(session: &Session, draft: &Draft) -> Result<Self, Error> {
        if !session.is_verbose {
            return Ok(Self(None));
        }
        let user_agent = HeaderValue::from_static(USER_AGENT);
        let origins = session.client.origins();
        let (request, _) = draft.clone().prepare(origins, Some(&user_agent))?;
        print_request(session, &request);
        if !draft.is_unsigned() {
            output::eprintln(&format!("> authorization: Basic {MARK}"));
        }
        Ok(Self(Some(Instant::now())))
    }

    fn end(self, result: Result<Response, Error>) -> Result<Response, Error> {
        if let Some(started) = self.0 {
            print_result(started, &result);
        }
        result
    }
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
        let value = shown_header(name, value, session);
        output::eprintln(&format!("> {name}: {value}"));
    }
}

/// Returns the value of a header as it can be shown.
pub(crate) fn shown_header(name: &HeaderName, value: &HeaderValue, session: &Session) -> String {
    if may_be_secret(name) {
        return MARK.to_owned();
    }
    let value = session.secrets.redact_text(value.as_bytes());
    redact::escape(&String::from_utf8_lossy(&value))
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
