//! The account page and its forms, as raw HTTP.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::process::Command;

use ap_emulator::{Emulator, Fault, Plan, Product};
use common::{Reply, basic, control, raw, send, status_of, with_key};
use serde_json::Value;

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

/// What stands between two texts in the page.
fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = page.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

/// The command for the first call.
fn curl(page: &str) -> &str {
    between(page, r#"id="curl-full" data-live>"#, "</code>")
}

/// The part of the page about the queued faults.
fn faults(page: &str) -> &str {
    between(page, r#"id="faults" data-live>"#, "</div>")
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
        ("POST", "/_emulator/fault", FORM, 400, json),
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
    assert_eq!(linked.len(), 14, "{linked:?}");
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
        assert!(!key_of(&shown, product).contains("Last refused"));
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
    status_of(&emulator, Product::LeadConduit, &key);
    let shown = page(&emulator);
    let table = [
        (Product::LeadConduit, "1 call accepted, 0 refused"),
        (Product::TrustedForm, "0 calls accepted, 1 refused"),
        (Product::SuppressionList, "2 calls accepted, 1 refused"),
    ];
    for (product, counts) in table {
        let shown = key_of(&shown, product);
        assert!(shown.contains(counts), "{shown}");
        let refusal = r#"<p class="refusal">Last refused "#;
        assert_eq!(shown.contains(refusal), product != Product::LeadConduit);
    }
    let one = r#"<strong class="refused">1 refused</strong>"#;
    let since = format!(
        "Calls since then: LeadConduit 1 accepted; TrustedForm {one}; \
         SuppressionList 2 accepted, {one}."
    );
    assert!(shown.contains(&since), "{shown}");
    emulator.reset();
    let shown = page(&emulator);
    assert!(shown.contains("No calls since then."));
    assert!(shown.contains(&since.replace("since then", "until the next change")));
}

#[test]
fn the_first_call_can_be_pasted_and_no_argument_has_the_key() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    let command = curl(&page(&emulator)).to_owned();
    let (input, arguments) = command.split_once(" | ").unwrap();
    assert!(input.starts_with("echo ") && input.contains(&key));
    assert!(arguments.starts_with("curl ") && !arguments.contains(&key));
    if Command::new("curl").arg("--version").output().is_err() {
        // Written past the test runner, which hides the output of passing tests.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: the first call: there is no `curl` in PATH\n",
        );
        return;
    }
    let run = |command: &str| {
        // A proxy of this machine has no part in this, nor has a configuration of its user.
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).env("HOME", "/nonexistent");
        for name in ["http_proxy", "all_proxy", "ALL_PROXY"] {
            shell.env_remove(name);
        }
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(run(&command)[0]["id"].as_str().unwrap().len(), 24);

    emulator.reset();
    let shown = page(&emulator);
    assert!(curl(&shown).contains(&emulator.key()));
    assert!(shown.contains("LeadConduit refuses this call until you log in to it below"));
    assert_eq!(run(curl(&shown))["error"], "authentication failed");

    emulator.login(Product::LeadConduit);
    emulator.set_plan(Plan::Free);
    let shown = page(&emulator);
    assert!(shown.contains("the free plan does not include the flows"));
    assert_eq!(run(curl(&shown))["error"], "not authorized");
}

#[test]
fn what_the_page_lists_is_served() {
    let emulator = Emulator::start().unwrap();
    let shown = page(&emulator);
    let headers = with_key(&emulator.key());
    for product in Product::ALL {
        let start = format!(r#"<ul aria-labelledby="{}-served">"#, product.id());
        let list = between(&shown, &start, "</ul>");
        let operations: Vec<&str> = list
            .split("<code>")
            .skip(1)
            .map(|item| item.split_once("</code>").unwrap().0)
            .collect();
        assert!(!operations.is_empty(), "{product}");
        for operation in operations {
            let (method, path) = operation.split_once(' ').unwrap();
            // Some of these calls are incomplete, or for what does not exist. What is not served gets a 501.
            let names = path.split('/').map(|part| match part.strip_prefix('{') {
                Some("list}") => "do_not_call",
                Some(_) => "65e0ff000000000000000009",
                None => part,
            });
            let path = names.collect::<Vec<_>>().join("/");
            let body = if method == "GET" { "" } else { "{}" };
            let status = send(emulator.url(product), method, &path, &headers, body).status();
            assert_ne!(status, 501, "{operation}");
        }
    }
}

#[test]
fn the_page_shows_the_plan_and_changes_it() {
    let emulator = Emulator::start().unwrap();
    assert!(page(&emulator).contains("Paid: no call is refused because of the plan."));
    for (plan, text) in [
        ("free", "Free: LeadConduit refuses"),
        ("unpaid", "Unpaid: "),
        ("paid", "Paid: "),
    ] {
        let path = format!("/_emulator/plan/{plan}");
        let reply = send(emulator.control_url(), "POST", &path, FORM, "");
        assert_eq!(reply.status(), 303);
        assert!(page(&emulator).contains(text));
    }
}

#[test]
fn the_page_shows_the_faults_and_queues_more() {
    let emulator = Emulator::start().unwrap();
    assert_eq!(faults(&page(&emulator)), "<p>No faults are queued.</p>");
    let send_form = |form: &str| {
        send(
            emulator.control_url(),
            "POST",
            "/_emulator/fault",
            FORM,
            form,
        )
    };
    for form in [
        "product=lcx&kind=503&count=2&ms=1000",
        "product=lcx&kind=delay&count=1&ms=1",
        "product=trustedform&kind=429&count=1&ms=2000",
    ] {
        assert_eq!(send_form(form).status(), 303, "{form}");
    }
    let listed = |items: &[&str]| {
        let items = items.iter().map(|item| format!("<li>{item}</li>\n"));
        assert_eq!(
            faults(&page(&emulator)),
            format!("<ul>\n{}</ul>", items.collect::<String>())
        );
    };
    let second = "TrustedForm: 429 Too Many Requests (1 request)";
    listed(&[
        "LeadConduit: 503 Service Unavailable (2 requests), then delay of 1 ms (1 request)",
        second,
    ]);
    let key = emulator.key();
    assert_eq!(status_of(&emulator, Product::LeadConduit, &key), 503);
    listed(&[
        "LeadConduit: 503 Service Unavailable (1 request), then delay of 1 ms (1 request)",
        second,
    ]);
    assert_eq!(status_of(&emulator, Product::LeadConduit, &key), 503);
    assert_eq!(status_of(&emulator, Product::LeadConduit, &key), 200);
    listed(&[second]);

    // A long queue is cut short, here with six and then seven faults.
    emulator.fault(Fault::close(Product::TrustedForm).times(3));
    for _ in 0..4 {
        emulator.fault(Fault::cut(Product::TrustedForm));
    }
    let cuts = ", then cut (1 request)".repeat(3);
    let five = format!("{second}, then close (3 requests){cuts}");
    listed(&[&format!("{five}, and 1 more fault")]);
    emulator.fault(Fault::cut(Product::TrustedForm));
    listed(&[&format!("{five}, and 2 more faults")]);

    for (form, word) in [
        ("product=nowhere&kind=503", "trustedform"),
        ("product=lcx&kind=418", "503"),
        ("product=lcx&kind=503&count=", "count"),
        ("product=lcx&kind=503&count=x", "count"),
        ("product=lcx&kind=503&more=1", "members"),
        ("product", "JSON"),
    ] {
        let reply = send_form(form);
        assert_eq!(reply.status(), 400, "{form}");
        assert!(reply.text().contains(word), "{form}: {}", reply.text());
    }
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
    let form = format!("product={marked}&kind={marked}&count={marked}&{marked}=1");
    send(
        emulator.control_url(),
        "POST",
        "/_emulator/fault",
        FORM,
        &form,
    );
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
