//! Where connections go.
#![allow(clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ap_reqwest::ReqwestTransport;
use ap_reqwest::ap_client::transport::{
    AsyncTransport as _, Connect as _, Deadline, Proxy, TransportConfig, TransportErrorKind,
};
use ap_reqwest::reqwest;
use ap_reqwest::reqwest::dns::{Addrs, Name, Resolve, Resolving};
use common::{LIMIT, Server, get};

/// A resolver, or a hosts file, that says that every name is another machine.
struct Elsewhere(Arc<AtomicUsize>);

impl Resolve for Elsewhere {
    fn resolve(&self, _: Name) -> Resolving {
        self.0.fetch_add(1, Ordering::SeqCst);
        // An address for documentation: nobody is there.
        let address: SocketAddr = ([192, 0, 2, 1], 0).into();
        let addresses: Addrs = Box::new([address].into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

#[tokio::test]
async fn localhost_is_this_machine_whatever_a_resolver_says() {
    let server = Server::start();
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&asked);
    let liar: SocketAddr = ([192, 0, 2, 1], 0).into();
    let given = move || {
        reqwest::Client::builder()
            .dns_resolver(Elsewhere(Arc::clone(&seen)))
            .resolve("localhost", liar)
    };
    let config = TransportConfig::new();
    for transport in [
        ReqwestTransport::from_builder(given, &config).unwrap(),
        ReqwestTransport::connect(&config).unwrap(),
    ] {
        for host in ["localhost", "LOCALHOST"] {
            let request = get(&format!("http://{host}:{}/flows", server.port));
            let deadline = Deadline::after(transport.now(), LIMIT);
            let response = transport.send(&request, deadline).await.unwrap();
            assert_eq!(response.body(), "ok", "{host}");
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_on_which_a_key_was_rejected_before_the_body_was_read_carries_no_other_request()
 {
    let server = Server::answering("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
    let transport = ReqwestTransport::connect(&TransportConfig::new()).unwrap();
    for (method, body, accepted) in [
        ("GET", "", 1),
        ("GET", "", 1),
        ("POST", "body", 1),
        ("GET", "", 2),
        ("GET", "", 2),
    ] {
        let mut request = server.get();
        *request.method_mut() = method.parse().unwrap();
        *request.body_mut() = body.into();
        let deadline = Deadline::after(transport.now(), LIMIT);
        let response = transport.send(&request, deadline).await.unwrap();
        assert_eq!(response.body(), "no");
        assert_eq!(server.accepted(), accepted, "{method}");
    }
}

#[tokio::test]
async fn the_proxy_is_not_blamed_for_an_ipv6_address_that_the_library_has_no_name_for() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\n", TransportErrorKind::Tls),
        ("HTTP/1.1 403 No\r\n\r\n", TransportErrorKind::Proxy),
    ] {
        let server = Server::answering(answer);
        let config = TransportConfig::new().proxy(Proxy::parse(&server.origin).unwrap());
        let transport = ReqwestTransport::connect(&config).unwrap();
        for url in ["https://[2001:db8::1]/flows", "https://[2001:db8::1]:8443/"] {
            let deadline = Deadline::after(transport.now(), LIMIT);
            let error = transport.send(&get(url), deadline).await.unwrap_err();
            assert_eq!(error.kind(), expected, "{url}");
        }
    }
}
