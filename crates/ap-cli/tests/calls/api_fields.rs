//! `ap api`: bodies from `-f` and `-F`, queries from `-q`, pages, and filters.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common::counting::{Answer, Counting, Request};
use crate::common::{BAD_KEY, Fake, Home, KEY, Ran, VARIABLE, with_input};

/// Runs `ap api` against a server, and returns the request that it received.
fn sent(arguments: &[&str], input: &str) -> String {
    let fake = Fake::status(200, "", "{}");
    let origin = fake.as_lcx();
    let arguments = [&["--origin", &origin, "api"], arguments].concat();
    Home::new().run_with(&arguments, input).succeeds();
    fake.received().remove(0)
}

#[test]
fn fields_build_a_json_body_and_make_it_a_post() {
    let home = Home::new();
    std::fs::write(home.path().join("note.txt"), "two\nlines").unwrap();
    let note = format!("note=@{}", home.file("note.txt"));
    for (arguments, input, line, body) in [
        (
            &[
                "flows",
                "-f",
                "name=My flow",
                "-F",
                "enabled=true",
                "-F",
                "price=1e400",
            ][..],
            "",
            "POST /flows ",
            r#"{"name":"My flow","enabled":true,"price":1e400}"#,
        ),
        (
            &[
                "-X",
                "PUT",
                "flows",
                "--raw-field",
                "a[b]=true",
                "--field",
                "a[c][]=1",
            ],
            "",
            "PUT /flows ",
            r#"{"a":{"b":"true","c":[1]}}"#,
        ),
        (
            &["flows", "-F", &note],
            "",
            "POST /flows ",
            r#"{"note":"two\nlines"}"#,
        ),
        (
            &["flows", "-F", "a=@-"],
            "é",
            "POST /flows ",
            r#"{"a":"é"}"#,
        ),
    ] {
        let request = sent(arguments, input);
        assert!(request.starts_with(line), "{request}");
        let lower = request.to_lowercase();
        assert!(
            lower.contains("content-type: application/json\r\n"),
            "{request}"
        );
        assert!(request.ends_with(&format!("\r\n\r\n{body}")), "{request}");
    }
}

#[test]
fn with_get_fields_go_to_the_query_and_pairs_are_encoded_after_those_of_the_path() {
    for (arguments, target) in [
        (
            &[
                "-X", "GET", "events", "-f", "a[]=1", "-F", "b=true", "-F", "c[]",
            ][..],
            "/events?a%5B%5D=1&b=true",
        ),
        (
            &["events?x=1", "-q", "rules=[{\"a\":\"b&c\"}]", "-q", "x=2"],
            "/events?x=1&rules=%5B%7B%22a%22%3A%22b%26c%22%7D%5D&x=2",
        ),
        (&["events", "-q", "t=a+b c=d"], "/events?t=a%2Bb+c%3Dd"),
    ] {
        let request = sent(arguments, "");
        assert!(
            request.starts_with(&format!("GET {target} HTTP/1.1")),
            "{request}"
        );
        assert!(
            !request.to_lowercase().contains("content-type"),
            "{request}"
        );
    }
    let request = sent(&["flows", "-f", "a=b", "-q", "c=d"], "");
    assert!(request.starts_with("POST /flows?c=d "), "{request}");
}

#[test]
fn invalid_fields_filters_and_combinations_are_refused_before_anything_is_sent() {
    let fake = Fake::status(200, "", "{}");
    let origin = fake.as_lcx();
    for (arguments, says) in [
        (
            &["-f", "secretword"][..],
            "value 1 of -f has no name or no =",
        ),
        (
            &["-q", "a=b", "-q", "secretword"],
            "value 2 of -q has no name or no =",
        ),
        (
            &["-F", "a=1", "-F", "a=2"],
            "value 2 of -F names a member that is given already",
        ),
        (
            &["-F", "a=@/no/such/file"],
            "the file /no/such/file cannot be read",
        ),
        (
            &["-F", "a=@-", "-F", "b=@-"],
            "several values of -F are standard input",
        ),
        (
            &["-d", "{}", "-f", "a=b"],
            "cannot be used with the other arguments",
        ),
        (
            &["--jq", ".secretword |"],
            "the value of --jq <FILTER> is not valid: at byte 13: expected term",
        ),
        (
            &["--jq", ".", "-i"],
            "cannot be used with the other arguments",
        ),
        (
            &["--paginate", "-i"],
            "cannot be used with the other arguments",
        ),
        (&["--paginate", "-X", "POST"], "--paginate is for GET"),
        (&["--paginate", "-f", "a=b"], "--paginate is for GET"),
        (
            &["--paginate", "-q", "limit=many"],
            "the limit in the query is not a number",
        ),
    ] {
        let ran = Home::new().run(&[&["--origin", &origin, "api", "events"], arguments].concat());
        ran.fails(2, says);
        assert!(!ran.stderr.contains("secretword"), "{}", ran.stderr);
    }
    assert_eq!(fake.connections(), 0);
}

fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let query = request.line.split(' ').nth(1)?.split_once('?')?.1;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(found, value)| (found == name).then_some(value))
}

/// Answers as `/events` does, for events 1 to 25, with a number that no program may change.
fn events(request: &Request) -> Answer {
    let number = |name| parameter(request, name).map(|id| id.parse::<u32>().unwrap());
    let limit: usize = parameter(request, "limit").unwrap().parse().unwrap();
    assert!(limit <= 1000, "no page has more");
    let is_ascending = parameter(request, "sort") == Some("asc");
    let after = number("after_id").unwrap_or(0);
    let before = number("before_id").unwrap_or(26);
    let mut numbers: Vec<_> = (after + 1..before).collect();
    if !is_ascending {
        numbers.reverse();
    }
    let items = numbers.iter().take(limit);
    let items =
        items.map(|number| format!("{{\"id\": \"{number}\",\"ms\":1e400,\"password\":\"x\"}}"));
    (
        200,
        "",
        format!("[{}]\n", items.collect::<Vec<_>>().join(", ")),
    )
}

fn lcx(server: &Counting) -> String {
    format!("--origin=lcx={}", server.url)
}

#[test]
fn all_pages_of_events_are_one_list_in_either_order() {
    for (query, first, calls) in [
        ("sort=asc&limit=10", 1, 3),
        ("limit=10", 25, 3),
        ("limit=5&sort=desc", 25, 6),
        ("limit=25", 25, 2),
        ("limit=5000", 25, 1),
        ("sort=asc&limit=10&after_id=20", 21, 1),
        ("", 25, 1),
    ] {
        let server = Counting::new(events);
        let path = format!("events?{query}");
        let ran = Home::new().run(&[&lcx(&server), "api", "--paginate", &path]);
        let text = ran.succeeds();
        assert!(text.ends_with("]\n"), "{text}");
        let ids: Vec<u32> = text
            .split("\"id\": \"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        let expected: Vec<u32> = match query.contains("asc") {
            true => (first..=25).collect(),
            false => (1..=first).rev().collect(),
        };
        assert_eq!(ids, expected, "{query}");
        assert_eq!(server.count(), calls, "{query}");
        let item = format!("{{\"id\": \"{first}\",\"ms\":1e400,\"password\":\"[redacted]\"}}");
        assert!(text.starts_with(&format!("[{item}")), "{text}");
    }
}

#[test]
fn pages_of_a_search_follow_by_number_up_to_the_products_limit() {
    for (total, calls) in [(0, 1), (99, 1), (100, 1), (250, 3), (5000, 10)] {
        let server = Counting::new(move |request| {
            let from: usize = parameter(request, "from").map_or(0, |from| from.parse().unwrap());
            assert_eq!(parameter(request, "query"), Some("smith+x"));
            let hits: Vec<_> = (from..total)
                .take(100)
                .map(|hit| format!("{hit}.50"))
                .collect();
            (
                200,
                "",
                format!("{{\"hits\":[{}],\"total\":{total}}}", hits.join(",")),
            )
        });
        let ran = Home::new().run(&[
            &lcx(&server),
            "api",
            "--paginate",
            "search/leads",
            "-q",
            "query=smith x",
        ]);
        let expected: Vec<_> = (0..total.min(1000))
            .map(|hit| format!("{hit}.50"))
            .collect();
        assert_eq!(ran.succeeds(), format!("[{}]\n", expected.join(",")));
        assert_eq!(server.count(), calls, "{total}");
    }
}

#[test]
fn the_last_page_of_a_search_is_shorter_so_that_no_lead_is_missing() {
    for (query, total, count, calls) in [
        ("limit=30", Some(1291), 1000, 34),
        ("limit=30", None, 1000, 34),
        ("limit=30&from=985", Some(1291), 15, 1),
        ("limit=30", Some(65), 65, 3),
        ("limit=30", None, 65, 3),
    ] {
        let all = total.unwrap_or(match count {
            65 => 65,
            _ => 1291,
        });
        let server = Counting::new(move |request| {
            let number = |name: &str| parameter(request, name).map(|text| text.parse().unwrap());
            let (from, limit) = (number("from").unwrap_or(0), number("limit").unwrap());
            // The product refuses what is beyond the end.
            if from + limit > 1000 {
                return (400, "", "{}".to_owned());
            }
            let hits: Vec<_> = (from..all).take(limit).map(|hit| hit.to_string()).collect();
            let total = total.map_or_else(String::new, |total| format!(",\"total\":{total}"));
            (200, "", format!("{{\"hits\":[{}]{total}}}", hits.join(",")))
        });
        let path = format!("search/leads?{query}");
        let ran = Home::new().run(&[&lcx(&server), "api", "--paginate", &path]);
        let hits: Vec<usize> = serde_json::from_str(ran.succeeds()).unwrap();
        let end = all.min(1000);
        assert_eq!(hits, (end - count..end).collect::<Vec<_>>(), "{query}");
        assert_eq!(server.count(), calls, "{query} {total:?}");
    }
}

#[test]
fn what_has_no_pages_is_one_call_and_printed_as_it_is() {
    let fake = Fake::status(200, "", "[ 1 ]");
    let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "--paginate", "flows"]);
    assert_eq!(ran.succeeds(), "[ 1 ]");
    assert!(fake.received()[0].starts_with("GET /flows HTTP/1.1"));
}

#[test]
fn a_page_that_fails_ends_the_command_and_a_page_that_repeats_does_not_go_on_for_ever() {
    let server = Counting::new(|request| match request.number {
        1 => events(request),
        _ => (500, "", "{}".to_owned()),
    });
    let list = ["api", "--paginate", "events?limit=10"];
    let ran = Home::new().run(&[&[lcx(&server).as_str()], &list[..]].concat());
    ran.fails(7, "500");
    assert!(
        ran.stdout.starts_with("[{") && !ran.stdout.ends_with("]\n"),
        "{}",
        ran.stdout
    );

    let server = Counting::new(|_| (200, "", "[{\"id\":\"7\"}]".to_owned()));
    let list = ["api", "--paginate", "events?limit=1"];
    let ran = Home::new().run(&[&[lcx(&server).as_str()], &list[..]].concat());
    ran.fails(1, "the next page is the same one again");
    assert_eq!(server.count(), 2);

    for (body, says) in [
        ("[{}]", "has no id"),
        ("{}", "is not a list"),
        ("<html>", "is not a list"),
    ] {
        let fake = Fake::status(200, "", body);
        let origin = fake.as_lcx();
        let ran = Home::new().run(&[&["--origin", &origin], &list[..]].concat());
        ran.fails(1, says);
    }
    let refused = Fake::status(401, "", BAD_KEY);
    let origin = refused.as_lcx();
    Home::new()
        .run(&[&["--origin", &origin], &list[..]].concat())
        .fails(3, "rejected");
}

#[test]
fn a_filter_prints_strings_as_they_are_and_runs_on_each_page() {
    let fake = Fake::status(
        200,
        "",
        r#"[{"name":"a b","n":1e400},{"name":"c","n":[1, 2]}]"#,
    );
    let filter = |filter: &str| {
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "flows", "--jq", filter]);
        ran.succeeds().to_owned()
    };
    assert_eq!(filter(".[].name"), "a b\nc\n");
    assert_eq!(filter(".[] | .n"), "1e400\n[1,2]\n");
    assert_eq!(filter("empty"), "");
    let server = Counting::new(events);
    let ran = Home::new().run(&[
        &lcx(&server),
        "api",
        "--paginate",
        "events?limit=10",
        "--jq",
        "length",
    ]);
    assert_eq!(ran.succeeds(), "10\n10\n5\n");
}

#[test]
fn a_filter_sees_no_secret_and_prints_none() {
    let body = format!(
        r#"{{"api_key":"{KEY}","text":"{KEY}","half":["{}","{}"]}}"#,
        &KEY[..14],
        &KEY[14..]
    );
    let fake = Fake::status(200, "", &body);
    for (filter, expected) in [
        (".api_key", "[redacted]\n"),
        (".text", "[redacted]\n"),
        // Only the result has the key.
        (".half | add", "[redacted]\n"),
        ("[.half | add]", "[\"[redacted]\"]\n"),
    ] {
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "user", "--jq", filter]);
        assert_eq!(ran.succeeds(), expected, "{filter}");
    }
    let shown = ["api", "user", "--show-secrets", "--jq", ".text"];
    let ran = Home::new().run(&[&["--origin", &fake.as_lcx()], &shown[..]].concat());
    assert_eq!(ran.succeeds(), format!("{KEY}\n"));
}

#[test]
fn a_filter_fails_after_the_call_with_exit_code_1_and_never_runs_for_ever() {
    let fake = Fake::status(200, "", r#"["secretword"]"#);
    let run = |filter: &str, timeout: &str| {
        let origin = fake.as_lcx();
        let call = ["api", "flows", "--jq", filter];
        Home::new().run(&[&["--origin", &origin, "--timeout", timeout], &call[..]].concat())
    };
    run(".name", "60").fails(1, "a value has no such member or item");
    for filter in ["def f: f; f", "[repeat(1)|select(false)]"] {
        let says = "the filter of --jq did not end within 0.2 s";
        let ran = run(filter, "0.2");
        // On a machine that is loaded, the call itself may take longer.
        if ran.code != Some(6) {
            ran.fails(1, says);
        }
        assert!(!ran.stderr.contains("secretword"), "{}", ran.stderr);
    }
    for filter in [
        "def f: 1 + f; f",
        "def f: [f]; f",
        "reduce range(1000000) as $i (.; [.])",
        "[range(infinite) | \"\\(.)\" * 1000000]",
    ] {
        let says = "the filter of --jq needs more memory than a filter may use";
        run(filter, "600").fails(1, says);
    }
    let deep = run("reduce range(5000) as $i (.; [.])", "60");
    assert!(deep.succeeds().ends_with("]]]]\n"));
    let fake = Fake::status(404, "", "{\"a\":1}");
    let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", "flows", "--jq", ".b"]);
    ran.fails(5, "404");
    assert_eq!(ran.stdout, "{\"a\":1}");
}

#[test]
fn typed_commands_have_filters_too() {
    let home = Home::new();
    let ran = home.run_bare(&["--emulator", "flows", "list", "--jq", ".[].id"]);
    let ids: Vec<_> = ran.succeeds().lines().collect();
    assert!(
        !ids.is_empty() && ids.iter().all(|id| id.len() == 24),
        "{ids:?}"
    );
    home.run_bare(&["--emulator", "flows", "list", "--jq", ".["])
        .fails(2, "at byte 2");
}

#[test]
fn in_a_pipe_bytes_are_exact_unless_colours_are_forced() {
    let body = r#"{"a":1e400,"a":123456789012345678901234567890, "b":"\u001b"}"#;
    let fake = Fake::status(200, "", body);
    let run = |variables: &[(&str, &str)], body: &[&str]| {
        let mut command =
            Home::new().ap(&[&["--origin", &fake.as_lcx(), "api", "x"], body].concat());
        command.env(VARIABLE, KEY).envs(variables.iter().copied());
        Ran::of(with_input(command, ""), KEY).succeeds().to_owned()
    };
    for variables in [
        &[][..],
        &[("CLICOLOR", "1")],
        &[("NO_COLOR", "1")],
        &[("CLICOLOR_FORCE", "0")],
    ] {
        assert_eq!(run(variables, &[]), body);
    }
    let laid_out =
        "{\n  \"a\": 1e400,\n  \"a\": 123456789012345678901234567890,\n  \"b\": \"\\u001b\"\n}\n";
    let forced = ("CLICOLOR_FORCE", "1");
    assert_eq!(run(&[forced, ("NO_COLOR", "1")], &[]), laid_out);
    let colored = run(&[forced], &[]);
    assert!(
        colored.contains("\x1b[1;34m\"a\"\x1b[0m: \x1b[35m1e400\x1b[0m"),
        "{colored}"
    );
    let filtered = run(&[forced], &["--jq", ".b, [.a]"]);
    assert!(filtered.starts_with("\x1b\n[\n  \x1b[35m"), "{filtered:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_json_is_laid_out_and_ends_with_a_line_feed() {
    use crate::common::terminal::Terminal;

    let fake = Fake::status(200, "", "{\"a\":\"\u{9b}31m\",\"a\":1e400}");
    let html = Fake::status(200, "", "<b>\x1b");
    let call = |fake: &Fake, rest: &str| {
        let arguments = format!("--origin lcx={} api --no-auth x {rest}", fake.url);
        let shown = Terminal::run(&Home::new(), &arguments).end();
        let shown = shown.replace('\r', "");
        let (_, after) = shown.split_once('\n').unwrap();
        after.split("code=").next().unwrap().to_owned()
    };
    let laid_out = "{\n  \"a\": \"\\u009b31m\",\n  \"a\": 1e400\n}\n";
    // The terminal of the test has no name, so that there are no colours.
    assert_eq!(call(&fake, ""), laid_out);
    assert_eq!(call(&html, ""), "<b>\\u{1b}\n");
    assert_eq!(call(&fake, "--jq ."), "{\n  \"a\": 1e400\n}\n");
    assert!(call(&fake, "-i").ends_with(&format!("\n\n{laid_out}")));
}

#[test]
fn verbose_shows_the_path_without_ids_if_it_is_given_twice() {
    let fake = Fake::status(200, "", "{}");
    let id = "65e0b2000000000000000001";
    let path = format!("flows/{id}?limit=10");
    for (option, line) in [("-v", ""), ("-vv", "/flows/…?limit=…")] {
        let ran = Home::new().run(&["--origin", &fake.as_lcx(), "api", option, &path]);
        ran.succeeds();
        let first = ran.stderr.lines().next().unwrap();
        assert_eq!(first, format!("> GET {}{line}", fake.url));
        assert!(!ran.stderr.contains(id), "{}", ran.stderr);
    }
}
