//! The commands in the documents.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::process::Command;

use crate::common;
use crate::common::{Home, KEY, Ran, fake_products, with_input};

/// Files of the repository, by their paths from its root.
const DOCUMENTS: [&str; 3] = ["README.md", "docs/cli.md", "crates/ap-cli/README.md"];

fn read(document: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    std::fs::read_to_string(format!("{root}/{document}")).unwrap()
}

/// Returns the arguments of each `ap` that a document shows, as a shell reads them.
fn commands(document: &str) -> impl Iterator<Item = &str> {
    document.lines().filter_map(|line| {
        let line = line.split(" #").next().unwrap_or_default().trim();
        line.strip_prefix("$ ap ")
            .or_else(|| line.strip_prefix("$ cargo run -q --bin ap -- "))
    })
}

/// Joins the lines of examples that go on in the next line.
fn joined(help: &str) -> String {
    help.split(" \\\n")
        .map(str::trim_start)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs `ap` by a shell, with an input.
fn run(home: &Home, arguments: &str, input: &str) -> Ran {
    run_after(home, "", arguments, input)
}

/// Does the same in the home folder, after other commands.
fn run_after(home: &Home, before: &str, arguments: &str, input: &str) -> Ran {
    let here = home.path().display();
    let ap = home.ap(&[]);
    let mut shell = Command::new("/bin/sh");
    shell
        .args([
            "-c",
            &format!("cd '{here}'\n{before}exec \"$0\" {arguments}"),
        ])
        .arg(ap.get_program())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(
            ap.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    Ran::of(with_input(shell, input), KEY)
}

/// Adds `--help` to a command of `ap`, and not to one that `ap` runs.
fn with_help(command: &str) -> String {
    match command.split_once(" -- ") {
        Some((ours, theirs)) => format!("{ours} --help -- {theirs}"),
        None => format!("{command} --help"),
    }
}

#[test]
fn every_command_that_needs_no_account_runs_and_the_others_are_valid() {
    for name in DOCUMENTS {
        let document = read(name);
        let mut needs_no_account = 0;
        for command in commands(&document) {
            let ran = if command.contains("--emulator") {
                needs_no_account += 1;
                run(&Home::new(), command, "")
            } else {
                run(&Home::new(), &with_help(command), "")
            };
            assert_eq!(ran.code, Some(0), "{name}: {command}: {ran:?}");
            assert!(!ran.stdout.is_empty(), "{name}: {command}");
        }
        assert_ne!(needs_no_account, 0, "{name}");
    }
}

#[test]
fn every_help_has_valid_examples_and_fits_80_columns() {
    let home = Home::new();
    let mut count = 0;
    let mut names = BTreeSet::new();
    common::commands(&home, "", &mut names);
    for command in &names {
        let help = run(&home, &format!("{command} --help"), "").stdout;
        assert!(
            help.lines().all(|line| line.chars().count() <= 80),
            "{help}"
        );
        let help = joined(&help);
        assert_ne!(commands(&help).count(), 0, "{command} has no example");
        for example in commands(&help) {
            let example = example.split(" > ").next().unwrap_or_default();
            let ran = run(&home, &with_help(example), "");
            assert_eq!(ran.code, Some(0), "{example}: {ran:?}");
            count += 1;
        }
    }
    assert!(count >= 80, "{count}");
}

/// The files that the examples of help name.
const FILES: [(&str, &str); 10] = [
    ("numbers.txt", "5125550100\n5125550101\n"),
    ("urls.txt", "65e0e50100000000000000000000000000000001\n"),
    (
        "leads.csv",
        "email,phone_1,trustedform_cert_url\n\
         robin@example.com,2025550142,https://cert.trustedform.com/65e0e50100000000000000000000000000000001\n",
    ),
    (
        "export.csv",
        "mail,url\nrobin@example.com,https://cert.trustedform.com/65e0e50100000000000000000000000000000002\n",
    ),
    ("lead.json", r#"{"email":"robin@example.com"}"#),
    ("flow.json", r#"{"name":"Solar"}"#),
    ("field.json", r#"{"id":"roof_exhs","name":"Roof"}"#),
    ("entity.json", r#"{"name":"Site","source":"form"}"#),
    (
        "report.json",
        r#"{"name":"Sold","columns":["source-success"]}"#,
    ),
    ("config.json", "{}"),
];

/// Examples that cannot run so: they need a person, another program, another account, or do not end.
const NOT_BY_COPY: [&str; 14] = [
    "auth login",
    "auth logout",
    "auth rotate",
    "run ",
    "gateway",
    "emulate",
    "man ",
    "completions",
    "api https:",
    "--emulator",
    "--origin",
    // All entities of the emulator belong to others.
    "entities update",
    "entities delete",
    // The flow wants an email address, which is too long for the line.
    "-f age=35",
];

#[test]
fn every_example_of_help_works_with_the_emulator_by_copy_and_paste() {
    let home = Home::new();
    let mut names = BTreeSet::new();
    common::commands(&home, "", &mut names);
    let mut count = 0;
    let mut failed = Vec::new();
    for command in &names {
        let help = joined(&run(&home, &format!("{command} --help"), "").stdout);
        for example in commands(&help) {
            let asks = [" delete ", " deploy ", " remove "].map(|word| example.contains(word));
            let asks = asks.contains(&true)
                && !example.contains("--yes")
                && !example.contains("--dry-run");
            if asks || NOT_BY_COPY.iter().any(|part| example.contains(part)) {
                continue;
            }
            let home = Home::new();
            for (name, text) in FILES {
                std::fs::write(home.file(name), text).unwrap();
            }
            std::fs::write(home.file("state.json"), "{}").unwrap();
            let there = format!("{example} --emulator");
            let ran = run_after(&home, "", &there, "");
            if ran.code != Some(0) {
                failed.push(format!("{example}: {ran:?}"));
            }
            count += 1;
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(count >= 60, "{count}");
}

#[test]
fn the_commands_of_the_guides_to_bulk_work_are_valid() {
    for (name, least) in [("docs/guide/bulk.md", 3), ("docs/scale.md", 4)] {
        let document = read(name);
        let mut count = 0;
        for command in commands(&document) {
            let ran = run(&Home::new(), &with_help(command), "");
            assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
            count += 1;
        }
        assert!(count >= least, "{name}: {count}");
    }
}

#[test]
fn what_the_guide_to_bulk_work_has_to_paste_works() {
    let guide = read("docs/guide/bulk.md");
    let (_, section) = guide.split_once("## Try it without an account").unwrap();
    let (_, rest) = section.split_once("```sh\n").unwrap();
    let (script, _) = rest.split_once("```").unwrap();
    let (file, commands) = script.split_once("END\nap ").unwrap();
    let file = format!("{file}END\n");
    let commands: Vec<&str> = commands.lines().collect();
    let expected = [
        (0, "\"found\":true"),
        (8, "\"outcome\":\"success\""),
        (0, "\"price\":10"),
        (0, "id,type,outcome"),
    ];
    assert_eq!(commands.len(), expected.len());
    let home = Home::new();
    for (command, (code, shows)) in commands.iter().zip(expected) {
        let arguments = command.strip_prefix("ap ").unwrap_or(command);
        let ran = run_after(&home, &file, arguments, "");
        assert_eq!(ran.code, Some(code), "{command}: {ran:?}");
        assert!(ran.stdout.contains(shows), "{command}: {ran:?}");
    }
}

#[test]
fn the_exit_codes_of_the_help_are_those_of_the_document() {
    let document = read("docs/cli.md");
    let help = run(&Home::new(), "help exit-codes", "");
    let codes = |text: &str, is_row: fn(&str) -> Option<&str>| -> Vec<String> {
        text.lines().filter_map(is_row).map(str::to_owned).collect()
    };
    let section = document.split("## Exit codes").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let documented = codes(section, |line| {
        let code = line.strip_prefix("| ")?.split(" |").next()?;
        code.starts_with(char::is_numeric).then_some(code)
    });
    let printed = codes(help.succeeds(), |line| Some(line.get(..19)?.trim()));
    assert_eq!(printed, documented);
}

#[test]
fn a_stored_key_is_used_by_the_next_command() {
    for name in DOCUMENTS {
        let document = read(name);
        // Servers instead of the vendor's.
        let (fakes, origins) = fake_products([(200, "[]"); 3]);
        let origins = origins.join(" ");
        let home = Home::new();
        for command in ["auth login", "api /flows"] {
            assert!(commands(&document).any(|one| one == command), "{name}");
            run(&home, &format!("{origins} {command}"), KEY).succeeds();
        }
        // Login checks the key with each product.
        assert_eq!(fakes.map(|fake| fake.connections()), [2, 1, 1]);
    }
}
