//! `ap auth`: the keys file, and which product takes the key.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use ap_emulator::{Emulator, Product};
use common::{Fake, Home, KEY, Ran, VARIABLE};
use serde_json::Value;

fn login(home: &Home, input: &[u8]) -> Ran {
    let mut child = home
        .ap(&["auth", "login"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Ran::of(child.wait_with_output().unwrap(), KEY)
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
    let left: Vec<_> = std::fs::read_dir(home.keys_file().parent().unwrap())
        .unwrap()
        .collect();
    assert_eq!(left.len(), 1, "no temporary file is left");

    let fake = Fake::status(200, "", "{}");
    let call = home
        .ap(&["--origin", &fake.as_lcx(), "api", "/x"])
        .output()
        .unwrap();
    Ran::of(call, KEY).succeeds();
    assert!(fake.received()[0].contains("Basic "));

    for _ in 0..2 {
        Ran::of(home.ap(&["auth", "logout"]).output().unwrap(), KEY).succeeds();
        assert!(!home.keys_file().exists());
    }
}

#[test]
fn the_mode_does_not_depend_on_the_umask() {
    for umask in ["000", "077", "022"] {
        let home = Home::new();
        let script = format!("umask {umask}; exec \"$0\" auth login");
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_ap")])
            .env_clear()
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path().join("config"))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(KEY.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
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
        (&b""[..], "line 1: the key is empty"),
        (b"key-one-x\n\nkey-two-x\n", "line 2: the key is empty"),
        (b"\xEF\xBB\xBFkey-one-x\n", "line 1"),
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
        format!("{KEY}\n{KEY}\r\n{}\n", emulator.key()).as_bytes(),
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
        command.env_remove("XDG_CONFIG_HOME").stdin(Stdio::piped());
        if let Some(value) = configured {
            command.env("XDG_CONFIG_HOME", value);
        }
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(KEY.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
        assert!(path.exists());
        std::fs::remove_file(&path).unwrap();
    }
}

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
