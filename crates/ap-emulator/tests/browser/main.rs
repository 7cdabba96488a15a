//! The account page in a real browser: by keyboard, without scripts, on small and large screens.
//! Without `chromium` these tests print that they were skipped, or fail if
//! `ACTIVEPROSPECT_TESTS_NEED_BROWSER` is set.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod chromium;
#[path = "../common/mod.rs"]
mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use ap_emulator::{Emulator, Fault, Plan, Product};
use chromium::Browser;
use common::status_of;
use serde_json::json;

const KEY: &str = "document.getElementById('key').innerText";
const FOCUS: &str = "document.activeElement.id || document.activeElement.textContent";

fn badge(product: Product) -> String {
    format!(
        "document.querySelector('#{} .badge').textContent",
        product.id()
    )
}

/// Presses Tab until the focus is at `id`, at most once for everything that can have it.
fn tab_to(browser: &mut Browser, id: &str) {
    for _ in 0..20 {
        browser.press("Tab");
        if browser.text(FOCUS) == id {
            return;
        }
    }
    panic!("Tab does not lead to {id}");
}

/// For each product, `true` if it accepts `key`.
fn accepted(emulator: &Emulator, key: &str) -> [bool; 3] {
    Product::ALL.map(|product| match status_of(emulator, product, key) {
        200 => true,
        401 => false,
        other => panic!("{product}: {other}"),
    })
}

#[test]
fn a_reset_and_a_login_work_by_keyboard() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    browser.open(emulator.control_url());

    assert!(!browser.text(KEY).contains(&emulator.key()));
    tab_to(&mut browser, "show");
    browser.press("Enter");
    let old = browser.text(KEY);
    assert_eq!(old, emulator.key());
    assert_eq!(accepted(&emulator, &old), [true; 3]);

    let origin = emulator.url(Product::LeadConduit);
    let allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"];
    let grant = json!({ "origin": origin, "permissions": allowed });
    browser.call("Browser.grantPermissions", grant);
    tab_to(&mut browser, "copy");
    browser.press(" ");
    browser.wait_until("document.getElementById('status').innerText.includes('clipboard')");
    assert_eq!(browser.text("navigator.clipboard.readText()"), old);

    tab_to(&mut browser, "copy-curl");
    browser.press(" ");
    browser.wait_until("document.getElementById('status').innerText.includes('command is')");
    let command = browser.text("navigator.clipboard.readText()");
    assert!(
        command.starts_with(&format!("echo user=X:{old} | curl ")),
        "{command}"
    );

    // Escape and "Keep this key" leave the dialog without a reset.
    tab_to(&mut browser, "reset-button");
    browser.press("Enter");
    browser.wait_until("document.querySelector('dialog:modal')");
    assert_eq!(browser.text(FOCUS), "keep");
    browser.press("Escape");
    browser.wait_until("!document.querySelector('dialog[open]')");
    assert_eq!(browser.text(FOCUS), "reset-button");
    browser.press("Enter");
    browser.wait_until("document.querySelector('dialog:modal')");
    browser.press("Enter");
    browser.wait_until("!document.querySelector('dialog[open]')");
    assert_eq!(emulator.state().generation, 1);

    browser.press("Enter");
    tab_to(&mut browser, "confirm-reset");
    browser.press("Enter");
    browser.wait_until("document.getElementById('generation').textContent === '2'");
    browser
        .wait_until("document.getElementById('status').textContent.includes('key 2 is current')");
    let new = browser.text(KEY);
    assert_ne!(new, old);
    assert_eq!(new, emulator.key());
    for product in Product::ALL {
        assert_eq!(browser.text(&badge(product)), "Previous key");
    }
    assert_eq!(accepted(&emulator, &old), [true; 3]);
    assert_eq!(accepted(&emulator, &new), [false; 3]);

    tab_to(&mut browser, "trustedform-login");
    browser.press("Enter");
    browser.wait_until(&format!(
        "{} === 'Current key'",
        badge(Product::TrustedForm)
    ));
    assert_eq!(browser.text(FOCUS), "trustedform-login");
    for product in [Product::LeadConduit, Product::SuppressionList] {
        assert_eq!(browser.text(&badge(product)), "Previous key");
    }
    assert_eq!(accepted(&emulator, &old), [true, false, true]);
    assert_eq!(accepted(&emulator, &new), [false, true, false]);
    // The page counts the calls above by itself.
    browser.wait_until(
        "document.getElementById('trustedform').innerText.includes('3 calls accepted, 2 refused')",
    );
    browser.wait_until(
        "document.querySelector('#changes li').innerText.includes('TrustedForm 1 accepted, 1 refused')",
    );

    let foreign = |url: &&&str| !url.starts_with(emulator.control_url());
    assert_eq!(browser.requested().iter().find(foreign), None);
    assert_eq!(browser.complaints(), Vec::<&serde_json::Value>::new());
    // Proves that a complaint is noticed: a style in the page breaks its policy.
    browser.eval("document.head.append(Object.assign(document.createElement('style'), { textContent: 'p { color: red }' }))");
    browser.wait_for_event("Audits.issueAdded");
}

#[test]
fn the_keyboard_reaches_every_control_and_each_has_a_name() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    browser.open(emulator.control_url());
    let ring = "(() => {
        const style = getComputedStyle(document.activeElement);
        return style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2;
    })()";
    let mut order = Vec::new();
    for _ in 0..20 {
        browser.press("Tab");
        order.push(browser.text(FOCUS));
        assert_eq!(browser.eval(ring), true, "{order:?}");
    }
    let expected = [
        "show",
        "copy",
        "reset-button",
        "copy-curl",
        "lcx-login",
        "lcx-served",
        "trustedform-login",
        "trustedform-served",
        "suppressionlist-login",
        "suppressionlist-served",
        "plan-paid",
        "plan-free",
        "plan-unpaid",
        "fault-product",
        "fault-kind",
        "fault-count",
        "fault-ms",
        "fault-queue",
        "state",
        "changes",
    ];
    assert_eq!(order, expected);
    let page = [
        "Copy command",
        "Copy key",
        "Leave the account unpaid",
        "Log in to LeadConduit",
        "Log in to SuppressionList",
        "Log in to TrustedForm",
        "Queue fault",
        "Reset key…",
        "Show key",
        "Use the free plan",
        "Use the paid plan",
    ];
    assert_eq!(names(&mut browser, &["button"]), page);
    let fields = ["Fault", "Milliseconds", "Product", "Requests"];
    assert_eq!(names(&mut browser, &["combobox", "spinbutton"]), fields);
    browser.eval("document.getElementById('reset-button').click()");
    browser.wait_until("document.querySelector('dialog:modal')");
    assert_eq!(
        names(&mut browser, &["button"]),
        ["Keep this key", "Reset key"]
    );
}

/// The names that a screen reader gives to the usable controls of these roles, from A to Z.
fn names(browser: &mut Browser, roles: &[&str]) -> Vec<String> {
    let tree = browser.call("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let mut names: Vec<String> = nodes
        .iter()
        .filter(|node| {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            node["ignored"] == false && roles.contains(&role)
        })
        .map(|node| node["name"]["value"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn everything_fits_and_is_readable_on_every_screen() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    emulator.reset();
    emulator.reset();
    emulator.login(Product::TrustedForm);
    emulator.reset();
    emulator.login(Product::LeadConduit);
    status_of(&emulator, Product::SuppressionList, "wrong");
    emulator.fault(Fault::cut(Product::TrustedForm));
    for width in [320, 390, 768, 1280] {
        for scheme in ["light", "dark"] {
            browser.show_as(width, scheme);
            browser.open(emulator.control_url());
            assert_eq!(
                browser.eval(&format!(
                    "matchMedia('(prefers-color-scheme: {scheme})').matches"
                )),
                true
            );
            browser
                .eval("document.querySelectorAll('details').forEach((all) => (all.open = true))");
            let mut on_page = 0;
            for step in ["", "show", "reset-button"] {
                if !step.is_empty() {
                    browser.eval(&format!("document.getElementById('{step}').click()"));
                }
                let seen = browser.eval(LAYOUT);
                assert_eq!(seen["widths"], json!([0, width]), "{scheme} {step}");
                assert_eq!(seen["faint"], json!([]), "{width} {scheme} {step}");
                assert_eq!(seen["outside"], json!([]), "{width} {scheme} {step}");
                // This proves that the script saw the page. The dialog has seven texts of its own.
                let texts = seen["texts"].as_u64().unwrap();
                match step {
                    "reset-button" => assert_eq!(texts, on_page + 7, "{width} {scheme}"),
                    _ => on_page = texts,
                }
                assert!(on_page > 150, "{width} {scheme} {step}: {on_page}");
            }
        }
    }
}

/// Returns how much of the page's width does not fit, how wide the window is (a phone's becomes wider
/// to fit the page), the texts with too little contrast (WCAG 2, AA), and the texts that stick out.
const LAYOUT: &str = r"(() => {
    const luminance = ([red, green, blue]) => {
        const part = (value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        };
        return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
    };
    const numbers = (color) => color.match(/[\d.]+/g).map(Number);
    const background = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = numbers(getComputedStyle(at).backgroundColor);
            if (color.length === 3 || color[3] === 1) {
                return color;
            }
        }
        return [255, 255, 255];
    };
    const faint = [];
    const outside = [];
    let texts = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const text = walker.currentNode.data.trim();
        if (!text || !element.checkVisibility() || element.closest('.visually-hidden')) {
            continue;
        }
        texts += 1;
        const both = [numbers(getComputedStyle(element).color), background(element)].map(luminance);
        const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        if (contrast < 4.5) {
            faint.push([text, contrast]);
        }
        const range = document.createRange();
        range.selectNode(walker.currentNode);
        const box = range.getBoundingClientRect();
        if (box.left < 0 || box.right > document.documentElement.clientWidth) {
            outside.push([text, box.left, box.right]);
        }
    }
    const { scrollWidth, clientWidth } = document.documentElement;
    return { texts, faint, outside, widths: [scrollWidth - clientWidth, innerWidth] };
})()";

#[test]
fn a_refusal_stands_out_with_the_time_since_then() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    browser.open(emulator.control_url());
    assert_eq!(
        browser.eval("document.querySelector('.refusal')"),
        json!(null)
    );
    status_of(&emulator, Product::TrustedForm, "wrong");
    // The page notices the call by itself, and then counts the seconds.
    let shown = "document.querySelector('#trustedform .refusal')?.innerText";
    browser.wait_until(&format!(
        "{shown} === 'Last refused just now' || /^Last refused [0-9]+ s ago$/.test({shown})"
    ));
    browser.wait_until(&format!(
        "/^Last refused [1-9][0-9]* (s|min) ago$/.test({shown})"
    ));
    let style = "getComputedStyle(document.querySelector('.refusal'))";
    let usual = "getComputedStyle(document.querySelector('#trustedform .which'))";
    assert_eq!(
        browser.eval(&format!("{style}.color !== {usual}.color")),
        true
    );
    assert_eq!(browser.text(&format!("{style}.fontWeight")), "600");
    assert_eq!(
        browser.text("document.querySelector('#changes .refused').innerText"),
        "1 refused"
    );
    assert_eq!(browser.complaints(), Vec::<&serde_json::Value>::new());
}

#[test]
fn the_plan_and_a_fault_are_set_by_keyboard() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    browser.open(emulator.control_url());
    tab_to(&mut browser, "plan-free");
    browser.press("Enter");
    browser.wait_until("document.getElementById('plan').innerText.startsWith('Free: ')");
    browser.wait_until("document.getElementById('status').textContent.includes('free plan')");
    assert_eq!(emulator.state().plan, Plan::Free);
    assert_eq!(browser.text(FOCUS), "plan-free");

    let select = "document.getElementById('fault-product').value = 'suppressionlist';
                  document.getElementById('fault-kind').value = '503';";
    browser.eval(select);
    tab_to(&mut browser, "fault-queue");
    browser.press("Enter");
    let faults = "document.getElementById('faults').innerText";
    browser.wait_until(&format!(
        "{faults} === 'SuppressionList: 503 Service Unavailable (1 request)'"
    ));
    assert_eq!(browser.text(FOCUS), "fault-queue");
    assert_eq!(status_of(&emulator, Product::SuppressionList, &key), 503);
    // The page notices by itself that the fault has happened.
    browser.wait_until(&format!("{faults} === 'No faults are queued.'"));
    assert_eq!(status_of(&emulator, Product::SuppressionList, &key), 200);
    assert_eq!(browser.complaints(), Vec::<&serde_json::Value>::new());
}

#[test]
fn the_page_works_without_scripts() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    let old = emulator.key();
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({ "value": true }),
    );
    browser.open(emulator.control_url());
    assert_eq!(browser.text(KEY), old);

    tab_to(&mut browser, "reset-button");
    browser.press("Enter");
    browser.wait_for_event("Page.loadEventFired");
    tab_to(&mut browser, "confirm-reset");
    browser.press("Enter");
    browser.wait_for_event("Page.loadEventFired");
    assert_eq!(browser.text("location.href"), emulator.control_url());
    let new = browser.text(KEY);
    assert_eq!(new, emulator.key());
    assert_ne!(new, old);

    tab_to(&mut browser, "suppressionlist-login");
    browser.press("Enter");
    browser.wait_for_event("Page.loadEventFired");
    assert_eq!(browser.text("location.href"), emulator.control_url());
    assert_eq!(
        browser.text(&badge(Product::SuppressionList)),
        "Current key"
    );
    assert_eq!(accepted(&emulator, &new), [false, false, true]);

    tab_to(&mut browser, "plan-free");
    browser.press("Enter");
    browser.wait_for_event("Page.loadEventFired");
    assert_eq!(emulator.state().plan, Plan::Free);
    tab_to(&mut browser, "fault-queue");
    browser.press("Enter");
    browser.wait_for_event("Page.loadEventFired");
    assert_eq!(browser.text("location.href"), emulator.control_url());
    assert_eq!(
        browser.text("document.getElementById('faults').innerText"),
        "LeadConduit: delay of 1000 ms (1 request)"
    );
    assert!(
        browser
            .text("document.getElementById('curl').innerText")
            .contains(&new)
    );
    assert_eq!(browser.complaints(), Vec::<&serde_json::Value>::new());
}

#[test]
fn the_page_says_when_the_emulator_is_gone() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    browser.open(emulator.control_url());
    drop(emulator);
    browser.wait_until("document.getElementById('status').innerText.includes('does not respond')");
}

#[test]
fn a_page_of_another_site_changes_and_reads_nothing() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let emulator = Emulator::start().unwrap();
    let target = emulator.control_url();
    let before = emulator.state();
    let port = serve_other_site();
    // Another site, and the same host on another port.
    for host in ["localhost", "127.0.0.1"] {
        browser.open(&format!("http://{host}:{port}/"));
        for call in ["reset", "login/lcx"] {
            let send = format!(
                "fetch('{target}{call}', {{ method: 'POST', mode: 'no-cors' }}).catch(() => 'refused')"
            );
            assert_eq!(browser.text(&send), "refused");
            // The emulator refused it, not the browser before it sent it.
            browser.wait_for("the refusal", |event| event["params"]["statusCode"] == 403);
            let with_preflight = format!(
                "fetch('{target}{call}', {{ method: 'POST', headers: {{ 'X-Own': '1' }} }}).catch(() => 'refused')"
            );
            assert_eq!(browser.text(&with_preflight), "refused");
        }
        for path in ["", "state", "changes"] {
            let read = format!("fetch('{target}{path}').catch(() => 'refused')");
            assert_eq!(browser.text(&read), "refused", "{host} {path}");
        }
        browser.eval(&format!(
            "document.body.append(Object.assign(document.createElement('iframe'), {{ src: '{target}' }}))"
        ));
        browser.wait_for_complaint("frame-ancestors");
        browser.eval(&format!(
            "document.body.append(Object.assign(document.createElement('form'), {{
                method: 'post', action: '{target}reset',
            }})), document.querySelector('form').submit()"
        ));
        browser.wait_for_event("Page.loadEventFired");
        let shown = browser.text("document.body.innerText");
        assert!(
            shown.contains("requests of other origins may not control"),
            "{shown}"
        );
    }
    assert_eq!(emulator.state(), before);
}

/// Serves an empty page on its own port.
fn serve_other_site() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        // Browsers also open connections that they do not use, so more than two are accepted.
        for stream in listener.incoming().take(16) {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                if stream.read(&mut request).is_ok_and(|read| read > 0) {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\
                                  Connection: close\r\n\r\n<!doctype html>";
                    let _ = stream.write_all(answer.as_bytes());
                }
            });
        }
    });
    port
}
