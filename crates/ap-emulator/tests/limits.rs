//! Where the emulator listens, how it ends, and the limits that it sets to its clients.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::time::Duration;

use ap_core::Service;
use ap_emulator::{Emulator, Product, StartError};
use common::{
    authority, connect, read_reply, read_to_end, request, send, start, status_of, with_key,
};

#[test]
fn it_listens_on_loopback_only() {
    let refused = [
        "0.0.0.0",
        "192.0.2.1",
        "10.0.0.1",
        "255.255.255.255",
        "::",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
    ];
    for text in refused {
        let ip: IpAddr = text.parse().unwrap();
        match Emulator::builder().bind(ip).start() {
            Err(StartError::NotLoopback(named)) => assert_eq!(named, ip),
            other => panic!("{text}: {other:?}"),
        }
    }
    let emulator = Emulator::builder()
        .bind(Ipv4Addr::new(127, 0, 0, 2).into())
        .start()
        .unwrap();
    assert!(
        emulator
            .url(Product::TrustedForm)
            .starts_with("http://127.0.0.2:")
    );
    assert_eq!(
        status_of(&emulator, Product::TrustedForm, &emulator.key()),
        200
    );
}

#[test]
fn it_listens_on_ipv6_loopback_where_the_machine_has_it() {
    let Ok(_) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return;
    };
    let emulator = Emulator::builder()
        .bind(Ipv6Addr::LOCALHOST.into())
        .start()
        .unwrap();
    assert!(
        emulator
            .url(Product::LeadConduit)
            .starts_with("http://[::1]:")
    );
    assert_eq!(
        emulator.origins().get(Service::LeadConduit).as_str(),
        emulator.url(Product::LeadConduit)
    );
    assert_eq!(
        status_of(&emulator, Product::LeadConduit, &emulator.key()),
        200
    );
}

#[test]
fn the_origins_are_the_emulators_ports_for_every_service() {
    let emulator = Emulator::start().unwrap();
    let origins = emulator.origins();
    for (service, product) in [
        (Service::LeadConduit, Product::LeadConduit),
        (Service::TrustedForm, Product::TrustedForm),
        (Service::TrustedFormApp, Product::TrustedForm),
        (Service::SuppressionList, Product::SuppressionList),
    ] {
        assert_eq!(origins.get(service).as_str(), emulator.url(product));
    }
}

#[test]
fn ports_follow_the_first_one_and_an_error_names_the_one_in_use() {
    let (emulator, first) = start_on_three_ports();
    for (product, port) in Product::ALL.into_iter().zip(first..) {
        assert_eq!(emulator.url(product), format!("http://127.0.0.1:{port}"));
        assert_eq!(status_of(&emulator, product, &emulator.key()), 200);
    }
    for (offset, product) in [(0, Product::LeadConduit), (2, Product::LeadConduit)] {
        match Emulator::builder().first_port(first + offset).start() {
            Err(StartError::PortInUse {
                port,
                product: named,
            }) => {
                assert_eq!((port, named), (first + offset, product));
            }
            other => panic!("{other:?}"),
        }
    }
    match Emulator::builder().first_port(first - 1).start() {
        Err(error @ StartError::PortInUse { .. }) => {
            assert!(error.to_string().starts_with("port "), "{error}");
            assert!(error.to_string().ends_with(" is already in use"), "{error}");
            assert!(error.source().is_none());
        }
        other => panic!("{other:?}"),
    }
    for port in [65534, 65535] {
        match Emulator::builder().first_port(port).start() {
            Err(StartError::PortRange { first }) => assert_eq!(first, port),
            other => panic!("{other:?}"),
        }
    }
    // The ports are free again after a start that failed half way, and after the emulator ended.
    drop(emulator);
    let again = Emulator::builder().first_port(first).start().unwrap();
    assert_eq!(status_of(&again, Product::LeadConduit, &again.key()), 200);
}

/// Uses ports below those that operating systems choose, so that no connection takes one meanwhile.
fn start_on_three_ports() -> (Emulator, u16) {
    let offset = u16::try_from(std::process::id() % 1000).unwrap();
    for step in 0..1000 {
        let first = 20_001 + (offset + step) % 1000 * 4;
        if let Ok(emulator) = Emulator::builder().first_port(first).start() {
            return (emulator, first);
        }
    }
    panic!("no three ports in a row are free");
}

#[test]
fn dropping_it_closes_ports_and_connections_at_once() {
    // If it waited for its connections, this test would take an hour.
    let emulator = Emulator::builder()
        .client_timeout(Duration::from_secs(3600))
        .start()
        .unwrap();
    let urls = Product::ALL.map(|product| emulator.url(product).to_owned());
    let mut open = urls.clone().map(|url| connect(&url));
    open[0].write_all(b"GET / HT").unwrap();
    assert_eq!(
        status_of(&emulator, Product::LeadConduit, &emulator.key()),
        200
    );
    drop(emulator);
    for url in &urls {
        let error = TcpStream::connect(authority(url)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    for stream in &mut open {
        assert!(read_to_end(stream).0.is_empty());
    }
}

#[test]
fn threads_share_one_emulator_and_two_emulators_share_nothing() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    std::thread::scope(|scope| {
        for product in Product::ALL {
            scope.spawn({
                let (emulator, key) = (&emulator, &key);
                move || {
                    for _ in 0..20 {
                        assert_eq!(status_of(emulator, product, key), 200);
                    }
                }
            });
        }
    });
    let other = Emulator::start().unwrap();
    assert_eq!(status_of(&other, Product::LeadConduit, &key), 401);
    assert_eq!(emulator.state().product(Product::TrustedForm).requests, 20);
}

#[test]
fn it_starts_and_ends_inside_an_async_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let emulator = Emulator::start().unwrap();
        assert_eq!(
            status_of(&emulator, Product::LeadConduit, &emulator.key()),
            200
        );
        assert!(Emulator::builder().first_port(65535).start().is_err());
        drop(emulator);
    });
}

#[test]
fn bodies_are_bounded() {
    const LIMIT: usize = 1024 * 1024;
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let headers = with_key(&emulator.key());
    let body_of = |length: usize| format!("{{\"name\":\"{}\"}}", "n".repeat(length - 11));
    let most = body_of(LIMIT);
    assert_eq!(most.len(), LIMIT);
    assert_eq!(send(url, "POST", "/flows", &headers, &most).status(), 201);
    for length in [LIMIT + 1, 3 * LIMIT] {
        let reply = send(url, "POST", "/flows", &headers, &body_of(length));
        assert_eq!(
            (reply.status(), reply.header("Connection")),
            (413, Some("close"))
        );
        assert!(reply.json()["error"].is_string());
        let reply = send(url, "POST", "/_emulator/fault", "", &body_of(length));
        assert_eq!(reply.status(), 413);
        // The body of a client without a key is not read, and the client still gets the response.
        assert_eq!(
            send(url, "POST", "/flows", "", &body_of(length)).status(),
            401
        );
    }
    let chunk = format!("10000\r\n{}\r\n", "n".repeat(0x10000)).repeat(17);
    let chunked = format!(
        "POST /flows HTTP/1.1\r\nHost: localhost\r\n{headers}Transfer-Encoding: chunked\r\n\r\n{chunk}"
    );
    assert_eq!(common::raw(url, chunked).status(), 413);

    // A gigabyte is refused when it is announced, before any of it arrives.
    let announced = format!(
        "POST /flows HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 1073741824\r\n\r\n"
    );
    assert_eq!(common::raw(url, announced).status(), 413);
}

#[test]
fn created_flows_are_bounded() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let headers = with_key(&emulator.key());
    let body = format!("{{\"name\":\"{}\"}}", "n".repeat(1_000_000));
    // 32 MiB in all: 33 flows of a million bytes and a little more.
    for _ in 0..33 {
        assert_eq!(send(url, "POST", "/flows", &headers, &body).status(), 201);
    }
    assert_eq!(send(url, "POST", "/flows", &headers, &body).status(), 507);
}

#[test]
fn heads_are_bounded() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    for (headers, status) in [
        (format!("X-Big: {}\r\n", "b".repeat(200_000)), 431),
        ("X-Many: m\r\n".repeat(500), 431),
    ] {
        let mut stream = connect(url);
        let request = request("GET", "/", &headers, "");
        // The refusal may come before everything is sent.
        let _ = stream.write_all(request.as_bytes());
        assert_eq!(read_reply(&mut stream, false).status(), status);
    }
}

#[test]
fn slow_clients_are_cut_off() {
    let emulator = Emulator::builder()
        .client_timeout(Duration::from_millis(200))
        .start()
        .unwrap();
    let url = emulator.url(Product::LeadConduit);
    let half_body = format!(
        "POST /flows HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: 9\r\n\r\n{{",
        with_key(&emulator.key())
    );
    // The status of the response to what was sent, where there is one.
    let status = |sent: &str| {
        let mut stream = connect(url);
        // On a busy machine the emulator may have closed the connection before.
        let _ = stream.write_all(sent.as_bytes());
        let (bytes, _) = read_to_end(&mut stream);
        let text = String::from_utf8(bytes).unwrap();
        text.get(9..12).map(str::to_owned)
    };
    for unanswered in ["", "GET / HTTP/1.1\r\nHost: loc"] {
        assert_eq!(status(unanswered), None, "{unanswered:?}");
    }
    for (sent, expected) in [
        // One whole request, after which the connection stays idle.
        (request("GET", "/", "", ""), "401"),
        (half_body, "408"),
    ] {
        // On a busy machine the head may arrive too late. Then the next try counts.
        let answered = (0..100).find_map(|_| status(&sent)).unwrap();
        assert_eq!(answered, expected, "{sent:?}");
    }
}

#[test]
fn a_client_that_stops_reading_is_cut_off() {
    let emulator = Emulator::builder()
        .client_timeout(Duration::from_secs(2))
        .max_connections(1)
        .start()
        .unwrap();
    let url = emulator.url(Product::LeadConduit).to_owned();
    let headers = with_key(&emulator.key());
    let body = format!("{{\"name\":\"{}\"}}", "n".repeat(1_000_000));
    for _ in 0..20 {
        let closing = format!("{headers}Connection: close\r\n");
        assert_eq!(send(&url, "POST", "/flows", &closing, &body).status(), 201);
    }
    let deaf = start(&url, "GET", "/flows", &headers, "");
    // It has the only connection until the emulator closes it.
    assert_eq!(
        status_of(&emulator, Product::TrustedForm, &emulator.key()),
        200
    );
    drop(deaf);
}

#[test]
fn connections_beyond_the_limit_wait_for_their_turn() {
    const LIMIT: usize = 8;
    let emulator = Emulator::builder().max_connections(LIMIT).start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let open = || start(url, "GET", "/", "", "");
    let request = request("GET", "/", "", "");
    let mut served: Vec<TcpStream> = (0..LIMIT).map(|_| open()).collect();
    for stream in &mut served {
        assert_eq!(read_reply(stream, false).status(), 401);
    }
    let mut waiting: Vec<TcpStream> = (0..LIMIT).map(|_| open()).collect();
    // The first ones are still served, and the others are not read yet.
    for stream in &mut served {
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(read_reply(stream, false).status(), 401);
    }
    assert_eq!(
        emulator.state().product(Product::LeadConduit).requests,
        2 * LIMIT as u64
    );
    waiting[0].set_nonblocking(true).unwrap();
    let error = waiting[0].read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    waiting[0].set_nonblocking(false).unwrap();
    drop(served);
    for stream in &mut waiting {
        assert_eq!(read_reply(stream, false).status(), 401);
    }
}

#[test]
fn every_ended_connection_makes_room_for_the_next() {
    // More than the limit, and more than a process may usually have open at a time.
    const CONNECTIONS: u64 = 2500;
    let emulator = Emulator::builder().max_connections(64).start().unwrap();
    let url = emulator.url(Product::SuppressionList);
    for _ in 0..CONNECTIONS {
        let reply = send(url, "GET", "/", "Connection: close\r\n", "");
        assert_eq!(reply.status(), 401);
    }
    assert_eq!(
        emulator.state().product(Product::SuppressionList).refusals,
        CONNECTIONS
    );
}
