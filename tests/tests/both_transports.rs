//! One program text, both transports, plain loopback and real TLS: what it sees must be the same.

#![allow(clippy::unwrap_used, clippy::panic)]

use ap_core::{ApiKey, CallError, ErrorKind, Origin, Origins, Product, Service, Why};
use ap_emulator::Emulator;
use ap_tests::{Script, TlsFront};
use http::{Method, StatusCode, header};

const WRONG: &str = "placeholder-key-wrong";

/// The same origin for everything that LeadConduit serves; the others stay where no test goes.
fn origins(url: &str) -> Origins {
    let origin = Origin::parse_loopback(url).unwrap();
    Origins::vendor()
        .with(Service::LeadConduit, origin)
        .unwrap()
}

/// A place to run the program: where, with which key and which root.
struct Place {
    url: String,
    key: String,
    root: Option<String>,
}

macro_rules! client {
    ($client:path, $place:expr, $key:expr) => {{
        let mut builder = <$client>::builder()
            .key(ApiKey::parse($key).unwrap().labelled("test"))
            .origins(origins(&$place.url));
        if let Some(root) = &$place.root {
            builder = builder.root_pem(root.clone());
        }
        builder.build().unwrap()
    }};
}

/// What the program saw, in a form that can be compared.
type Seen = Vec<String>;

/// The program. It is written once; `$await` is the only difference.
macro_rules! program {
    ($client:path, $place:expr $(, $await:ident)?) => {{
        let place: &Place = $place;
        let mut seen = Seen::new();

        let client = client!($client, place, &place.key);
        let request = client.request(Service::LeadConduit, Method::GET, "/flows").unwrap();
        let flows = client.send(request)$(.$await)?.unwrap();
        let list: serde_json::Value = serde_json::from_slice(flows.body()).unwrap();
        seen.push(format!("{} {} flows", flows.status(), list.as_array().unwrap().len()));

        let flow = serde_json::json!({"name": "Made by a test", "enabled": true, "fields": [], "sources": [], "steps": []});
        let request =
            client.request_json(Service::LeadConduit, Method::POST, "/flows", &flow).unwrap();
        let made = client.send(request)$(.$await)?.unwrap();
        seen.push(format!("{}", made.status()));

        let request = client.request(Service::LeadConduit, Method::HEAD, "/flows").unwrap();
        let head = client.send(request)$(.$await)?.unwrap();
        seen.push(format!("{} {} bytes", head.status(), head.body().len()));

        let request = client.request(Service::LeadConduit, Method::GET, "/nothing/here").unwrap();
        seen.push(format!("{}", client.send(request)$(.$await)?.unwrap().status()));

        let request = client.request(Service::LeadConduit, Method::GET, "/flows").unwrap();
        let open = client.send_unsigned(request)$(.$await)?.unwrap();
        seen.push(format!("{} {:?}", open.status(), open.body()));

        let wrong = client!($client, place, WRONG);
        let request = wrong.request(Service::LeadConduit, Method::GET, "/flows").unwrap();
        match wrong.send(request)$(.$await)? {
            Err(CallError::Auth(refusal)) => {
                assert_eq!(refusal.error().why(), Why::AllRefused);
                let response = refusal.response().unwrap();
                assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
                seen.push(format!("{refusal}, {}: {:?}", response.status(), response.body()));
                seen.push(refusal.error().advice().to_string());
                assert!(!format!("{refusal:?}{refusal}").contains(WRONG));
            }
            other => panic!("{other:?}"),
        }
        seen
    }};
}

fn blocking(place: &Place) -> Seen {
    program!(ap_ureq::Client, place)
}

async fn asynchronous(place: &Place) -> Seen {
    program!(ap_reqwest::Client, place, await)
}

fn expected(flows: usize) -> Seen {
    [
        format!("200 OK {flows} flows").as_str(),
        "201 Created",
        "200 OK 0 bytes",
        "404 Not Found",
        r#"401 Unauthorized b"{\"error\":\"authentication failed\"}""#,
        r#"LeadConduit refused the API key: the key "test": authentication failed, 401 Unauthorized: b"{\"error\":\"authentication failed\"}""#,
        "check the key; if it was reset, log in to LeadConduit once so that LeadConduit takes the new one",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn emulator() -> (Emulator, Place) {
    let emulator = Emulator::start().unwrap();
    let place = Place {
        url: emulator.url(Product::LeadConduit).to_owned(),
        key: emulator.key(),
        root: None,
    };
    (emulator, place)
}

fn seeded_flows() -> usize {
    let (_emulator, place) = emulator();
    let client = client!(ap_ureq::Client, place, &place.key);
    let request = client
        .request(Service::LeadConduit, Method::GET, "/flows")
        .unwrap();
    let flows = client.send(request).unwrap();
    serde_json::from_slice::<Vec<serde_json::Value>>(flows.body())
        .unwrap()
        .len()
}

/// Both clients, with one key and the same origins.
fn clients(key: &str, origins: &Origins) -> (ap_ureq::Client, ap_reqwest::Client) {
    let key = ApiKey::parse(key).unwrap();
    let blocking = ap_ureq::Client::builder()
        .key(key.clone())
        .origins(origins.clone());
    let asynchronous = ap_reqwest::Client::builder()
        .key(key)
        .origins(origins.clone());
    (blocking.build().unwrap(), asynchronous.build().unwrap())
}

#[tokio::test]
async fn both_see_the_same_over_plain_loopback() {
    let (_one, place) = emulator();
    let flows = seeded_flows();
    assert_eq!(blocking(&place), expected(flows));
    let (_other, place) = emulator();
    assert_eq!(asynchronous(&place).await, expected(flows));
}

#[tokio::test]
async fn both_see_the_same_over_tls_with_a_private_authority() {
    let flows = seeded_flows();
    for colour in ["blocking", "async"] {
        let (_emulator, mut place) = emulator();
        let front = TlsFront::before(&place.url).unwrap();
        place.url = front.url();
        place.root = Some(front.root_pem().to_owned());
        let seen = match colour {
            "blocking" => blocking(&place),
            _ => asynchronous(&place).await,
        };
        assert_eq!(seen, expected(flows), "{colour}");
    }
}

/// Sends one GET with each transport and returns what each made of it.
macro_rules! each {
    ($place:expr, |$client:ident| $request:expr) => {{
        let place: &Place = $place;
        let blocking = {
            let $client = client!(ap_ureq::Client, place, &place.key);
            $client.send($request)
        };
        let asynchronous = {
            let $client = client!(ap_reqwest::Client, place, &place.key);
            $client.send($request).await
        };
        [("ureq", blocking), ("reqwest", asynchronous)]
    }};
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_a_tls_error() {
    let (_emulator, mut place) = emulator();
    let front = TlsFront::before(&place.url).unwrap();
    place.url = front.url();
    for (name, outcome) in each!(&place, |c| c
        .request(Service::LeadConduit, Method::GET, "/flows")
        .unwrap())
    {
        match outcome {
            Err(CallError::Transport(error)) => assert_eq!(error.kind(), ErrorKind::Tls, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn place(url: &str) -> Place {
    Place {
        url: url.to_owned(),
        key: "placeholder-key-1".to_owned(),
        root: None,
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_else_hears_of_it() {
    let other = Script::serve(["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]).unwrap();
    for status in ["301", "302", "303", "307", "308"] {
        for location in [
            format!("http://127.0.0.1:{}/elsewhere", other.port()),
            format!("http://localhost:{}/elsewhere", other.port()),
            format!("//127.0.0.1:{}/elsewhere", other.port()),
        ] {
            let script = Script::serve([format!(
                "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            )])
            .unwrap();
            let outcomes = each!(&place(&script.url()), |c| {
                c.request_json(Service::LeadConduit, Method::POST, "/flows", &[1, 2, 3])
                    .unwrap()
            });
            for (name, outcome) in outcomes {
                let response = outcome.unwrap_or_else(|error| panic!("{name}: {error:?}"));
                assert_eq!(response.status().as_str(), status, "{name}");
                assert_eq!(response.headers()[header::LOCATION], location, "{name}");
            }
            assert_eq!(script.received().len(), 2, "one request each");
        }
    }
    assert_eq!(other.received(), Vec::<String>::new());
}

#[tokio::test]
async fn failures_have_the_same_kind_on_both() {
    let cases: [(&str, &str, ErrorKind); 8] = [
        ("no answer", "", ErrorKind::Closed),
        (
            "half a head",
            "HTTP/1.1 200 OK\r\nContent-Le",
            ErrorKind::Closed,
        ),
        ("not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", ErrorKind::Malformed),
        (
            "short body",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
            ErrorKind::Truncated,
        ),
        (
            "chunks without an end",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            ErrorKind::Truncated,
        ),
        (
            "no framing",
            "HTTP/1.1 200 OK\r\n\r\n{}",
            ErrorKind::Truncated,
        ),
        (
            "an announced flood",
            "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n{}",
            ErrorKind::TooLarge,
        ),
        (
            "nonsense for a length",
            "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
            ErrorKind::Malformed,
        ),
    ];
    for (what, answer, kind) in cases {
        let script = Script::serve([answer]).unwrap();
        let outcomes = each!(&place(&script.url()), |c| {
            c.request(Service::LeadConduit, Method::GET, "/flows")
                .unwrap()
        });
        for (name, outcome) in outcomes {
            match outcome {
                Err(CallError::Transport(error)) => {
                    assert_eq!(error.kind(), kind, "{what} on {name}: {error:?}");
                }
                other => panic!("{what} on {name}: {other:?}"),
            }
        }
        assert_eq!(
            script.received().len(),
            2,
            "{what}: one request each, none repeated"
        );
    }
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error() {
    let port = Script::serve([""]).unwrap().port();
    let outcomes = each!(&place(&format!("http://127.0.0.1:{port}")), |c| {
        c.request(Service::LeadConduit, Method::GET, "/flows")
            .unwrap()
    });
    for (name, outcome) in outcomes {
        match outcome {
            Err(CallError::Transport(error)) => {
                assert_eq!(error.kind(), ErrorKind::Connect, "{name}: {error:?}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_request_on_the_wire_is_the_request() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
    let script = Script::serve([answer]).unwrap();
    let place = place(&script.url());
    for (method, path, body) in [
        (Method::GET, "/a?b=c%20d&e=f", ""),
        (Method::DELETE, "/lists/x/items", r#"{"values":["a"]}"#),
        (Method::POST, "/flows", ""),
        (Method::PUT, "/flows/1", "{}"),
        (Method::OPTIONS, "/", ""),
    ] {
        let before = script.received().len();
        let outcomes = each!(&place, |c| {
            let mut request = c
                .request(Service::LeadConduit, method.clone(), path)
                .unwrap();
            request
                .headers_mut()
                .append("x-repeated", "one".parse().unwrap());
            request
                .headers_mut()
                .append("x-repeated", "two".parse().unwrap());
            *request.body_mut() = body.into();
            request
        });
        for (name, outcome) in outcomes {
            assert_eq!(outcome.unwrap().status(), StatusCode::OK, "{name}");
        }
        let wire: Vec<_> = script
            .received()
            .split_off(before)
            .iter()
            .map(|r| normal(r))
            .collect();
        let length = match (body.len(), &method) {
            (0, m) if *m != Method::POST => None,
            (n, _) => Some(format!("content-length: {n}")),
        };
        let mut expected: Vec<String> = [
            "accept: application/json".to_owned(),
            "authorization: Basic QVBJOnBsYWNlaG9sZGVyLWtleS0x".to_owned(),
            format!("host: 127.0.0.1:{}", script.port()),
            format!(
                "user-agent: activeprospect-rust/{}",
                env!("CARGO_PKG_VERSION")
            ),
            "x-repeated: one".to_owned(),
            "x-repeated: two".to_owned(),
        ]
        .into_iter()
        .chain(length)
        .collect();
        expected.sort();
        let expected = (
            format!("{method} {path} HTTP/1.1"),
            expected,
            body.to_owned(),
        );
        assert_eq!(wire, [expected.clone(), expected], "ureq, then reqwest");
    }
}

#[tokio::test]
async fn a_large_head_arrives_whole_wherever_a_library_cuts_it() {
    let script = Script::serve(["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"]).unwrap();
    let place = place(&script.url());
    // Around the places where the line with the key begins, or ends, a buffer of 64 or 128 KiB.
    let around = |size: usize| (size - 400..size).step_by(20);
    for length in around(1 << 16).chain(around(1 << 17)) {
        let before = script.received().len();
        let outcomes = each!(&place, |c| {
            let mut request = c.request(Service::LeadConduit, Method::GET, "/x").unwrap();
            for (name, length) in [("x-a", length / 3), ("x-b", length - length / 3)] {
                let value = "a".repeat(length).parse().unwrap();
                request.headers_mut().insert(name, value);
            }
            request
        });
        for (name, outcome) in outcomes {
            let is_too_long = length - length / 3 > 65_500 && name == "ureq";
            match outcome {
                Ok(_) if !is_too_long => {}
                Err(CallError::Transport(error)) if is_too_long => {
                    assert_eq!(error.kind(), ErrorKind::Unsendable, "{error:?}");
                }
                other => panic!("{length} on {name}: {other:?}"),
            }
        }
        for request in script.received().split_off(before) {
            let (_, headers, _) = normal(&request);
            let key = "authorization: Basic QVBJOnBsYWNlaG9sZGVyLWtleS0x";
            assert!(headers.iter().any(|line| line == key), "{length}");
            let whole = headers.iter().filter(|line| line.starts_with("x-"));
            let sent: usize = whole.map(|line| line.len() - "x-a: ".len()).sum();
            assert_eq!(sent, length);
        }
    }
}

/// A request's line, its headers in order with lower-case names, and its body.
fn normal(request: &str) -> (String, Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    let mut headers: Vec<_> = headers
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            format!("{}:{value}", name.to_lowercase())
        })
        .collect();
    headers.sort();
    (line.to_owned(), headers, body.to_owned())
}

#[tokio::test]
async fn products_take_their_own_origins_and_a_key_goes_nowhere_else() {
    let (emulator, place) = emulator();
    let origins = emulator.origins();
    let (blocking, asynchronous) = clients(&place.key, &origins);
    for (service, path) in [
        (Service::LeadConduit, "/user"),
        (Service::TrustedFormApp, "/account"),
        (Service::SuppressionList, "/lists"),
    ] {
        let request = blocking.request(service, Method::GET, path).unwrap();
        assert_eq!(blocking.send(request.clone()).unwrap().status(), 200);
        assert_eq!(asynchronous.send(request).await.unwrap().status(), 200);
    }
    let other = Script::serve([""]).unwrap();
    let mut request = blocking
        .request(Service::LeadConduit, Method::GET, "/user")
        .unwrap();
    *request.uri_mut() = format!("{}/user", other.url()).parse().unwrap();
    assert!(matches!(
        blocking.send(request.clone()),
        Err(CallError::Request(_))
    ));
    assert!(matches!(
        asynchronous.send(request).await,
        Err(CallError::Request(_))
    ));
    assert_eq!(other.received(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_a_name_error() {
    let place = place("https://no-such-host.invalid");
    let origins = Origins::vendor()
        .with(Service::LeadConduit, Origin::parse(&place.url).unwrap())
        .unwrap();
    let (blocking, asynchronous) = clients(&place.key, &origins);
    let request = blocking
        .request(Service::LeadConduit, Method::GET, "/flows")
        .unwrap();
    for (name, outcome) in [
        ("ureq", blocking.send(request.clone())),
        ("reqwest", asynchronous.send(request).await),
    ] {
        match outcome {
            Err(CallError::Transport(error)) => assert_eq!(error.kind(), ErrorKind::Dns, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn settings_at_their_ends_are_kept_without_a_panic() {
    let script = Script::serve(["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"]).unwrap();
    let place = place(&script.url());
    let mut settings = ap_core::Settings::default();
    settings.connect_timeout = std::time::Duration::MAX;
    settings.timeout = std::time::Duration::MAX - std::time::Duration::from_secs(86_400);
    settings.head_limit = usize::MAX;
    settings.header_limit = usize::MAX;
    settings.body_limit = usize::MAX;
    macro_rules! call {
        ($client:path $(, $await:ident)?) => {{
            let client = <$client>::builder()
                .key(ApiKey::parse(&place.key).unwrap())
                .origins(origins(&place.url))
                .settings(settings.clone())
                .build()
                .unwrap();
            let request = client.request(Service::LeadConduit, Method::GET, "/flows").unwrap();
            client.send(request)$(.$await)?.unwrap().status()
        }};
    }
    assert_eq!(call!(ap_ureq::Client), 200);
    assert_eq!(call!(ap_reqwest::Client, await), 200);
}

#[tokio::test]
async fn a_request_without_accept_gets_the_one_that_the_vendor_needs() {
    let script = Script::serve(["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"]).unwrap();
    let outcomes = each!(&place(&script.url()), |c| {
        let mut request = c.request(Service::LeadConduit, Method::GET, "/x").unwrap();
        request.headers_mut().remove(header::ACCEPT);
        request
    });
    for (name, outcome) in outcomes {
        assert_eq!(outcome.unwrap().status(), StatusCode::OK, "{name}");
    }
    for request in script.received() {
        let (_, headers, _) = normal(&request);
        let accepts: Vec<_> = headers
            .iter()
            .filter(|line| line.starts_with("accept:"))
            .collect();
        assert_eq!(accepts, ["accept: application/json"]);
    }
}
