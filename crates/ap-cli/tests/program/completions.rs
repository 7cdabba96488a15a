//! What a shell offers when a word is completed, by the script of `ap completions`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::common;
use crate::common::{Fake, Home, KEY, Ran, VARIABLE, assert_absent, emulator_origins};
use ap_emulator::Emulator;

const FLOW: &str = "65e0b2000000000000000001";

/// Returns what bash is offered for the last of these words.
fn offered(command: &mut Command, words: &[&str]) -> Vec<String> {
    command
        .arg("--")
        .arg("ap")
        .args(words)
        .env("AP_COMPLETE", "bash")
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let ran = Ran::of(command.output().unwrap(), KEY);
    assert_eq!(ran.stderr, "", "{words:?}");
    assert_absent(&ran.stdout, KEY);
    ran.succeeds().lines().map(str::to_owned).collect()
}

fn offers(home: &Home, words: &[&str]) -> Vec<String> {
    offered(home.ap(&[]).env(VARIABLE, KEY), words)
}

#[test]
fn commands_products_and_profiles_are_offered() {
    let home = Home::new();
    let folder = home.keys_file().parent().unwrap().to_owned();
    std::fs::create_dir_all(folder.join("profiles/from-login")).unwrap();
    std::fs::write(folder.join("config.toml"), "[profiles.from-file]\n").unwrap();
    for (words, expected) in [
        (&["fl"][..], &["flows"][..]),
        (&["flows", "dep"], &["deploy"]),
        (
            &["api", "--product", ""],
            &["lcx", "trustedform", "suppressionlist"],
        ),
        (&["--profile", ""], &["from-file", "from-login"]),
        (&["api", "--profile", "from-l"], &["from-login"]),
        (&["api", "--emu"], &["--emulator"]),
        (&["auth", "login", "--emu"], &[]),
        (&["auth", "rotate", "--emu"], &[]),
        (&["emulate", "--emu"], &[]),
    ] {
        assert_eq!(offers(&home, words), expected, "{words:?}");
    }
}

#[test]
fn flows_of_the_account_are_offered_wherever_one_is_named() {
    let emulator = Emulator::start().unwrap();
    let home = Home::new();
    let origins = emulator_origins(&emulator);
    let origins: Vec<&str> = origins.iter().map(String::as_str).collect();
    let key = emulator.key();
    for words in [
        &["flows", "get", ""][..],
        &["flows", "update", &FLOW[..20]],
        &["flows", "deploy", ""],
        &["leads", "submit", ""],
        &["leads", "ping", &FLOW[..23]],
    ] {
        // Options are read from before and from after the command.
        let (last, before) = words.split_last().unwrap();
        for words in [
            [&origins[..], words].concat(),
            [before, &origins, &[*last]].concat(),
        ] {
            let found = offered(home.ap(&[]).env(VARIABLE, &key), &words);
            assert!(found.iter().any(|id| id == FLOW), "{words:?}: {found:?}");
        }
    }
    let fields = offered(
        home.ap(&[]).env(VARIABLE, &key),
        &[&origins[..], &["fields", "get", "phone"]].concat(),
    );
    assert!(fields.iter().any(|id| id == "phone_1"), "{fields:?}");
    // Without a key in variables, the stored one is used.
    home.store(format!("{key}\n").as_bytes(), 0o600);
    let found = offered(
        &mut home.ap(&[]),
        &[&origins[..], &["flows", "get", ""]].concat(),
    );
    assert!(found.iter().any(|id| id == FLOW), "{found:?}");
}

/// Asserts that nothing but options is offered.
#[track_caller]
fn assert_only_options(offered: &[String]) {
    let mut options = offered.iter();
    assert!(options.all(|one| one.starts_with("--")), "{offered:?}");
}

#[test]
fn a_call_that_fails_or_hangs_offers_nothing_and_says_nothing() {
    let home = Home::new();
    let rejected = Fake::status(401, "", common::BAD_KEY);
    let broken = Fake::status(200, "", "[{");
    let repeats = Fake::status(
        200,
        "",
        &format!("[{{\"id\":\"{KEY}\",\"name\":\"{KEY}\"}}]"),
    );
    // It accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    for url in [
        &rejected.url,
        &broken.url,
        &repeats.url,
        &silent,
        "http://127.0.0.1:1",
    ] {
        let origin = format!("--origin=lcx={url}");
        assert_only_options(&offers(&home, &[&origin, "flows", "get", ""]));
    }
    // No key, an option that is wrong, a command for keys, a config file that is wrong.
    let words = ["flows", "get", ""];
    assert_only_options(&offered(&mut home.ap(&[]), &words));
    assert_only_options(&offers(&home, &[&["--origin=x"], &words[..]].concat()));
    let origin = format!("--origin=lcx={}", rejected.url);
    let words = [&[&*origin], &words[..]].concat();
    let calls = rejected.connections();
    let asks = "/bin/sh -c 'echo asked >&2; echo placeholder-key'";
    let mut command = home.ap(&[]);
    command.env("ACTIVEPROSPECT_KEY_COMMAND", asks);
    assert_only_options(&offered(&mut command, &words));
    home.store(b"", 0o600);
    std::fs::write(home.keys_file().with_file_name("config.toml"), "[").unwrap();
    assert_only_options(&offers(&home, &words));
    assert_eq!(rejected.connections(), calls);
}

#[test]
fn bash_completes_a_flow_with_the_script() {
    let bash = "/bin/bash";
    if !Path::new(bash).exists() {
        ap_tests::skipped("there is no bash");
        return;
    }
    let script = r#"source <(ap completions bash)
COMP_WORDS=(ap --emulator flows get ""); COMP_CWORD=4
_clap_complete_ap ap "" get; printf '%s\n' "${COMPREPLY[@]}""#;
    let home = Home::new();
    let folder = Path::new(env!("CARGO_BIN_EXE_ap")).parent().unwrap();
    let output = Command::new(bash)
        .args(["--norc", "-c", script])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("HOME", home.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.lines().any(|line| line == FLOW),
        "{text} {:?}",
        output.stderr
    );
}
