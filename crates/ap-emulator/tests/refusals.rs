//! The refusal of a bad key, byte by byte, and the checks before and after it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Fault, Product};
use common::{JSON, base64, basic, connect, raw, read_reply, send, with_key};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::io::Write;
use std::time::Duration;

const LEAD_CONDUIT: &str = r#"{"error":"authentication failed"}"#;
const TRUSTED_FORM: &str = r#"{"outcome":"error","reason":"Unauthorized"}"#;

#[test]
fn lead_conduit_refuses_with_the_published_message() {
    let emulator = Emulator::start().unwrap();
    let before = Timestamp::now().as_second();
    let reply = send(emulator.url(Product::LeadConduit), "GET", "/flows", "", "");
    let after = Timestamp::now().as_second();
    let date = reply.header("Date").unwrap();
    let expected = format!(
        "HTTP/1.1 401 Unauthorized\r\n\
         Date: {date}\r\n\
         Content-Type: application/json; charset=utf-8\r\n\
         Content-Length: 33\r\n\
         Connection: keep-alive\r\n\
         Vary: Accept, Accept-Encoding\r\n\
         ETag: W/\"21-48c58abe\"\r\n\r\n"
    );
    assert_eq!(reply.head, expected);
    assert_eq!(reply.text(), LEAD_CONDUIT);
    assert_eq!(reply.body.len(), 33);

    let sent = rfc2822::parse(date).unwrap().timestamp().as_second();
    assert!((before..=after).contains(&sent), "{date}");
}

#[test]
fn every_product_refuses_a_bad_key_in_its_own_form_before_anything_else() {
    let emulator = Emulator::start().unwrap();
    let forms = [
        (Product::LeadConduit, LEAD_CONDUIT),
        (Product::TrustedForm, TRUSTED_FORM),
        (
            Product::SuppressionList,
            r#"{"message":"HTTP Basic: Access denied"}"#,
        ),
    ];
    for (product, body) in forms {
        let url = emulator.url(product);
        for (method, path) in [
            ("GET", common::known_path(product)),
            ("GET", "/no/such/path"),
            ("DELETE", common::known_path(product)),
            ("POST", "/flows"),
            ("OPTIONS", "*"),
            ("GET", "/reports/unknown-token"),
            ("GET", "/_emulatorx/state"),
        ] {
            for headers in ["", JSON, &basic("X:wrong"), &basic("API:1234567890")] {
                let reply = send(url, method, path, headers, "");
                // TrustedForm's application refuses in another form than its certificates.
                let body = match (product, path) {
                    (Product::TrustedForm, "/account") => LEAD_CONDUIT,
                    _ => body,
                };
                assert_eq!(
                    (reply.status(), reply.text()),
                    (401, body),
                    "{method} {path}"
                );
                assert_eq!(reply.header("Www-Authenticate"), None);
            }
        }
        let head = raw(url, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let length = body.len().to_string();
        assert_eq!(
            (head.status(), head.header("Content-Length")),
            (401, Some(&*length))
        );
    }
}

#[test]
fn only_strict_basic_credentials_are_accepted() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    // `<…>` stands for the base64 of what it contains, and KEY for the accepted key.
    let mut table: Vec<(u16, String)> = [
        (200, "Basic <X:KEY>"),
        (200, "basic <X:KEY>"),
        (200, "BASIC <X:KEY>"),
        (200, "Basic  <X:KEY>"),
        (200, "Basic     <X:KEY>  "),
        (200, "Basic <:KEY>"),
        (200, "Basic <API:KEY>"),
        (200, "Basic <übung 漢字:KEY>"),
        (401, "Basic\t<X:KEY>"),
        (401, "Basic<X:KEY>"),
        (401, "Bearer <X:KEY>"),
        (401, "Basic <X:KEY>, Basic <X:KEY>"),
        (401, "Basic <KEY>"),
        (401, "Basic <KEY:>"),
        (401, "Basic <X:Y:KEY>"),
        (401, "Basic <X:KEY >"),
        (401, "Basic <X: KEY>"),
        (401, "Basic <X:>"),
        (401, "Basic <X:1234567890>"),
        (401, "Basic "),
        (401, "Basic"),
        (401, ""),
        (401, "KEY"),
        // Valid base64 in the URL alphabet.
        (401, "Basic -_-_"),
    ]
    .map(|(status, template)| (status, encode_marked(&template.replace("KEY", &key))))
    .into();
    let upper = key.to_uppercase();
    let shorter = &key[..key.len() - 1];
    for wrong in [&*upper, shorter] {
        table.push((401, format!("Basic {}", base64(&format!("X:{wrong}")))));
    }
    // The padding depends on the length of the user name, and one of three lengths leaves `==`.
    let padded = ["", "a", "ab"]
        .map(|user| base64(&format!("{user}:{key}")))
        .into_iter()
        .find(|text| text.ends_with("=="))
        .unwrap();
    let unpadded = padded.trim_end_matches('=');
    let mut trailing_bits = unpadded.to_owned();
    let last = trailing_bits.pop().unwrap();
    trailing_bits.push(char::from(last as u8 + 1));
    let (front, back) = padded.split_at(8);
    table.extend([
        (200, format!("Basic {padded}")),
        (401, format!("Basic {unpadded}")),
        (401, format!("Basic {padded}=")),
        (401, format!("Basic {trailing_bits}==")),
        (401, format!("Basic {front} {back}")),
        (401, format!("Basic {front}\t{back}")),
    ]);
    for (status, value) in table {
        for product in Product::ALL {
            let headers = format!("Authorization: {value}\r\n{JSON}");
            let path = common::known_path(product);
            let reply = send(emulator.url(product), "GET", path, &headers, "");
            assert_eq!(reply.status(), status, "{product}: {value:?}");
        }
    }
}

/// Replaces each `<text>` by the base64 of the text.
fn encode_marked(template: &str) -> String {
    let mut parts = template.split(['<', '>']);
    let mut encoded = parts.next().unwrap().to_owned();
    while let (Some(text), Some(rest)) = (parts.next(), parts.next()) {
        encoded += &base64(text);
        encoded += rest;
    }
    encoded
}

#[test]
fn base64_in_the_url_alphabet_is_refused() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    let good = basic(&format!("~~~???>>>:{key}"));
    assert!(
        good.contains('+') || good.contains('/'),
        "the sample does not tell the alphabets apart"
    );
    let (name, value) = good.split_at("Authorization: Basic ".len());
    let other = format!("{name}{}", value.replace('+', "-").replace('/', "_"));
    let url = emulator.url(Product::LeadConduit);
    assert_eq!(
        send(url, "GET", "/user", &format!("{good}{JSON}"), "").status(),
        200
    );
    assert_eq!(
        send(url, "GET", "/user", &format!("{other}{JSON}"), "").status(),
        401
    );
}

#[test]
fn a_key_with_one_wrong_byte_is_refused_wherever_that_byte_is() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    for at in 0..key.len() {
        let mut wrong = key.clone().into_bytes();
        wrong[at] ^= 1;
        let wrong = String::from_utf8(wrong).unwrap();
        assert_eq!(
            common::status_of(&emulator, Product::LeadConduit, &wrong),
            401,
            "{at}"
        );
    }
}

#[test]
fn two_authorization_lines_are_a_bad_request() {
    let emulator = Emulator::start().unwrap();
    let good = basic(&format!("X:{}", emulator.key()));
    let bad = basic("X:wrong");
    for product in Product::ALL {
        for pair in [[&good, &good], [&good, &bad], [&bad, &good], [&bad, &bad]] {
            let headers = format!("{}{}{JSON}", pair[0], pair[1]);
            for path in [
                common::known_path(product),
                "/nowhere",
                "/reports/emulator-shared-report",
            ] {
                let reply = send(emulator.url(product), "GET", path, &headers, "");
                assert_eq!(reply.status(), 400);
                assert!(reply.json().is_object());
            }
        }
    }
}

#[test]
fn only_lead_conduit_demands_an_accept_that_names_json() {
    let emulator = Emulator::start().unwrap();
    let key = basic(&format!("X:{}", emulator.key()));
    let table = [
        ("", 403),
        ("Accept: */*\r\n", 403),
        ("Accept:\r\n", 403),
        ("Accept: text/html\r\n", 403),
        ("Accept: application/*\r\n", 403),
        (
            "Accept: application/xml, text/html;q=0.9, */*;q=0.8\r\n",
            403,
        ),
        ("Accept: application/jsonx\r\n", 403),
        ("Accept: application/json;q=0\r\n", 403),
        ("Accept: application/json; Q=0.000, */*\r\n", 403),
        ("Accept: application/json\r\n", 200),
        ("accept: APPLICATION/JSON\r\n", 200),
        ("Accept: application/json;q=0.1\r\n", 200),
        ("Accept: application/json; charset=utf-8\r\n", 200),
        ("Accept: application/json, text/plain, */*\r\n", 200),
        ("Accept: text/html,application/json\r\n", 200),
        ("Accept: application/problem+json\r\n", 200),
        ("Accept: text/html\r\nAccept: application/json\r\n", 200),
    ];
    for product in Product::ALL {
        for (accept, status) in table {
            let headers = format!("{key}{accept}");
            let path = common::known_path(product);
            let reply = send(emulator.url(product), "GET", path, &headers, "");
            let status = match product {
                Product::LeadConduit => status,
                Product::TrustedForm | Product::SuppressionList => 200,
            };
            assert_eq!(reply.status(), status, "{product} {accept:?}");
            if status == 403 {
                let body = r#"{"error":"misconfigured csrf: check Accept header is set properly"}"#;
                assert_eq!(reply.text(), body);
            }
        }
    }
    let open = "/reports/emulator-shared-report";
    let url = emulator.url(Product::LeadConduit);
    assert_eq!(send(url, "GET", open, "", "").status(), 403);
    assert_eq!(send(url, "GET", open, JSON, "").status(), 200);
    // The key is checked before the media type.
    assert_eq!(send(url, "GET", "/user", "", "").status(), 401);
}

#[test]
fn the_application_of_trusted_form_has_its_own_shape_of_errors() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::TrustedForm);
    let twice = format!("{}{}", basic("X:a"), basic("X:b"));
    for (path, member) in [("/account", "error"), ("/0123abcd", "reason")] {
        for (headers, status) in [("", 401), (&*twice, 400), ("", 429), ("", 500), ("", 503)] {
            match status {
                429 => emulator.fault(Fault::too_many_requests(
                    Product::TrustedForm,
                    Duration::ZERO,
                )),
                500 => emulator.fault(Fault::internal_error(Product::TrustedForm)),
                503 => emulator.fault(Fault::unavailable(Product::TrustedForm)),
                _ => {}
            }
            let reply = send(url, "GET", path, headers, "");
            let shown = reply.json();
            assert_eq!(reply.status(), status, "{path}");
            assert!(shown[member].is_string(), "{path}: {shown}");
            assert_eq!(
                shown.get("outcome").is_some(),
                member == "reason",
                "{path}: {shown}"
            );
        }
    }
}

#[test]
fn suppression_list_says_how_long_a_response_took() {
    let emulator = Emulator::start().unwrap();
    let headers = with_key(&emulator.key());
    for product in Product::ALL {
        for (headers, path) in [
            (&*headers, common::known_path(product)),
            ("", "/"),
            (&*headers, "/"),
        ] {
            let reply = send(emulator.url(product), "GET", path, headers, "");
            let seconds = reply
                .header("X-Runtime")
                .map(|text| text.parse::<f64>().unwrap());
            match product {
                Product::SuppressionList => assert!(seconds.unwrap() >= 0.0),
                _ => assert_eq!(seconds, None),
            }
        }
    }
}

#[test]
fn only_loopback_hosts_are_served() {
    let emulator = Emulator::start().unwrap();
    let headers = with_key(&emulator.key());
    let table = [
        ("Host: localhost\r\n", 200),
        ("Host: LOCALHOST:1\r\n", 200),
        ("Host: 127.0.0.1:8080\r\n", 200),
        ("Host: 127.45.6.7\r\n", 200),
        ("Host: [::1]:80\r\n", 200),
        ("Host: example.com\r\n", 421),
        ("Host: 127.0.0.1.example.com\r\n", 421),
        ("Host: app.leadconduit.com\r\n", 421),
        ("Host: 0.0.0.0\r\n", 421),
        ("Host: 192.0.2.1\r\n", 421),
        ("Host: [::2]\r\n", 421),
        ("Host:\r\n", 421),
        ("", 400),
        ("Host: localhost\r\nHost: localhost\r\n", 400),
    ];
    for product in Product::ALL {
        let path = common::known_path(product);
        let url = emulator.url(product);
        for (host, status) in table {
            let reply = raw(url, format!("GET {path} HTTP/1.1\r\n{host}{headers}\r\n"));
            assert_eq!(reply.status(), status, "{product} {host:?}");
            assert!(!reply.json().is_null());
            // `Host` is checked before the credentials, and for the control API too.
            if status != 200 {
                for request in [
                    format!("GET {path} HTTP/1.1\r\n{host}\r\n"),
                    format!("POST /_emulator/reset HTTP/1.1\r\n{host}\r\n"),
                ] {
                    assert_eq!(raw(url, request).status(), status);
                }
            }
        }
        let absolute = |target: &str| {
            let request =
                format!("GET {target}{path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
            raw(url, request).status()
        };
        assert_eq!(absolute("http://localhost"), 200);
        assert_eq!(absolute("http://example.com"), 421);
        assert_eq!(
            raw(url, format!("GET {path} HTTP/1.0\r\n{headers}\r\n")).status(),
            200
        );
    }
    assert_eq!(emulator.state().generation, 1);
}

#[test]
fn ambiguous_framing_is_refused_and_ends_the_connection() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let head = format!(
        "POST /flows HTTP/1.1\r\nHost: localhost\r\n{}",
        with_key(&emulator.key())
    );
    let table = [
        format!(
            "{head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        ),
        format!(
            "{head}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        ),
        format!("{head}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}"),
        format!("{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
        format!("{head}Content-Length: 2, 2\r\n\r\n{{}}"),
        format!("{head}Content-Length: +2\r\n\r\n{{}}"),
        format!("{head}Content-Length : 2\r\n\r\n{{}}"),
        format!(
            "{head}X-Long: {}\nContent-Length: 2\r\n\r\n{{}}",
            "x".repeat(400)
        ),
        format!("{head}X-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n{{}}"),
        format!("{head}Content-Length: 2\n\r\n{{}}"),
        format!("{head}Content-Length: 2\r\n\n{{}}"),
    ];
    for request in table {
        let mut stream = connect(url);
        stream.write_all(request.as_bytes()).unwrap();
        let reply = read_reply(&mut stream, false);
        assert_eq!(reply.status(), 400, "{request}");
        assert_eq!(
            common::read_to_end(&mut stream),
            (Vec::new(), true),
            "{request}"
        );
    }
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
    assert_eq!(raw(url, chunked).status(), 201);
}
