//! `ap auth login` and `ap auth logout`, and which keys files are accepted.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::{
    BAD_KEY, Fake, Home, KEY, Ran, VARIABLE, emulator_origins, encoded_pair, fake_products, join,
    with_input,
};
use ap_emulator::{Emulator, Product};

/// Stores a key that no product is asked about.
fn login(home: &Home, input: &[u8]) -> Ran {
    Ran::of(
        with_input(home.ap(&["auth", "login", "--no-check"]), input),
        KEY,
    )
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
    home.run_with(&["auth", "login", "--no-check"], KEY)
        .says(&format!("{VARIABLE} is set and is used first"));
}

#[test]
fn login_replaces_a_stored_key_only_if_told_to() {
    let home = Home::new();
    let both = "placeholder-key-old\nplaceholder-key-new\n";
    home.store(both.as_bytes(), 0o600);
    login(&home, KEY.as_bytes()).fails(2, "contains another key already");
    assert_eq!(home.stored(), both);

    let replacing = with_input(home.ap(&["auth", "login", "--replace", "--no-check"]), KEY);
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
        let script = format!("umask {umask}; exec \"$0\" auth login --no-check");
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
        let mut command = fallback.ap(&["auth", "login", "--no-check"]);
        command.env_remove("XDG_CONFIG_HOME");
        if let Some(value) = configured {
            command.env("XDG_CONFIG_HOME", value);
        }
        Ran::of(with_input(command, KEY), KEY).succeeds();
        assert!(path.exists());
        std::fs::remove_file(&path).unwrap();
    }
}

const NOT_AUTHORIZED: &str = r#"{"error":"not authorized"}"#;

#[test]
fn login_checks_the_key_and_stores_it_unless_every_product_rejects_it() {
    const WITHOUT_TRUSTEDFORM: &str = r#"{"products":[{"id":"trustedform","subscribed":false}]}"#;
    const WITH_TRUSTEDFORM: &str = r#"{"products":[{"id":"trustedform","subscribed":true}]}"#;
    let good = [(200, WITH_TRUSTEDFORM), (200, "{}"), (200, "[]")];
    for (answers, is_stored, says) in [
        (good, true, &[][..]),
        ([(401, BAD_KEY); 3], false, &["no product accepts this key"]),
        (
            [good[0], (401, BAD_KEY), (401, BAD_KEY)],
            true,
            &[
                "TrustedForm rejects the key; after a reset, log in at http://127.0.0.1:",
                "SuppressionList rejects the key; if the account is subscribed to it, log in at",
            ],
        ),
        (
            [(401, BAD_KEY), good[1], good[2]],
            true,
            &["LeadConduit rejects the key"],
        ),
        // An answer that says nothing about the key is no rejection.
        (
            [(401, BAD_KEY), (401, NOT_AUTHORIZED), (503, "")],
            true,
            &[
                "LeadConduit rejects",
                "TrustedForm answered 401",
                "SuppressionList answered 503",
            ],
        ),
        (
            [(200, WITHOUT_TRUSTEDFORM), (401, BAD_KEY), good[2]],
            true,
            &[],
        ),
    ] {
        let home = Home::new();
        let (fakes, origins) = fake_products(answers);
        let ran = Ran::of(
            with_input(home.ap(&join(&origins, &["auth", "login"])), KEY),
            KEY,
        );
        if is_stored {
            ran.succeeds();
            ran.says("the key is stored in ");
            assert_eq!(ran.stderr.lines().count(), 1 + says.len(), "{ran:?}");
            assert_eq!(home.stored(), format!("{KEY}\n"));
        } else {
            ran.fails(3, "is not stored");
            assert!(!home.keys_file().exists(), "{answers:?}");
        }
        says.iter().for_each(|says| ran.says(says));
        assert!(fakes[0].received()[0].contains(&encoded_pair(KEY)));

        let ran = with_input(
            home.ap(&join(&origins, &["auth", "login", "--no-check"])),
            KEY,
        );
        Ran::of(ran, KEY).succeeds();
        assert_eq!(fakes[0].connections(), 1, "it is not asked again");
    }
}

#[test]
fn a_key_that_is_rejected_replaces_none_and_a_product_that_cannot_be_reached_rejects_none() {
    let home = Home::new();
    login(&home, b"placeholder-key-before").succeeds();
    let replace = |origins: &[String]| {
        let arguments = join(origins, &["auth", "login", "--replace"]);
        Ran::of(with_input(home.ap(&arguments), KEY), KEY)
    };
    replace(&fake_products([(401, BAD_KEY); 3]).1).fails(3, "no product accepts this key");
    assert_eq!(home.stored(), "placeholder-key-before\n");

    // Nobody is asked if the key cannot be stored anyway.
    let (fakes, origins) = fake_products([(200, "{}"); 3]);
    let ran = with_input(home.ap(&join(&origins, &["auth", "login"])), KEY);
    Ran::of(ran, KEY).fails(2, "contains another key already");
    assert_eq!(fakes.map(|fake| fake.connections()), [0; 3]);

    let (_fakes, mut origins) = fake_products([(401, BAD_KEY); 3]);
    origins[2] = "--origin=suppressionlist=http://127.0.0.1:1".to_owned();
    let ran = replace(&origins);
    ran.succeeds();
    ran.says("LeadConduit rejects the key");
    ran.says("SuppressionList cannot be reached, so the key was not checked there");
    assert_eq!(home.stored(), format!("{KEY}\n"));
}

#[test]
fn after_a_reset_login_names_the_page_of_the_emulator() {
    let emulator = Emulator::start().unwrap();
    let new = emulator.reset();
    emulator.login(Product::LeadConduit);
    let home = Home::new();
    let origins = emulator_origins(&emulator);
    let login = home.ap(&join(&origins, &["auth", "login"]));
    let ran = Ran::of(with_input(login, new.as_str()), &new);
    ran.succeeds();
    let url = emulator.url(Product::TrustedForm);
    ran.says(&format!(
        "TrustedForm rejects the key; after a reset, log in at {url}/_emulator/\n"
    ));
    assert!(!ran.stderr.contains("LeadConduit"), "{ran:?}");
    assert_eq!(home.stored(), format!("{new}\n"));
}

/// The process is killed by a limit on the size of its files: after it has written the key to the temporary file,
/// and before it can end the line and rename it.
#[cfg(target_os = "linux")]
#[test]
fn logout_removes_the_key_that_a_killed_login_left() {
    let key = "placeholder-key-".repeat(32);
    let home = Home::new();
    login(&home, b"placeholder-key-before").succeeds();
    let folder = home.keys_file().parent().unwrap().to_owned();
    let is_left = || {
        let files = std::fs::read_dir(&folder).unwrap();
        let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.into_iter().any(|text| text.contains(&key))
    };
    for is_stored in [true, false] {
        let mut command = Command::new("sh");
        let script = "ulimit -c 0; ulimit -f 1; exec \"$0\" auth login --replace --no-check";
        command
            .args(["-c", script, env!("CARGO_BIN_EXE_ap")])
            .env_clear()
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path().join("config"));
        assert_eq!(
            with_input(command, key.as_str()).status.code(),
            None,
            "it was killed"
        );
        assert!(is_left());
        assert_eq!(home.keys_file().exists(), is_stored);
        home.run_bare(&["auth", "logout"]).succeeds();
        assert!(!is_left());
        assert_eq!(home.files_beside_keys(), ["keys.lock"]);
    }
}

#[test]
fn a_lock_that_another_process_holds_for_ten_seconds_ends_the_command_with_1_and_its_name() {
    let started = Instant::now();
    let home = Home::new();
    let store = activeprospect::keys::Store::new(home.keys_file());
    let _locked = store.lock().unwrap();
    let ran = login(&home, KEY.as_bytes());
    ran.fails(1, "is locked by ");
    assert!(started.elapsed() >= Duration::from_secs(10));
    if cfg!(target_os = "linux") {
        ran.says(&format!("process {} (", std::process::id()));
    }
    assert!(!home.keys_file().exists());
}

#[test]
fn a_folder_of_another_user_is_refused_and_what_its_links_point_to_stays() {
    let home = Home::new();
    let victim = home.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::fs::create_dir_all(home.keys_file().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&victim, home.keys_file()).unwrap();
    let theirs = home.path().join("config");
    // Only root can give a folder away.
    if std::os::unix::fs::chown(&theirs, Some(54_321), None).is_err() {
        return;
    }
    let replace = home.ap(&["auth", "login", "--replace", "--no-check"]);
    Ran::of(with_input(replace, KEY), KEY).fails(1, "belongs to another user (id 54321)");
    home.run_bare(&["auth", "logout"])
        .fails(1, "belongs to another user (id 54321)");
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    assert!(home.keys_file().is_symlink());
}
