//! `ap auth status`: which product accepts which key.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common::{
    BAD_KEY, Fake, Home, Ran, VARIABLE, assert_absent, emulator_origins, fake_products, join, label,
};
use ap_emulator::{Emulator, Product};
use serde_json::{Value, json};

const STATUS: [&str; 2] = ["auth", "status"];

#[test]
fn it_shows_which_product_accepts_the_key() {
    let emulator = Emulator::start().unwrap();
    let origins = emulator_origins(&emulator);
    let run =
        |arguments: &[&str], key: &str| Home::new().run_with_key(&join(&origins, arguments), key);
    let old = emulator.key();
    let ran = run(&STATUS, &old);
    ran.succeeds();
    // The key is named by where it comes from.
    assert_eq!(
        ran.stdout,
        format!(
            "key: {VARIABLE}\n\
             LeadConduit      accepts the key\n\
             TrustedForm      accepts the key\n\
             SuppressionList  accepts the key\n"
        )
    );

    let new = emulator.reset();
    emulator.login(Product::TrustedForm);
    let ran = run(&["auth", "status", "--json"], &old);
    assert_eq!(ran.code, Some(3));
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(
        error["error"]["message"],
        "the key is rejected by TrustedForm"
    );
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let states: Vec<_> = report["products"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["status"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["takes", "refuses", "takes"]);
    let what_to_do = report["products"][1]["what_to_do"].as_str().unwrap();
    assert!(what_to_do.contains("log in to TrustedForm"), "{what_to_do}");

    run(&STATUS, &new).fails(3, "LeadConduit, SuppressionList\n");
}

#[test]
fn a_product_that_cannot_be_reached_exits_6() {
    let emulator = Emulator::start().unwrap();
    let mut origins = emulator_origins(&emulator);
    origins[2] = "--origin=suppressionlist=http://127.0.0.1:1".to_owned();
    let ran = Home::new().run_with_key(&join(&origins, &STATUS), &emulator.key());
    ran.fails(6, "no answer from SuppressionList\n");
    ran.prints("SuppressionList  cannot be reached\n");
}

fn run_against(answers: [(u16, &str); 3], arguments: &[&str]) -> (Ran, [Fake; 3]) {
    let (fakes, origins) = fake_products(answers);
    (Home::new().run(&join(&origins, arguments)), fakes)
}

#[test]
fn the_exit_code_is_that_of_the_most_serious_answer() {
    for (answers, code) in [
        ([(200, "{}"), (200, "{}"), (200, "[]")], 0),
        ([(200, "{}"), (401, BAD_KEY), (500, "")], 3),
        ([(401, BAD_KEY), (200, "{}"), (200, "[]")], 3),
        (
            [
                (200, "{}"),
                (401, r#"{"error":"not authorized"}"#),
                (500, ""),
            ],
            4,
        ),
        ([(200, "{}"), (403, "{}"), (200, "[]")], 4),
        ([(200, "{}"), (200, "{}"), (503, "")], 7),
        ([(200, "{}"), (404, ""), (200, "[]")], 5),
        ([(200, "{}"), (302, ""), (200, "[]")], 1),
        ([(200, "<html>"), (200, "{}"), (200, "[]")], 1),
    ] {
        let (ran, fakes) = run_against(answers, &STATUS);
        assert_eq!(ran.code, Some(code), "{answers:?}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), if code == 0 { 0 } else { 2 });
        for (fake, path) in fakes.iter().zip(["/user", "/account", "/lists"]) {
            assert_eq!(fake.connections(), 1, "each product is asked: {answers:?}");
            assert!(fake.received()[0].starts_with(&format!("GET {path} ")));
        }
    }
}

#[test]
fn a_product_that_the_account_does_not_have_is_not_asked() {
    let user = r#"{"products":[{"id":"lcx","name":"x","subscribed":true},
        {"id":"trustedform","name":"x","subscribed":false},{"id":"account","name":"x"}]}"#;
    let answers = [(200, user), (401, BAD_KEY), (200, "[]")];
    let (ran, fakes) = run_against(answers, &["auth", "status", "--json"]);
    let report: Value = serde_json::from_str(ran.succeeds()).unwrap();
    let line = |product, subscribed, status, key: Option<&str>, http| {
        json!({"product": product, "subscribed": subscribed, "status": status, "key": key,
               "behind": false, "http_status": http, "what_to_do": null,
               "keys": [{"key": VARIABLE, "status": key.map(|_| "takes")}]})
    };
    assert_eq!(
        report,
        json!({"key": VARIABLE, "keys": [VARIABLE], "behind": false, "products": [
            line("lcx", json!(true), "takes", Some(VARIABLE), json!(200)),
            line("trustedform", json!(false), "not_subscribed", None, json!(null)),
            line("suppressionlist", json!(null), "takes", Some(VARIABLE), json!(200)),
        ]})
    );
    assert_eq!(fakes[1].connections(), 0);
}

#[test]
fn with_several_keys_it_shows_which_one_each_product_accepts() {
    let emulator = Emulator::start().unwrap();
    let old = emulator.key();
    let new = emulator.reset();
    emulator.login(Product::TrustedForm);
    let home = Home::new();
    home.store(format!("{old}\n{new}\n").as_bytes(), 0o600);
    let output = home
        .ap(&join(&emulator_origins(&emulator), &STATUS))
        .output();
    let ran = Ran::of(output.unwrap(), &new);
    ran.fails(
        9,
        "an older key is accepted by LeadConduit, SuppressionList",
    );
    assert_absent(&ran.stderr, &old);
    assert_absent(&ran.stdout, &old);
    let log_in = |product| {
        let url = emulator.url(product);
        format!(
            "                 log in to {product} at {url}/_emulator/, so that it accepts the newest key"
        )
    };
    let path = home.keys_file();
    let label = |line, key| label(&format!("line {line} of {}", path.display()), key);
    assert_eq!(
        ran.stdout,
        format!(
            "key 1: {}\n\
             key 2: {} (the newest)\n\
             LeadConduit      accepts key 1, and not yet the newest\n\
             {}\n\
             TrustedForm      accepts key 2\n\
             SuppressionList  accepts key 1, and not yet the newest\n\
             {}\n",
            label(1, &old),
            label(2, &new),
            log_in(Product::LeadConduit),
            log_in(Product::SuppressionList),
        )
    );
    let requests = Product::ALL.map(|product| emulator.state().product(product).requests);
    assert_eq!(
        requests,
        [2, 1, 2],
        "the newest is tried first, and no more than needed"
    );
}

#[test]
fn an_emulator_only_for_the_command_is_enough() {
    let ran = Home::new().run_bare(&["--emulator", "-v", "auth", "status"]);
    assert!(
        ran.succeeds().starts_with("key: made for this command\n"),
        "{ran:?}"
    );
    let count = |text| ran.stderr.matches(text).count();
    assert_eq!(count("> GET http://127.0.0.1:"), 3);
    assert_eq!(count("> authorization: Basic [redacted]\n"), 3);
}

#[test]
fn without_a_key_it_exits_3() {
    Home::new().run_bare(&STATUS).fails(3, "no API key");
}

#[test]
fn both_variables_are_read_oldest_first_and_a_command_comes_before_the_file() {
    let emulator = Emulator::start().unwrap();
    let old = emulator.key();
    let new = emulator.reset();
    let home = Home::new();
    home.store(b"placeholder-key-in-the-file\n", 0o600);
    let origins = emulator_origins(&emulator);
    let run = |variables: &[(&str, &str)]| {
        let mut command = home.ap(&join(&origins, &STATUS));
        command.envs(variables.iter().copied());
        let ran = Ran::of(command.output().unwrap(), &old);
        assert_absent(&ran.stderr, &new);
        ran
    };
    let next = ("ACTIVEPROSPECT_NEXT_API_KEY", new.as_str());
    let ran = run(&[next, (VARIABLE, &old)]);
    ran.fails(9, "older key");
    assert!(
        ran.stdout.starts_with(
            "key 1: ACTIVEPROSPECT_API_KEY\nkey 2: ACTIVEPROSPECT_NEXT_API_KEY (the newest)\n"
        ),
        "{ran:?}"
    );
    run(&[next]).fails(3, "rejected by LeadConduit, TrustedForm, SuppressionList\n");

    let file = home.path().join("a key");
    std::fs::write(&file, &old).unwrap();
    let command = format!("cat '{}'", file.display());
    let ran = run(&[("ACTIVEPROSPECT_KEY_COMMAND", &command)]);
    assert!(
        ran.succeeds().starts_with("key: the command cat\n"),
        "{ran:?}"
    );
    for (command, code, says) in [
        ("cat '", 2, "a quote that is not closed"),
        ("  ", 2, "contains no command"),
        ("no-such-program", 2, "cannot be started"),
        ("false", 2, "the command false failed (exit status: 1)"),
        ("printf ''", 2, "the output of the command printf is empty"),
        ("cat /dev/zero", 2, "more than 4096 bytes"),
        (
            "echo placeholder-key",
            2,
            "an argument of the command echo contains the key",
        ),
        (
            "sh -c 'test -z \"$ACTIVEPROSPECT_KEY_COMMAND\" && echo key-$((1+1))'",
            3,
            "rejected",
        ),
    ] {
        run(&[
            ("ACTIVEPROSPECT_KEY_COMMAND", command),
            ("PATH", "/usr/bin:/bin"),
        ])
        .fails(code, says);
    }
}
