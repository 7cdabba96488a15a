//! Which run a result file belongs to: the same command, account and server resume it, and no other.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::common::bulk::{LIST, not_found, numbers, objects, write};
use crate::common::counting::Counting;
use crate::common::event_pages::page;
use crate::common::{BAD_KEY, Home, KEY};

#[test]
fn a_run_with_the_emulator_is_not_one_with_the_real_server() {
    let server = Counting::new(not_found);
    let home = Home::new();
    let (input, output) = (write(&home, "in.txt", numbers(3)), home.file("out.jsonl"));
    let check = ["lists", "check", LIST, &input, "-o", &output];
    let with_emulator = [&["--emulator"][..], &check].concat();
    home.run(&with_emulator).succeeds();
    home.run(&with_emulator).says("nothing was sent");
    let origin = server.as_suppressionlist();
    let ran = home.run(&[&[origin.as_str()], &check[..]].concat());
    ran.fails(2, "is of a run with another origin");
    assert_eq!(server.count(), 0);
}

#[cfg(unix)]
#[test]
fn a_run_of_one_profile_is_not_resumed_with_another() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = Counting::new(|request| match request.number {
        3 => (401, "", BAD_KEY.to_owned()),
        _ => not_found(request),
    });
    let home = Home::new();
    for profile in ["client-a", "client-b"] {
        let folder = home.path().join(format!("config/ap/profiles/{profile}"));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("keys");
        std::fs::write(&file, format!("{KEY}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let (input, output) = (write(&home, "in.txt", numbers(5)), home.file("out.jsonl"));
    let origin = server.as_suppressionlist();
    let arguments = [
        &origin,
        "lists",
        "check",
        "a",
        &input,
        "-o",
        &output,
        "--concurrency=1",
    ];
    let run = |profile: &[&str]| home.run_bare(&[&arguments[..], profile].concat());
    assert_eq!(run(&["--profile=client-a"]).code, Some(3));
    run(&["--profile=client-b"]).fails(2, "is of a run with another profile");
    assert_eq!(server.count(), 3);
    run(&["--profile=client-a"]).succeeds();
}

#[test]
fn a_journal_has_no_value_of_an_option() {
    let server = Counting::new(|request| page(request, 5));
    let home = Home::new();
    let output = home.file("out.jsonl");
    let origin = format!("--origin=lcx={}", server.url);
    let rule = r#"{"lhv":"lead.email","op":"is equal to","rhv":"robin@example.com"}"#;
    let export = [&origin, "events", "export", "-o", &output, "--rule", rule];
    home.run(&export).succeeds();
    let journal = std::fs::read_to_string(format!("{output}.journal")).unwrap();
    assert!(!journal.contains("robin") && !journal.contains("lead.email"));
    home.run(&export).says("nothing was sent");
    home.run(&export[..5])
        .fails(2, "is of a run with another filter");
}

#[test]
fn a_run_that_is_refused_leaves_no_file() {
    let server = Counting::new(not_found);
    let home = Home::new();
    let (input, output) = (write(&home, "in.txt", numbers(3)), home.file("out.jsonl"));
    let origin = server.as_suppressionlist();
    let check = [&origin, "lists", "check", "a", &input, "-o", &output];
    let has_files = || {
        let journal = format!("{output}.journal");
        (Path::new(&output).exists(), Path::new(&journal).exists())
    };
    // Without a key.
    assert_eq!(home.run_bare(&check).code, Some(3));
    assert_eq!(has_files(), (false, false));
    // Over a file of somebody else's.
    std::fs::write(&output, "notes\n").unwrap();
    home.run(&check)
        .fails(2, "is not from a run that can be resumed");
    assert_eq!(has_files(), (true, false));
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "notes\n");
    assert_eq!(server.count(), 0);
}

#[test]
fn a_removal_asks_only_if_there_is_something_to_remove() {
    let server = Counting::new(|_| (200, "", r#"{"deleted":1}"#.to_owned()));
    let home = Home::new();
    let (input, output) = (write(&home, "in.txt", numbers(3)), home.file("out.jsonl"));
    let origin = server.as_suppressionlist();
    let remove = [&origin, "lists", "remove", "a"];
    let absent = home.file("absent.txt");
    home.run(&[&remove[..], &[&absent]].concat())
        .fails(2, "cannot be read (no such file");
    let remove = [&remove[..], &[&input, "-o", &output]].concat();
    home.run(&remove)
        .fails(2, "this asks before anything is sent");
    assert!(!Path::new(&output).exists());
    assert_eq!(server.count(), 0);
    home.run(&[&remove[..], &["--yes"]].concat()).succeeds();
    let ran = home.run(&remove);
    ran.succeeds();
    ran.says("nothing was sent");
    assert_eq!(server.count(), 3);
}

#[test]
fn a_certificate_that_is_null_is_no_other_member() {
    let server = Counting::new(|_| (200, "", r#"{"outcome":"success"}"#.to_owned()));
    let origin = format!("--origin=trustedform={}", server.url);
    let arguments = [&origin, "certs", "retain", "--input-format=jsonl"];
    let rows = "{\"cert\":null,\"email\":\"robin@example.com\"}\n{\"cert\":\" \",\"email\":\"robin@example.com\"}\n";
    let ran = Home::new().run_with(&arguments, rows);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    let results = objects(&ran.stdout);
    assert!(results[0].get("value").is_none(), "{ran:?}");
    for result in results {
        assert_eq!(result["error"]["message"], "it has no certificate");
        assert_eq!(result["error"]["column"], "certificate");
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn a_preview_names_the_rows_that_a_run_of_the_shard_names() {
    let server = Counting::new(not_found);
    let home = Home::new();
    let input = write(
        &home,
        "in.csv",
        "cert,email\nx,a@b.example\ny,a@b.example\n",
    );
    let origin = format!("--origin=trustedform={}", server.url);
    let arguments = [&origin, "certs", "retain", &input, "--shard=1/2"];
    let expected = "row 2, line 3";
    home.run(&arguments).says(expected);
    home.run(&[&arguments[..], &["--dry-run"]].concat())
        .says(expected);
}
