//! `ap auth login` and `logout`, and what is taken as a keys file.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use ap_emulator::{Emulator, Product};
use common::{Fake, Home, KEY, Ran, VARIABLE, with_input};

fn login(home: &Home, input: &[u8]) -> Ran {
    Ran::of(with_input(home.ap(&["auth", "login"]), input), KEY)
}

#[test]
fn login_stores_the_key_for_its_owner_alone_and_logout_forgets_it() {
    let home = Home::new();
    login(&home, format!("{KEY}\r\n").as_bytes()).succeeds();
    assert_eq!(
        std::fs::read_to_string(home.keys_file()).unwrap(),
        format!("{KEY}\n")
    );
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.keys_file()), 0o600);
    assert_eq!(mode(home.keys_file().parent().unwrap()), 0o700);
    let mut left: Vec<_> = std::fs::read_dir(home.keys_file().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["keys", "keys.lock"], "no temporary file is left");

    let fake = Fake::status(200, "", "{}");
    let call = home
        .ap(&["--origin", &fake.as_lcx(), "api", "/x"])
        .output()
        .unwrap();
    Ran::of(call, KEY).succeeds();
    assert!(fake.received()[0].contains("Basic "));

    for says in ["is removed", "there was no keys file"] {
        let ran = Ran::of(home.ap(&["auth", "logout"]).output().unwrap(), KEY);
        ran.succeeds();
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        assert!(!ran.stderr.contains("still set"), "{}", ran.stderr);
        assert!(!home.keys_file().exists());
    }
    let reminded = home.run(&["auth", "logout"]);
    assert!(
        reminded
            .stderr
            .contains(&format!("{VARIABLE} is still set"))
    );
    let reminded = home.run_with(&["auth", "login"], KEY);
    assert!(
        reminded.stderr.contains("comes first"),
        "{}",
        reminded.stderr
    );
}

#[test]
fn login_loses_no_key_that_is_stored_unless_told_to() {
    let stored = |home: &Home| std::fs::read_to_string(home.keys_file()).unwrap();
    let home = Home::new();
    let both = "placeholder-key-old\nplaceholder-key-new\n";
    home.store(both.as_bytes(), 0o600);
    login(&home, KEY.as_bytes()).fails(2, "holds another key already");
    assert_eq!(stored(&home), both);

    let replacing = with_input(home.ap(&["auth", "login", "--replace"]), KEY);
    let replacing = Ran::of(replacing, KEY);
    replacing.succeeds();
    assert!(
        replacing.stderr.contains("in the place of 2 others"),
        "{}",
        replacing.stderr
    );
    login(&home, KEY.as_bytes()).succeeds();
    assert_eq!(stored(&home), format!("{KEY}\n"));

    for command in [&["login"][..], &["login", "--replace"], &["logout"]] {
        let arguments = [&["--emulator", "auth"], command].concat();
        let ran = Ran::of(with_input(home.ap(&arguments), "placeholder-key-2"), KEY);
        ran.fails(2, "--emulator");
        assert_eq!(stored(&home), format!("{KEY}\n"), "{command:?}");
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
fn a_login_that_is_refused_leaves_the_old_key() {
    let home = Home::new();
    login(&home, KEY.as_bytes()).succeeds();
    for (input, says) in [
        (&b""[..], "empty"),
        (b"\n", "empty"),
        (b"two\nlines", "line break"),
        (b" blank", "blank"),
        (b"\xEF\xBB\xBFwith-a-mark", "U+FEFF"),
        (b"nul\0byte", "control"),
        (b"\xFF\xFE", "not text"),
        (b"Basic abc", "Authorization"),
    ] {
        login(&home, input).fails(2, says);
    }
    assert_eq!(
        std::fs::read_to_string(home.keys_file()).unwrap(),
        format!("{KEY}\n")
    );
}

#[test]
fn a_keys_file_that_others_can_touch_or_that_is_no_file_is_refused() {
    let fake = Fake::status(200, "", "{}");
    let call = |home: &Home| {
        Ran::of(
            home.ap(&["--origin", &fake.as_lcx(), "api", "/x"])
                .output()
                .unwrap(),
            KEY,
        )
    };
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o660] {
        let home = Home::new();
        home.store(KEY.as_bytes(), mode);
        let ran = call(&home);
        ran.fails(2, "others than you");
        assert!(ran.stderr.contains("chmod 600"));
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
        (&b""[..], "it is empty"),
        (b"key-one-x\n\nkey-two-x\n", "line 2: the key is empty"),
        (
            b"\xEF\xBB\xBFkey-one-x\n",
            "line 1: the key holds the character U+FEFF",
        ),
        (
            b"key-one-x\nkey-two-x\r\n",
            "line 2: it ends in a carriage return",
        ),
        (b"key-one-x\nkey two x\n", "line 2"),
        (b"a-key\nb-key\nc-key\nd-key\n", "more than 3"),
        (b"key\0one", "control"),
    ] {
        let home = Home::new();
        home.store(text, 0o600);
        call(&home).fails(2, says);
    }
    let huge = Home::new();
    huge.store(&vec![b'x'; 10_000_000], 0o600);
    call(&huge).fails(2, "too large");
    assert_eq!(fake.connections(), 0);
}

#[test]
fn several_keys_in_the_file_are_tried_oldest_first_and_equal_ones_count_once() {
    let emulator = Emulator::start().unwrap();
    let origin = format!("lcx={}", emulator.url(Product::LeadConduit));
    let home = Home::new();
    home.store(
        format!("{KEY}\n{KEY}\n{}\n", emulator.key()).as_bytes(),
        0o600,
    );
    let ran = Ran::of(
        home.ap(&["--origin", &origin, "api", "/flows"])
            .output()
            .unwrap(),
        KEY,
    );
    ran.succeeds();
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
    let pair = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("API:{KEY}"),
    );
    assert!(fake.received()[0].contains(&pair));

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
