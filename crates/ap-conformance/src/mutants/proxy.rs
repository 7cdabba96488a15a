//! Faults with a proxy.

use std::io::Write as _;
use std::net::TcpStream;

use ap_client::transport::is_loopback;

use super::failing_cases::FailingCases;
use super::mutant::{Call, Mutant, NO_FAULT, authorization};

/// Opens a connection to the proxy in the config, besides the one that the transport needs.
fn connect_to_proxy(call: &Call<'_>) -> Option<TcpStream> {
    let proxy = call.config().proxy.as_ref()?.origin().clone();
    TcpStream::connect((proxy.host(), proxy.port())).ok()
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "uses the proxy for loopback too",
        send: |call, request| {
            if is_loopback(request.uri()) {
                drop(connect_to_proxy(call));
            }
            call.send(request)
        },
        fails: FailingCases::listed(&["proxy/loopback-direct"]),
        ..NO_FAULT
    },
    Mutant {
        name: "ignores the proxy",
        config: |config| config.proxy = None,
        fails: FailingCases::listed(&["proxy/*", "!proxy/loopback-direct"]),
        ..NO_FAULT
    },
    Mutant {
        name: "sends the key to the proxy",
        send: |call, request| {
            // A client that sends its headers with CONNECT does this.
            if let (Some(mut proxy), Some(key)) = (connect_to_proxy(call), authorization(request)) {
                let _ = proxy.write_all(key.as_bytes());
            }
            call.send(request)
        },
        fails: FailingCases::listed(&[
            "proxy/*",
            // Nobody listens there.
            "!proxy/refused",
        ])
        // This proxy reads only TLS, and may end before it sees anything else.
        .uncertain(&["proxy/over-tls-bad-certificate"]),
        ..NO_FAULT
    },
];
