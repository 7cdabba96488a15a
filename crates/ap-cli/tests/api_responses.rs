//! What `ap api` makes of answers: exit codes, what is shown, and what is not.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use ap_emulator::{Emulator, Product};
use common::{Fake, Home, KEY, Ran, VARIABLE, assert_absent};

#[test]
fn statuses_have_their_exit_codes() {
    for (status, body, code) in [
        (200, "{}", 0),
        (201, "{}", 0),
        (204, "", 0),
        (301, "", 1),
        (304, "", 1),
        (400, "{}", 1),
        (401, r#"{"error":"authentication failed"}"#, 3),
        (401, r#"{"error":"not authorized"}"#, 4),
        (401, "<html>", 4),
        (402, "{}", 4),
        (403, "{}", 4),
        (404, "{}", 5),
        (409, "{}", 1),
        (418, "{}", 1),
        (429, "{}", 7),
        (500, "{}", 7),
        (503, "{}", 7),
    ] {
        let fake = if status == 204 || status == 304 {
            Fake::answering(format!("HTTP/1.1 {status} X\r\nConnection: close\r\n\r\n"))
        } else {
            Fake::status(status, "", body)
        };
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "/x"]);
        assert_eq!(ran.code, Some(code), "{status}: {}", ran.stderr);
        assert_eq!(ran.stdout, body, "{status}");
        let lines = ran.stderr.lines().count();
        assert_eq!(
            lines,
            if code == 0 { 0 } else { 2 },
            "{status}: {}",
            ran.stderr
        );
        assert_eq!(fake.connections(), 1);
    }
}

#[test]
fn what_cannot_be_reached_or_read_exits_6() {
    let nobody = Fake::status(200, "", "").port;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    assert_ne!(nobody, closed);
    let ran = Home::new().run(&[
        "--origin",
        &format!("lcx=http://127.0.0.1:{closed}"),
        "api",
        "/x",
    ]);
    ran.fails(6, "does not take the connection");
    for (answer, says) in [
        ("", "ended before the response began"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
            "ended early",
        ),
        ("nonsense\r\n\r\n", "not sound HTTP"),
    ] {
        let fake = Fake::answering(answer);
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "/x"]);
        ran.fails(6, says);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn a_redirect_is_shown_and_the_other_listener_hears_nothing() {
    let other = Fake::status(200, "", "{}");
    for host in ["127.0.0.1", "localhost"] {
        let location = format!("Location: http://{host}:{}/elsewhere\r\n", other.port);
        let fake = Fake::status(302, &location, "moved");
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "-i", "/x"]);
        ran.fails(1, "302");
        assert!(ran.stderr.contains("not followed"));
        assert!(
            ran.stdout.starts_with("HTTP/1.1 302 Found\n"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains("elsewhere") && ran.stdout.ends_with("moved"));
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn a_server_that_reflects_the_key_does_not_get_it_shown() {
    let pair = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("API:{KEY}"),
    );
    let headers = format!("X-Reflected: Basic {pair}\r\n");
    let body = format!("<p>{KEY} {pair} \u{1b}[31m</p>");
    for status in [200, 401, 500] {
        let fake = Fake::status(status, &headers, &body);
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "-v", "api", "-i", "/x"]);
        assert!(ran.stdout.contains("[redacted]"), "{}", ran.stdout);
        assert_absent(&ran.stdout, KEY);
        assert!(
            ran.stderr.contains("authorization: Basic [redacted]"),
            "{}",
            ran.stderr
        );
        assert!(!ran.stderr.contains('\u{1b}'));
    }
}

#[test]
fn output_without_a_secret_is_the_servers_bytes() {
    let body = "{ \"b\" : 2.50,\n\t\"a\":[1e400, \"\\u0041\"] }\n";
    let fake = Fake::status(200, "", body);
    let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "/x"]);
    assert_eq!(ran.succeeds(), body);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let body = "x".repeat(4 * 1024 * 1024);
    let fake = Fake::status(500, "", &body);
    let mut child = Home::new()
        .ap(&["--origin", &fake.as_lcx(), "api", "/x"])
        .env(VARIABLE, KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Gone before the first byte, as `| head -0` is.
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap(), KEY);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn only_the_first_line_is_wanted() {
    let body = "line\n".repeat(1_000_000);
    let fake = Fake::status(200, "", &body);
    let mut child = Home::new()
        .ap(&["--origin", &fake.as_lcx(), "api", "-i", "/x"])
        .env(VARIABLE, KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    drop(reader);
    assert_eq!(first, "HTTP/1.1 200 OK\n");
    let ran = Ran::of(child.wait_with_output().unwrap(), KEY);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_listener_of_standard_error_that_goes_away_changes_nothing() {
    let fake = Fake::status(404, "", "gone");
    for verbose in [None, Some("-v")] {
        let origin = fake.as_lcx();
        let arguments: Vec<&str> = ["--origin", &origin, "api", "/x"]
            .into_iter()
            .chain(verbose)
            .collect();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Home::new()
            .ap(&arguments)
            .env(VARIABLE, KEY)
            .stderr(writer)
            .output()
            .unwrap();
        assert_eq!(
            (output.status.code(), output.stdout),
            (Some(5), b"gone".to_vec())
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure_of_this_machine() {
    let fake = Fake::status(200, "", "{}");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = Home::new()
        .ap(&["--origin", &fake.as_lcx(), "api", "/x"])
        .env(VARIABLE, KEY)
        .stdout(full)
        .output()
        .unwrap();
    Ran::of(output, KEY).fails(1, "standard output cannot be written");
}

#[test]
fn members_that_hold_keys_are_redacted_unless_asked_for() {
    let body = "{\n  \"api_key\": \"placeholder-secret\",\n  \"nested\": [{\"keen_read_api_key\": \"other-secret\"}],\n  \"n\": 1.50\n}\n";
    let shown = "{\n  \"api_key\": \"[redacted]\",\n  \"nested\": [{\"keen_read_api_key\": \"[redacted]\"}],\n  \"n\": 1.50\n}\n";
    for status in [200, 404] {
        let fake = Fake::status(status, "", body);
        let (origin, home) = (fake.as_lcx(), Home::new());
        assert_eq!(home.run(&["--origin", &origin, "api", "/x"]).stdout, shown);
        let all = home.run(&["--origin", &origin, "api", "--show-secrets", "/x"]);
        assert_eq!(all.stdout, body);
    }
}

#[test]
fn every_key_of_the_file_is_kept_from_what_is_shown() {
    let fake = Fake::status(
        200,
        "X-Other: placeholder-key-number-two\r\n",
        "[\"placeholder-key-number-two\"]",
    );
    let home = Home::new();
    home.store(
        format!("{KEY}\nplaceholder-key-number-two\n").as_bytes(),
        0o600,
    );
    let mut command = home.ap(&["--origin", &fake.as_lcx(), "api", "-i", "/x"]);
    let ran = Ran::of(command.output().unwrap(), KEY);
    assert!(
        ran.succeeds().contains("x-other: [redacted]\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.ends_with("[\"[redacted]\"]"), "{}", ran.stdout);
}

#[test]
fn no_failing_command_shows_the_key_in_any_spelling() {
    let pair = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("API:{KEY}"),
    );
    let backwards = |text: &str| text.chars().rev().collect::<String>();
    let spellings = [
        KEY.to_owned(),
        pair.clone(),
        backwards(KEY),
        backwards(&pair),
    ];
    let text = spellings.join(" ");
    let headers = format!(
        "X-A: {text}\r\nLocation: https://h.example/{KEY}\r\nWWW-Authenticate: Basic realm=\"{text}\"\r\n"
    );
    for status in [302, 400, 401, 403, 404, 429, 500] {
        for body in [
            text.clone(),
            format!("{{\"error\":\"{text}\"}}"),
            format!("{{\"error\":\"authentication failed\",\"{KEY}\":[\"{text}\"]}}"),
        ] {
            let fake = Fake::status(status, &headers, &body);
            let origin = fake.as_lcx();
            let ran = Home::new().run(&["--origin", &origin, "-v", "api", "-i", "/x"]);
            assert_ne!(ran.code, Some(0));
            assert_absent(&ran.stdout, KEY);
            assert_absent(&ran.stderr, KEY);
        }
    }
}

#[test]
fn verbose_says_what_is_called_and_never_the_path() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    let url = emulator.url(Product::LeadConduit);
    let output = Home::new()
        .ap(&[
            "-v",
            "--origin",
            &format!("lcx={url}"),
            "api",
            "/flows?id=private",
        ])
        .env(VARIABLE, &key)
        .output()
        .unwrap();
    let ran = Ran::of(output, &key);
    ran.succeeds();
    let lines: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(lines[0], format!("> GET {url}"));
    assert!(lines.contains(&"> accept: application/json"), "{lines:?}");
    assert!(
        lines.contains(&"> authorization: Basic [redacted]"),
        "{lines:?}"
    );
    let last = lines.last().unwrap();
    assert!(
        last.starts_with("< 200 OK in ") && last.ends_with(" ms"),
        "{last}"
    );
    assert!(!ran.stderr.contains("private"));
}

#[test]
fn a_call_that_takes_too_long_exits_6() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("lcx=http://{}", listener.local_addr().unwrap());
    let ran = Home::new().run(&["--timeout", "0.2", "--origin", &origin, "api", "/x"]);
    ran.fails(6, "took too long");
    assert!(ran.stderr.contains("--timeout"));
}

#[test]
fn verbose_hides_what_headers_of_the_callers_own_may_hold() {
    let fake = Fake::status(200, "", "{}");
    let origin = fake.as_lcx();
    let secrets = ["Cookie", "X-Api-Key", "X-Auth-Token", "Session-Secret"];
    let lines = secrets.map(|name| format!("{name}: hidden-value"));
    let mut arguments = vec!["-v", "--origin", &origin, "api", "/x", "-H", "X-Note: said"];
    arguments.extend(lines.iter().flat_map(|line| ["-H", line.as_str()]));
    let ran = Home::new().run(&arguments);
    ran.succeeds();
    assert!(!ran.stderr.contains("hidden-value"), "{}", ran.stderr);
    assert!(ran.stderr.contains("> x-note: said\n"), "{}", ran.stderr);
    for name in secrets {
        let line = format!("> {}: [redacted]\n", name.to_lowercase());
        assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    }
    let sent = fake.received()[0].matches("hidden-value").count();
    assert_eq!(sent, secrets.len());
}
