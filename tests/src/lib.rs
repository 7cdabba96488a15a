//! What the tests that span several crates share: clients of both modes behind one blocking interface, a
//! server that follows a script, a TLS front for it, programs in other languages, and numbers that look random.
#![forbid(unsafe_code)]

mod clients;
mod dice;
mod programs;
mod scripted_server;
mod tls_terminator;

pub use clients::{Settings, TestClient};
pub use dice::Dice;
pub use programs::{node_clients, python, python_package, run_program, skipped};
pub use scripted_server::ScriptedServer;
pub use tls_terminator::TlsTerminator;

use std::time::Duration;

/// The limit of everything that has one. However loaded the machine is, nothing takes as long.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The examples of the documents, compiled and run.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/conformance/choosing-cases.md")]
    struct ChoosingCases;

    #[doc = include_str!("../../docs/conformance/index.md")]
    struct Conformance;

    #[doc = include_str!("../../docs/guide/errors.md")]
    struct Errors;

    #[doc = include_str!("../../docs/guide/first-call.md")]
    struct FirstCall;

    #[doc = include_str!("../../docs/guide/keys-and-reset.md")]
    struct KeysAndReset;

    #[doc = include_str!("../../docs/guide/proxies-and-tls.md")]
    struct ProxiesAndTls;

    #[doc = include_str!("../../docs/guide/retries-and-pace.md")]
    struct RetriesAndPace;

    #[doc = include_str!("../../docs/guide/testing-your-program.md")]
    struct TestingYourProgram;

    #[doc = include_str!("../../docs/guide/typed-endpoints.md")]
    struct TypedEndpoints;

    #[doc = include_str!("../../docs/guide/your-own-transport.md")]
    struct YourOwnTransport;
}
