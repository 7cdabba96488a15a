//! Keys that are found again while a command runs, after a reset: they are used, and hidden like those before.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use crate::common::bulk::{LIST, not_found, write};
use crate::common::counting::{Answer, Counting, Request};
use crate::common::event_pages::{id, parameter};
use crate::common::{BAD_KEY, Home, KEY, Ran, assert_absent, encoded_pair};

const NEW_KEY: &str = "another-secret-after-the-reset";

/// Stores the key of the tests, and returns a server that replaces it by the new one at the first call. From then on
/// only the new key is accepted.
fn resetting(home: &Home, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Counting {
    home.store(format!("{KEY}\n").as_bytes(), 0o600);
    let file = home.keys_file();
    Counting::new(move |request| {
        let is_new = request.authorization == format!("Basic {}", encoded_pair(NEW_KEY));
        if request.number == 1 {
            std::fs::write(&file, format!("{NEW_KEY}\n")).unwrap();
        } else if !is_new {
            return (401, "", BAD_KEY.to_owned());
        }
        answer(request)
    })
}

/// Answers with two pages of one event, which repeat both keys.
fn events(request: &Request) -> Answer {
    let next = match parameter(request, "after_id") {
        None => 1,
        Some(after) if after == id(1) => 2,
        Some(_) => return (200, "", "[]".to_owned()),
    };
    let event = format!(
        r#"{{"id":"{}","reason":"old {KEY} new {NEW_KEY}"}}"#,
        id(next)
    );
    (200, "", format!("[{event}]"))
}

fn run(home: &Home, arguments: &[&str]) -> Ran {
    let ran = home.run_bare(arguments);
    assert_absent(&ran.stderr, NEW_KEY);
    ran
}

#[test]
fn an_export_hides_a_key_that_is_found_again_and_still_the_one_before() {
    for format in ["jsonl", "csv", "singer"] {
        let home = Home::new();
        let server = resetting(&home, events);
        let origin = format!("--origin=lcx={}", server.url);
        let arguments = [&origin, "events", "export", "--format", format];
        let ran = run(&home, &arguments);
        let first = ran.succeeds().find(&id(2)).unwrap();
        // The new key is no key of the account yet when the first page comes.
        let (first, second) = ran.stdout.split_at(first);
        assert!(first.contains("old [redacted] new "), "{first}");
        assert!(second.contains("old [redacted] new [redacted]"), "{second}");
        assert_absent(second, KEY);
        assert_absent(second, NEW_KEY);
    }
}

#[test]
fn results_of_rows_hide_a_key_that_is_found_again() {
    for format in ["jsonl", "csv"] {
        let home = Home::new();
        let server = resetting(&home, not_found);
        let input = write(&home, "in.txt", format!("a\n{NEW_KEY}\n"));
        let options = ["--concurrency", "1", "--format", format];
        let origin = server.as_suppressionlist();
        let arguments = [&[&*origin, "lists", "check", LIST, &*input], &options[..]].concat();
        let ran = run(&home, &arguments);
        // A request that has a key elsewhere than in its header is not sent.
        assert_eq!(ran.code, Some(8), "{ran:?}");
        assert!(ran.stdout.contains("[redacted]"), "{ran:?}");
        assert!(ran.stdout.contains("\"ok\"") || ran.stdout.contains(",ok,"));
        assert_absent(&ran.stdout, NEW_KEY);
    }
}

#[test]
fn a_key_that_is_found_again_and_in_an_argument_is_not_used() {
    let home = Home::new();
    let server = resetting(&home, events);
    let origin = format!("--origin=lcx={}", server.url);
    let rule = format!(r#"{{"lhv":"a","op":"is equal to","rhv":"{NEW_KEY}"}}"#);
    let ran = run(&home, &[&origin, "events", "export", "--rule", &rule]);
    ran.says("an argument contains the API key, and other users can read it");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(server.count(), 2);
}
