//! The suite collects what libraries log, finds keys in it, and shows the line.

#![allow(clippy::unwrap_used)]

use ap_client::transport::{
    Connect as _, Deadline, Moment, Transport, TransportConfig, TransportError,
};
use ap_conformance::{CaseState, Suite};
use ap_ureq::UreqTransport;
use bytes::Bytes;
use http::{Request, Response, header};

/// Logs the key of each request.
#[derive(Debug)]
struct Talkative(UreqTransport);

impl Transport for Talkative {
    fn now(&self) -> Moment {
        self.0.now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.0.sleep_until(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let authorization = request.headers().get(header::AUTHORIZATION);
        let authorization = authorization.and_then(|value| value.to_str().ok());
        log::trace!(target: "wire", "sends {authorization:?} now");
        self.0.send(request, deadline)
    }
}

fn connect(config: &TransportConfig) -> Result<Talkative, TransportError> {
    UreqTransport::connect(config).map(Talkative)
}

#[test]
fn a_key_in_a_log_fails_the_case_and_its_line_is_shown() {
    let suite = Suite::builtin().filter("authorization/key-").unwrap();
    let silent = suite.check(connect).to_string();
    assert!(silent.contains("logs were not searched"), "{silent}");
    assert!(!silent.contains("FAILED"), "{silent}");

    let report = suite.collect_logs().check(connect);
    assert_eq!(report.count(CaseState::Failed), 12, "{report}");
    let text = report.to_string();
    for says in [
        "result: a log contains the key in base64",
        "in a log: wire sends Some(\"Basic <key>\") now",
        "12 failures with the result: a log contains the key in base64",
        "logs were searched",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
}
