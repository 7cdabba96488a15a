//! `ap api`: what it sends, and where.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common::{
    BAD_KEY, Fake, Home, KEY, Ran, VARIABLE, assert_absent, emulator_origins, join,
};
use ap_emulator::Emulator;

#[test]
fn one_command_makes_an_authenticated_call_with_nothing_set_up() {
    let home = Home::new();
    let ran = home.run_bare(&["--emulator", "api", "/flows"]);
    let flows: Vec<serde_json::Value> = serde_json::from_str(ran.succeeds()).unwrap();
    assert!(!flows.is_empty());
    assert_eq!(ran.stderr, "");
    assert!(!home.path().join("config").exists(), "nothing is stored");
}

#[test]
fn a_rejected_key_exits_3_and_the_answer_is_printed() {
    let emulator = Emulator::start().unwrap();
    let origins = emulator_origins(&emulator);
    let ran = Home::new().run(&join(&origins, &["api", "/flows"]));
    ran.fails(
        3,
        "LeadConduit rejected the API key: \"ACTIVEPROSPECT_API_KEY\"",
    );
    assert_eq!(ran.stdout, BAD_KEY);
    ran.says("log in to LeadConduit");

    let with_head = Home::new().run(&join(&origins, &["api", "-i", "/flows"]));
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
fn a_key_from_the_environment_is_sent_and_not_shown_in_the_answer() {
    let emulator = Emulator::start().unwrap();
    let origins = emulator_origins(&emulator);
    let key = emulator.key();
    let run = |arguments: &[&str]| Home::new().run_with_key(&join(&origins, arguments), &key);
    let ran = run(&["api", "/user"]);
    assert!(ran.succeeds().contains(r#""api_key":"[redacted]""#));
    assert_absent(&ran.stdout, &key);
    run(&["api", "--show-secrets", "/user"]).prints(&key);
}

#[test]
fn bodies_come_from_an_argument_a_file_or_standard_input() {
    let home = Home::new();
    let file = home.path().join("body.json");
    std::fs::write(&file, r#"{"from":"file"}"#).unwrap();
    let at_file = format!("@{}", file.display());
    let cases: [(&str, &str, &str); 4] = [
        (r#"{"from":"argument"}"#, "", r#"{"from":"argument"}"#),
        (at_file.as_str(), "", r#"{"from":"file"}"#),
        ("-", r#"["standard input"]"#, r#"["standard input"]"#),
        ("@-", "2.50", "2.50"),
    ];
    for (data, input, body) in cases {
        let fake = Fake::status(201, "", "{}");
        let arguments = ["--origin", &fake.as_lcx(), "api", "-d", data, "/flows"];
        home.run_with(&arguments, input).succeeds();
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
    let home = Home::new();
    home.run_bare(&["--origin", &fake.as_lcx(), "api", "--no-auth", "/status"])
        .succeeds();
    assert!(!fake.received()[0].to_lowercase().contains("authorization"));
    let ran = home.run_bare(&["--emulator", "api", "--no-auth", "/flows"]);
    ran.fails(3, "401");
    ran.says("leave out --no-auth");
}

#[test]
fn a_401_without_a_key_needs_one_whatever_it_says() {
    for body in [BAD_KEY, r#"{"error":"not authorized"}"#, "<html>", ""] {
        let fake = Fake::status(401, "", body);
        let call = ["--origin", &fake.as_lcx(), "api", "--no-auth", "/x"];
        let ran = Home::new().run_bare(&call);
        ran.fails(3, "LeadConduit answered 401 Unauthorized");
        ran.says("this needs a key; leave out --no-auth");
        assert!(!ran.stderr.contains("may be good"), "{}", ran.stderr);
    }
    let fake = Fake::status(403, "", "{}");
    let ran = Home::new().run_bare(&["--origin", &fake.as_lcx(), "api", "--no-auth", "/x"]);
    ran.fails(4, "403");
    ran.says("no key was sent");
}

#[test]
fn the_first_slash_of_a_path_can_be_left_out() {
    for (given, sent) in [
        ("flows", "/flows"),
        (
            "flows/0123456789abcdef01234567",
            "/flows/0123456789abcdef01234567",
        ),
        (
            "flows?url=https://h.example",
            "/flows?url=https://h.example",
        ),
        ("a_b-c/d.e", "/a_b-c/d.e"),
    ] {
        let fake = Fake::status(200, "", "{}");
        Home::new()
            .run(&["--origin", &fake.as_lcx(), "api", given])
            .succeeds();
        let received = fake.received().remove(0);
        assert!(
            received.starts_with(&format!("GET {sent} HTTP/1.1\r\n")),
            "{received}"
        );
    }
}

#[test]
fn a_body_with_its_own_encoding_is_sent_as_it_is() {
    let home = Home::new();
    let file = home.path().join("body.json.gz");
    std::fs::write(&file, b"\x1F\x8B\x08\0not read").unwrap();
    let fake = Fake::status(200, "", "{}");
    let data = format!("@{}", file.display());
    let origin = fake.as_lcx();
    let encoding = "Content-Encoding: gzip";
    home.run(&[
        "--origin", &origin, "api", "/x", "-d", &data, "-H", encoding,
    ])
    .succeeds();
    let received = fake.received().remove(0).to_lowercase();
    assert!(
        received.contains("content-encoding: gzip\r\n"),
        "{received}"
    );
    assert!(received.ends_with("not read"), "{received}");

    let identity = ["api", "/x", "-d", &data, "-H", "Content-Encoding: identity"];
    home.run(&identity).fails(2, "is compressed with gzip");
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
fn the_usual_proxy_variables_are_not_used() {
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
fn help_and_completions_are_printed_and_no_option_has_a_key() {
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
                .contains("AP_COMPLETE"),
            "{shell}"
        );
    }
}

#[test]
fn json_lines_are_not_json_and_every_method_may_have_a_body() {
    let fake = Fake::status(200, "", "{}");
    let lines = "{\"a\":1}\n{\"a\":2}\n";
    let json_lines = "Content-Type: application/x-ndjson";
    let (origin, home) = (fake.as_lcx(), Home::new());
    home.run(&[
        "--origin", &origin, "api", "-H", json_lines, "-d", lines, "/x",
    ])
    .succeeds();
    home.run(&[
        "--origin", &origin, "api", "-X", "PATCH", "-d", "1e400", "/x",
    ])
    .succeeds();
    home.run(&["--origin", &origin, "api", "-X", "POST", "/x"])
        .succeeds();
    let received = fake.received();
    assert!(received[0].ends_with(lines), "{}", received[0]);
    assert!(received[1].starts_with("PATCH /x ") && received[1].ends_with("1e400"));
    assert!(received[2].starts_with("POST /x "));
    assert!(!received[2].to_lowercase().contains("content-type"));
}

#[test]
fn the_emulator_of_a_command_ignores_keys_and_serves_every_product() {
    let home = Home::new();
    home.store(b"not a key at all\n", 0o644);
    for arguments in [
        ["--emulator", "api", "/user"].as_slice(),
        &[
            "--emulator",
            "api",
            "--product",
            "suppressionlist",
            "/lists",
        ],
        &["api", "--emulator", "/flows"],
    ] {
        let mut command = home.ap(arguments);
        command.env(VARIABLE, "not a key");
        Ran::of(command.output().unwrap(), KEY).succeeds();
    }
    home.run(&["--emulator", "api", "/flows/nothing"])
        .fails(5, "404");
}
