//! `ap auth rotate` against products whose servers switch to the new key one after another, and against products
//! that ask to wait.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::{
    BAD_KEY, Fake, Home, Ran, assert_absent, encoded_pair, fake_products, join, with_input,
};

const OLD: &str = "placeholder-old-key";
const NEW: &str = "placeholder-new-key";

/// What the products answer: for each, one letter for each check; the last one is repeated. `o` and `n` accept the
/// old or the new key, `x` accepts none, `w` asks to wait for a second.
type Script = [&'static str; 3];

/// The three products, each on a port of its own.
struct Products {
    origins: Vec<String>,
    requests: Arc<Mutex<Vec<Instant>>>,
    checks: Arc<AtomicUsize>,
}

impl Products {
    fn start(script: Script, keys_file: PathBuf) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let checks = Arc::new(AtomicUsize::new(0));
        let keys_file = Arc::new(keys_file);
        let names = ["lcx", "trustedform-app", "suppressionlist"];
        let origins = names.into_iter().zip(script).map(|(name, script)| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let (requests, checks) = (Arc::clone(&requests), Arc::clone(&checks));
            let keys_file = Arc::clone(&keys_file);
            // The thread waits for connections until the test process ends.
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    requests.lock().unwrap().push(Instant::now());
                    let key = read_key(&stream);
                    // Each check begins at LeadConduit, with the newest key.
                    if name == "lcx" && key == newest(&keys_file) {
                        checks.fetch_add(1, Ordering::SeqCst);
                    }
                    let check = checks.load(Ordering::SeqCst) - 1;
                    respond(stream, script.as_bytes()[check.min(script.len() - 1)], &key);
                }
            });
            format!("--origin={name}=http://127.0.0.1:{port}")
        });
        Self {
            origins: origins.collect(),
            requests,
            checks,
        }
    }
}

fn newest(keys_file: &Path) -> String {
    let keys = std::fs::read_to_string(keys_file).unwrap();
    keys.lines().last().unwrap().to_owned()
}

/// Returns the key of a request.
fn read_key(stream: &TcpStream) -> String {
    let mut key = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        let sent = [OLD, NEW]
            .into_iter()
            .find(|key| line.contains(&encoded_pair(key)));
        key = sent.map_or(key, str::to_owned);
    }
    key
}

fn respond(mut stream: TcpStream, letter: u8, key: &str) {
    let (status, headers, body) = match (letter, key) {
        (b'o', OLD) | (b'n', NEW) => (200, "", "[]"),
        (b'w', _) => (429, "Retry-After: 1\r\n", "{}"),
        _ => (401, "", BAD_KEY),
    };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

fn rotate(home: &Home, origins: &[String], more: &[&str], entered: &str) -> Ran {
    let every: &[&str] = if more.contains(&"--every") {
        &[]
    } else {
        &["--every", "0.02"]
    };
    let arguments = [&["auth", "rotate"], every, more].concat();
    let ran = Ran::of(
        with_input(home.ap(&join(origins, &arguments)), entered),
        NEW,
    );
    for text in [&ran.stdout, &ran.stderr] {
        assert_absent(text, OLD);
        assert_absent(text, NEW);
    }
    ran
}

#[test]
fn a_key_is_only_removed_when_every_product_accepted_the_newest_in_three_checks_in_a_row() {
    for (script, checks) in [
        (["n", "n", "n"], 3),
        (["nnonnnn", "n", "n"], 6),
        (["n", "ononon", "n"], 8),
        // LeadConduit's servers switch one after another, and nobody has logged in to the others.
        (["nooooon", "oooooon", "oooooon"], 9),
        (["nooonoooon", "ooooooooon", "ooooooooon"], 12),
        // By chance, three checks in a row have met servers that switched, and three have not.
        (["nnnooon", "ooooooon", "oooooooon"], 11),
    ] {
        let home = Home::new();
        home.store(format!("{OLD}\n").as_bytes(), 0o600);
        let products = Products::start(script, home.keys_file());
        let ran = rotate(&home, &products.origins, &[], NEW);
        ran.succeeds();
        assert_eq!(home.stored(), format!("{NEW}\n"), "{script:?}: {ran:?}");
        let made = products.checks.load(Ordering::SeqCst);
        assert!(made >= checks, "{script:?}: {made} checks");
    }
}

#[test]
fn while_a_product_accepts_the_old_key_both_are_kept_in_their_order() {
    for script in [
        // The second and the third check see the old key everywhere.
        ["noo", "o", "o"],
        ["nonono", "o", "o"],
        ["o", "nno", "n"],
        ["n", "n", "o"],
    ] {
        for more in [&["--wait", "0.3"][..], &["--once"]] {
            let home = Home::new();
            home.store(format!("{OLD}\n").as_bytes(), 0o600);
            let products = Products::start(script, home.keys_file());
            let ran = rotate(&home, &products.origins, more, NEW);
            assert_eq!(ran.code, Some(9), "{script:?}: {ran:?}");
            assert!(!ran.stdout.contains("wrong order"), "{script:?}: {ran:?}");
            assert_eq!(home.stored(), format!("{OLD}\n{NEW}\n"), "{script:?}");
        }
    }
}

#[test]
fn a_product_that_has_accepted_a_key_is_one_that_the_account_has() {
    // Nothing lists the subscriptions. TrustedForm accepts the old key, then none, as if it were not subscribed to.
    for script in [["n", "ox", "n"], ["n", "oxxoxx", "n"], ["n", "n", "nx"]] {
        let home = Home::new();
        home.store(format!("{OLD}\n").as_bytes(), 0o600);
        let products = Products::start(script, home.keys_file());
        let ran = rotate(&home, &products.origins, &[], NEW);
        assert_eq!(ran.code, Some(3), "{script:?}: {ran:?}");
        ran.says("neither key is accepted by ");
        assert_eq!(home.stored(), format!("{OLD}\n{NEW}\n"), "{script:?}");
    }
}

#[test]
fn the_key_that_was_entered_is_kept_even_if_every_product_went_back_to_the_other() {
    let home = Home::new();
    home.store(format!("{OLD}\n").as_bytes(), 0o600);
    let products = Products::start(["nnno", "o", "o"], home.keys_file());
    let ran = rotate(&home, &products.origins, &[], NEW);
    ran.succeeds();
    ran.says("the key that you entered is kept");
    assert_eq!(home.stored(), format!("{NEW}\n{OLD}\n"));
}

#[test]
fn a_wrong_order_is_corrected_on_the_same_evidence() {
    // The old key is entered as the new one, and nobody removes it in this run.
    let home = Home::new();
    home.store(format!("{NEW}\n").as_bytes(), 0o600);
    let script = ["n", "ooonnn", "oooon"];
    let products = Products::start(script, home.keys_file());
    let ran = rotate(&home, &products.origins, &[], OLD);
    ran.succeeds();
    ran.prints("the keys were in the wrong order, which is corrected\n");
    assert_eq!(home.stored(), format!("{OLD}\n{NEW}\n"));
    // The next run is sure of it.
    rotate(&home, &products.origins, &[], "").succeeds();
    assert_eq!(home.stored(), format!("{NEW}\n"));

    // The order is wrong in the file.
    home.store(format!("{NEW}\n{OLD}\n").as_bytes(), 0o600);
    let products = Products::start(script, home.keys_file());
    let ran = rotate(&home, &products.origins, &[], "");
    ran.succeeds();
    ran.prints("the keys were in the wrong order, which is corrected\n");
    assert_eq!(home.stored(), format!("{NEW}\n"));
}

#[test]
fn once_checks_three_times_before_it_removes_a_key_and_ends_when_a_product_is_behind() {
    for (script, code, checks) in [
        (["n", "n", "n"], 0, 3),
        (["n", "nno", "n"], 9, 3),
        (["o", "n", "n"], 9, 1),
    ] {
        let home = Home::new();
        home.store(format!("{OLD}\n{NEW}\n").as_bytes(), 0o600);
        let products = Products::start(script, home.keys_file());
        let ran = rotate(&home, &products.origins, &["--once"], "");
        assert_eq!(ran.code, Some(code), "{script:?}: {ran:?}");
        assert_eq!(products.checks.load(Ordering::SeqCst), checks, "{script:?}");
    }
    // The time ends before there were three checks.
    let home = Home::new();
    home.store(format!("{OLD}\n{NEW}\n").as_bytes(), 0o600);
    let products = Products::start(["n", "n", "n"], home.keys_file());
    let ran = rotate(
        &home,
        &products.origins,
        &["--every", "3600", "--wait", "0.01"],
        "",
    );
    assert_eq!(ran.code, Some(9), "{ran:?}");
    ran.says("not yet in three checks in a row");
    assert_eq!(home.stored(), format!("{OLD}\n{NEW}\n"));
}

#[test]
fn it_waits_for_as_long_as_a_product_asks() {
    let home = Home::new();
    home.store(format!("{OLD}\n{NEW}\n").as_bytes(), 0o600);
    let products = Products::start(["n", "wn", "n"], home.keys_file());
    let ran = rotate(&home, &products.origins, &["--wait", "600"], "");
    ran.succeeds();
    ran.prints(
        "answered 429 Too Many Requests, which says nothing about the key, and asks to wait 1 s",
    );
    // Three of the first check, then the second check.
    let requests = products.requests.lock().unwrap();
    assert!(requests[3] - requests[2] >= Duration::from_secs(1));
}

#[test]
fn a_product_that_asks_to_wait_for_longer_than_there_is_time_ends_the_watch_with_7() {
    const DATE: &str =
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 09:49:37 GMT\r\n";
    for (status, headers) in [
        (429, "Retry-After: 3600\r\n"),
        (503, "Retry-After: 3600\r\n"),
        (503, DATE),
    ] {
        let home = Home::new();
        home.store(format!("{OLD}\n{NEW}\n").as_bytes(), 0o600);
        let (fakes, mut origins) = fake_products([(200, "{}"), (200, "{}"), (200, "[]")]);
        let busy = Fake::status(status, headers, "{}");
        origins[1] = format!("--origin=trustedform-app={}", busy.url);
        let ran = rotate(&home, &origins, &["--wait", "1800"], "");
        assert_eq!(ran.code, Some(7), "{ran:?}");
        ran.says("no clear answer from TrustedForm");
        ran.says("again in 3600 s");
        assert_eq!(home.stored(), format!("{OLD}\n{NEW}\n"));
        assert_eq!((fakes[0].connections(), busy.connections()), (1, 1));
    }
}

#[test]
fn a_product_that_names_a_date_is_not_checked_before_it() {
    let home = Home::new();
    home.store(format!("{OLD}\n{NEW}\n").as_bytes(), 0o600);
    let (fakes, mut origins) = fake_products([(200, "{}"), (200, "{}"), (200, "[]")]);
    // There is no `Date` beside it.
    let date = "Retry-After: Sun, 06 Nov 2095 08:49:37 GMT\r\n";
    let busy = Fake::status(503, date, "{}");
    origins[1] = format!("--origin=trustedform-app={}", busy.url);
    let ran = rotate(&home, &origins, &["--wait", "1800"], "");
    assert_eq!(ran.code, Some(7), "{ran:?}");
    assert_eq!((fakes[0].connections(), busy.connections()), (1, 1));
}
