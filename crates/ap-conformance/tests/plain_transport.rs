//! A plain transport, the example over the standard library: it opens a connection for each request, and has
//! no TLS and no proxy. It passes every case that applies to it.

#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the example's `main` is not called from here")]
#[path = "../../ap-client/examples/std_transport/main.rs"]
mod std_transport;

use ap_client::transport::Connect as _;
use ap_conformance::{Capability, CaseInfo, CaseState, Suite};
use std_transport::StdTransport;

fn suite() -> Suite {
    let lacks = [
        (
            Capability::ConnectionReuse,
            "it opens a connection for each request",
        ),
        (Capability::Proxy, "it connects to loopback only"),
        (Capability::Tls, "the standard library has no TLS"),
        (
            Capability::EarlyResponses,
            "it reads nothing before the whole request is sent",
        ),
    ];
    lacks
        .into_iter()
        .fold(Suite::builtin(), |suite, (capability, reason)| {
            suite.without(capability, reason).unwrap()
        })
}

#[test]
fn a_plain_transport_passes_every_must_that_applies_to_it() {
    let report = suite().check(StdTransport::connect);
    report.assert();
    let not_applicable = report.count(CaseState::NotApplicable);
    let needing = |case: &CaseInfo<'_>| {
        let lacks = [
            Capability::ConnectionReuse,
            Capability::Proxy,
            Capability::Tls,
            Capability::EarlyResponses,
            Capability::Cancellation,
        ];
        case.needs().iter().any(|need| lacks.contains(need))
    };
    let suite = suite();
    assert_eq!(not_applicable, suite.list().filter(needing).count());
}
