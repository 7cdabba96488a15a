//! `ap api`: the exit code of each answer, what is printed of it, and what is not.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common::{
    BAD_KEY, Fake, Home, KEY, Ran, VARIABLE, assert_absent, encoded_pair, reversed, spawn,
};
use ap_emulator::{Emulator, Product};
use std::io::{BufRead as _, BufReader};

#[test]
fn each_status_has_its_exit_code() {
    for (status, body, code) in [
        (200, "{}", 0),
        (201, "{}", 0),
        (204, "", 0),
        (301, "", 1),
        (304, "", 1),
        (400, "{}", 1),
        (401, BAD_KEY, 3),
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
fn a_403_of_trustedform_is_a_bad_key_in_one_form_and_may_be_one_in_any_other() {
    let operation = r#"{"outcome":"error","reason":"Unavailable product requested"}"#;
    for (status, body, code, says) in [
        (
            403,
            r#"{"error":"Invalid Authentication"}"#,
            3,
            "check the key; if it was reset",
        ),
        (
            403,
            operation,
            4,
            "check the key, and if the account's plan",
        ),
        (403, "", 4, "check the key, and if the account's plan"),
        (
            401,
            r#"{"error":"Invalid Authentication"}"#,
            4,
            "the key may be good",
        ),
    ] {
        let fake = Fake::status(status, "", body);
        let origin = format!("trustedform={}", fake.url);
        let url = format!("{}/x", fake.url);
        let ran = Home::new().run(&["--origin", &origin, "api", &url]);
        assert_eq!(ran.code, Some(code), "{body}: {}", ran.stderr);
        ran.says(says);
        assert_eq!(ran.stdout, body);
    }
}

#[test]
fn without_a_complete_answer_it_exits_6() {
    // Nothing listens on port 1, which only root can open.
    let ran = Home::new().run(&["--origin", "lcx=http://127.0.0.1:1", "api", "/x"]);
    ran.fails(6, "does not accept the connection");
    for (answer, says) in [
        ("", "ended before the response began"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
            "ended early",
        ),
        ("nonsense\r\n\r\n", "not valid HTTP"),
    ] {
        let fake = Fake::answering(answer);
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "/x"]);
        ran.fails(6, says);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn the_time_to_wait_is_shown() {
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let in_a_minute = "Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n";
    for (status, headers, says) in [
        (429, "Retry-After: 120\r\n".to_owned(), "asks to wait 120 s"),
        (503, "Retry-After: 7\r\n".to_owned(), "asks to wait 7 s"),
        (503, format!("{date}{in_a_minute}"), "asks to wait 60 s"),
        // Long ago by this machine's clock.
        (429, in_a_minute.to_owned(), "asks to wait 0 s"),
        (
            429,
            "Retry-After: soon\r\n".to_owned(),
            "429 Too Many Requests\n",
        ),
        (503, String::new(), "503 Service Unavailable\n"),
    ] {
        for method in ["GET", "POST"] {
            let fake = Fake::status(status, &headers, "{}");
            let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "-X", method, "/x"]);
            ran.fails(7, says);
        }
    }
}

#[test]
fn a_date_counts_by_this_machines_clock_if_the_server_shows_none() {
    let headers = "Retry-After: Sun, 06 Nov 2095 08:49:37 GMT\r\n";
    let fake = Fake::status(429, headers, "{}");
    let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "/x"]);
    ran.fails(7, "asks to wait ");
    ran.says(" seconds, then send the request again");
}

#[test]
fn a_redirect_is_shown_and_not_followed() {
    let other = Fake::status(200, "", "{}");
    for host in ["127.0.0.1", "localhost"] {
        let location = format!("Location: http://{host}:{}/elsewhere\r\n", other.port);
        let fake = Fake::status(302, &location, "moved");
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "-i", "/x"]);
        ran.fails(1, "302");
        ran.says("not followed");
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
fn a_key_that_a_server_repeats_is_not_shown() {
    let pair = encoded_pair(KEY);
    let headers = format!("X-Reflected: Basic {pair}\r\n");
    let body = format!("<p>{KEY} {pair} \u{1b}[31m</p>");
    for status in [200, 401, 500] {
        let fake = Fake::status(status, &headers, &body);
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "-v", "api", "-i", "/x"]);
        ran.prints("[redacted]");
        assert_absent(&ran.stdout, KEY);
        ran.says("authorization: Basic [redacted]");
        assert!(!ran.stderr.contains('\u{1b}'));
    }
}

#[test]
fn an_answer_without_a_secret_is_printed_byte_for_byte() {
    let body = "{ \"b\" : 2.50,\n\t\"a\":[1e400, \"\\u0041\"] }\n";
    let fake = Fake::status(200, "", body);
    let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "/x"]);
    assert_eq!(ran.succeeds(), body);
}

#[test]
fn a_reader_that_ends_early_is_no_failure() {
    let body = "x".repeat(4 * 1024 * 1024);
    let fake = Fake::status(500, "", &body);
    let mut command = Home::new().ap(&["--origin", &fake.as_lcx(), "api", "/x"]);
    command.env(VARIABLE, KEY);
    let mut child = spawn(command);
    // Gone before the first byte, as `| head -0` is.
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap(), KEY);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_reader_may_want_only_the_first_line() {
    let body = "line\n".repeat(1_000_000);
    let fake = Fake::status(200, "", &body);
    let mut command = Home::new().ap(&["--origin", &fake.as_lcx(), "api", "-i", "/x"]);
    command.env(VARIABLE, KEY);
    let mut child = spawn(command);
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    drop(reader);
    assert_eq!(first, "HTTP/1.1 200 OK\n");
    let ran = Ran::of(child.wait_with_output().unwrap(), KEY);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_closed_standard_error_changes_nothing() {
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
fn a_full_disk_exits_1() {
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

/// Runs `ap` by a shell, with redirections, and a call of a server that answers with this body.
#[cfg(unix)]
fn run_redirected(body: &str, arguments: &str, redirections: &str) -> Ran {
    let fake = Fake::status(200, "", body);
    let ap = Home::new().ap(&[]);
    let mut shell = std::process::Command::new("/bin/sh");
    let origin = fake.as_lcx();
    let line = format!("exec \"$0\" --origin {origin} api /x {arguments} {redirections}");
    shell.args(["-c", &line]).arg(ap.get_program());
    shell.env_clear().env(VARIABLE, KEY).env("HOME", "/nowhere");
    Ran::of(shell.output().unwrap(), KEY)
}

#[cfg(unix)]
#[test]
fn a_closed_stream_is_a_failure_and_a_null_device_is_not() {
    let closed = run_redirected("{}", "", ">&-");
    closed.fails(1, "standard output cannot be written (it is closed)");
    // Nothing is to be written.
    run_redirected("", "", ">&-").succeeds();
    for discarded in [">/dev/null", "1<>/dev/null", "2>&-", "<&-"] {
        run_redirected("{}", "", discarded).succeeds();
    }
    let text = "-H 'Content-Type: text/plain' -d -";
    run_redirected("{}", text, "<&-").fails(2, "standard input is closed");
    run_redirected("{}", text, "</dev/null").succeeds();
    for command in ["auth login", "auth login --no-check"] {
        let mut shell = std::process::Command::new("/bin/sh");
        let ap = Home::new().ap(&[]);
        shell.args(["-c", &format!("exec \"$0\" {command} <&-")]);
        shell
            .arg(ap.get_program())
            .env_clear()
            .env("HOME", "/nowhere");
        Ran::of(shell.output().unwrap(), KEY).fails(2, "standard input is closed");
    }
}

#[test]
fn members_that_contain_keys_are_redacted_unless_asked_for() {
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
fn every_key_of_the_file_is_redacted() {
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
    let ran = home.run_bare(&["--origin", &fake.as_lcx(), "api", "-i", "/x"]);
    assert!(
        ran.succeeds().contains("x-other: [redacted]\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.ends_with("[\"[redacted]\"]"), "{}", ran.stdout);
}

#[test]
fn no_failing_command_shows_the_key_in_any_spelling() {
    let pair = encoded_pair(KEY);
    let spellings = [KEY.to_owned(), pair.clone(), reversed(KEY), reversed(&pair)];
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
fn verbose_prints_what_is_called_and_never_the_path() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    let url = emulator.url(Product::LeadConduit);
    let origin = format!("--origin=lcx={url}");
    let ran = Home::new().run_with_key(&["-v", &origin, "api", "/flows?id=private"], &key);
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
    ran.says("--timeout");
}

#[test]
fn verbose_hides_headers_whose_names_suggest_a_secret() {
    let fake = Fake::status(200, "", "{}");
    let origin = fake.as_lcx();
    let secrets = ["Cookie", "X-Api-Key", "X-Auth-Token", "Session-Secret"];
    let lines = secrets.map(|name| format!("{name}: hidden-value"));
    let mut arguments = vec!["-v", "--origin", &origin, "api", "/x", "-H", "X-Note: said"];
    arguments.extend(lines.iter().flat_map(|line| ["-H", line.as_str()]));
    let ran = Home::new().run(&arguments);
    ran.succeeds();
    assert!(!ran.stderr.contains("hidden-value"), "{}", ran.stderr);
    ran.says("> x-note: said\n");
    for name in secrets {
        let line = format!("> {}: [redacted]\n", name.to_lowercase());
        ran.says(&line);
    }
    let sent = fake.received()[0].matches("hidden-value").count();
    assert_eq!(sent, secrets.len());
}
