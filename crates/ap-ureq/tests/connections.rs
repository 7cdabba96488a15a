//! Which connection a request goes out on.
#![allow(clippy::unwrap_used)]

mod common;

use ap_client::transport::FreshConnection;
use ap_ureq::UreqTransport;
use ap_ureq::ureq::config::Config;
use ap_ureq::ureq::{Agent, Proxy};
use common::{Server, describe, given, own, send};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Every way to make a transport. A proxy that nobody runs must not be used for loopback.
fn transports() -> Vec<(&'static str, UreqTransport)> {
    let agent = |config: Config| given(config.new_agent());
    let config = || Agent::config_builder().proxy(None);
    let proxy = Proxy::new("http://127.0.0.1:9").unwrap();
    vec![
        ("own", own()),
        ("default agent", given(Agent::new_with_defaults())),
        (
            "agent with its config",
            agent(config().user_agent("mine/1").no_delay(false).build()),
        ),
        (
            "agent with a proxy",
            agent(config().proxy(Some(proxy)).build()),
        ),
    ]
}

#[test]
fn two_calls_share_a_connection() {
    for (name, transport) in transports() {
        let server = Server::answering(OK);
        for _ in 0..2 {
            assert_eq!(
                describe(send(&transport, &server.get("/"))),
                "200 ok",
                "{name}"
            );
        }
        assert_eq!(server.accepted(), 1, "{name}");
    }
}

#[test]
fn a_marked_request_opens_a_connection_that_the_others_do_not_share() {
    for (name, transport) in transports() {
        let server = Server::answering(OK);
        let plain = server.get("/");
        let mut marked = server.get("/marked");
        marked.extensions_mut().insert(FreshConnection);
        let accepted_after = |request| {
            assert_eq!(describe(send(&transport, request)), "200 ok", "{name}");
            server.accepted()
        };
        assert_eq!(accepted_after(&plain), 1, "{name}");
        assert_eq!(
            accepted_after(&marked),
            2,
            "{name}: not the idle connection"
        );
        assert_eq!(
            accepted_after(&plain),
            2,
            "{name}: the idle connection again"
        );
        assert_eq!(
            accepted_after(&marked),
            3,
            "{name}: not the other fresh one either"
        );
    }
}

#[test]
fn a_connection_is_not_kept_after_a_response_that_ends_it() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
    ] {
        let server = Server::answering(answer);
        let transport = own();
        for _ in 0..2 {
            assert_eq!(
                describe(send(&transport, &server.get("/"))),
                "200 ok",
                "{answer:?}"
            );
        }
        assert_eq!(server.accepted(), 2, "{answer:?}");
    }
}
