//! How much memory clients can make the emulator hold, and that the page is there meanwhile.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use ap_emulator::{Emulator, Product};
use common::{connect, control, read_reply, request, resident, send, start, with_key};

const MIB: usize = 1024 * 1024;

/// The limit for a million values of suppression lists is 64 MiB, so this is the part of each.
const BYTES_OF_A_VALUE: usize = 64;

/// Set for a test that was started again in a process of its own.
const IS_ALONE: &str = "MEMORY_TEST_IS_ALONE";

/// Runs a test in a process of its own, because it measures the memory of the whole process. `test` is its full name.
fn alone(test: &str, check: impl FnOnce()) {
    if std::env::var_os(IS_ALONE).is_some() {
        return check();
    }
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", test, "--nocapture"]);
    let output = program.env(IS_ALONE, "1").output().unwrap();
    let has_run = String::from_utf8_lossy(&output.stdout).contains(" 1 passed;");
    assert!(output.status.success() && has_run, "{output:?}");
}

fn create(emulator: &Emulator, body: &str) -> u16 {
    let url = emulator.url(Product::LeadConduit);
    send(url, "POST", "/flows", &with_key(&emulator.key()), body).status()
}

/// Fills the emulator with flows of a million bytes.
fn filled() -> Emulator {
    let emulator = Emulator::start().unwrap();
    let body = format!("{{\"name\":\"{}\"}}", "n".repeat(1_000_000));
    for _ in 0..31 {
        assert_eq!(create(&emulator, &body), 201);
    }
    emulator
}

/// Reads until the body of the response has begun, and then reads no more.
fn begin(emulator: &Emulator, path: &str) -> TcpStream {
    let url = emulator.url(Product::LeadConduit);
    let mut stream = start(url, "GET", path, &with_key(&emulator.key()), "");
    let mut head = Vec::new();
    while !head
        .windows(5)
        .any(|part| part == b"\r\n\r\n[" || part == b"\r\n\r\n{")
    {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"));
    stream
}

#[test]
fn clients_that_do_not_read_share_one_copy_of_the_flows() {
    alone(
        "clients_that_do_not_read_share_one_copy_of_the_flows",
        || {
            let emulator = filled();
            let before = resident();
            // A new flow between two readers makes each of them see another list.
            let readers: Vec<TcpStream> = (0..40)
                .map(|_| {
                    assert_eq!(create(&emulator, "{}"), 201);
                    begin(&emulator, "/flows")
                })
                .collect();
            let grown = resident().saturating_sub(before);
            assert!(grown < 96 * MIB, "40 readers of 32 MiB cost {grown} bytes");
            drop(readers);
        },
    );
}

#[test]
fn clients_that_do_not_read_share_one_copy_of_a_flow() {
    alone("clients_that_do_not_read_share_one_copy_of_a_flow", || {
        let emulator = filled();
        let url = emulator.url(Product::LeadConduit);
        let headers = with_key(&emulator.key());
        let flows = send(url, "GET", "/flows", &headers, "").json();
        let id = flows.as_array().unwrap().last().unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        drop(flows);
        let before = resident();
        let readers: Vec<TcpStream> = (0..200)
            .map(|_| begin(&emulator, &format!("/flows/{id}")))
            .collect();
        let grown = resident().saturating_sub(before);
        assert!(
            grown < 96 * MIB,
            "200 readers of one flow cost {grown} bytes"
        );
        drop(readers);
    });
}

#[test]
fn a_client_that_reads_later_gets_the_list_of_its_time() {
    let emulator = filled();
    let url = emulator.url(Product::LeadConduit);
    let mut late = start(url, "GET", "/flows", &with_key(&emulator.key()), "");
    // Once the head is there, the length of the list is fixed.
    late.peek(&mut [0]).unwrap();
    let headers = with_key(&emulator.key());
    let example = "/flows/65e0b2000000000000000001";
    for _ in 0..10 {
        assert_eq!(create(&emulator, "{}"), 201);
    }
    let renamed = r#"{"name":"Renamed"}"#;
    assert_eq!(send(url, "PUT", example, &headers, renamed).status(), 200);
    let list = send(url, "GET", "/flows", &headers, "").json();
    for flow in list.as_array().unwrap() {
        let path = format!("/flows/{}", flow["id"].as_str().unwrap());
        assert_eq!(send(url, "DELETE", &path, &headers, "").status(), 200);
    }
    assert_eq!(send(url, "GET", "/flows", &headers, "").text(), "[]");
    let late = read_reply(&mut late, false).json();
    assert_eq!(late.as_array().unwrap().len(), 33);
    assert_ne!(late[0]["name"], "Renamed");
}

#[test]
fn nested_json_costs_little_more_than_its_length() {
    alone("nested_json_costs_little_more_than_its_length", || {
        for element in ["[]", "{\"\":0}", "[[[[]]]]", "\"\"", "0"] {
            let emulator = Emulator::start().unwrap();
            let elements = vec![element; 900_000 / (element.len() + 1)].join(",");
            let body = format!("{{\"steps\":[{elements}]}}");
            assert_eq!(create(&emulator, "{}"), 201);
            let before = resident();
            for _ in 0..10 {
                assert_eq!(create(&emulator, &body), 201);
            }
            let grown = resident().saturating_sub(before);
            let text = 10 * body.len();
            assert!(
                grown < 3 * text + 16 * MIB,
                "{text} bytes of {element} cost {grown}"
            );
        }
    });
}

/// Reads this many responses, each with a JSON object as its body.
fn read_answers(stream: &mut TcpStream, count: usize) -> String {
    const START: &str = "HTTP/1.1 ";
    let (mut answers, mut started, mut searched) = (String::new(), 0, 0);
    let mut buffer = [0; 65536];
    while started < count || !answers.ends_with('}') {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the connection ended");
        answers += std::str::from_utf8(&buffer[..read]).unwrap();
        // Only what is new, because searching is slow in a test's build.
        started += answers[searched..].matches(START).count();
        searched = answers.len().saturating_sub(START.len() - 1);
    }
    answers
}

#[test]
fn small_flows_are_counted_with_what_it_costs_to_keep_them() {
    alone(
        "small_flows_are_counted_with_what_it_costs_to_keep_them",
        || {
            let emulator = Emulator::start().unwrap();
            // Many at once, or this test would take minutes.
            let mut stream = connect(emulator.url(Product::LeadConduit));
            let headers = with_key(&emulator.key());
            let hundred = request("POST", "/flows", &headers, "{}").repeat(100);
            let before = resident();
            let mut created = 0;
            let mut is_full = false;
            while !is_full {
                stream.write_all(hundred.as_bytes()).unwrap();
                let answers = read_answers(&mut stream, 100);
                created += answers.matches("HTTP/1.1 201 ").count();
                is_full = answers.contains("HTTP/1.1 507 ");
            }
            let grown = resident().saturating_sub(before);
            assert!(created > 10_000, "{created}");
            assert!(grown < 64 * MIB, "{created} small flows cost {grown} bytes");
        },
    );
}

#[test]
fn bodies_that_stay_unfinished_are_bounded_all_together() {
    const CLIENTS: usize = 80;
    const FITTING: usize = 33;
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let head = format!(
        "POST /flows HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {MIB}\r\n\r\n",
        with_key(&emulator.key())
    );
    let mut clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let mut stream = connect(url);
            stream.write_all(head.as_bytes()).unwrap();
            // A refusal may come before everything is sent.
            let _ = stream.write_all(&vec![b' '; MIB - 1]);
            stream
        })
        .collect();
    for stream in &clients {
        stream.set_nonblocking(true).unwrap();
    }
    let mut refused = Vec::new();
    while refused.len() < CLIENTS - FITTING {
        std::thread::yield_now();
        let (answered, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut clients)
            .into_iter()
            .partition(|stream| stream.peek(&mut [0]).is_ok());
        refused.extend(answered);
        clients = waiting;
    }
    for stream in &mut refused {
        stream.set_nonblocking(false).unwrap();
        let reply = read_reply(stream, false);
        assert_eq!(
            (reply.status(), reply.header("Connection")),
            (503, Some("close"))
        );
    }
    // Calls without a body and the page's own need none of that room.
    assert_eq!(
        common::status_of(&emulator, Product::LeadConduit, &emulator.key()),
        200
    );
    let fault = r#"{"product":"lcx","kind":"500"}"#;
    assert_eq!(control(&emulator, "POST", "fault", fault).status(), 200);
    drop(clients);
}

#[test]
fn a_million_seeded_events_take_no_memory() {
    alone("a_million_seeded_events_take_no_memory", || {
        const COUNT: u32 = 1_000_000;
        let before = resident();
        let emulator = Emulator::builder().events(COUNT).start().unwrap();
        let url = emulator.url(Product::LeadConduit);
        let headers = with_key(&emulator.key());
        let page = |query: &str| {
            let reply = send(url, "GET", &format!("/events?{query}"), &headers, "");
            let events: Vec<serde_json::Value> = serde_json::from_slice(&reply.body).unwrap();
            let id = |event: &serde_json::Value| event["id"].as_str().unwrap().to_owned();
            events.iter().map(id).collect::<Vec<_>>()
        };
        let first = page("sort=asc&limit=1");
        let last = page("limit=1");
        // The end of an id is the number of the event.
        let (start, end) = (
            u32::from_str_radix(&first[0][16..], 16),
            u32::from_str_radix(&last[0][16..], 16),
        );
        assert_eq!((start, end), (Ok(0), Ok(COUNT - 1)));
        let middle = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(45 * 24);
        for query in [
            "sort=asc&limit=1000".to_owned(),
            format!("sort=asc&limit=1000&start={middle}"),
            "limit=1000".to_owned(),
        ] {
            assert_eq!(page(&query).len(), 1000);
        }
        let whole = "start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z";
        let path =
            format!("/events/stats?{whole}&column=source-submitted&group_by=vars.lead.state");
        let rows = send(url, "GET", &path, &headers, "").json();
        let rows = rows.as_array().unwrap().iter();
        let leads: u64 = rows
            .map(|row| row["source-submitted"].as_u64().unwrap())
            .sum();
        let found = send(url, "GET", "/search/leads?query=", &headers, "").json();
        // The events of the last lead can be cut off.
        assert!(found["total"].as_u64().unwrap() - leads <= 1, "{leads}");
        let grown = resident().saturating_sub(before);
        assert!(grown < 32 * MIB, "a million events cost {grown} bytes");
    });
}

#[test]
fn real_events_take_no_more_than_their_room() {
    alone("real_events_take_no_more_than_their_room", || {
        let emulator = Emulator::start().unwrap();
        let path = "/flows/65e0b2000000000000000001/sources/65e0a1000000000000000004/submit";
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let body = format!("email=a%40b.example&first_name={}", "n".repeat(60_000));
        let one = request("POST", path, form, &body);
        let mut stream = connect(emulator.url(Product::LeadConduit));
        let before = resident();
        // 120 MiB of leads.
        for _ in 0..200 {
            stream.write_all(one.repeat(10).as_bytes()).unwrap();
            assert_eq!(
                read_answers(&mut stream, 10)
                    .matches("HTTP/1.1 201 ")
                    .count(),
                10
            );
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < 96 * MIB, "real events cost {grown} bytes");
        // The oldest ones made room.
        let headers = with_key(&emulator.key());
        let url = emulator.url(Product::LeadConduit);
        let found = send(url, "GET", "/events?include=id&limit=1000", &headers, "").json();
        let found = found.as_array().unwrap().len();
        assert!((400..1000).contains(&found), "{found}");
    });
}

#[test]
fn the_page_is_there_when_the_ports_are_full() {
    const LIMIT: usize = 8;
    let emulator = Emulator::builder().max_connections(LIMIT).start().unwrap();
    for product in Product::ALL {
        let url = emulator.url(product);
        let mut served: Vec<TcpStream> =
            (0..LIMIT).map(|_| start(url, "GET", "/", "", "")).collect();
        for stream in &mut served {
            assert_eq!(read_reply(stream, false).status(), 401);
        }
        // More than may wait: some have sent a request, some a part of it, and some nothing.
        let waiting: Vec<TcpStream> = (0..450)
            .map(|number| {
                let mut stream = connect(url);
                let sent = ["", "GET", "GET /user HTTP/1.1\r\nHost: localhost\r\n\r\n"][number % 3];
                stream.write_all(sent.as_bytes()).unwrap();
                stream
            })
            .collect();
        for (method, path) in [
            ("GET", "/_emulator/"),
            ("GET", "/_emulator/state"),
            ("GET", "/favicon.ico"),
            ("POST", "/_emulator/reset"),
        ] {
            for _ in 0..50 {
                assert_eq!(send(url, method, path, "", "").status(), 200, "{path}");
            }
        }
        // A connection of the page's does not become one of a product.
        let mut page = start(url, "GET", "/favicon.ico", &format!("X-Y: {url}\r\n"), "");
        assert_eq!(read_reply(&mut page, false).status(), 421);
        page.write_all(request("GET", "/user", "", "").as_bytes())
            .unwrap();
        let reply = read_reply(&mut page, false);
        assert_eq!(
            (reply.status(), reply.header("Connection")),
            (401, Some("close"))
        );
        drop((served, waiting));
    }
}

#[test]
fn values_take_no_more_memory_than_is_charged_for_them() {
    alone(
        "values_take_no_more_memory_than_is_charged_for_them",
        || {
            const CALLS: usize = 20;
            const VALUES_A_CALL: usize = 25_000;
            let emulator = Emulator::start().unwrap();
            let url = emulator.url(Product::SuppressionList);
            let headers = with_key(&emulator.key());
            let before = resident();
            // Ascending MD5s fill the nodes of a tree least.
            for call in 0..CALLS {
                let values: Vec<String> = (0..VALUES_A_CALL)
                    .map(|number| format!("\"{:032x}\"", call * VALUES_A_CALL + number))
                    .collect();
                let body = format!("{{\"values\":[{}]}}", values.join(","));
                let reply = send(url, "POST", "/lists/do_not_call/items", &headers, &body);
                let expected = serde_json::json!({ "accepted": VALUES_A_CALL, "rejected": 0 });
                assert_eq!((reply.status(), reply.json()), (200, expected));
            }
            let grown = resident().saturating_sub(before);
            let charged = CALLS * VALUES_A_CALL * BYTES_OF_A_VALUE;
            // The bodies, and what the allocator has not given back.
            assert!(grown < charged + 16 * MIB, "{grown} bytes for {charged}");
        },
    );
}
