//! What the example subjects do not offer.

use ap_conformance::{Capability, ChoiceError, Suite};

/// For a transport that opens a connection for each request, has no TLS and no proxy, and sends before it reads.
#[allow(dead_code, reason = "the subjects in other languages declare less")]
pub(crate) const PLAIN: &[(Capability, &str)] = &[
    (
        Capability::ConnectionReuse,
        "it opens a connection for each request",
    ),
    (Capability::Proxy, "it connects directly"),
    (Capability::Tls, "it is built without TLS"),
    (
        Capability::EarlyResponses,
        "it reads nothing before the whole request is sent",
    ),
];

/// Declares what a subject does not offer.
pub(crate) fn without(suite: Suite, lacks: &[(Capability, &str)]) -> Result<Suite, ChoiceError> {
    let mut lacks = lacks.iter();
    lacks.try_fold(suite, |suite, (capability, reason)| {
        suite.without(*capability, reason)
    })
}
