//! What is refused before anything is sent.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common::{Fake, Home, KEY, Ran, VARIABLE};

#[test]
fn what_is_refused_before_anything_is_sent_exits_2_with_one_sentence() {
    let fake = Fake::status(200, "", "{}");
    let home = Home::new();
    let with_port = format!("http://127.0.0.1:{}@evil.example/x", fake.port);
    let other_port = format!("http://127.0.0.1:{}/x", fake.port);
    let huge_path = format!("/{}", "x".repeat(9000));
    let cases: &[(&[&str], &str)] = &[
        (&["api", "http://app.leadconduit.com/flows"], "plain http"),
        (&["api", "HTTP://app.leadconduit.com/flows"], "plain http"),
        (
            &["api", "https://evil.example/flows"],
            "not an allowed origin",
        ),
        (
            &["api", "https://app.leadconduit.com.evil.example/"],
            "not an allowed origin",
        ),
        (
            &["api", "https://app.leadconduit.com:444/"],
            "not an allowed origin",
        ),
        (&["api", &other_port], "not an allowed origin"),
        (
            &["api", "https://user:secret-word@app.leadconduit.com/"],
            "a user name or a password",
        ),
        (&["api", &with_port], "a user name or a password"),
        (&["api", "https://app.leadconduit.com:99999/"], "port"),
        (&["api", "https://app.leadconduit.com:0443/"], "port"),
        (&["api", "https://app.leadconduit.com:/"], "port"),
        (&["api", "ftp://app.leadconduit.com/"], "https://"),
        (&["api", "//evil.example/"], "two slashes"),
        (&["api", "/\\evil.example/"], "two slashes"),
        (&["api", "/a\\b"], "backslash"),
        (&["api", "/a/../b"], ". or .. segment"),
        (&["api", "/a/%2e%2E/b"], ". or .. segment"),
        (&["api", "/a#b"], "fragment"),
        (&["api", "/a\r\nX: y"], "control character"),
        (&["api", &huge_path], "more than"),
        (
            &["api", "app.leadconduit.com/flows"],
            "neither a path nor a URL",
        ),
        (&["api", "localhost:8080/flows"], "neither a path nor a URL"),
        (&["api", "../flows"], "neither a path nor a URL"),
        (&["api", "-"], "neither a path nor a URL"),
        (&["api", "C:/Program Files/Git/flows"], "Git Bash"),
        (&["api", "d:\\msys64\\flows"], "Git Bash"),
        (&["api", "0123456789abcdef"], "may be a key"),
        (&["api", "0123456789abcdef?limit=1"], "may be a key"),
        (&["api", "0123456789abcdef/flows"], "may be a key"),
        (&["api", "API:0123456789abcdef#x"], "may be a key"),
        (&["api", ""], "neither a path nor a URL"),
        (
            &["api", "-H", "Authorization: Basic secret-word", "/flows"],
            "authorization",
        ),
        (
            &["api", "-H", "pROXY-aUTHORIZATION: secret-word", "/flows"],
            "proxy-authorization",
        ),
        (
            &["api", "-H", "Content-Length: 3", "/flows"],
            "content-length",
        ),
        (&["api", "-H", "Host: evil.example", "/flows"], "host"),
        (
            &["api", "-H", "no colon here secret-word", "/flows"],
            "no colon",
        ),
        (&["api", "-H", "X: caf\u{e9}", "/flows"], "printable ASCII"),
        (&["api", "-H", "X: a\nb", "/flows"], "a control character"),
        (&["api", "-X", "TRACE", "/flows"], "TRACE"),
        (&["api", "-X", "BAD METHOD", "/flows"], "method"),
        (
            &["api", "-d", "{\"a\":\n 1,}", "/flows"],
            "not JSON (line 2, column 4)",
        ),
        (&["api", "-d", "", "/flows"], "not JSON"),
        (
            &[
                "api",
                "-H",
                "Content-Type: application/problem+json; a=b",
                "-d",
                "x",
                "/flows",
            ],
            "not JSON (line 1, column 1)",
        ),
        (
            &["api", "-H", "X : y", "/flows"],
            "a name that is not valid",
        ),
        (&["api", "-H", "X y", "/flows"], "no colon"),
        (&["api", "-X", "CONNECT", "/flows"], "CONNECT"),
        (&["api", "-X", "", "/flows"], "method"),
        (&["api", "-d", "@no/such/file", "/flows"], "no/such/file"),
        (
            &["api", "--product", "nonsense", "/flows"],
            "no such product",
        ),
        (
            &[
                "api",
                "--product",
                "trustedform",
                "https://app.leadconduit.com/",
            ],
            "belongs to LeadConduit",
        ),
        (
            &["--origin", "lcx=http://192.0.2.1", "api", "/flows"],
            "plain http",
        ),
        (
            &["--origin", "nonsense=https://x.example", "api", "/flows"],
            "suppressionlist",
        ),
        (&["--origin", "lcx", "api", "/flows"], "PRODUCT=URL"),
        (
            &[
                "--origin",
                "lcx=https://x.example",
                "--origin",
                "trustedform=https://x.example",
                "api",
                "/",
            ],
            "same origin",
        ),
        (
            &["--origin", "lcx=https://x.example/path", "api", "/"],
            "something after the host and port",
        ),
        (
            &[
                "--emulator",
                "--origin",
                "lcx=https://x.example",
                "api",
                "/",
            ],
            "cannot be used together",
        ),
        (&["--emulator", "emulate"], "leave --emulator out"),
        (&["--timeout", "0", "api", "/"], "seconds"),
        (&["--timeout", "0.00000000001", "api", "/"], "seconds"),
        (&["--timeout", "86401", "api", "/"], "seconds"),
        (&["--timeout", "nan", "api", "/"], "seconds"),
        (&["--timeout", "", "api", "/"], "seconds"),
        (&["--timeout", "-1", "api", "/"], "seconds"),
        (&["--timeout", "1e3", "api", "/"], "seconds"),
        (&["--ca", "no/such/file", "api", "/"], "no/such/file"),
        (&["emulate", "--port", "0"], "port"),
        (&["emulate", "--port", "65534"], "port"),
        (&["emulate", "--port", "+80"], "port"),
        (&["emulate", "--port", "080"], "port"),
        (&["emulate", "--events", "-1"], "events"),
        (&["emulate", "--events", "+1"], "events"),
        (&["emulate", "--events", "10000001"], "events"),
        (&["--key", "secret-word", "api", "/flows"], "argument"),
        (&["nonsense-secret-word"], "no such command"),
        (&["completions", "secret-word"], "use one of: bash"),
        (&["api", "/x", "secret-word"], "no such argument"),
        (&["run", "secret-word"], "write `--` before the command"),
        (&["api", "--secret-word", "/x"], "no such argument"),
        (&["api", "--no-auth=secret-word", "/x"], "not valid"),
        (&["auth", "nonsense-secret-word"], "no such command"),
        (
            &["--ca", "https://user:secret-word@h.example/x", "api", "/"],
            "cannot be read",
        ),
        (
            &[
                "--origin",
                "lcx=https://user:secret-word@h.example",
                "api",
                "/",
            ],
            "a user name or a password",
        ),
        (&["-v"], "command is missing"),
    ];
    let origin = fake.as_lcx();
    for (arguments, says) in cases {
        // A path that is not refused would arrive here.
        let target = arguments.last().copied().unwrap_or_default();
        let before: &[&str] = if arguments.contains(&"api") && target.starts_with("/") {
            &["--origin", &origin]
        } else {
            &[]
        };
        let is_moved = arguments.contains(&"--emulator") || arguments.contains(&"--origin");
        let before = if is_moved { &[] } else { before };
        let ran = home.run(&[before, arguments].concat());
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.stderr);
        ran.fails(2, says);
        assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn a_variable_that_is_not_a_key_exits_2_and_is_named() {
    let home = Home::new();
    for (value, says) in [
        ("placeholder-key\n-with-a-break", "line break"),
        ("placeholder-k\u{435}y-cyrillic", "U+0435"),
        ("\"placeholder-key-quoted\"", "quotes"),
        ("X:placeholder-key-pair", "user name and a key"),
        (" placeholder-key-space", "space"),
    ] {
        let mut command = home.ap(&["api", "/flows"]);
        command.env(VARIABLE, value);
        let ran = Ran::of(command.output().unwrap(), KEY);
        ran.fails(2, says);
        ran.says(VARIABLE);
        assert!(!ran.stderr.contains("placeholder"), "{}", ran.stderr);
    }
}

#[test]
fn a_key_in_an_argument_is_refused_without_being_repeated() {
    let fake = Fake::status(200, "", "{}");
    for argument in [
        KEY.to_owned(),
        format!("/flows?key={KEY}"),
        format!("/flows?key={}", KEY.replace('-', "%2D")),
        format!("/%zz%?key={}%", KEY.replace('p', "%70")),
        format!("https://x:{KEY}@h.example/"),
    ] {
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", &argument]);
        ran.fails(2, "an argument contains the API key");
        ran.says("reset the key");
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn without_a_key_it_exits_3_and_says_how_to_give_one() {
    let ran = Home::new().run_bare(&["api", "/flows"]);
    ran.fails(3, "no API key");
    ran.says("ap auth login");
    let empty = Home::new()
        .ap(&["api", "/flows"])
        .env(VARIABLE, "")
        .output()
        .unwrap();
    Ran::of(empty, KEY).fails(3, "no API key");
}

#[test]
fn arguments_are_checked_before_a_key_is_needed() {
    let home = Home::new();
    for (arguments, says) in [
        (
            vec!["api", "https://evil.example/x"],
            "not an allowed origin",
        ),
        (vec!["api", "-X", "TRACE", "/x"], "TRACE"),
        (vec!["api", "-H", "Host: h.example", "/x"], "host"),
        (vec!["api", "-d", "{", "/x"], "not JSON"),
    ] {
        home.run_bare(&arguments).fails(2, says);
    }
}

#[test]
fn a_body_that_is_not_utf_8_says_where() {
    let home = Home::new();
    let file = home.path().join("body.json");
    std::fs::write(&file, b"{\n\"a\": \"\xFF\"}").unwrap();
    let data = format!("@{}", file.display());
    home.run(&["api", "-d", &data, "/flows"])
        .fails(2, "not JSON (line 2, column 7)");
}

#[test]
fn a_body_in_another_encoding_is_named_for_what_it_is() {
    let home = Home::new();
    let file = home.path().join("body.json");
    let data = format!("@{}", file.display());
    let utf_16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "{\"a\":1}".encode_utf16().flat_map(order).collect()
    };
    let (little, big) = (utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes));
    for (body, says) in [
        (b"\xEF\xBB\xBF{}".to_vec(), "begins with a byte-order mark"),
        ([b"\xFF\xFE", &little[..]].concat(), "is UTF-16"),
        ([b"\xFE\xFF", &big[..]].concat(), "is UTF-16"),
        (little, "is UTF-16"),
        (big, "is UTF-16"),
        (b"\xFF\xFE\0\0{\0\0\0".to_vec(), "is UTF-32"),
        (b"{\0\0\0}\0\0\0".to_vec(), "is UTF-32"),
        (b"\0\0\0{\0\0\0}".to_vec(), "is UTF-32"),
        (b"\x1F\x8B\x08\0".to_vec(), "is compressed with gzip"),
        (b"\x28\xB5\x2F\xFD\0".to_vec(), "is compressed with zstd"),
    ] {
        std::fs::write(&file, &body).unwrap();
        let ran = home.run(&["api", "-d", &data, "/flows"]);
        ran.fails(2, says);
        ran.says("body.json");
        home.run_with(&["api", "-d", "-", "/flows"], body)
            .fails(2, says);
    }
}

#[test]
fn a_short_key_is_refused_only_as_a_whole_argument() {
    let home = Home::new();
    for (arguments, code) in [
        (["api", "k-1"], 2),
        (["api", "/k-1"], 2),
        (["completions", "bash"], 0),
    ] {
        let ran = home.ap(&arguments).env(VARIABLE, "k-1").output().unwrap();
        assert_eq!(ran.status.code(), Some(code), "{arguments:?}");
    }
    // The second is the rule of the library: no URL contains the key.
    let ran = home
        .ap(&["api", "/k%2D1"])
        .env(VARIABLE, "k-1")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&ran.stderr).contains("the URL contains the API key"));
}

#[test]
fn nothing_is_read_from_the_working_directory_or_a_relative_home() {
    let home = Home::new();
    let folder = home.path().join("hostile");
    std::fs::create_dir_all(folder.join(".config/ap")).unwrap();
    for file in [".config/ap/keys", "keys", ".env", ".netrc", "ap.toml"] {
        std::fs::write(folder.join(file), format!("{VARIABLE}={KEY}\n")).unwrap();
    }
    let mut command = home.ap(&["api", "/x"]);
    command.current_dir(&folder);
    Ran::of(command.output().unwrap(), KEY).fails(3, "no API key");
    let mut command = home.ap(&["api", "/x"]);
    command
        .current_dir(&folder)
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", ".");
    Ran::of(command.output().unwrap(), KEY).fails(2, "not an absolute path");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_without_an_end_is_read_up_to_a_limit() {
    let fake = Fake::status(200, "", "{}");
    let home = Home::new();
    for (arguments, says) in [
        (vec!["--ca", "/dev/zero", "api", "/x"], "larger than 16 MiB"),
        (vec!["api", "-d", "@/dev/zero", "/x"], "larger than 64 MiB"),
    ] {
        let origin = fake.as_lcx();
        let all = [vec!["--origin", &origin], arguments].concat();
        home.run(&all).fails(2, says);
    }
    let mut command = home.ap(&["api", "-d", "-", "/x"]);
    command
        .env(VARIABLE, KEY)
        .stdin(std::fs::File::open("/dev/zero").unwrap());
    Ran::of(command.output().unwrap(), KEY).fails(2, "standard input is larger than 64 MiB");
    assert_eq!(fake.connections(), 0);
}

#[test]
#[cfg(unix)]
fn a_keys_file_in_a_folder_that_everyone_can_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    home.store(KEY.as_bytes(), 0o600);
    let folder = home.keys_file().parent().unwrap().to_owned();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let ran = home.run_bare(&["api", "/x"]);
    ran.fails(2, "everyone can write to the folder of the keys file");
    ran.says("chmod o-w '/");
}
