//! A plain transport, the example over the standard library: it opens a connection for each request, and has
//! no TLS and no proxy. It passes every case that applies to it.

use crate::lacks::{PLAIN, without};
use ap_conformance::{Capability, CaseInfo, CaseState, Suite};

fn suite() -> Suite {
    without(Suite::builtin().jobs(12), PLAIN).unwrap()
}

#[test]
fn a_plain_transport_passes_every_must_that_applies_to_it() {
    let report = suite().check(crate::std_transport::connect);
    report.assert();
    let not_applicable = report.count(CaseState::NotApplicable);
    let needing = |case: &CaseInfo<'_>| {
        let lacks = |need: &Capability| {
            let declared = PLAIN.iter().any(|(capability, _)| capability == need);
            declared || *need == Capability::Cancellation
        };
        case.needs().iter().any(lacks)
    };
    let suite = suite();
    assert_eq!(not_applicable, suite.list().filter(needing).count());
}
