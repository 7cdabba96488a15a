//! `-f` and `-F` mean the same in every command that sends an object.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common::counting::Counting;
use crate::common::{Fake, Home, Ran};

/// An address where nothing listens: a dry run sends nothing.
const NOWHERE: &str = "http://127.0.0.1:1";
const FLOW: &str = "65e0b2000000000000000001";
const SELLER: &str = "65e0a1000000000000000004";

/// The commands that send an object of any names.
const COMMANDS: [&[&str]; 5] = [
    &["api", "flows"],
    &["api", "-X", "PUT", "flows"],
    &["leads", "submit", FLOW, SELLER],
    &["leads", "ping", FLOW, SELLER],
    // A file may have any names, so single members may too.
    &["flows", "create", "OBJECT"],
];

fn dry_run(home: &Home, command: &[&str], members: &[&str], input: &str) -> Ran {
    let origin = format!("--origin=lcx={NOWHERE}");
    let object = home.file("object.json");
    let command = command.iter().map(|word| match *word {
        "OBJECT" => object.as_str(),
        word => word,
    });
    let command: Vec<&str> = command.collect();
    let arguments = [&[origin.as_str()], &*command, members, &["--dry-run"]].concat();
    home.run_with(&arguments, input)
}

#[test]
fn members_build_the_same_object_in_every_command() {
    let home = Home::new();
    let note = home.file("note.txt");
    std::fs::write(&note, "two\nlines").unwrap();
    let from_file = format!("a=@{note}");
    // The members that the table has, so that they count as known.
    std::fs::write(home.file("object.json"), r#"{"a":null,"b":0,"a.b":0}"#).unwrap();
    for (members, input, expected) in [
        (&["-f", "a=x=y"][..], "", r#"{"a":"x=y"}"#),
        (&["-f", "a=true"], "", r#"{"a":"true"}"#),
        (&["-f", "a=@file"], "", r#"{"a":"@file"}"#),
        (&["-f", "a="], "", r#"{"a":""}"#),
        (&["-F", "a=true"], "", r#"{"a":true}"#),
        (&["-F", "a=null"], "", r#"{"a":null}"#),
        (&["-F", "a=-1.50"], "", r#"{"a":-1.50}"#),
        (
            &["-F", "a=12345678901234567890"],
            "",
            r#"{"a":12345678901234567890}"#,
        ),
        (&["-F", "a=007"], "", r#"{"a":"007"}"#),
        (&["-F", "a=True"], "", r#"{"a":"True"}"#),
        (&["-F", "a=x"], "", r#"{"a":"x"}"#),
        (&["-F", &from_file], "", r#"{"a":"two\nlines"}"#),
        (&["-F", "a=@-"], "é", r#"{"a":"é"}"#),
        (
            &["-f", "a[b]=c", "-F", "a[d]=1"],
            "",
            r#"{"a":{"b":"c","d":1}}"#,
        ),
        (&["-f", "a[]=c", "-F", "a[]=1"], "", r#"{"a":["c",1]}"#),
        (&["-F", "a[]"], "", r#"{"a":[]}"#),
        (&["-f", "a[b][]"], "", r#"{"a":{"b":[]}}"#),
        (
            &[
                "-f",
                "a[][n]=x",
                "-F",
                "a[][on]=true",
                "-f",
                "a[][n]=y",
                "-F",
                "a[][on]=false",
            ],
            "",
            r#"{"a":[{"n":"x","on":true},{"n":"y","on":false}]}"#,
        ),
        (
            &["--raw-field", "a=1", "--field", "b=2"],
            "",
            r#"{"a":"1","b":2}"#,
        ),
        (&["-f", "a.b=1"], "", r#"{"a.b":"1"}"#),
    ] {
        for command in COMMANDS {
            let ran = dry_run(&home, command, members, input);
            let shown = ran.succeeds();
            let (_, body) = shown.split_once("\n\n").unwrap();
            let expected = match command.contains(&"OBJECT") {
                true => on_object(expected),
                false => format!("{expected}\n"),
            };
            assert_eq!(body, expected, "{command:?} {members:?}");
        }
    }
}

/// Returns `{"a":null,"b":0,"a.b":0}` with these members in it.
fn on_object(members: &str) -> String {
    let mut object: Vec<(&str, &str)> = vec![("a", "null"), ("b", "0"), ("a.b", "0")];
    let members: std::collections::BTreeMap<&str, &serde_json::value::RawValue> =
        serde_json::from_str(members).unwrap();
    for (name, value) in &mut object {
        *value = members.get(*name).map_or(*value, |member| member.get());
    }
    let members = object
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}\n", members.collect::<Vec<_>>().join(","))
}

#[test]
fn what_is_refused_is_refused_in_every_command() {
    let home = Home::new();
    std::fs::write(home.file("object.json"), "{\"a\":null,\"b\":0}").unwrap();
    for (members, says) in [
        (
            &["-f", "secretword"][..],
            "value 1 of -f has no name or no =",
        ),
        (
            &["-f", "a=1", "-F", "=secretword"],
            "value 1 of -F has no name or no =",
        ),
        (
            &["-f", "a=1", "-f", "a=2"],
            "value 2 of -f names a member that is given already",
        ),
        (
            &["-f", "a=1", "-F", "a=2"],
            "value 1 of -F names a member that is given already",
        ),
        (
            &["-f", "a=1", "-f", "a[b]=2"],
            "value 2 of -f names a member of what is no object",
        ),
        (
            &["-f", "a[b]=1", "-f", "a[]=2"],
            "value 2 of -f names an item of what is no list",
        ),
        (
            &["-f", "a[b=1"],
            "value 1 of -f has a name whose brackets are not in pairs",
        ),
        (
            &["-F", "a]=1"],
            "value 1 of -F has a name whose brackets are not in pairs",
        ),
        (
            &["-F", "a=@/no/such/file"],
            "the file /no/such/file cannot be read",
        ),
        (
            &["-F", "a=@-", "-F", "b=@-"],
            "several values of -F are standard input",
        ),
    ] {
        for command in COMMANDS {
            let ran = dry_run(&home, command, members, "");
            ran.fails(2, says);
            assert!(!ran.stderr.contains("secretword"), "{}", ran.stderr);
        }
    }
    let both = dry_run(&home, &["flows", "create", "-"], &["-F", "name=@-"], "{}");
    both.fails(2, "both the object and a value of -F are standard input");
}

#[test]
fn a_change_keeps_what_members_do_not_name() {
    const NOW: &str = r#"{"id":"x","pricing":{"prices":[{"amount":1.50}],"unknown":1e400},"steps":[{"id":"a"}],"name":"n"}"#;
    let home = Home::new();
    for (members, expected) in [
        (
            &["-F", "pricing[free]=true"][..],
            NOW.replace("1e400}", "1e400,\"free\":true}"),
        ),
        (
            &["-f", "steps[][id]=b"],
            NOW.replace("\"id\":\"a\"", "\"id\":\"b\""),
        ),
        (&["-f", "steps[]"], NOW.replace("{\"id\":\"a\"}", "")),
        (&["-F", "pricing=null"], {
            let (before, rest) = NOW.split_once("{\"prices\"").unwrap();
            let (_, after) = rest.split_once("1e400}").unwrap();
            format!("{before}null{after}")
        }),
    ] {
        let fake = Fake::status(200, "", NOW);
        let origin = format!("--origin=lcx={}", fake.url);
        let update = ["flows", "update", FLOW, "--dry-run"];
        let ran = home.run(&[&[origin.as_str()], &update[..], members].concat());
        let (_, body) = ran.succeeds().split_once("\n\n").unwrap();
        assert_eq!(body, format!("{expected}\n"), "{members:?}");
        assert_eq!(fake.connections(), 1);
    }
    let (server, calls) = counted(NOW);
    let update = ["flows", "update", FLOW, "-f", "name[first]=x"];
    let ran = home.run(&[&[server.as_str()], &update[..]].concat());
    ran.fails(1, "value 1 of -f names a member of what is no object");
    ran.says("nothing was changed");
    assert_eq!(calls.count(), 1);
    // Only the name of the object itself must be known.
    let update = ["flows", "update", FLOW, "-f", "nam[first]=x"];
    let ran = home.run(&[&[server.as_str()], &update[..]].concat());
    ran.fails(
        2,
        "name 1 of -f is no member of a flow; did you mean `name`?",
    );
    assert_eq!(calls.count(), 1);
}

fn counted(answer: &'static str) -> (String, Counting) {
    let server = Counting::new(move |_| (200, "", answer.to_owned()));
    (format!("--origin=lcx={}", server.url), server)
}

#[test]
fn members_of_api_are_a_form_if_a_header_says_so() {
    let home = Home::new();
    let run = |media_type: &str, members: &[&str]| {
        let header = format!("content-type: {media_type}");
        let command = ["api", "flows", "-H", header.as_str()];
        dry_run(&home, &command, members, "")
    };
    let form = "application/x-www-form-urlencoded";
    let members = ["-f", "a[]=b c&d", "-F", "e=true", "-F", "g[]"];
    for media_type in [form, "Application/X-WWW-Form-Urlencoded; charset=utf-8"] {
        let ran = run(media_type, &members);
        let shown = ran.succeeds();
        assert!(
            shown.starts_with(&format!(
                "POST {NOWHERE}/flows\ncontent-type: {media_type}\n"
            )),
            "{shown}"
        );
        assert!(shown.ends_with("\n\na%5B%5D=b+c%26d&e=true\n"), "{shown}");
    }
    let ran = run("application/merge-patch+json", &members[..2]);
    assert!(ran.succeeds().ends_with("\n\n{\"a\":[\"b c&d\"]}\n"));
    run("text/xml", &members).fails(2, "-f and -F make JSON or a form");
}

#[test]
fn a_call_of_api_is_shown_instead_of_sent() {
    let home = Home::new();
    let file = home.file("flow.json");
    std::fs::write(&file, "{ }").unwrap();
    let data = format!("@{file}");
    let curl = |arguments: &[&str], input: &str| {
        let origin = format!("--origin=lcx={NOWHERE}");
        home.run_with(
            &[&[origin.as_str(), "api", "--curl"], arguments].concat(),
            input,
        )
    };
    let ran = curl(&["flows", "-d", &data], "");
    ran.succeeds();
    assert!(
        ran.stdout.contains(&format!("--data-binary '@{file}'")),
        "{ran:?}"
    );
    let ran = curl(&["--no-auth", "events?limit=1"], "");
    assert!(!ran.succeeds().contains("-u "), "{ran:?}");
    let ran = curl(&["flows", "-d", "-"], "{\"a\":\"\u{202e}\"}");
    assert!(
        ran.succeeds().contains(r#"--data-raw '{"a":"\u202e"}'"#),
        "{ran:?}"
    );
    let text = ["flows", "-H", "content-type: text/plain", "-d", "-"];
    curl(&text, "\u{202e}").fails(2, "the body has characters that cannot be printed");
}
