//! Which connection a request goes out on.
#![allow(clippy::unwrap_used)]

mod common;

use ap_client::transport::FreshConnection;
use ap_ureq::UreqTransport;
use ap_ureq::ureq::config::Config;
use ap_ureq::ureq::http::Uri;
use ap_ureq::ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ap_ureq::ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ap_ureq::ureq::{Agent, Error, Proxy};
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

#[test]
fn a_connection_on_which_a_key_was_rejected_before_the_body_was_read_carries_no_other_request() {
    let server = Server::answering("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
    let transport = own();
    for (request, accepted) in [
        (server.get("/"), 1),
        (server.get("/"), 1),
        (server.post("body"), 1),
        (server.get("/"), 2),
        (server.get("/"), 2),
    ] {
        assert_eq!(describe(send(&transport, &request)), "401 no");
        assert_eq!(server.accepted(), accepted);
    }
}

/// A resolver, or a hosts file, that says that every name is another machine.
#[derive(Debug)]
struct Elsewhere;

impl Resolver for Elsewhere {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let is_name = uri.host().unwrap().contains(char::is_alphabetic);
        let elsewhere = Uri::from_static("http://192.0.2.1/");
        let asked = if is_name { &elsewhere } else { uri };
        DefaultResolver::default().resolve(asked, config, timeout)
    }
}

#[test]
fn localhost_is_this_machine_whatever_a_resolver_says() {
    let agent = Agent::with_parts(Config::default(), DefaultConnector::new(), Elsewhere);
    for (name, transport) in [("own", own()), ("given", given(agent))] {
        let server = Server::answering(OK);
        let host = server.origin.replace("127.0.0.1", "localhost");
        for host in [host.clone(), host.replace("localhost", "LOCALHOST")] {
            let mut request = server.get("/flows?a=b");
            *request.uri_mut() = format!("{host}/flows?a=b").parse().unwrap();
            assert_eq!(describe(send(&transport, &request)), "200 ok", "{name}");
            let head = server.heads().pop().unwrap();
            let (_, authority) = host.split_once("://").unwrap();
            assert!(head.starts_with("GET /flows?a=b HTTP/1.1\r\n"), "{head}");
            assert!(head.contains(&format!("host: {authority}\r\n")), "{head}");
        }
    }
}
