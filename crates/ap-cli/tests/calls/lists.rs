//! `ap lists` and `ap certs` against the emulator, and the tables of what an account has.

#![allow(clippy::unwrap_used)]

use crate::common;
use crate::common::bulk::objects;
use crate::common::{Home, Ran, VARIABLE, emulator_origins, join};
use ap_emulator::Emulator;
use serde_json::Value;

struct Account {
    emulator: Emulator,
    origins: Vec<String>,
    home: Home,
}

impl Account {
    fn new() -> Self {
        let emulator = Emulator::start().unwrap();
        Self {
            origins: emulator_origins(&emulator),
            emulator,
            home: Home::new(),
        }
    }

    fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.home.ap(&join(&self.origins, arguments));
        command.env(VARIABLE, self.emulator.key());
        Ran::of(common::with_input(command, input), &self.emulator.key())
    }
}

fn members(ran: &Ran, name: &str) -> Vec<Value> {
    objects(&ran.stdout)
        .iter()
        .map(|result| result[name].clone())
        .collect()
}

#[test]
fn values_are_added_found_and_removed() {
    let account = Account::new();
    let list = "do_not_call";
    let values = "5125550100\nb@example.com\n";
    let check = || members(&account.run(&["lists", "check", list], values), "found");
    assert_eq!(check(), [false, false]);
    let ran = account.run(&["lists", "add", list], values);
    ran.succeeds();
    assert_eq!(members(&ran, "accepted"), [true, true]);
    assert_eq!(check(), [true, true]);
    let ran = account.run(
        &["lists", "remove", list, "--md5", "--yes"],
        "B@example.com\nnobody\n",
    );
    ran.succeeds();
    assert_eq!(members(&ran, "removed"), [true, false]);
    assert_eq!(check(), [true, false]);
}

#[test]
fn lists_are_created_and_shown() {
    let account = Account::new();
    account
        .run(&["lists", "create", "Sold this week"], "")
        .succeeds();
    let ran = account.run(&["lists", "list"], "");
    assert!(ran.succeeds().contains("Sold this week"), "{ran:?}");
    let ran = account.run(&["lists", "list", "--json"], "");
    let lists: Value = serde_json::from_str(ran.succeeds()).unwrap();
    let titles = lists.as_array().unwrap().iter().map(|list| &list["name"]);
    assert!(titles.into_iter().any(|title| title == "Sold this week"));
}

/// A certificate of a web form, and one that has expired.
const CERTIFICATE: &str = "65e0e50100000000000000000000000000000001";
const EXPIRED: &str = "65e0e50300000000000000000000000000000001";

#[test]
fn certificates_are_retained_and_an_outcome_that_is_a_failure_is_not_ok() {
    let account = Account::new();
    let url = format!(
        "{}/{CERTIFICATE}",
        account.emulator.url(ap_emulator::Product::TrustedForm)
    );
    let csv = format!(
        "email,trustedform_cert_url\nrobin@example.com,{url}\na@example.com,{EXPIRED}\n,{CERTIFICATE}\nb@example.com,https://elsewhere.example/{CERTIFICATE}\n"
    );
    let ran = account.run(
        &[
            "certs",
            "retain",
            "--input-format",
            "csv",
            "--vendor",
            "Site",
        ],
        &csv,
    );
    assert_eq!(ran.code, Some(8), "{ran:?}");
    assert_eq!(
        members(&ran, "status"),
        ["ok", "failed", "failed", "failed"],
        "{ran:?}"
    );
    let results = objects(&ran.stdout);
    assert_eq!(results[0]["value"], url.as_str());
    assert!(results[0]["expires_at"].is_string(), "{ran:?}");
    assert_eq!(results[2]["error"]["kind"], "input");
    assert_eq!(results[3]["error"]["column"], "certificate");
}

#[test]
fn one_certificate_is_given_by_its_url_and_its_outcome_decides() {
    let account = Account::new();
    let origin = account.emulator.url(ap_emulator::Product::TrustedForm);
    let url = format!("{origin}/{CERTIFICATE}");
    let lead = ["--email", "robin@example.com"];
    let retain = |url: &str, more: &[&str]| {
        account.run(&[&["certs", "retain", url], &lead[..], more].concat(), "")
    };
    let ran = retain(&url, &[]);
    let table = ran.succeeds();
    for text in ["outcome", "success", "expires_at", "masked_cert_url"] {
        assert!(table.contains(text), "{table}");
    }
    let ran = retain(&url, &["--json"]);
    let answer: Value = serde_json::from_str(ran.succeeds()).unwrap();
    assert!(answer["retain"]["results"]["expires_at"].is_string());
    let ran = retain(&url, &["--jq", ".outcome"]);
    assert_eq!(ran.succeeds(), "success\n");
    let ran = account.run(
        &["certs", "match", &url, "--email", "nobody@example.com"],
        "",
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    ran.says("the outcome is a failure");
    ran.prints("email_match");
    retain(&format!("{origin}/{EXPIRED}"), &[]).fails(5, "TrustedForm answered 404");
    retain("https://elsewhere.example/x", &[]).fails(2, "the certificate: ");
    for option in [&["-o", "x"][..], &["--cert", "x"], &["--shard", "0/2"]] {
        retain(&url, option).fails(2, "is for rows of certificates");
    }
    retain("-", &["--fields", "outcome"]).fails(2, "are for one certificate");
    let ran = account.run(&["certs", "retain", &url], "");
    ran.fails(2, "neither an email address nor a phone number");
    let ran = retain(&url, &["--dry-run"]);
    assert!(ran.succeeds().starts_with("POST "), "{ran:?}");
}

#[test]
fn certificates_are_matched_verified_and_looked_at() {
    let account = Account::new();
    let jsonl = format!("{{\"cert\":\"{CERTIFICATE}\",\"phone\":\"5125550199\"}}\n");
    let ran = account.run(
        &["certs", "match", "--input-format", "jsonl", "--sha1"],
        &jsonl,
    );
    assert!(matches!(ran.code, Some(0 | 8)), "{ran:?}");
    assert!(
        objects(&ran.stdout)[0]["phone_match"].is_boolean(),
        "{ran:?}"
    );
    let ran = account.run(
        &["certs", "insights", "--property", "page_url"],
        CERTIFICATE,
    );
    assert!(
        objects(ran.succeeds())[0]["properties"]["page_url"].is_string(),
        "{ran:?}"
    );
    let ran = account.run(&["certs", "verify"], CERTIFICATE);
    assert!(objects(&ran.stdout)[0]["verify"].is_object(), "{ran:?}");
}

#[test]
fn a_certificate_without_a_known_column_is_refused() {
    let account = Account::new();
    let ran = account.run(
        &["certs", "retain", "--input-format", "csv"],
        "email,url\na,b\n",
    );
    ran.fails(2, "has no column that is known to have the certificate");
    ran.says("choose one with --cert: email, url");
    let ran = account.run(&["certs", "retain"], CERTIFICATE);
    ran.fails(2, "plain lines have no columns");
}

#[test]
fn what_an_account_has_is_shown_as_a_table_and_as_json() {
    let account = Account::new();
    for (resource, count) in [("flows", 1), ("fields", 1), ("reports", 1), ("entities", 1)] {
        let ran = account.run(&[resource, "list"], "");
        let lines = ran.succeeds().lines().count();
        assert!(lines > count, "{ran:?}");
        let ran = account.run(&[resource, "list", "--json"], "");
        let items: Value = serde_json::from_str(ran.succeeds()).unwrap();
        assert_eq!(items.as_array().unwrap().len() + 1, lines, "{resource}");
    }
    let ran = account.run(&["flows", "get", "not-an-id"], "");
    ran.fails(2, "24 hexadecimal digits");
    let ran = account.run(&["flows", "get", "0123456789abcdef01234567"], "");
    assert_eq!(ran.code, Some(5), "{ran:?}");
}
