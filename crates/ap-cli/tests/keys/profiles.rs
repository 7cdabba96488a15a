//! Profiles, the config file, and keys in files that a variable names.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use crate::common;
use crate::common::{Fake, Home, KEY, Ran, VARIABLE, encoded_pair, with_input};

const OTHER_KEY: &str = "placeholder-key-of-another-account";
const PROFILE: &str = "ACTIVEPROSPECT_PROFILE";
const KEY_FILE: &str = "ACTIVEPROSPECT_API_KEY_FILE";

fn write(home: &Home, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = home.path().join("config/ap").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// Runs `ap` with variables and an input.
fn run(home: &Home, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Ran {
    let mut command = home.ap(arguments);
    command.envs(variables.iter().copied());
    Ran::of(with_input(command, input), KEY)
}

/// Returns which of the two keys the last request of a server had.
fn sent_key(fake: &Fake) -> &'static str {
    let request = fake.received().pop().unwrap();
    match () {
        () if request.contains(&encoded_pair(KEY)) => "one",
        () if request.contains(&encoded_pair(OTHER_KEY)) => "other",
        () => panic!("no key"),
    }
}

#[test]
fn each_profile_has_its_own_keys_file() {
    let home = Home::new();
    let login = |arguments: &[&str], key: &str| {
        let all = [&["auth", "login", "--no-check"], arguments].concat();
        run(&home, &[], &all, key)
    };
    login(&[], KEY).succeeds();
    let stored = login(&["--profile", "client-2"], OTHER_KEY);
    stored.succeeds();
    stored.says("/config/ap/profiles/client-2/keys");
    let file = home.path().join("config/ap/profiles/client-2/keys");
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert_eq!(home.stored(), format!("{KEY}\n"));

    let fake = Fake::status(200, "", "{}");
    let origin = fake.as_lcx();
    for (variables, arguments, key) in [
        (&[][..], &[][..], "one"),
        (&[], &["--profile", "client-2"], "other"),
        (&[(PROFILE, "client-2")], &[], "other"),
        (&[(PROFILE, "")], &[], "one"),
        // A key in a variable comes before the profile of a variable, and after the option.
        (&[(PROFILE, "client-2"), (VARIABLE, KEY)], &[], "one"),
        (&[(VARIABLE, KEY)], &["--profile", "client-2"], "other"),
    ] {
        let all = [&["--origin", &origin, "api", "x"], arguments].concat();
        run(&home, variables, &all, "").succeeds();
        assert_eq!(sent_key(&fake), key, "{variables:?} {arguments:?}");
    }
    let calls = fake.connections();
    let missing = ["--origin", &origin, "api", "x", "--profile", "none"];
    let ran = run(&home, &[], &missing, "");
    ran.fails(3, "the profile none has no API key");
    ran.says("run `ap auth login --profile none`; other profiles: client-2");
    // Without keys of its own, the account without a name is not the only choice.
    std::fs::remove_file(home.keys_file()).unwrap();
    let ran = run(&home, &[], &["--origin", &origin, "api", "x"], "");
    ran.fails(3, "there is no API key");
    ran.says("choose a profile with --profile: client-2");
    home.store(format!("{KEY}\n").as_bytes(), 0o600);
    // The key of any profile is found in arguments.
    let argument = format!("/x/{OTHER_KEY}");
    run(&home, &[], &["--origin", &origin, "api", &argument], "").fails(2, "contains the API key");
    assert_eq!(fake.connections(), calls);

    run(
        &home,
        &[(VARIABLE, KEY)],
        &["auth", "logout", "--profile", "client-2"],
        "",
    )
    .succeeds();
    assert!(!file.exists());
    assert_eq!(home.stored(), format!("{KEY}\n"));
}

#[test]
fn status_and_rotate_are_about_the_profile() {
    let home = Home::new();
    write(&home, "profiles/two/keys", &format!("{OTHER_KEY}\n"), 0o600);
    let (fakes, mut arguments) = common::fake_products([(200, "{}"), (200, "{}"), (200, "[]")]);
    arguments.extend(["--profile", "two", "auth", "status"].map(str::to_owned));
    let all: Vec<_> = arguments.iter().map(String::as_str).collect();
    let ran = run(&home, &[(VARIABLE, KEY)], &all, "");
    ran.prints("config/ap/profiles/two/keys");
    assert!(fakes[0].received()[0].contains(&encoded_pair(OTHER_KEY)));
    let ran = run(
        &home,
        &[(VARIABLE, KEY)],
        &["auth", "rotate", "--profile", "none"],
        "",
    );
    ran.fails(3, "there is no API key to rotate");
}

#[test]
fn a_name_that_is_no_name_is_refused_and_not_repeated() {
    let home = Home::new();
    for name in [
        "",
        "..",
        "a/b",
        "/etc",
        "a b",
        "secret-word/",
        "0123456789abcdef0123",
    ] {
        let ran = run(&home, &[], &["api", "x", "--profile", name], "");
        assert_eq!(ran.code, Some(2), "{name}: {}", ran.stderr);
        let variables = [(PROFILE, name)];
        let other = run(&home, &variables, &["api", "x"], "");
        if !name.is_empty() {
            other.fails(2, "ACTIVEPROSPECT_PROFILE is not the name of a profile");
        }
        for ran in [ran, other] {
            assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
            assert!(!ran.stderr.contains("0123456789"), "{}", ran.stderr);
        }
    }
    home.run(&["--emulator", "--profile", "a", "api", "x"])
        .fails(2, "cannot be used together");
}

#[test]
fn options_come_before_variables_then_the_profile_then_the_top_of_the_file() {
    let (top, list, profile, option) = (
        Fake::status(200, "", "top"),
        Fake::status(200, "", "list"),
        Fake::status(200, "", "profile"),
        Fake::status(200, "", "option"),
    );
    let home = Home::new();
    let text = format!(
        "profile = \"second\"\ntimeout = 30\n[origins]\nlcx = \"{}\"\nsuppressionlist = \"{}\"\n\
         [profiles.first.origins]\nlcx = \"{}\"\n[profiles.second]\ntimeout = 0.5\n",
        top.url, list.url, profile.url
    );
    write(&home, "config.toml", &text, 0o644);
    let given = option.as_lcx();
    for (variables, arguments, expected) in [
        (&[][..], &["flows"][..], "top"),
        (&[], &["flows", "--profile", "first"], "profile"),
        (&[(PROFILE, "first")], &["flows"], "profile"),
        (
            &[(PROFILE, "second")],
            &["flows", "--profile", "first"],
            "profile",
        ),
        (
            &[],
            &["flows", "--profile", "first", "--origin", &given],
            "option",
        ),
        (
            &[],
            &[
                "lists",
                "--product",
                "suppressionlist",
                "--profile",
                "first",
            ],
            "list",
        ),
    ] {
        let all = [&["api", "--no-auth"], arguments].concat();
        assert_eq!(
            run(&home, variables, &all, "").succeeds(),
            expected,
            "{arguments:?}"
        );
    }
    // The emulator of a command has its own origins.
    home.run_bare(&["--emulator", "api", "user"]).succeeds();
}

#[test]
fn the_proxy_of_the_file_is_used_unless_another_is_named() {
    // Nothing listens on port 1, which only root can open.
    let home = Home::new();
    write(
        &home,
        "config.toml",
        "proxy = \"http://127.0.0.1:1\"\ntimeout = 20\n",
        0o600,
    );
    let call = ["--origin", "lcx=https://h.invalid", "api", "--no-auth", "x"];
    run(&home, &[], &call, "").fails(6, "proxy");
    let proxy = Fake::status(502, "", "");
    run(&home, &[("ACTIVEPROSPECT_PROXY", &proxy.url)], &call, "").fails(6, "proxy");
    assert_eq!(proxy.connections(), 1);
    let with_option = [&call[..], &["--proxy", &proxy.url]].concat();
    run(&home, &[], &with_option, "").fails(6, "proxy");
    assert_eq!(proxy.connections(), 2);
}

#[test]
fn a_file_that_is_wrong_is_refused_without_its_values() {
    let home = Home::new();
    for (text, says) in [
        (
            "api_key = \"secret-word\"",
            "has what may be a key or a password",
        ),
        (
            "[profiles.a]\nkeys = [\"secret-word\"]",
            "has what may be a key or a password",
        ),
        (
            "[profiles.a]\npassword = \"secret-word\"",
            "has what may be a key or a password",
        ),
        (
            "ca = \"secretword0123456789\"",
            "has what may be a key or a password",
        ),
        ("a = 1\n\"secret-word", "is not TOML (line 2)"),
        (
            "timeout = 1\ntimeout = 2 # secret-word",
            "is not TOML (line 2)",
        ),
        ("\"secret-word\" = 1", "has a member that does not exist"),
        (
            "timeout = \"secret-word\"",
            "timeout is not valid: write a number of seconds",
        ),
        ("timeout = -1", "timeout is not valid"),
        ("origins = \"secret-word\"", "has no table where origins is"),
        (
            "[origins]\n\"secret-word\" = \"https://h.example\"",
            "origins is not valid: choose lcx",
        ),
        (
            "[origins]\nlcx = \"http://secret-word.example\"",
            "origins is not valid",
        ),
        (
            "proxy = \"http://user:secret-word@h.example\"",
            "proxy is not valid: it contains a user name",
        ),
        (
            "profile = \"secret-word/\"",
            "the name of a profile is not valid",
        ),
        (
            "[profiles.\"secret-word/\"]",
            "the name of a profile is not valid",
        ),
        ("\u{0}", "is not TOML (line 1)"),
    ] {
        write(&home, "config.toml", text, 0o600);
        let ran = home.run(&["api", "x"]);
        ran.fails(2, says);
        for word in ["secret-word", "secretword"] {
            assert!(!ran.stderr.contains(word), "{text}: {}", ran.stderr);
        }
    }
    for command in [
        &["completions", "bash"][..],
        &["--version"],
        &["help", "exit-codes"],
    ] {
        home.run(command).succeeds();
    }
}

#[test]
fn a_profile_may_have_any_name() {
    let home = Home::new();
    let fake = Fake::status(200, "", "{}");
    let origin = format!("[profiles.turnkey.origins]\nlcx = \"{}\"\n", fake.url);
    let others = ["hockey", "session", "token", "password", "api_key"];
    let others = others.map(|name| format!("[profiles.{name}]\ntimeout = 1\n"));
    let text = format!("profile = \"turnkey\"\n{origin}{}", others.concat());
    write(&home, "config.toml", &text, 0o600);
    home.run(&["api", "x"]).succeeds();
    assert_eq!(fake.connections(), 1);
    for text in [
        "[profiles]\nkey = \"secret-word\"",
        "[profiles.hockey]\nkey = \"secret-word\"",
        "[profiles.hockey.profiles.key]\na = 1\n[profiles.hockey.session]\nb = 1",
    ] {
        write(&home, "config.toml", text, 0o600);
        home.run(&["api", "x"])
            .fails(2, "has what may be a key or a password");
    }
}

#[test]
fn a_home_that_is_no_folder_has_no_settings() {
    let home = Home::new();
    let fake = Fake::status(200, "", "{}");
    let mut command = home.ap(&["--origin", &fake.as_lcx(), "api", "x"]);
    command.env(VARIABLE, KEY).env_remove("XDG_CONFIG_HOME");
    command.env("HOME", "/dev/null");
    Ran::of(command.output().unwrap(), KEY).succeeds();
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let home = Home::new();
    for mode in [0o622, 0o602, 0o660] {
        write(&home, "config.toml", "timeout = 1", mode);
        home.run(&["api", "x"])
            .fails(2, "other users can write the config file");
    }
    write(&home, "config.toml", "timeout = 1", 0o644);
    let folder = home.path().join("config/ap");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    home.run(&["api", "x"])
        .fails(2, "everyone can write to the folder of the config file");
}

#[test]
fn the_key_comes_from_a_credential_of_a_service_manager() {
    let home = Home::new();
    let fake = Fake::status(200, "", "{}");
    let origin = fake.as_lcx();
    let call = ["--origin", &origin, "api", "x"];
    for (mode, is_private, is_for_group) in [
        (0o400, true, true),
        (0o600, true, true),
        (0o440, false, true),
        (0o644, false, false),
        (0o444, false, false),
        (0o660, false, false),
    ] {
        // Without a line feed, as `kubectl create secret --from-literal` makes it.
        let path = write(&home, "credential", KEY, mode);
        let is_of_root = std::fs::metadata(&path).unwrap().uid() == 0;
        let ran = run(&home, &[(KEY_FILE, path.to_str().unwrap())], &call, "");
        if is_private || is_for_group && is_of_root {
            ran.succeeds();
            assert_eq!(sent_key(&fake), "one", "{mode:o}");
        } else {
            ran.fails(2, "other users can read or write the keys file");
        }
    }
    // A mounted secret is a link to a folder that is swapped.
    write(&home, "secret/..2026/key", KEY, 0o440);
    let secret = home.path().join("config/ap/secret");
    std::os::unix::fs::symlink("..2026", secret.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/key", secret.join("key")).unwrap();
    let link = secret.join("key");
    let link = link.to_str().unwrap();
    if std::fs::metadata(link).unwrap().uid() == 0 {
        run(&home, &[(KEY_FILE, link)], &call, "").succeeds();
    }
    // What a shell makes of `<(command)` is such a path too.
    run(&home, &[(KEY_FILE, "/dev/fd/0")], &call, KEY).succeeds();
    assert_eq!(sent_key(&fake), "one");
    run(&home, &[(KEY_FILE, "/no/such/file")], &call, "").fails(2, "does not exist");
    run(&home, &[(KEY_FILE, "key")], &call, "").fails(2, "is not an absolute path");
    // A key in a variable comes first.
    run(
        &home,
        &[(KEY_FILE, "/no/such/file"), (VARIABLE, OTHER_KEY)],
        &call,
        "",
    )
    .succeeds();
    assert_eq!(sent_key(&fake), "other");
}
