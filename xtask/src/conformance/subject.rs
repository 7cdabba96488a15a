//! [`Subject`]: the transports of this workspace that the command can judge.

use ap_client::transport::{Connect as _, TransportConfig, TransportError};
use ap_conformance::{Report, Suite};
use ap_hyper::HyperTransport;
use ap_reqwest::{ReqwestTransport, reqwest};
use ap_ureq::UreqTransport;

use crate::ureq_agent;

/// A transport of this workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Reqwest,
    Ureq,
    Hyper,
    /// reqwest, over a client that the caller has begun to build.
    GivenReqwest,
    /// ureq, over an agent of the caller's.
    GivenUreq,
}

impl Subject {
    pub(super) const BUILT: [Self; 3] = [Self::Reqwest, Self::Ureq, Self::Hyper];
    pub(super) const ALL: [Self; 5] = [
        Self::Reqwest,
        Self::Ureq,
        Self::Hyper,
        Self::GivenReqwest,
        Self::GivenUreq,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Reqwest => "reqwest",
            Self::Ureq => "ureq",
            Self::Hyper => "hyper",
            Self::GivenReqwest => "given-reqwest",
            Self::GivenUreq => "given-ureq",
        }
    }

    /// Returns the files of the cases that it cannot pass, with the reasons.
    pub(super) const fn expected_failures(self) -> &'static [&'static str] {
        match self {
            Self::Reqwest => &["crates/ap-reqwest/tests/expected-failures.json"],
            Self::Ureq | Self::Hyper => &[],
            Self::GivenReqwest => &["crates/ap-reqwest/tests/expected-failures.json"],
            Self::GivenUreq if cfg!(feature = "library-features") => &[
                "xtask/expected-failures/given-ureq.json",
                "xtask/expected-failures/given-ureq-library-features.json",
            ],
            Self::GivenUreq => &["xtask/expected-failures/given-ureq.json"],
        }
    }

    /// Returns `false` for an agent of the caller's: at the level `trace`, ureq logs every byte that the agent's own
    /// connections send.
    pub(super) const fn hides_key_from_logs(self) -> bool {
        !matches!(self, Self::GivenUreq)
    }

    /// Runs the suite.
    pub(super) fn check(self, suite: &Suite) -> Result<Report, String> {
        Ok(match self {
            Self::Reqwest => runtime()?.block_on(suite.check_async(ReqwestTransport::connect)),
            Self::Ureq => suite.check(UreqTransport::connect),
            Self::Hyper => runtime()?.block_on(suite.check_async(HyperTransport::connect)),
            Self::GivenReqwest => runtime()?.block_on(suite.check_async(given_reqwest)),
            Self::GivenUreq => suite.check(given_ureq),
        })
    }
}

/// Makes the transport over a client that begins with settings which the transport must replace.
fn given_reqwest(config: &TransportConfig) -> Result<ReqwestTransport, TransportError> {
    let new = || {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::limited(10))
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_ignore_invalid_headers_in_responses(true)
            .connection_verbose(true)
            .pool_max_idle_per_host(1)
    };
    ReqwestTransport::from_builder(new, config)
}

/// Makes the transport over an agent that has the suite's root certificate and proxy, and ureq's defaults for
/// everything else that can be set for a request.
fn given_ureq(config: &TransportConfig) -> Result<UreqTransport, TransportError> {
    Ok(UreqTransport::from_agent(ureq_agent::new(config)?, config))
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the async runtime: {error}"))
}
