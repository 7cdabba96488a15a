//! The account page and its forms, as raw HTTP.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Product};
use common::{Reply, basic, control, raw, send, status_of};

const FORM: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n";

fn get(emulator: &Emulator, path: &str) -> Reply {
    send(emulator.control_url(), "GET", path, "", "")
}

fn page(emulator: &Emulator) -> String {
    get(emulator, "/_emulator/").text().to_owned()
}

/// The part of the page about the key of `product`.
fn key_of(page: &str, product: Product) -> &str {
    let start = page
        .find(&format!(r#"id="{}" data-live>"#, product.id()))
        .unwrap();
    page[start..].split("</div>").next().unwrap()
}

#[test]
fn every_response_carries_the_security_headers() {
    let emulator = Emulator::start().unwrap();
    let json = "application/json; charset=utf-8";
    let html = "text/html; charset=utf-8";
    let css = "text/css; charset=utf-8";
    let script = "text/javascript; charset=utf-8";
    let table = [
        ("GET", "/_emulator/", "", 200, html),
        ("GET", "/_emulator/?confirm=reset", "", 200, html),
        ("GET", "/_emulator", "", 308, html),
        ("GET", "/_emulator/page.css", "", 200, css),
        ("GET", "/_emulator/page.js", "", 200, script),
        ("GET", "/_emulator/icon.svg", "", 200, "image/svg+xml"),
        ("GET", "/favicon.ico", "", 200, "image/svg+xml"),
        ("GET", "/_emulator/state", "", 200, json),
        ("GET", "/_emulator/changes", "", 200, json),
        ("POST", "/_emulator/reset", "", 200, json),
        ("POST", "/_emulator/reset", FORM, 303, html),
        ("POST", "/_emulator/reset", "Origin: null\r\n", 403, json),
        ("POST", "/_emulator/login/nowhere", FORM, 400, json),
        ("POST", "/_emulator/", "", 405, json),
        ("GET", "/_emulator/page.html", "", 404, json),
    ];
    for product in Product::ALL {
        for (method, path, headers, status, kind) in table {
            let reply = send(emulator.url(product), method, path, headers, "");
            assert_eq!(reply.status(), status, "{method} {path}");
            for (name, value) in [
                ("Content-Type", kind),
                (
                    "Content-Security-Policy",
                    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                     connect-src 'self'; form-action 'self'; base-uri 'none'; \
                     frame-ancestors 'none'",
                ),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
                ("X-Frame-Options", "DENY"),
                ("Referrer-Policy", "same-origin"),
                ("Cross-Origin-Opener-Policy", "same-origin"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ] {
                assert_eq!(reply.header(name), Some(value), "{method} {path}");
            }
            let to = [303, 308].contains(&status).then_some("/_emulator/");
            assert_eq!(reply.header("Location"), to, "{method} {path}");
        }
        let by_host = "GET /_emulator/ HTTP/1.1\r\nHost: localhost:1\r\n\r\n";
        let reply = raw(emulator.url(product), by_host);
        assert_eq!(
            (reply.status(), reply.header("Cache-Control")),
            (421, Some("no-store"))
        );
        let whole = send(emulator.url(product), "GET", "/_emulator/", "", "");
        let head = send(emulator.url(product), "HEAD", "/_emulator/", "", "");
        assert_eq!(head.status(), 200);
        assert_eq!(
            head.header("Content-Length"),
            whole.header("Content-Length")
        );
        assert_eq!(emulator.state().product(product).requests, 0);
        // The products' own responses have only the documented headers.
        let reply = send(emulator.url(product), "GET", "/", "", "");
        assert_eq!(reply.header("Content-Security-Policy"), None);
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_has_nothing_inline() {
    let emulator = Emulator::start().unwrap();
    let page = get(&emulator, "/_emulator/?confirm=reset")
        .text()
        .to_owned();
    assert!(!page.contains("{{") && !page.contains("}}"), "{page}");
    for inline in ["<style", " style=", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains(r#"<script src="page.js"></script>"#));
    let handler = |word: &&str| word.starts_with("on") && word.contains('=');
    assert_eq!(page.split_whitespace().find(handler), None);
    let linked: Vec<&str> = page
        .split('"')
        .zip(page.split('"').skip(1))
        .filter(|(before, _)| {
            ["src=", "href=", "action="]
                .iter()
                .any(|name| before.ends_with(name))
        })
        .map(|(_, address)| address)
        .collect();
    assert_eq!(linked.len(), 10, "{linked:?}");
    for address in linked {
        assert!(
            !address.contains("//") && !address.starts_with('/'),
            "{address}"
        );
        let path = format!(
            "/_emulator/{}",
            address.trim_start_matches("./").split('#').next().unwrap()
        );
        let status = get(&emulator, &path).status();
        assert!([200, 405].contains(&status), "{address}: {status}");
    }
}

#[test]
fn the_page_shows_the_newest_key_and_which_one_each_product_accepts() {
    let emulator = Emulator::start().unwrap();
    let first = emulator.key();
    let shown = page(&emulator);
    assert!(shown.contains(&format!(
        r#"<code class="full" id="full" data-live>{first}</code>"#
    )));
    assert!(shown.contains("All three products accept the current key."));
    for product in Product::ALL {
        assert!(shown.contains(&format!("<code>{}</code>", emulator.url(product))));
        assert!(key_of(&shown, product).contains("Current key"));
    }

    let second = emulator.reset();
    let shown = page(&emulator);
    assert!(shown.contains(&second) && !shown.contains(&first));
    assert!(shown.contains("No product accepts the current key yet."));
    for product in Product::ALL {
        assert!(key_of(&shown, product).contains("Previous key"));
        assert!(key_of(&shown, product).contains("accepts key 1 until you log in"));
    }

    emulator.login(Product::TrustedForm);
    let shown = page(&emulator);
    assert!(shown.contains("LeadConduit and SuppressionList still accept an older key."));
    assert!(shown.contains("Logged in to TrustedForm. It now accepts key 2 and rejects key 1."));
    emulator.login(Product::SuppressionList);
    assert!(page(&emulator).contains("LeadConduit still accepts an older key."));

    emulator.reset();
    let shown = page(&emulator);
    assert!(key_of(&shown, Product::LeadConduit).contains("Older key"));
    assert!(key_of(&shown, Product::LeadConduit).contains("accepts key 1 until"));
    assert!(key_of(&shown, Product::TrustedForm).contains("Previous key"));
    assert!(key_of(&shown, Product::TrustedForm).contains("accepts key 2 until"));
    emulator.login(Product::TrustedForm);
    emulator.login(Product::TrustedForm);
    let shown = page(&emulator);
    assert!(key_of(&shown, Product::TrustedForm).contains("Current key"));
    assert!(shown.contains("Logged in to TrustedForm, which already accepted key 3."));
}

#[test]
fn the_page_counts_what_each_product_accepted_and_refused() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    for key in [&*key, &*key, "wrong"] {
        status_of(&emulator, Product::SuppressionList, key);
    }
    status_of(&emulator, Product::TrustedForm, "wrong");
    let shown = page(&emulator);
    let table = [
        (Product::LeadConduit, "0 calls accepted, 0 refused"),
        (Product::TrustedForm, "0 calls accepted, 1 refused"),
        (Product::SuppressionList, "2 calls accepted, 1 refused"),
    ];
    for (product, counts) in table {
        assert!(key_of(&shown, product).contains(counts), "{shown}");
    }
    let since = "Calls since then: TrustedForm 1 refused; SuppressionList 2 accepted, 1 refused.";
    assert!(shown.contains(since), "{shown}");
    emulator.reset();
    let shown = page(&emulator);
    assert!(shown.contains("No calls since then."));
    assert!(shown.contains(&since.replace("since then", "until the next change")));
}

#[test]
fn the_forms_lead_back_to_the_page() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::TrustedForm);
    let own = format!("{FORM}Origin: {url}\r\nSec-Fetch-Site: same-origin\r\n");
    assert!(!page(&emulator).contains("aria-describedby=\"confirm-text\" open>"));
    let question = get(&emulator, "/_emulator/?confirm=reset");
    assert!(
        question
            .text()
            .contains("aria-describedby=\"confirm-text\" open>")
    );
    assert_eq!(emulator.state().generation, 1);

    let old = emulator.key();
    let reply = send(url, "POST", "/_emulator/reset", &own, "");
    assert_eq!((reply.status(), reply.text()), (303, ""));
    let new = emulator.key();
    assert_ne!(new, old);
    assert!(page(&emulator).contains(&new));
    let reply = send(url, "POST", "/_emulator/login/lcx", &own, "");
    assert_eq!((reply.status(), reply.text()), (303, ""));
    assert_eq!(status_of(&emulator, Product::LeadConduit, &new), 200);
    assert_eq!(status_of(&emulator, Product::TrustedForm, &new), 401);
    // Programs and the page's script get the JSON.
    for accept in ["", "Accept: */*\r\n", "Accept: application/json\r\n"] {
        let reply = send(url, "POST", "/_emulator/login/lcx", accept, "");
        assert_eq!(
            (reply.status(), reply.json()["generation"].as_u64()),
            (200, Some(2))
        );
    }
}

#[test]
fn the_page_shows_nothing_that_it_received() {
    let emulator = Emulator::start().unwrap();
    let marked = "<b>received-and-kept</b>";
    let credentials = basic(&format!("{marked}:{marked}"));
    for product in Product::ALL {
        let path = format!("/{}", marked.replace(['<', '>'], ""));
        for headers in [
            format!("{credentials}User-Agent: {marked}\r\nCookie: a={marked}\r\n"),
            format!("{credentials}{credentials}"),
        ] {
            send(emulator.url(product), "POST", &path, &headers, marked);
        }
    }
    control(&emulator, "POST", "login/received-and-kept", marked);
    for path in [
        "",
        "?confirm=received-and-kept",
        "state",
        "changes",
        "page.js",
    ] {
        let reply = control(&emulator, "GET", path, "");
        assert!(!reply.text().contains("received-and-kept"), "{path}");
    }
}
