//! `ap api`: no secret is printed, in whatever spelling, and a large answer costs time and memory in proportion to
//! its length.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common;
use crate::common::{Fake, Home, KEY};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Returns the body of a successful answer as it is printed.
#[track_caller]
fn shown(body: &str) -> String {
    let fake = Fake::status(200, "", body);
    let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "/x"]);
    ran.succeeds().to_owned()
}

/// Spells each character of a text in this way.
fn spell(text: &str, spell: impl Fn(u32) -> String) -> String {
    text.chars().map(|c| spell(u32::from(c))).collect()
}

/// Writes a text of ASCII in short lines.
fn wrap(text: &str, line_break: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(10).collect();
    String::from_utf8(lines.join(line_break.as_bytes())).unwrap()
}

#[test]
fn a_key_is_redacted_in_every_spelling() {
    let json = spell(KEY, |c| format!(r"\u{c:04x}"));
    let percent = spell(KEY, |c| format!("%{c:02X}"));
    let html = spell(KEY, |c| format!("&#x{c:x};"));
    let alone = STANDARD.encode(KEY);
    let no_padding = STANDARD_NO_PAD.encode(format!("X:{KEY}"));
    let bodies = [
        format!(r#"{{"a":"\q {json}"}}"#),
        format!(r#"{{"a":"{json}","b":"\u12"}}"#),
        format!("\"{json}\""),
        format!("\"{}\"", json.to_uppercase().replace("\\U", "\\u")),
        format!("[\"{}\"]", json.replace('\\', r"\\")),
        format!("<p>{json}</p>"),
        format!("{{\"a\":\"{percent}\"}}"),
        percent.replace('%', r"\u0025"),
        percent.replace('%', "%25"),
        format!(
            "<p title=\"{html}\">{}</p>",
            spell(KEY, |c| format!("&#{c}"))
        ),
        html.replace('&', "&amp;"),
        alone.clone(),
        format!("{{\"a\":\"{alone}\"}}"),
        STANDARD.encode(&alone),
        no_padding.clone(),
        no_padding.chars().rev().collect(),
        URL_SAFE_NO_PAD.encode(format!("~~~???>>>{KEY}")),
        STANDARD.encode(format!("{{\"password\":\"{KEY}\"}}\n")),
        spell(KEY, |c| format!("{c:02x}")),
        spell(KEY, |c| format!("{c:02X}:")),
        format!("{{\"a\":\"{}\"}}", spell(KEY, |c| format!(r"\\{c:o}"))),
        spell(KEY, |c| format!("{}\0", char::from_u32(c).unwrap())),
        spell(KEY, |c| format!(r"{}\u0000", char::from_u32(c).unwrap())),
        STANDARD.encode(spell(KEY, |c| format!("{}\0", char::from_u32(c).unwrap()))),
        wrap(&STANDARD.encode(format!("API:{KEY}")), "\n"),
        format!(
            "{{\"a\":\"{}\"}}",
            wrap(&STANDARD.encode(format!("API:{KEY}")), r"\r\n")
        ),
        KEY.to_uppercase(),
    ];
    for body in bodies {
        let shown = shown(&body);
        assert!(shown.contains("[redacted]"), "{body}: {shown}");
        // Of what is encoded beside the key, a part may be left.
        assert!(shown.len() <= body.len() / 2 + 20, "{body}: {shown}");
    }
}

#[test]
fn secret_members_are_redacted_by_their_names() {
    for name in [
        "api_key",
        "keen_read_api_key",
        "keen_write_api_key",
        "password",
        "token",
        "access_token",
        "refresh_token",
        "client_secret",
        "zendesk_jwt",
        "integration_icon_url",
        "webhook_url",
        "apiKey",
        "db_pwd",
        "bearer",
        "session_id",
        "otp",
        "ssh_key",
        "keen_scoped_key",
    ] {
        let body =
            format!("{{\"id\":1,\"{name}\":\"hidden\",\"b\":[{{\"{name}\":[\"hidden\"]}}]}}");
        let quoted = serde_json::Value::from(body.as_str()).to_string();
        for body in [body, format!("{{\"body\":{quoted}}}"), quoted] {
            let shown = shown(&body);
            assert!(!shown.contains("hidden"), "{shown}");
            serde_json::from_str::<serde_json::Value>(&shown).unwrap();
        }
    }
    let body = r#"{"id":"i","key":"k","credential_id":"c","credentials":[{"pin":"1","session_length":2}],"logo_url":"https://h.example/?a=b"}"#;
    assert_eq!(shown(body), body);
}

#[test]
fn pre_signed_links_and_secret_headers_are_redacted() {
    let link = "https://h.example/a?X-Amz-Date=1&X-Amz-Signature=hidden";
    let headers = format!(
        "Location: {link}\r\nSet-Cookie: session=hidden\r\nX-Api-Key: hidden\r\nX-{KEY}: a\r\n"
    );
    let fake = Fake::status(200, &headers, &format!("{{\"url\":\"{link}\"}}"));
    let home = Home::new();
    let ran = home.run(&["--origin", &fake.as_lcx(), "api", "-i", "/x"]);
    let shown = ran.succeeds();
    assert!(!shown.contains("hidden") && !shown.contains(KEY), "{shown}");
    for line in [
        "location: https://h.example/a?X-Amz-Date=1&X-Amz-Signature=[redacted]\n",
        "set-cookie: [redacted]\n",
        "x-api-key: [redacted]\n",
        "x-[redacted]: a\n",
        "{\"url\":\"https://h.example/a?X-Amz-Date=1&X-Amz-Signature=[redacted]\"}",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    let ran = home.run(&[
        "--origin",
        &fake.as_lcx(),
        "api",
        "-i",
        "--show-secrets",
        "/x",
    ]);
    assert_eq!(ran.succeeds().matches("hidden").count(), 4);
}

/// Answers that are hard to read: deep, full of escapes, full of what may be a secret.
const PIECES: [&str; 15] = [
    "{\"a\":",
    "[",
    "{\"api_key\":",
    "{\"api_key\":[",
    "[\"\\u006b",
    "\\",
    "\"token\\\":\\\"",
    "&amp;",
    "%25",
    "?token=",
    "placeholder-key-of-",
    "\r\n \t",
    "\\141",
    "\0t",
    "\"\u{200b}",
];

/// Callgrind counts the instructions of the whole program, which do not depend on the machine's load.
#[test]
fn the_instructions_are_linear_in_the_length_of_the_answer() {
    // They live until the program has ended.
    let mut used = Vec::new();
    ap_linear::assert_program("ap api", 300, |length| {
        let body = PIECES.map(|piece| piece.repeat(length / piece.len()));
        let (fake, home) = (Fake::status(200, "", &body.concat()), Home::new());
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ap"));
        command
            .args(["--timeout=300", "--origin", &fake.as_lcx(), "api", "/x"])
            .env("HOME", home.path())
            .env(common::VARIABLE, KEY);
        used.push((fake, home));
        command
    });
}

/// The program is stopped in the middle of printing, and asked for its peak of memory.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_is_printed_in_less_than_twice_its_memory() {
    use std::io::Read as _;

    let peak_kib = |length: usize| {
        let line = format!(
            "{{\"id\":\"\\u0031\",\"token\":\"t\",\"note\":\"{}\"}},",
            "x".repeat(80)
        );
        let lines = format!("[{}0]", line.repeat(length / line.len()));
        let fake = Fake::status(200, "", &lines);
        let mut command = Home::new().ap(&["--origin", &fake.as_lcx(), "api", "/x"]);
        command.env(common::VARIABLE, KEY);
        let mut child = common::spawn(command);
        let mut stdout = child.stdout.take().unwrap();
        // More than a pipe can hold is left, so the program waits.
        let printed = lines.len() - 256 * 1024;
        let copied = std::io::copy(
            &mut (&mut stdout).take(printed as u64),
            &mut std::io::sink(),
        );
        assert_eq!(copied.unwrap(), printed as u64);
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
        assert!(child.wait().unwrap().success());
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse::<usize>()
            .unwrap()
    };
    let (small, large) = (512 * 1024, 4 * 1024 * 1024);
    let more = (peak_kib(large) - peak_kib(small)) * 1024;
    eprintln!(
        "{more} bytes of memory for {} bytes of an answer",
        large - small
    );
    assert!(more < 2 * (large - small), "{more}");
}
