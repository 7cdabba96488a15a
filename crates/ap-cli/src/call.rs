//! One call, and what `-v` prints about it: never the key, and of the path only words of the documentation.

use std::time::Instant;

use activeprospect::ap_core::redact;
use activeprospect::api::operations;
use activeprospect::http::{HeaderName, HeaderValue, Request, Uri};
use activeprospect::{Draft, Error, Response};
use ap_hyper::Client;

use crate::output;
use crate::redact::MARK;
use crate::session::{Session, USER_AGENT};

/// The longest name in a query that `-vv` prints. A longer one may be anything.
const MAX_NAME: usize = 16;

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
        if session.verbosity == 0 {
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
    let path = if session.verbosity > 1 {
        known_path(uri)
    } else {
        String::new()
    };
    output::eprintln(&format!(
        "> {} {}://{}{path}",
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
    let secrets = session.secrets.now();
    let value = secrets.redact_text(value.as_bytes());
    redact::escape(&String::from_utf8_lossy(&value))
}

/// Returns a path and the names of its query. Words that no documented path has, and all values, are `…`.
fn known_path(uri: &Uri) -> String {
    let is_known = |word: &&str| {
        let mut paths = operations::ALL.iter().map(|operation| operation.path);
        paths.any(|path| path.split('/').any(|known| known == *word))
    };
    let words = uri.path().split('/');
    let words: Vec<_> = words
        .map(|word| Some(word).filter(is_known).unwrap_or("…"))
        .collect();
    let mut shown = words.join("/");
    for (pair, before) in uri
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .zip(std::iter::once('?').chain(std::iter::repeat('&')))
    {
        let name = pair.split_once('=').map_or("", |(name, _)| name);
        // The brackets of a list are encoded.
        let word = name.strip_suffix("%5B%5D").unwrap_or(name);
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let is_name = (1..=MAX_NAME).contains(&word.len()) && word.bytes().all(is_plain);
        let name = if is_name { name } else { "…" };
        shown.push_str(&format!("{before}{name}=…"));
    }
    shown
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_ids_and_values() {
        for (uri, expected) in [
            ("https://h.example/flows", "/flows"),
            (
                "https://h.example/flows/65e0b2000000000000000001",
                "/flows/…",
            ),
            (
                "https://h.example/lists/do_not_call/items",
                "/lists/…/items",
            ),
            (
                "https://h.example/smith?limit=10&after_id=65e0",
                "/…?limit=…&after_id=…",
            ),
            (
                "https://h.example/events?include%5B%5D=id",
                "/events?include%5B%5D=…",
            ),
            (
                "https://h.example/events?0123456789=x&smith&emailaddressofsomeone=",
                "/events?…=…&…=…&…=…",
            ),
        ] {
            assert_eq!(known_path(&uri.parse().unwrap()), expected);
        }
    }
}
