//! Judges one of the example transports, and prints its report as JSON: `cargo run --example judge -- minreq`.
//!
//! `cargo xtask conformance matrix` runs it for each. Further arguments are the ids of the cases to run.

mod over_attohttpc;
mod over_minreq;

#[path = "../hyper_pool/transport.rs"]
mod hyper_pool;
#[allow(dead_code, reason = "the example's `main` is not called from here")]
#[path = "../../../ap-client/examples/std_transport/main.rs"]
mod std_transport;

use std::process::ExitCode;

use ap_client::transport::Connect as _;
use ap_conformance::{Capability, ChoiceError, Report, Suite};

/// What the transport over the standard library does not offer.
const STD_LACKS: &[(Capability, &str)] = &[
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    match judge(&name, &arguments.collect::<Vec<_>>()).await {
        Ok(report) => {
            println!("{}", report.to_detailed_json());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn judge(name: &str, ids: &[String]) -> Result<Report, ChoiceError> {
    let suite = Suite::builtin().subject(name);
    let suite = if ids.is_empty() {
        suite
    } else {
        suite.only_these(ids)?
    };
    Ok(match name {
        "std" => without(suite, STD_LACKS)?.check(std_transport::StdTransport::connect),
        "hyper" => suite.check_async(hyper_pool::HyperTransport::connect).await,
        "attohttpc" => without(suite, over_attohttpc::LACKS)?.check(over_attohttpc::connect),
        _ => without(suite, over_minreq::LACKS)?.check(over_minreq::connect),
    })
}

fn without(suite: Suite, lacks: &[(Capability, &str)]) -> Result<Suite, ChoiceError> {
    let mut lacks = lacks.iter();
    lacks.try_fold(suite, |suite, (capability, reason)| {
        suite.without(*capability, reason)
    })
}
