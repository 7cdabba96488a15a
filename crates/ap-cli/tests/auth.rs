//! `ap auth login` and `ap auth logout`, and which keys files are accepted.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use ap_emulator::{Emulator, Product};
use common::{Fake, Home, KEY, Ran, VARIABLE, emulator_origins, encoded_pair, join, with_input};

fn login(home: &Home, input: &[u8]) -> Ran {
    Ran::of(with_input(home.ap(&["auth", "login"]), input), KEY)
}

#[test]
fn login_stores_the_key_for_its_owner_only_and_logout_removes_it() {
    let home = Home::new();
    login(&home, format!("{KEY}\r\n").as_bytes()).succeeds();
    assert_eq!(home.stored(), format!("{KEY}\n"));
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.keys_file()), 0o600);
    assert_eq!(mode(home.keys_file().parent().unwrap()), 0o700);
    assert_eq!(home.files_beside_keys(), ["keys", "keys.lock"]);

    let fake = Fake::status(200, "", "{}");
    home.run_bare(&["--origin", &fake.as_lcx(), "api", "/x"])
        .succeeds();
    assert!(fake.received()[0].contains("Basic "));

    for says in ["is removed", "there was no keys file"] {
        let ran = home.run_bare(&["auth", "logout"]);
        ran.succeeds();
        ran.says(says);
        assert!(!ran.stderr.contains("still set"), "{}", ran.stderr);
        assert!(!home.keys_file().exists());
    }
    home.run(&["auth", "logout"])
        .says(&format!("{VARIABLE} is still set"));
    home.run_with(&["auth", "login"], KEY)
        .says(&format!("{VARIABLE} is set and is used first"));
}

#[test]
fn login_replaces_a_stored_key_only_if_told_to() {
    let home = Home::new();
    let both = "placeholder-key-old\nplaceholder-key-new\n";
    home.store(both.as_bytes(), 0o600);
    login(&home, KEY.as_bytes()).fails(2, "contains another key already");
    assert_eq!(home.stored(), both);

    let replacing = with_input(home.ap(&["auth", "login", "--replace"]), KEY);
    let replacing = Ran::of(replacing, KEY);
    replacing.succeeds();
    replacing.says("replaces 2 others");
    login(&home, KEY.as_bytes()).succeeds();
    assert_eq!(home.stored(), format!("{KEY}\n"));

    for command in [&["login"][..], &["login", "--replace"], &["logout"]] {
        let arguments = [&["--emulator", "auth"], command].concat();
        let ran = Ran::of(with_input(home.ap(&arguments), "placeholder-key-2"), KEY);
        ran.fails(2, "--emulator");
        assert_eq!(home.stored(), format!("{KEY}\n"), "{command:?}");
    }
}

#[test]
fn the_mode_does_not_depend_on_the_umask() {
    for umask in ["000", "077", "022"] {
        let home = Home::new();
        let script = format!("umask {umask}; exec \"$0\" auth login");
        let mut command = Command::new("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_ap")])
            .env_clear()
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path().join("config"));
        assert!(with_input(command, KEY).status.success());
        let mode = std::fs::metadata(home.keys_file())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{umask}");
    }
}

#[test]
fn a_text_that_is_not_a_key_leaves_the_old_key_stored() {
    let home = Home::new();
    login(&home, KEY.as_bytes()).succeeds();
    for (input, says) in [
        (&b""[..], "empty"),
        (b"\n", "empty"),
        (b"two\nlines", "line break"),
        (b" space", "space"),
        (b"\xEF\xBB\xBFwith-a-mark", "U+FEFF"),
        (b"nul\0byte", "control"),
        (b"\xFF\xFE", "not text"),
        (b"Basic abc", "Authorization"),
    ] {
        login(&home, input).fails(2, says);
    }
    assert_eq!(home.stored(), format!("{KEY}\n"));
}

#[test]
fn a_keys_file_that_others_can_access_or_that_is_not_valid_is_refused() {
    let fake = Fake::status(200, "", "{}");
    let call = |home: &Home| home.run_bare(&["--origin", &fake.as_lcx(), "api", "/x"]);
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o660] {
        let home = Home::new();
        home.store(KEY.as_bytes(), mode);
        let ran = call(&home);
        ran.fails(2, "other users can read or write the keys file");
        ran.says("chmod 600");
    }
    let folder = Home::new();
    std::fs::create_dir_all(folder.keys_file()).unwrap();
    call(&folder).fails(2, "keys");
    let fifo = Home::new();
    std::fs::create_dir_all(fifo.keys_file().parent().unwrap()).unwrap();
    assert!(
        Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(fifo.keys_file())
            .status()
            .unwrap()
            .success()
    );
    call(&fifo).fails(2, "not a regular file");
    for (text, says) in [
        (&b""[..], " is empty"),
        (b"key-one-x\n\nkey-two-x\n", "line 2 of the keys file"),
        (
            b"\xEF\xBB\xBFkey-one-x\n",
            "the key contains the character U+FEFF",
        ),
        (
            b"key-one-x\nkey-two-x\r\n",
            "ends in a carriage return (CRLF)",
        ),
        (b"key-one-x\nkey two x\n", "line 2 of the keys file"),
        (b"a-key\nb-key\nc-key\nd-key\n", "more than 3"),
        (b"key\0one", "control"),
    ] {
        let home = Home::new();
        home.store(text, 0o600);
        call(&home).fails(2, says);
    }
    let huge = Home::new();
    huge.store(&vec![b'x'; 10_000_000], 0o600);
    call(&huge).fails(2, "is larger than 4096 bytes");
    assert_eq!(fake.connections(), 0);
}

#[test]
fn several_keys_in_the_file_are_tried_oldest_first_and_equal_ones_count_once() {
    let emulator = Emulator::start().unwrap();
    let home = Home::new();
    home.store(
        format!("{KEY}\n{KEY}\n{}\n", emulator.key()).as_bytes(),
        0o600,
    );
    home.run_bare(&join(&emulator_origins(&emulator), &["api", "/flows"]))
        .succeeds();
    let seen = emulator.state().product(Product::LeadConduit);
    assert_eq!((seen.requests, seen.refusals), (2, 1));
}

#[test]
fn the_environment_comes_before_the_file_and_home_config_is_the_fallback() {
    let fake = Fake::status(200, "", "{}");
    let home = Home::new();
    home.store(b"placeholder-key-in-the-file", 0o600);
    home.run(&["--origin", &fake.as_lcx(), "api", "/x"])
        .succeeds();
    assert!(fake.received()[0].contains(&encoded_pair(KEY)));

    // A relative XDG_CONFIG_HOME is ignored, as its specification says.
    let fallback = Home::new();
    let path = fallback.path().join(".config/ap/keys");
    for configured in [None, Some("relative")] {
        let mut command = fallback.ap(&["auth", "login"]);
        command.env_remove("XDG_CONFIG_HOME");
        if let Some(value) = configured {
            command.env("XDG_CONFIG_HOME", value);
        }
        Ran::of(with_input(command, KEY), KEY).succeeds();
        assert!(path.exists());
        std::fs::remove_file(&path).unwrap();
    }
}
