//! The blocking client over ureq and the async one over reqwest, on plain loopback and over TLS: both send the
//! same requests, and treat every response alike.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use ap_client::ap_core::{
    ApiKey, Draft, Error, ErrorKind, Origin, Origins, Product, RequestError, Response, Service,
};
use ap_client::transport::{TransportConfig, TransportErrorKind};
use ap_emulator::Emulator;
use ap_tests::{ScriptedServer, Settings, TestClient, TlsTerminator};
use http::{HeaderMap, HeaderValue, Method, Request, header};

const WRONG: &str = "placeholder-key-wrong";

/// A short response.
const OK: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]";

/// The line that every signed request of [`scripted`] has.
const AUTHORIZATION: &str = "authorization: Basic QVBJOnBsYWNlaG9sZGVyLWtleS0x";

/// Returns origins with LeadConduit at a URL. No test calls the others.
fn origins(url: &str) -> Origins {
    let origin = Origin::parse_loopback(url).unwrap();
    Origins::vendor()
        .with(Service::LeadConduit, origin)
        .unwrap()
}

fn settings(key: &str, url: &str) -> Settings {
    let key = ApiKey::parse(key).unwrap().with_label("test");
    Settings::new([key], &origins(url))
}

/// Returns both clients for a server that closes each connection, so each of them makes one call.
fn scripted(server: &ScriptedServer) -> [TestClient; 2] {
    settings("placeholder-key-1", &server.url())
        .clients()
        .unwrap()
}

fn flows() -> Draft {
    Draft::get(Service::LeadConduit, "/flows")
}

/// Sends a draft with both clients, which must get the same kind of error.
fn both_fail(clients: &[TestClient; 2], draft: &Draft, what: &str) -> ErrorKind {
    let [one, other] = clients.each_ref().map(|client| {
        let error = client.send(draft.clone()).unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
        error.kind()
    });
    assert_eq!(one, other, "{what}");
    one
}

/// Returns what a program sees that makes every kind of call.
fn program(client: &TestClient, with_wrong_key: &TestClient) -> Vec<String> {
    let mut seen = Vec::new();
    let mut call = |draft: Draft, describe: &dyn Fn(&Response) -> String| {
        let response = client.send(draft).unwrap();
        seen.push(format!("{} {}", response.status(), describe(&response)));
    };
    let service = Service::LeadConduit;
    call(flows(), &|response| {
        let list: Vec<serde_json::Value> = response.json().unwrap();
        format!("{} flows", list.len())
    });
    let flow = serde_json::json!({"name": "Made by a test", "enabled": true, "fields": [], "sources": [], "steps": []});
    call(Draft::post(service, "/flows").json(&flow), &|response| {
        let flow: serde_json::Value = response.json().unwrap();
        flow["name"].to_string()
    });
    call(Draft::new(service, Method::HEAD, "/flows"), &|response| {
        format!("{} bytes", response.bytes().len())
    });
    call(Draft::get(service, "/flows/nothing"), &|response| {
        let error = response.clone().error_for_status().unwrap_err();
        format!("{error}, not found: {}", error.is_not_found())
    });
    call(flows().unsigned(), &|response| {
        response.text().unwrap().to_owned()
    });

    let error = with_wrong_key.send(flows()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(!format!("{error:?}{error}").contains(WRONG));
    let response = error.response().unwrap();
    assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    let (status, text) = (response.status(), response.text().unwrap());
    seen.push(format!("{error}: {status} {text}"));
    seen.push(error.hint().to_string());
    seen
}

const EXPECTED: [&str; 7] = [
    "200 OK 2 flows",
    "201 Created \"Made by a test\"",
    "200 OK 0 bytes",
    "404 Not Found LeadConduit answered 404 Not Found, not found: true",
    r#"401 Unauthorized {"error":"authentication failed"}"#,
    r#"LeadConduit rejected the API key: "test": 401 Unauthorized {"error":"authentication failed"}"#,
    "check the key; if it was reset, log in to LeadConduit once so that LeadConduit accepts the new one",
];

/// Runs the program with each client, each on an emulator of its own.
fn run_program(is_tls: bool) {
    for nth in 0..2 {
        let emulator = Emulator::start().unwrap();
        let plain = emulator.url(Product::LeadConduit);
        let terminator = is_tls.then(|| TlsTerminator::start(plain).unwrap());
        let client = |key: &str| {
            let url = terminator.as_ref().map(TlsTerminator::url);
            let mut settings = settings(key, url.as_deref().unwrap_or(plain));
            if let Some(terminator) = &terminator {
                settings.config = settings.config.root_pem(terminator.root_pem().to_owned());
            }
            settings.clients().unwrap()
        };
        let (clients, wrong) = (client(&emulator.key()), client(WRONG));
        let seen = program(&clients[nth], &wrong[nth]);
        assert_eq!(seen, EXPECTED, "{}", clients[nth].mode());
    }
}

#[test]
fn both_see_the_same_over_plain_loopback() {
    run_program(false);
}

#[test]
fn both_see_the_same_over_tls_with_a_private_authority() {
    run_program(true);
}

#[test]
fn a_certificate_of_an_unknown_authority_is_a_tls_error() {
    let emulator = Emulator::start().unwrap();
    let terminator = TlsTerminator::start(emulator.url(Product::LeadConduit)).unwrap();
    let clients = settings(&emulator.key(), &terminator.url())
        .clients()
        .unwrap();
    let kind = both_fail(&clients, &flows(), "an unknown authority");
    assert_eq!(kind, ErrorKind::Transport(TransportErrorKind::Tls));
}

#[test]
fn a_redirect_is_a_response_and_is_not_followed() {
    let other = ScriptedServer::start(OK).unwrap();
    for status in ["301", "302", "303", "307", "308"] {
        for host in ["http://127.0.0.1", "http://localhost", "//127.0.0.1"] {
            let location = format!("{host}:{}/elsewhere", other.port());
            let server = ScriptedServer::start(format!(
                "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            ))
            .unwrap();
            for client in scripted(&server) {
                let draft = Draft::post(Service::LeadConduit, "/flows").json(&[1, 2, 3]);
                let response = client.send(draft).unwrap();
                assert_eq!(response.status().as_str(), status, "{}", client.mode());
                assert_eq!(response.headers()[header::LOCATION], location);
            }
            assert_eq!(server.received().len(), 2, "one request from each client");
        }
    }
    assert_eq!(other.received(), Vec::<String>::new());
}

/// What a server sends, and the error that this is. Nothing of it is tried again.
const FAILURES: [&str; 8] = [
    "no response |  | closed",
    "half a head | HTTP/1.1 200 OK\r\nContent-Le | closed",
    "not HTTP | SSH-2.0-OpenSSH\r\n\r\n | malformed",
    "a short body | HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{} | truncated",
    "chunks without an end | HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n | truncated",
    "no framing | HTTP/1.1 200 OK\r\n\r\n{} | truncated",
    "a flood that is announced | HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n{} | too_large",
    "a length that is no number | HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{} | malformed",
];

/// Splits a row of a table. A column ends at a bar between two spaces.
fn columns<const N: usize>(row: &str) -> [&str; N] {
    let columns: Vec<_> = row.split(" | ").collect();
    columns.try_into().unwrap()
}

#[test]
fn a_failure_has_the_same_kind_on_both_and_is_not_tried_again() {
    for row in FAILURES {
        let [what, answer, name] = columns(row);
        let server = ScriptedServer::start(answer).unwrap();
        let ErrorKind::Transport(kind) = both_fail(&scripted(&server), &flows(), what) else {
            panic!("{what}");
        };
        assert_eq!(kind.name(), name, "{what}");
        assert_eq!(server.received().len(), 2, "{what}");
    }
}

#[test]
fn nobody_listening_is_a_connect_error() {
    // The server ends at once.
    let url = ScriptedServer::start("").unwrap().url();
    let clients = settings("placeholder-key-1", &url).clients().unwrap();
    let kind = both_fail(&clients, &flows(), "nobody listens");
    assert_eq!(kind, ErrorKind::Transport(TransportErrorKind::Connect));
}

#[test]
fn an_unknown_host_name_is_a_dns_error() {
    let origin = Origin::parse("https://no-such-host.invalid").unwrap();
    let origins = Origins::vendor()
        .with(Service::LeadConduit, origin)
        .unwrap();
    let key = ApiKey::parse("placeholder-key-1").unwrap();
    let clients = Settings::new([key], &origins).clients().unwrap();
    let kind = both_fail(&clients, &flows(), "an unknown name");
    assert_eq!(kind, ErrorKind::Transport(TransportErrorKind::Dns));
}

/// Requests, with the length that is announced.
const REQUESTS: [&str; 5] = [
    "GET | /a?b=c%20d&e=f |  | -",
    "DELETE | /lists/x/items | {\"values\":[\"a\"]} | 16",
    "POST | /flows |  | 0",
    "PUT | /flows/1 | {} | 2",
    "OPTIONS | / |  | -",
];

#[test]
fn the_draft_is_what_goes_over_the_wire_and_nothing_else() {
    for row in REQUESTS {
        let [method, path, body, length] = columns(row);
        let server = ScriptedServer::start(OK).unwrap();
        let mut repeated = HeaderMap::new();
        for value in ["one", "two"] {
            repeated.append("x-repeated", HeaderValue::from_static(value));
        }
        let draft = Draft::new(Service::LeadConduit, method.parse().unwrap(), path)
            .headers(repeated)
            .body(body.to_owned());
        for client in scripted(&server) {
            assert_eq!(client.send(draft.clone()).unwrap().status(), 200, "{row}");
        }

        let mut headers = vec![
            "accept: application/json".to_owned(),
            AUTHORIZATION.to_owned(),
            format!("host: 127.0.0.1:{}", server.port()),
            format!(
                "user-agent: activeprospect-rust/{}",
                env!("CARGO_PKG_VERSION")
            ),
            "x-repeated: one".to_owned(),
            "x-repeated: two".to_owned(),
        ];
        if length != "-" {
            headers.insert(2, format!("content-length: {length}"));
        }
        let expected = (
            format!("{method} {path} HTTP/1.1"),
            headers,
            body.to_owned(),
        );
        let received: Vec<_> = server.received().iter().map(|one| sorted(one)).collect();
        assert_eq!(received, [expected.clone(), expected], "ureq, then reqwest");
    }
}

/// Returns a request's first line, its sorted headers with lower-case names, and its body.
fn sorted(request: &str) -> (String, Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    let lower_case = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}:{value}", name.to_lowercase())
    };
    let mut headers: Vec<_> = headers.lines().map(lower_case).collect();
    headers.sort();
    (line.to_owned(), headers, body.to_owned())
}

#[test]
fn a_large_head_arrives_whole_or_is_not_sent_at_all() {
    /// ureq sends no longer line.
    const LONGEST_VALUE: usize = 65_500;

    // The line with the key begins or ends near the end of a buffer of 64 or 128 KiB.
    let near = |size: usize| (size - 400..size).step_by(20);
    for length in near(1 << 16).chain(near(1 << 17)) {
        let server = ScriptedServer::start(OK).unwrap();
        let (short, long) = (length / 3, length - length / 3);
        let draft = Draft::get(Service::LeadConduit, "/x")
            .header("x-a", "a".repeat(short))
            .header("x-b", "a".repeat(long));
        let [blocking, asynchronous] = scripted(&server).map(|client| client.send(draft.clone()));
        asynchronous.unwrap();
        if long <= LONGEST_VALUE {
            blocking.unwrap();
        } else {
            let kind = blocking.unwrap_err().kind();
            assert_eq!(kind, ErrorKind::Transport(TransportErrorKind::Unsendable));
        }
        let requests = server.received();
        assert_eq!(requests.len(), 1 + usize::from(long <= LONGEST_VALUE));
        for request in requests {
            let (_, headers, _) = sorted(&request);
            assert!(headers.iter().any(|line| line == AUTHORIZATION), "{length}");
            let of_draft = headers.iter().filter(|line| line.starts_with("x-"));
            let sent: usize = of_draft.map(|line| line.len() - "x-a: ".len()).sum();
            assert_eq!(sent, length);
        }
    }
}

#[test]
fn each_service_is_called_at_its_own_origin_and_a_key_goes_nowhere_else() {
    let emulator = Emulator::start().unwrap();
    let key = ApiKey::parse(emulator.key()).unwrap();
    let clients = Settings::new([key], &emulator.origins()).clients().unwrap();
    let other = ScriptedServer::start(OK).unwrap();
    let elsewhere = format!("127.0.0.1:{}/user", other.port());
    for client in &clients {
        for (service, path) in [
            (Service::LeadConduit, "/user"),
            (Service::TrustedFormApp, "/account"),
            (Service::SuppressionList, "/lists"),
        ] {
            let response = client.send(Draft::get(service, path)).unwrap();
            assert_eq!(response.status(), 200, "{path}");
        }
        let url = format!("http://{elsewhere}");
        let origin = Origin::parse_loopback(&other.url()).unwrap();
        assert_eq!(
            Draft::from_http(Request::get(&url).body("").unwrap(), client.origins()).unwrap_err(),
            RequestError::OriginNotAllowed(origin)
        );
        for path in [url, format!("//{elsewhere}"), format!("@{elsewhere}")] {
            let error = client.send(Draft::get(Service::LeadConduit, path));
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Request);
        }
    }
    assert_eq!(other.received(), Vec::<String>::new());
}

#[test]
fn bad_input_is_an_error_before_anything_is_sent() {
    let server = ScriptedServer::start(OK).unwrap();
    let clients = scripted(&server);
    let get = |path: &str| Draft::get(Service::LeadConduit, path);
    let not_json = std::collections::BTreeMap::from([(vec![1], 1)]);
    for (what, draft) in [
        ("a path without a slash", get("flows")),
        ("an empty id", get("/flows").path_segment("")),
        ("an id that climbs", get("/flows").path_segment("..")),
        ("an invalid header", get("/flows").header("x", "a\nb")),
        ("no JSON", get("/flows").json(&not_json)),
        ("the key in a URL", get("/flows?key=placeholder-key-1")),
    ] {
        assert_eq!(
            both_fail(&clients, &draft, what),
            ErrorKind::Request,
            "{what}"
        );
    }
    assert_eq!(server.received(), Vec::<String>::new());
}

#[test]
fn ids_and_queries_are_encoded_on_the_wire() {
    let server = ScriptedServer::start(OK).unwrap();
    let draft = Draft::get(Service::LeadConduit, "/flows")
        .path_segment("a/b%2fü")
        .query(&[("name", "a&b+c #ü")]);
    for client in scripted(&server) {
        let response = client.send(draft.clone()).unwrap();
        let error: Error = response.json::<u8>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "a list is no number");
    }
    let lines: Vec<_> = server.received().iter().map(|one| sorted(one).0).collect();
    let line = "GET /flows/a%2Fb%252f%C3%BC?name=a%26b%2Bc+%23%C3%BC HTTP/1.1";
    assert_eq!(lines, [line, line]);
}

#[test]
fn the_largest_settings_can_be_used() {
    let server = ScriptedServer::start(OK).unwrap();
    let mut settings = settings("placeholder-key-1", &server.url());
    settings.config = TransportConfig::new()
        .connect_timeout(Duration::MAX)
        .max_header_size(usize::MAX)
        .max_headers(usize::MAX)
        .max_body_size(usize::MAX);
    for client in settings.clients().unwrap() {
        let longest = Duration::MAX - Duration::from_secs(86_400);
        let client = client.with_timeout(longest);
        assert_eq!(client.send(flows()).unwrap().status(), 200);
    }
}

#[test]
fn a_draft_without_accept_gets_the_one_that_the_vendor_needs() {
    for row in ["- | application/json", "text/csv | text/csv"] {
        let [given, sent] = columns(row);
        let server = ScriptedServer::start(OK).unwrap();
        let mut draft = flows();
        if given != "-" {
            draft = draft.header(header::ACCEPT, given);
        }
        for client in scripted(&server) {
            assert_eq!(client.send(draft.clone()).unwrap().status(), 200);
        }
        for request in server.received() {
            let (_, headers, _) = sorted(&request);
            let accept = headers.iter().filter(|line| line.starts_with("accept:"));
            assert_eq!(accept.collect::<Vec<_>>(), [&format!("accept: {sent}")]);
        }
    }
}
