//! `ap auth status`: which product takes the key.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Product};
use common::{Fake, Home, KEY, Ran, VARIABLE};
use serde_json::{Value, json};

fn origins(emulator: &Emulator) -> Vec<String> {
    [
        ("lcx", Product::LeadConduit),
        ("trustedform", Product::TrustedForm),
        ("suppressionlist", Product::SuppressionList),
    ]
    .into_iter()
    .flat_map(|(name, product)| {
        [
            "--origin".to_owned(),
            format!("{name}={}", emulator.url(product)),
        ]
    })
    .collect()
}

fn status(emulator: &Emulator, key: &str, json: bool) -> Ran {
    let mut arguments = origins(emulator);
    arguments.extend(["auth".to_owned(), "status".to_owned()]);
    arguments.extend(json.then(|| "--json".to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Ran::of(
        Home::new()
            .ap(&arguments)
            .env(VARIABLE, key)
            .output()
            .unwrap(),
        key,
    )
}

#[test]
fn status_tells_which_product_takes_the_key() {
    let emulator = Emulator::start().unwrap();
    let old = emulator.key();
    let ran = status(&emulator, &old, false);
    assert_eq!(
        ran.succeeds().matches("takes the key").count(),
        3,
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains(VARIABLE),
        "the key is named by where it comes from"
    );

    let new = emulator.reset();
    emulator.login(Product::TrustedForm);
    let ran = status(&emulator, &old, true);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("refused by TrustedForm"),
        "{}",
        ran.stderr
    );
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let states: Vec<_> = report["products"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["status"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["takes", "refuses", "takes"]);
    assert!(
        report["products"][1]["what_to_do"]
            .as_str()
            .unwrap()
            .contains("log in to TrustedForm")
    );

    let ran = status(&emulator, &new, false);
    assert_eq!(ran.code, Some(3));
    assert!(
        ran.stderr.contains("LeadConduit, SuppressionList"),
        "{}",
        ran.stderr
    );
}

#[test]
fn status_of_what_cannot_be_reached_exits_6() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    let mut arguments = origins(&emulator);
    arguments[5] = "suppressionlist=http://127.0.0.1:1".to_owned();
    arguments.extend(["auth".to_owned(), "status".to_owned()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = Ran::of(
        Home::new()
            .ap(&arguments)
            .env(VARIABLE, &key)
            .output()
            .unwrap(),
        &key,
    );
    assert_eq!(ran.code, Some(6), "{}", ran.stderr);
    assert!(ran.stdout.contains("cannot be reached"), "{}", ran.stdout);
}

/// Three servers in the place of the products'.
fn fakes(answers: [(u16, &str); 3], json: bool) -> (Ran, [Fake; 3]) {
    let fakes = answers.map(|(status, body)| Fake::status(status, "", body));
    let origins: Vec<_> = ["lcx", "trustedform-app", "suppressionlist"]
        .iter()
        .zip(&fakes)
        .map(|(name, fake)| format!("--origin={name}={}", fake.url))
        .collect();
    let mut arguments: Vec<&str> = origins.iter().map(String::as_str).collect();
    arguments.extend(["auth", "status"]);
    arguments.extend(json.then_some("--json"));
    (Home::new().run(&arguments), fakes)
}

const BAD_KEY: &str = r#"{"error":"authentication failed"}"#;

#[test]
fn the_worst_answer_decides_the_exit_code() {
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
        let (ran, fakes) = fakes(answers, false);
        assert_eq!(ran.code, Some(code), "{answers:?}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), if code == 0 { 0 } else { 2 });
        for fake in &fakes {
            assert_eq!(fake.connections(), 1, "each product is asked: {answers:?}");
        }
        assert!(fakes[0].received()[0].starts_with("GET /user "));
        assert!(fakes[1].received()[0].starts_with("GET /account "));
        assert!(fakes[2].received()[0].starts_with("GET /lists "));
    }
}

#[test]
fn a_product_that_the_account_does_not_have_is_not_asked() {
    let user = r#"{"products":[{"id":"lcx","name":"x","subscribed":true},
        {"id":"trustedform","name":"x","subscribed":false},{"id":"account","name":"x"}]}"#;
    let (ran, fakes) = fakes([(200, user), (401, BAD_KEY), (200, "[]")], true);
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
fn of_several_keys_it_says_which_one_each_product_takes() {
    let emulator = Emulator::start().unwrap();
    let old = emulator.key();
    let new = emulator.reset();
    emulator.login(Product::TrustedForm);
    let home = Home::new();
    home.store(format!("{old}\n{new}\n").as_bytes(), 0o600);
    let mut arguments = origins(&emulator);
    arguments.extend(["auth", "status"].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = Ran::of(home.ap(&arguments).output().unwrap(), &new);
    ran.fails(9, "an older key is taken by LeadConduit, SuppressionList");
    let text = &ran.stdout;
    common::assert_absent(text, &old);
    assert!(text.starts_with("key 1: line 1 of /"), "{text}");
    assert!(text.contains("key 2: line 2 of /"), "{text}");
    assert!(text.contains("TrustedForm      takes key 2\n"), "{text}");
    assert_eq!(
        text.matches("takes key 1, and not yet").count(),
        2,
        "{text}"
    );
    let requests = Product::ALL.map(|product| emulator.state().product(product).requests);
    assert_eq!(
        requests,
        [2, 1, 2],
        "the newest is asked first, and no more than needed"
    );
}

#[test]
fn the_emulator_of_the_command_is_enough_and_verbose_is_kept() {
    let home = Home::new();
    let mut command = home.ap(&["--emulator", "-v", "auth", "status"]);
    let ran = Ran::of(command.output().unwrap(), KEY);
    assert!(
        ran.succeeds().starts_with("key: made for this command"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr.matches("> GET http://127.0.0.1:").count(), 3);
    assert_eq!(
        ran.stderr
            .matches("authorization: Basic [redacted]")
            .count(),
        3
    );
}

#[test]
fn without_a_key_nobody_is_asked() {
    let mut command = Home::new().ap(&["auth", "status"]);
    Ran::of(command.output().unwrap(), KEY).fails(3, "no API key");
}

#[test]
fn both_variables_count_oldest_first_and_a_command_comes_before_the_file() {
    let emulator = Emulator::start().unwrap();
    let old = emulator.key();
    let new = emulator.reset();
    let home = Home::new();
    home.store(b"placeholder-key-in-the-file\n", 0o600);
    let mut arguments = origins(&emulator);
    arguments.extend(["auth", "status"].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = |variables: &[(&str, &str)]| {
        let mut command = home.ap(&arguments);
        command.envs(variables.iter().copied());
        let ran = Ran::of(command.output().unwrap(), &old);
        common::assert_absent(&ran.stderr, &new);
        ran
    };
    let next = ("ACTIVEPROSPECT_NEXT_API_KEY", new.as_str());
    let ran = run(&[next, (VARIABLE, &old)]);
    ran.fails(9, "older key");
    assert!(
        ran.stdout.starts_with("key 1: ACTIVEPROSPECT_API_KEY\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("key 2: ACTIVEPROSPECT_NEXT_API_KEY (the newest)\n")
    );
    run(&[next]).fails(3, "refused by LeadConduit, TrustedForm, SuppressionList");

    let file = home.path().join("a key");
    std::fs::write(&file, &old).unwrap();
    let command = format!("cat '{}'", file.display());
    let ran = run(&[("ACTIVEPROSPECT_KEY_COMMAND", &command)]);
    assert!(
        ran.succeeds().starts_with("key: the command cat\n"),
        "{}",
        ran.stdout
    );
    for (command, code, says) in [
        ("cat '", 2, "not a command"),
        ("  ", 2, "not a command"),
        ("no-such-program", 2, "cannot be started"),
        ("false", 2, "the command false failed (exit status: 1)"),
        ("printf ''", 2, "it is empty"),
        ("cat /dev/zero", 2, "more than 4096 bytes"),
        ("echo placeholder-key", 2, "among its arguments"),
        (
            "sh -c 'test -z \"$ACTIVEPROSPECT_KEY_COMMAND\" && echo key-$((1+1))'",
            3,
            "refused",
        ),
    ] {
        let ran = run(&[
            ("ACTIVEPROSPECT_KEY_COMMAND", command),
            ("PATH", "/usr/bin:/bin"),
        ]);
        ran.fails(code, says);
    }
}
