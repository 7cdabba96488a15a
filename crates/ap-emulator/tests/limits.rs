//! Where it listens, how it ends, and what it does not let a client do to it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use ap_emulator::{Emulator, Product, StartError};
use common::{connect, read_reply, read_to_end, send, status_of, with_key};

fn address(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

#[test]
fn only_loopback_addresses_are_listened_on() {
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
            Err(StartError::NotLoopback(told)) => assert_eq!(told, ip),
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
fn the_other_loopback_works_where_the_machine_has_it() {
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
        status_of(&emulator, Product::LeadConduit, &emulator.key()),
        200
    );
}

#[test]
fn ports_follow_the_first_one_and_a_taken_one_is_named() {
    let (emulator, first) = start_on_three_ports();
    for (product, port) in Product::ALL.into_iter().zip(first..) {
        assert_eq!(emulator.url(product), format!("http://127.0.0.1:{port}"));
        assert_eq!(status_of(&emulator, product, &emulator.key()), 200);
    }
    for (offset, product) in [(0, Product::LeadConduit), (2, Product::LeadConduit)] {
        match Emulator::builder().first_port(first + offset).start() {
            Err(StartError::PortTaken {
                port,
                product: told,
            }) => {
                assert_eq!((port, told), (first + offset, product));
            }
            other => panic!("{other:?}"),
        }
    }
    match Emulator::builder().first_port(first - 1).start() {
        Err(error @ StartError::PortTaken { .. }) => {
            assert!(error.to_string().contains("port "), "{error}");
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
    // The ports of a start that failed half way, and of an emulator that ended, are free again.
    drop(emulator);
    let again = Emulator::builder().first_port(first).start().unwrap();
    assert_eq!(status_of(&again, Product::LeadConduit, &again.key()), 200);
}

/// Below the ports that systems give out on their own, so that no connection takes one meanwhile.
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
    let emulator = Emulator::start().unwrap();
    let urls = Product::ALL.map(|product| emulator.url(product).to_owned());
    let mut open = urls.clone().map(|url| connect(&url));
    open[0].write_all(b"GET / HT").unwrap();
    assert_eq!(
        status_of(&emulator, Product::LeadConduit, &emulator.key()),
        200
    );
    let start = Instant::now();
    drop(emulator);
    assert!(start.elapsed() < Duration::from_secs(5));
    for url in &urls {
        let error = TcpStream::connect(address(url)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    for stream in &mut open {
        assert!(read_to_end(stream).0.is_empty());
    }
}

#[test]
fn it_is_shared_between_threads_and_emulators_are_apart() {
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
fn it_starts_and_ends_inside_of_an_asynchronous_program() {
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
        // Whoever has no key is not read from at all, and still gets the answer.
        assert_eq!(
            send(url, "POST", "/flows", "", &body_of(length)).status(),
            401
        );
    }
    let chunk = format!("10000\r\n{}\r\n", "n".repeat(0x10000)).repeat(17);
    let request = format!(
        "POST /flows HTTP/1.1\r\nHost: localhost\r\n{headers}Transfer-Encoding: chunked\r\n\r\n{chunk}"
    );
    assert_eq!(common::raw(url, request).status(), 413);

    // A gigabyte that is only announced is refused without waiting for it.
    let mut stream = connect(url);
    let request = format!(
        "POST /flows HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 1073741824\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(read_reply(&mut stream, false).status(), 413);
}

#[test]
fn created_flows_are_bounded() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let headers = with_key(&emulator.key());
    let body = format!("{{\"name\":\"{}\"}}", "n".repeat(1_000_000));
    let mut created = 0;
    loop {
        let reply = send(url, "POST", "/flows", &headers, &body);
        if reply.status() != 201 {
            assert_eq!(reply.status(), 507);
            break;
        }
        created += 1;
        assert!(created < 100);
    }
    assert!(created > 10);
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
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        // The refusal may come before everything is written.
        let _ = stream.write_all(request.as_bytes());
        assert_eq!(read_reply(&mut stream, false).status(), status);
    }
}

#[test]
fn slow_clients_are_cut_off() {
    let emulator = Emulator::builder()
        .patience(Duration::from_millis(200))
        .start()
        .unwrap();
    let url = emulator.url(Product::LeadConduit);
    let half_sent = [
        String::new(),
        "GET / HTTP/1.1\r\nHost: loc".to_owned(),
        // One whole request, after which the connection stays idle.
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        format!(
            "POST /flows HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: 9\r\n\r\n{{",
            with_key(&emulator.key())
        ),
    ];
    for (sent, status) in half_sent
        .into_iter()
        .zip([None, None, Some("401"), Some("408")])
    {
        let mut stream = connect(url);
        stream.write_all(sent.as_bytes()).unwrap();
        let (bytes, _) = read_to_end(&mut stream);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.get(9..12), status, "{sent:?}");
    }
}

#[test]
fn a_client_that_stops_reading_is_cut_off() {
    let emulator = Emulator::builder()
        .patience(Duration::from_millis(200))
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
    let mut deaf = connect(&url);
    let request = format!("GET /flows HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    deaf.write_all(request.as_bytes()).unwrap();
    // The only connection is taken until the emulator gives up on it.
    assert_eq!(
        status_of(&emulator, Product::TrustedForm, &emulator.key()),
        200
    );
    drop(deaf);
}

#[test]
fn connections_beyond_the_most_wait_for_their_turn() {
    const MOST: usize = 8;
    let emulator = Emulator::builder().max_connections(MOST).start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut served: Vec<TcpStream> = (0..MOST)
        .map(|_| {
            let mut stream = connect(url);
            stream.write_all(request).unwrap();
            assert_eq!(read_reply(&mut stream, false).status(), 401);
            stream
        })
        .collect();
    let mut waiting: Vec<TcpStream> = (0..MOST)
        .map(|_| {
            let mut stream = connect(url);
            stream.write_all(request).unwrap();
            stream
        })
        .collect();
    // Those that are served go on; the others have not been looked at.
    for stream in &mut served {
        stream.write_all(request).unwrap();
        assert_eq!(read_reply(stream, false).status(), 401);
    }
    assert_eq!(
        emulator.state().product(Product::LeadConduit).requests,
        2 * MOST as u64
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
fn ten_thousand_connections_one_after_another_are_served() {
    let emulator = Emulator::builder().max_connections(64).start().unwrap();
    let url = emulator.url(Product::SuppressionList);
    for _ in 0..10_000 {
        let reply = send(url, "GET", "/", "Connection: close\r\n", "");
        assert_eq!(reply.status(), 401);
    }
    assert_eq!(
        emulator.state().product(Product::SuppressionList).refusals,
        10_000
    );
}
