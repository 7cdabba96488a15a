//! How much a failure counts: that of a rule which holds in every case is a MUST, whatever the case is.

use ap_client::transport::{Deadline, Moment, Transport, TransportError, TransportErrorKind};
use ap_conformance::{CaseState, Level, Suite};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};

use crate::std_transport;

/// What a transport does with an error.
type Fault = fn(&Request<Bytes>, &TransportError) -> TransportError;

/// A transport that is good otherwise.
#[derive(Debug)]
struct Faulty<T>(T, Fault);

impl<T: Transport> Transport for Faulty<T> {
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
        let sent = self.0.send(request, deadline);
        sent.map_err(|error| (self.1)(request, &error))
    }
}

/// Returns the levels of a case: its own, and that of its failure.
fn levels(id: &str, fault: Fault) -> [Level; 2] {
    let suite = Suite::builtin().quiet().only(id).unwrap();
    let own = suite.list().next().unwrap().level();
    let report = suite.check(|config| Ok(Faulty(std_transport::connect(config)?, fault)));
    let case = &report.cases()[0];
    assert_eq!(case.state(), CaseState::Failed, "{report}");
    [own, case.level()]
}

#[test]
fn a_key_in_an_error_is_a_must_in_every_case() {
    let shows_the_key: Fault = |request, error| {
        let key = request.headers()[AUTHORIZATION].as_bytes();
        let text = String::from_utf8_lossy(key).into_owned();
        TransportError::new(error.kind()).with_source(text)
    };
    let levels = levels("diagnostics/no-url-closed", shows_the_key);
    assert_eq!(levels, [Level::Should, Level::Must]);
}

#[test]
fn a_panic_is_a_must_in_every_case() {
    let levels = levels("framing/version-2", |_, _| panic!("a fault"));
    assert_eq!(levels, [Level::Should, Level::Must]);
}

#[test]
fn an_error_of_another_kind_is_a_should_in_every_case() {
    let other: Fault = |_, _| TransportError::new(TransportErrorKind::Other);
    let levels = levels("framing/interim-and-no-more", other);
    assert_eq!(levels, [Level::Must, Level::Should]);
}
