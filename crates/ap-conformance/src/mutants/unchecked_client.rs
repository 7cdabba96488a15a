//! A client that sends whatever it is told, over a sound transport: what the core's own checks are for.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use ap_core::Connect as _;
use ap_ureq::UreqTransport;

use super::failing_cases::About;
use crate::outcome::Outcome;
use crate::report::Report;
use crate::run::{Parts, Run};
use crate::subject;
use crate::suite::{Suite, Verdict};

pub(super) const FAILS: About = About::these(&[
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

/// Judges it: a sound client's outcome stands, but for what that one refused to send.
pub(super) fn check(suite: &Suite) -> Report {
    suite.report(
        |case| suite.blocking_skip(case),
        |case, place, ground| {
            let mut run = Run::prepare(case, &ground.authority, place)?;
            subject::blocking_calls(&mut run, ground, &UreqTransport::connect)?;
            for (number, call) in case.calls.iter().enumerate() {
                if run.outcomes[number].kind == "refused" {
                    let parts = run.parts(call)?;
                    run.outcomes[number] = send(&run, &parts);
                }
            }
            Ok(Verdict::of(&run))
        },
    )
}

/// Sends it to where the URL seems to point, or says that there is no such place.
fn send(run: &Run<'_>, parts: &Parts) -> Outcome {
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
    // Whoever listens may hang up at once.
    let _ = stream.write_all(&bytes);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let _ = std::io::Read::read(&mut stream, &mut [0; 1024]);
    Outcome::of_kind("response")
}
