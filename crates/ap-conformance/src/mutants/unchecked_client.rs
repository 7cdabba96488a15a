//! A client that sends every request unchecked, over a correct transport.
//!
//! It shows what the core's own checks prevent.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use ap_client::transport::Connect as _;
use ap_ureq::UreqTransport;

use super::failing_cases::FailingCases;
use crate::outcome::Outcome;
use crate::report::Report;
use crate::request::RequestParts;
use crate::run::Run;
use crate::skip::SubjectKind;
use crate::subject;
use crate::suite::Suite;

pub(super) const FAILS: FailingCases = FailingCases::listed(&[
    "url/user-information",
    "url/port",
    "url/other-origin",
    "url/other-origin-of-tls",
    "url/host-spelling",
    "url/scheme",
    "url/path-refused",
    "url/whole-refused",
    "url/holds-key",
    "url/holds-key-unsigned",
    "url/unsigned-other-origin",
    "url/refused-then-sent",
    "headers/reserved",
    "headers/reserved-unsigned",
    "headers/reserved-with-url",
    "headers/injection",
    "headers/method-refused",
    "headers/method-refused-unsigned",
    "diagnostics/refused-request",
]);

/// Judges it: a correct client makes the calls, and every request that it refuses is sent here.
pub(super) fn check(suite: &Suite) -> Report {
    suite.check_by(SubjectKind::Blocking, |case, offset, context| {
        let mut run = Run::prepare(case, context, offset)?;
        subject::make_calls(&mut run, context, &UreqTransport::connect)?;
        for (number, call) in case.calls.iter().enumerate() {
            if run.outcomes[number].kind == "refused" {
                let request = run.request(call)?;
                run.outcomes[number] = send(&run, &request);
            }
        }
        Ok(run.verdict())
    })
}

/// Sends a request to where the URL seems to point.
fn send(run: &Run<'_>, parts: &RequestParts) -> Outcome {
    let url = if parts.is_path {
        format!(
            "{}{}",
            run.origins.get(run.service()).as_str(),
            parts.target
        )
    } else {
        parts.target.clone()
    };
    let (_, rest) = url.split_once("://").unwrap_or(("", &url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let Ok(mut stream) = TcpStream::connect(host) else {
        return Outcome::of_kind("dns");
    };
    let mut request = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\n", parts.method);
    if let (false, Some(secret)) = (parts.unsigned, run.secrets.first()) {
        request.push_str(&format!("Authorization: {}\r\n", secret.authorization()));
    }
    for (name, value) in &parts.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n", parts.body.len()));
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(&parts.body);
    // The listener may close the connection at once.
    let _ = stream.write_all(&bytes);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let _ = std::io::Read::read(&mut stream, &mut [0; 1024]);
    Outcome::of_kind("response")
}
