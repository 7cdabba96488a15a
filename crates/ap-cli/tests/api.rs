//! `ap api`, against the emulator and against servers that answer as told.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::Write as _;
use std::process::Stdio;

use ap_emulator::{Emulator, Product};
use common::{Fake, Home, KEY, Ran, VARIABLE, assert_absent};

#[test]
fn one_command_makes_an_authenticated_call_with_nothing_set_up() {
    let home = Home::new();
    let ran = Ran::of(
        home.ap(&["--emulator", "api", "/flows"]).output().unwrap(),
        KEY,
    );
    let flows: Vec<serde_json::Value> = serde_json::from_str(ran.succeeds()).unwrap();
    assert!(!flows.is_empty());
    assert_eq!(ran.stderr, "");
    assert!(
        !home.path().join("config").exists(),
        "it leaves nothing behind"
    );
}

#[test]
fn a_wrong_key_exits_3_with_the_documented_answer_on_standard_output() {
    let emulator = Emulator::start().unwrap();
    let origin = format!("lcx={}", emulator.url(Product::LeadConduit));
    let ran = Home::new().run(&["--origin", &origin, "api", "/flows"]);
    ran.fails(
        3,
        "LeadConduit refused the API key (ACTIVEPROSPECT_API_KEY)",
    );
    assert_eq!(ran.stdout, r#"{"error":"authentication failed"}"#);
    assert!(ran.stderr.contains("log in to LeadConduit"));

    let with_head = Home::new().run(&["--origin", &origin, "api", "-i", "/flows"]);
    assert_eq!(with_head.code, Some(3));
    assert!(
        with_head.stdout.starts_with("HTTP/1.1 401 Unauthorized\n"),
        "{}",
        with_head.stdout
    );
    assert!(with_head.stdout.contains("\netag: W/\"21-48c58abe\"\n"));
    assert!(
        with_head
            .stdout
            .ends_with("\n\n{\"error\":\"authentication failed\"}")
    );
}

#[test]
fn the_right_key_from_the_environment_is_taken() {
    let emulator = Emulator::start().unwrap();
    let origin = format!("lcx={}", emulator.url(Product::LeadConduit));
    let home = Home::new();
    let key = emulator.key();
    let output = home
        .ap(&["--origin", &origin, "api", "/user"])
        .env(VARIABLE, &key)
        .output()
        .unwrap();
    let ran = Ran::of(output, &key);
    assert!(ran.succeeds().contains(r#""api_key":"[redacted]""#));
    assert_absent(&ran.stdout, &key);
    let shown = home
        .ap(&["--origin", &origin, "api", "--show-secrets", "/user"])
        .env(VARIABLE, &key)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains(&key));
}

#[test]
fn every_refusal_before_a_packet_leaves_exits_2_in_one_sentence() {
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
            "not an origin of this client",
        ),
        (
            &["api", "https://app.leadconduit.com.evil.example/"],
            "not an origin of this client",
        ),
        (
            &["api", "https://app.leadconduit.com:444/"],
            "not an origin of this client",
        ),
        (&["api", &other_port], "not an origin of this client"),
        (
            &["api", "https://user:secret-word@app.leadconduit.com/"],
            "user information",
        ),
        (&["api", &with_port], "user information"),
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
        (&["api", "flows"], "neither a path nor a URL"),
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
        (&["api", "-H", "X: a\nb", "/flows"], "cannot hold"),
        (&["api", "-X", "TRACE", "/flows"], "TRACE"),
        (&["api", "-X", "BAD METHOD", "/flows"], "method"),
        (
            &["api", "-d", "{\"a\":", "/flows"],
            "not JSON (line 1, column",
        ),
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
            "leave out the path",
        ),
        (
            &[
                "--emulator",
                "--origin",
                "lcx=https://x.example",
                "api",
                "/",
            ],
            "exclude each other",
        ),
        (&["--timeout", "0", "api", "/"], "seconds"),
        (&["--timeout", "-1", "api", "/"], "seconds"),
        (&["--timeout", "1e3", "api", "/"], "seconds"),
        (&["--ca", "no/such/file", "api", "/"], "no/such/file"),
        (&["emulate", "--port", "0"], "port"),
        (&["emulate", "--port", "65534"], "port"),
        (&["emulate", "--port", "+80"], "port"),
        (&["emulate", "--port", "080"], "port"),
        (&["--key", "secret-word", "api", "/flows"], "argument"),
        (&["nonsense-secret-word"], "no such command"),
        (&["completions", "secret-word"], "not taken"),
        (&[], "command is missing"),
    ];
    for (arguments, says) in cases {
        let ran = home.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.stderr);
        ran.fails(2, says);
        assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn a_key_that_is_none_exits_2_and_names_the_place() {
    let home = Home::new();
    for (value, says) in [
        ("placeholder-key\n-with-a-break", "line break"),
        ("placeholder-k\u{435}y-cyrillic", "U+0435"),
        ("\"placeholder-key-quoted\"", "quotes"),
        ("X:placeholder-key-pair", "user name and a key"),
        (" placeholder-key-blank", "blank"),
    ] {
        let output = home
            .ap(&["api", "/flows"])
            .env(VARIABLE, value)
            .output()
            .unwrap();
        let ran = Ran::of(output, "placeholder-key-which-is-nowhere");
        ran.fails(2, says);
        assert!(ran.stderr.contains(VARIABLE));
        assert!(!ran.stderr.contains("placeholder"), "{}", ran.stderr);
    }
}

#[test]
fn a_key_among_the_arguments_is_refused_without_being_repeated() {
    let fake = Fake::status(200, "", "{}");
    for argument in [
        KEY.to_owned(),
        format!("/flows?key={KEY}"),
        format!("https://x:{KEY}@h.example/"),
    ] {
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", &argument]);
        ran.fails(2, "among the arguments");
        assert!(ran.stderr.contains("reset the key"));
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn without_a_key_it_exits_3_and_says_where_to_put_one() {
    let ran = Ran::of(Home::new().ap(&["api", "/flows"]).output().unwrap(), KEY);
    ran.fails(3, "no API key");
    assert!(ran.stderr.contains("ap auth login"));
    let empty = Home::new()
        .ap(&["api", "/flows"])
        .env(VARIABLE, "")
        .output()
        .unwrap();
    Ran::of(empty, KEY).fails(3, "no API key");
}

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
fn bodies_come_from_an_argument_a_file_or_standard_input() {
    let home = Home::new();
    let file = home.path().join("body.json");
    std::fs::write(&file, r#"{"from":"file"}"#).unwrap();
    let at_file = format!("@{}", file.display());
    for (data, input, body) in [
        (r#"{"from":"argument"}"#, "", r#"{"from":"argument"}"#),
        (at_file.as_str(), "", r#"{"from":"file"}"#),
        ("-", r#"["standard input"]"#, r#"["standard input"]"#),
    ] {
        let fake = Fake::status(201, "", "{}");
        let mut child = home
            .ap(&["--origin", &fake.as_lcx(), "api", "-d", data, "/flows"])
            .env(VARIABLE, KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        Ran::of(child.wait_with_output().unwrap(), KEY).succeeds();
        let request = fake.received().remove(0);
        assert!(request.starts_with("POST /flows HTTP/1.1\r\n"), "{request}");
        assert!(
            request
                .to_lowercase()
                .contains("content-type: application/json\r\n"),
            "{request}"
        );
        assert!(request.ends_with(&format!("\r\n\r\n{body}")), "{request}");
    }
}

#[test]
fn other_types_need_not_be_json_and_headers_replace_the_defaults() {
    let fake = Fake::status(200, "", "ok");
    let ran = Home::new().run(&[
        "--origin",
        &fake.as_lcx(),
        "api",
        "-X",
        "PUT",
        "-H",
        "Content-Type: text/plain",
        "-H",
        "accept: text/csv",
        "-H",
        "X-Two: 1",
        "-H",
        "X-Two: 2",
        "-d",
        "not json",
        "/a b?c='d'",
    ]);
    assert_eq!(ran.succeeds(), "ok");
    let request = fake.received().remove(0).to_lowercase();
    assert!(
        request.starts_with("put /a%20b?c=%27d%27 http/1.1\r\n"),
        "{request}"
    );
    for line in [
        "content-type: text/plain\r\n",
        "accept: text/csv\r\n",
        "x-two: 1\r\n",
        "x-two: 2\r\n",
    ] {
        assert_eq!(request.matches(line).count(), 1, "{line} in {request}");
    }
    assert!(!request.contains("application/json"));
    assert!(request.ends_with("\r\n\r\nnot json"));
}

#[test]
fn no_auth_sends_no_key_and_needs_none() {
    let fake = Fake::status(200, "", "{}");
    let output = Home::new()
        .ap(&["--origin", &fake.as_lcx(), "api", "--no-auth", "/status"])
        .output();
    Ran::of(output.unwrap(), KEY).succeeds();
    assert!(!fake.received()[0].to_lowercase().contains("authorization"));
    let emulator = Home::new()
        .ap(&["--emulator", "api", "--no-auth", "/flows"])
        .output()
        .unwrap();
    Ran::of(emulator, KEY).fails(4, "401");
}

#[test]
fn products_and_urls_choose_the_origin() {
    let (tf, app) = (Fake::status(200, "", "tf"), Fake::status(200, "", "app"));
    let origins = [
        format!("trustedform-app={}", app.url),
        format!("trustedform={}", tf.url),
    ];
    let base = ["--origin", &origins[0], "--origin", &origins[1], "api"];
    let run = |rest: &[&str]| {
        Home::new()
            .run(&[&base[..], rest].concat())
            .succeeds()
            .to_owned()
    };
    assert_eq!(run(&["--product", "trustedform", "/x"]), "tf");
    assert_eq!(run(&[&format!("{}/x?y=1", app.url)]), "app");
    assert_eq!(run(&[&app.url]), "app");
    assert!(app.received()[0].starts_with("GET /x?y=1 "));
    assert!(app.received()[1].starts_with("GET / "));
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
fn proxies_of_the_environment_are_not_used() {
    let (target, proxy) = (
        Fake::status(200, "", "direct"),
        Fake::status(200, "", "proxied"),
    );
    let mut command = Home::new().ap(&["--origin", &target.as_lcx(), "api", "/x"]);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env(name, &proxy.url);
    }
    let ran = Ran::of(command.env(VARIABLE, KEY).output().unwrap(), KEY);
    assert_eq!(ran.succeeds(), "direct");
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn help_and_completions_are_printed_and_no_flag_takes_a_key() {
    let home = Home::new();
    for arguments in [
        vec!["--help"],
        vec!["api", "--help"],
        vec!["auth", "--help"],
        vec!["--version"],
    ] {
        let ran = home.run(&arguments);
        assert!(!ran.succeeds().is_empty());
        assert!(!ran.stdout.contains("--key"), "{}", ran.stdout);
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            home.run(&["completions", shell])
                .succeeds()
                .contains("emulate"),
            "{shell}"
        );
    }
}
