//! Help, and what is said of mistyped commands and options.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use crate::common::{self, Home};

#[test]
fn mistyped_words_get_a_suggestion_in_our_words() {
    let home = Home::new();
    for (arguments, says) in [
        (&["apii"][..], "did you mean `ap api`?"),
        (&["emulat"], "did you mean `ap emulate`?"),
        (&["login"], "did you mean `ap auth login`?"),
        (&["logout"], "did you mean `ap auth logout`?"),
        (&["status"], "did you mean `ap auth status`?"),
        (&["rotate", "--once"], "did you mean `ap auth rotate`?"),
        (&["lgoin"], "did you mean `ap auth login`?"),
        (&["auth", "rotat"], "did you mean `ap auth rotate`?"),
        (&["api", "--no-atuh", "/x"], "did you mean `--no-auth`?"),
        (&["api", "--verbos", "/x"], "did you mean `--verbose`?"),
        (
            &["auth", "rotate", "--evry", "1"],
            "did you mean `--every`?",
        ),
        (
            &["--product", "trustedform", "api", "/x"],
            "did you mean `--product` after `ap api`?",
        ),
        (&["--no-auth"], "did you mean `--no-auth` after `ap api`?"),
        (&["run", "node", "app.js"], "write `--` before the command"),
    ] {
        let ran = home.run(arguments);
        ran.fails(2, says);
        ran.says("--help`");
    }
    for arguments in [
        &["secret-word-x"][..],
        &["auth", "secret-word-x"],
        &["api", "--secret-word-x", "/x"],
        &["api", "/x", "secret-word-x"],
        &["logins-secret-word-x"],
    ] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, Some(2));
        assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
    }
}

#[test]
fn without_a_command_the_help_is_printed() {
    let home = Home::new();
    home.run_bare(&[]).succeeds();
    home.run_bare(&[]).prints("Usage: ap [OPTIONS] <COMMAND>");
    let auth = home.run_bare(&["auth"]);
    auth.succeeds();
    auth.prints("Usage: ap auth [OPTIONS] <COMMAND>");
    home.run_bare(&["-v"]).fails(2, "the command is missing");
}

#[test]
fn the_emulator_is_offered_only_where_it_can_be_used() {
    let home = Home::new();
    let refused = ["auth login", "auth logout", "auth rotate", "emulate"];
    let mut commands = BTreeSet::new();
    common::commands(&home, "", &mut commands);
    for command in &commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        let help = home.run_bare(&[&words[..], &["--help"]].concat());
        let mut options = help.succeeds().lines().map(str::trim_start);
        let is_offered = options.any(|line| line.split_whitespace().next() == Some("--emulator"));
        assert_eq!(is_offered, !refused.contains(&&**command), "{command:?}");
    }
    for command in refused {
        let words: Vec<&str> = command.split(' ').collect();
        let ran = home.run_bare(&[&words[..], &["--emulator"]].concat());
        ran.fails(2, "--emulator starts an emulator");
        let ran = home.run_bare(&[&words[..], &["--emulatr"]].concat());
        assert!(!ran.stderr.contains("--emulator"), "{}", ran.stderr);
    }
    home.run_bare(&["api", "--emulator", "flows"]).succeeds();
    home.run_bare(&["--emulator", "auth", "status"]).succeeds();
}

#[test]
fn a_member_without_its_option_gets_a_suggestion() {
    let home = Home::new();
    let flow = "65e0b2000000000000000001";
    let ran = home.run(&["flows", "update", flow, "name=Solar"]);
    ran.fails(2, "cannot be read (no such file or folder)");
    ran.says("write a single member as -f NAME=VALUE");
}

#[test]
fn the_long_description_of_a_command_is_in_its_help() {
    let home = Home::new();
    for (command, expected) in [
        (
            &["leads", "submit"][..],
            "With -o, a lead is never sent twice:",
        ),
        (&["leads", "ping"], "No lead is stored."),
        (&["leads", "feedback"], "The exit code is 1"),
        (&["events", "export"], "As JSONL, an event has every member"),
        (&["run"], "ACTIVEPROSPECT_SUPPRESSIONLIST_URL"),
        (&["emulate"], "--origin lcx=URL"),
        (&["completions"], "It runs `ap` for each word"),
    ] {
        let help = home.run_bare(&[command, &["--help"]].concat());
        let help = help.succeeds().replace("\n", " ");
        assert!(help.contains(expected), "{command:?}: {help}");
    }
}

#[test]
fn a_word_that_may_be_a_key_is_refused_and_never_repeated() {
    let home = Home::new();
    // Not the account's key, so that only its form gives it away.
    for word in [
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwx",
        "0123456789ABCDEF",
        "123e4567-e89b-12d3-a456-426614174000",
        "API:0123456789abcdef0123",
        "QVBJOjAxMjM0NTY3ODlhYmNkZWY=",
    ] {
        let (file, host, header) = (
            format!("@{word}"),
            format!("https://{word}.example/x"),
            format!("{word}: caf\u{e9}"),
        );
        for arguments in [
            &["api", word][..],
            &[word],
            &["auth", word],
            &["api", "/x", word],
            &["api", "-X", word, "/x"],
            &["api", "-d", word, "/x"],
            &["api", "-d", &file, "/x"],
            &["api", "-H", &header, "/x"],
            &["api", &host],
            &["api", "--product", word, "/x"],
            &["--ca", word, "api", "/x"],
            &["--origin", word, "api", "/x"],
            &["--proxy", word, "api", "/x"],
            &["--timeout", word, "api", "/x"],
            &["completions", word],
            &["emulate", "--port", word],
            &["emulate", "--events", word],
        ] {
            let origin = ["--origin", "lcx=http://127.0.0.1:1"];
            let ran = home.run(&[&origin, arguments].concat());
            ran.fails(2, "");
            let shown = ran.stderr.to_lowercase();
            assert!(
                !shown.contains(&word.to_lowercase()),
                "{arguments:?}: {shown}"
            );
        }
    }
    home.run(&["api", "0123456789abcdef0123"])
        .fails(2, "may be a key");
    home.run(&["0123456789abcdef0123"])
        .fails(2, "a key is never an argument");
}
