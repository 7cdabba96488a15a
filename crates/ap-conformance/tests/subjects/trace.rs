//! What a report shows of a case that is traced.

use ap_client::transport::Connect as _;
use ap_conformance::Suite;
use ap_ureq::UreqTransport;

/// Returns what is shown of a case.
fn trace(id: &str) -> String {
    let suite = Suite::builtin().trace().quiet().only(id).unwrap();
    let report = suite.check(UreqTransport::connect);
    report.assert();
    report.cases()[0].details().to_owned()
}

/// Checks that lines with these texts come in this order.
fn assert_in_order(trace: &str, texts: &[&str]) {
    let mut lines = trace.lines();
    for text in texts {
        assert!(lines.any(|line| line.contains(text)), "{text}: {trace}");
    }
}

#[test]
fn of_a_tls_connection_it_shows_each_kind_of_record() {
    let trace = trace("tls/good-certificate");
    assert_in_order(
        &trace,
        &[
            "* the client connected",
            "bytes: TLS handshake, ClientHello",
            "bytes: TLS handshake, ServerHello",
            "TLS application data",
            "> GET /flows HTTP/1.1",
            "< HTTP/1.1 200",
        ],
    );
    assert!(trace.contains("> authorization: Basic <key>"), "{trace}");
}

#[test]
fn of_tls_records_at_a_plain_listener_it_says_what_they_are() {
    let trace = trace("tls/alert");
    assert_in_order(
        &trace,
        &[
            "bytes: TLS handshake, ClientHello",
            "7 bytes: TLS alert, HandshakeFailure",
        ],
    );
}
