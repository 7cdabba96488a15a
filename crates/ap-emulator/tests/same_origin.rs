//! Who may use the control API: programs and the emulator's own page, but no page of another site.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Product};
use common::{authority, control, raw, send};

const CHANGING: [(&str, &str); 4] = [
    ("reset", ""),
    ("login/lcx", ""),
    ("plan/free", ""),
    ("fault", r#"{"product":"lcx","kind":"500"}"#),
];

/// The headers of programs, of the page's script, and of its forms.
const SENDERS: [&str; 3] = [
    "",
    "Accept: */*\r\nSec-Fetch-Mode: cors\r\n",
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nSec-Fetch-Mode: navigate\r\n\
     Content-Type: application/x-www-form-urlencoded\r\n",
];

fn post(emulator: &Emulator, product: Product, call: &str, headers: &str, body: &str) -> u16 {
    let path = format!("/_emulator/{call}");
    send(emulator.url(product), "POST", &path, headers, body).status()
}

/// Everything that a request could change.
fn everything(emulator: &Emulator) -> (String, String, String) {
    let changes = control(emulator, "GET", "changes", "").text().to_owned();
    (format!("{:?}", emulator.state()), changes, emulator.key())
}

fn port(emulator: &Emulator, product: Product) -> &str {
    emulator.url(product).rsplit(':').next().unwrap()
}

#[test]
fn requests_from_other_pages_change_nothing() {
    let emulator = Emulator::start().unwrap();
    let own = emulator.url(Product::LeadConduit);
    let own_port = port(&emulator, Product::LeadConduit);
    let other_port = port(&emulator, Product::TrustedForm);
    let origins = [
        "null",
        "",
        "https://example.com",
        "http://localhost",
        "http://localhost:1",
        &format!("https://localhost:{own_port}"),
        &format!("http://example.com:{own_port}"),
        &format!("http://localhost.example.com:{own_port}"),
        &format!("http://user@localhost:{own_port}"),
        // Another port is another origin, even if it is one of the emulator's.
        &format!("http://localhost:{other_port}"),
        emulator.url(Product::TrustedForm),
        &format!("{own}/"),
        &format!("{own}, https://example.com"),
        &format!("{own}\r\nOrigin: https://example.com"),
    ]
    .map(|origin| format!("Origin: {origin}\r\n"));
    let sites = [
        "cross-site".to_owned(),
        "same-site".to_owned(),
        "Same-Origin".to_owned(),
        String::new(),
        format!("cross-site\r\nOrigin: {own}"),
        "same-origin\r\nSec-Fetch-Site: cross-site".to_owned(),
        "same-origin\r\nOrigin: https://example.com".to_owned(),
    ]
    .map(|site| format!("Sec-Fetch-Site: {site}\r\n"));
    let before = everything(&emulator);
    for foreign in origins.iter().chain(&sites) {
        for sender in SENDERS {
            let headers = format!("{sender}{foreign}");
            for (call, body) in CHANGING {
                let status = post(&emulator, Product::LeadConduit, call, &headers, body);
                assert_eq!(status, 403, "{headers:?} {call}");
            }
            let state = send(own, "GET", "/_emulator/state", &headers, "");
            assert_eq!(
                state.status(),
                200,
                "the browser refuses to show it to the page"
            );
            let head = state.head.to_ascii_lowercase();
            assert!(!head.contains("access-control"), "{head}");
        }
    }
    assert_eq!(everything(&emulator), before);
}

#[test]
fn requests_under_other_host_names_change_and_show_nothing() {
    let emulator = Emulator::start().unwrap();
    let own_port = port(&emulator, Product::LeadConduit);
    let other_port = port(&emulator, Product::TrustedForm);
    let before = everything(&emulator);
    let hosts = [
        "example.com",
        &format!("example.com:{own_port}"),
        &format!("localhost.example.com:{own_port}"),
        &format!("127.0.0.1.example.com:{own_port}"),
        &format!("user@localhost:{own_port}"),
        &format!("localhost:{other_port}"),
        &format!("127.0.0.2:{own_port}"),
        &format!("[::1]:{own_port}"),
        "localhost:80",
        "localhost",
        "127.0.0.1",
        "",
    ];
    let request = |method: &str, path: &str, host: &str, body: &str| {
        let length = body.len();
        let headers = format!(
            "Host: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Length: {length}\r\n"
        );
        let target = format!("{method} {path} HTTP/1.1\r\n{headers}\r\n{body}");
        raw(emulator.control_url(), target)
    };
    let own = authority(emulator.control_url());
    for host in hosts {
        for (call, body) in CHANGING {
            let reply = request("POST", &format!("/_emulator/{call}"), host, body);
            assert_eq!(reply.status(), 421, "{host:?} {call}");
        }
        for path in ["/_emulator/", "/_emulator/state", "/_emulator/changes"] {
            let reply = request("GET", path, host, "");
            assert_eq!(reply.status(), 421, "{host:?} {path}");
            assert!(!reply.text().contains(&emulator.key()));
        }
        // The host in an absolute target counts as well.
        if !host.is_empty() {
            let reply = request("POST", &format!("http://{host}/_emulator/reset"), own, "");
            assert_eq!(reply.status(), 421, "{host:?}");
        }
    }
    assert_eq!(everything(&emulator), before);
}

#[test]
fn programs_and_the_own_page_control_every_port() {
    let emulator = Emulator::start().unwrap();
    for product in Product::ALL {
        let by_name = format!("localhost:{}", port(&emulator, product));
        for host in [authority(emulator.url(product)), &by_name] {
            let page = format!("Origin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n");
            let old_browser = format!("Origin: http://{host}\r\n");
            let by_hand = "Sec-Fetch-Site: none\r\n";
            for headers in ["", &page, &old_browser, by_hand] {
                for (call, body) in CHANGING {
                    let length = body.len();
                    let request = format!(
                        "POST /_emulator/{call} HTTP/1.1\r\nHost: {host}\r\n{headers}\
                         Content-Length: {length}\r\n\r\n{body}"
                    );
                    let reply = raw(emulator.url(product), request);
                    assert_eq!(reply.status(), 200, "{host} {headers:?} {call}");
                }
            }
        }
    }
    assert_eq!(emulator.state().generation, 1 + 3 * 2 * 4);
}
