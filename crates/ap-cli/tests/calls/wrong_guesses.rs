//! Names that a person writes wrong or guesses: they are refused before anything is sent, and the error says what to write.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::common::bulk::LIST;
use crate::common::counting::Counting;
use crate::common::{Fake, Home, Ran};

const FLOW: &str = "65e0b2000000000000000001";
const SELLER: &str = "65e0a1000000000000000004";
const CERTIFICATE: &str = "65e0e50100000000000000000000000000000001";

/// Splits the text of a row: words of `'several words'` stay together.
fn words(text: &str) -> Vec<String> {
    let parts = text.split('\'').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    let place = |word: String| word.replace("FLOW", FLOW).replace("SELLER", SELLER);
    words.map(place).collect()
}

fn run(home: &Home, options: &[&str], text: &str, input: &str) -> Ran {
    let words = words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    home.run_with(&[options, &words].concat(), input)
}

#[test]
fn an_unknown_member_is_refused_with_the_nearest_name() {
    let fake = Fake::status(200, "", "{}");
    let origin = format!("--origin=lcx={}", fake.url);
    let home = Home::new();
    let file = r#"{"other":1}"#;
    for (command, input, says) in [
        (
            "flows update FLOW -f nam=x",
            "",
            "name 1 of -f is no member of a flow; did you mean `name`?",
        ),
        (
            "flows create -f name=x -F enabeld=true",
            "",
            "name 1 of -F is no member of a flow; did you mean `enabled`?",
        ),
        (
            "flows create - -f name=x -f othr=1",
            file,
            "name 2 of -f is no member of a flow",
        ),
        (
            "flows update FLOW - -f step=x",
            file,
            "did you mean `steps`?",
        ),
        (
            "fields create -f Name=x -f typ=string",
            "",
            "no member of a field; did you mean `name`?",
        ),
        (
            "fields update phone_1 -f kind=string",
            "",
            "its members: id, name, type, description",
        ),
        (
            "entities create -f sorce=form",
            "",
            "no member of an entity; did you mean `source`?",
        ),
        (
            "entities update SELLER -f zzz=1",
            "",
            "to send another one, write the whole object to a file",
        ),
        (
            "reports create -f colums=x",
            "",
            "no member of a report; did you mean `columns`?",
        ),
        (
            "reports update 65e0c1000000000000000001 -f nmae=x --dry-run",
            "",
            "did you mean `name`?",
        ),
    ] {
        run(&home, &[&origin], command, input).fails(2, says);
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn a_member_that_the_file_has_and_any_field_of_a_lead_are_sent() {
    let server = Counting::new(|request| (200, "", request.body.clone()));
    let origin = format!("--origin=lcx={}", server.url);
    let file = r#"{"name":"x","other":1}"#;
    for (command, input, sent) in [
        (
            "flows create - -F other=2 --json",
            file,
            "{\"name\":\"x\",\"other\":2}\n",
        ),
        ("api flows -f nam=x --jq .", "", "{\"nam\":\"x\"}\n"),
        (
            "leads ping FLOW SELLER -f outcome=success -f any_field=x --json",
            "",
            "{\"outcome\":\"success\",\"any_field\":\"x\"}\n",
        ),
    ] {
        let ran = run(&Home::new(), &[&origin], command, input);
        assert_eq!(ran.succeeds(), sent, "{command}");
    }
}

#[test]
fn a_list_that_does_not_exist_is_refused_before_any_row() {
    let server = Counting::new(|_| (404, "", r#"{"found":false}"#.to_owned()));
    let origin = server.as_suppressionlist();
    let home = Home::new();
    for (command, says) in [
        (
            "lists check do_not_cal",
            "SuppressionList has no list of that name; did you mean `do_not_call`?",
        ),
        ("lists add DoNotCall", "did you mean `do_not_call`?"),
        ("lists remove zzz --yes", "has no list of that name\n"),
        (
            "lists check zzz -o out.jsonl",
            "`ap lists list` shows the names",
        ),
    ] {
        let command = command.replace("out.jsonl", &home.file("out.jsonl"));
        run(&home, &[&origin], &command, "5125550100\n").fails(5, says);
    }
    assert_eq!(server.count(), 0);
    // The run that was refused has written nothing, so the same file can be named again.
    let output = home.file("out.jsonl");
    let command = format!("lists check {LIST} -o {output}");
    run(&home, &[&origin], &command, "5125550100\n").succeeds();
    assert_eq!(server.count(), 1);
}

#[test]
fn lists_that_cannot_be_read_refuse_nothing() {
    let fake = Fake::status(500, "", "");
    let origin = format!("--origin=suppressionlist={}", fake.url);
    run(&Home::new(), &[&origin], "lists check a", "x\n").says("500");
}

#[test]
fn a_dry_run_says_that_nothing_was_looked_up() {
    let home = Home::new();
    let certificate = format!("certs retain {CERTIFICATE} --email a@example.com");
    for (command, input) in [
        ("flows create -f name=x", ""),
        ("flows deploy 65e0b2000000000000000999", ""),
        ("flows delete 65e0b2000000000000000999", ""),
        ("flows update FLOW -f name=x", ""),
        ("flows list", ""),
        ("entities get SELLER", ""),
        ("lists create x", ""),
        ("lists add nothing", "a\nb\n"),
        ("leads submit FLOW SELLER -f email=a@example.com", ""),
        (
            "leads submit FLOW SELLER --input-format csv",
            "email\na@example.com\nb@example.com\n",
        ),
        ("leads feedback FLOW return", ""),
        ("events list", ""),
        (&certificate, ""),
        ("whoami", ""),
    ] {
        for (option, times) in [("--dry-run", 1), ("--curl", 0)] {
            let command = format!("{command} {option}");
            let ran = run(&home, &["--emulator"], &command, input);
            ran.succeeds();
            let said = ran
                .stderr
                .matches("it was not checked that the ids")
                .count();
            assert_eq!(said, times, "{command}: {ran:?}");
        }
    }
}

#[test]
fn what_is_not_found_can_be_listed() {
    for (command, code, says) in [
        ("flows get 65e0b2000000000000000999", 5, "`ap flows list`"),
        (
            "flows update 65e0b2000000000000000999 -f name=x",
            5,
            "`ap flows list`",
        ),
        (
            "flows deploy 65e0b2000000000000000999 --yes",
            5,
            "`ap flows list`",
        ),
        (
            "entities get 65e0b2000000000000000999",
            5,
            "`ap entities list`",
        ),
        ("fields get no_such_field", 5, "`ap fields list`"),
        (
            "events get 65e0b2000000000000000999",
            5,
            "`ap events list` shows the newest ids",
        ),
        (
            "leads feedback 65e0b2000000000000000999 return",
            5,
            "the id is that of a recipient's event",
        ),
        (
            "leads submit 65e0b2000000000000000999 SELLER -f email=a@example.com",
            5,
            "`ap flows list` and `ap entities list`",
        ),
        ("leads submit leads.csv", 2, "which `ap flows list` shows"),
        (
            "leads submit FLOW leads.csv",
            2,
            "which `ap entities list` shows",
        ),
        ("lists check numbers.txt", 2, "`ap lists list` shows it"),
        ("flows get solar", 2, "which `ap flows list` shows"),
        ("fields get a/b", 2, "which `ap fields list` shows"),
    ] {
        run(&Home::new(), &["--emulator"], command, "").fails(code, says);
    }
}

#[test]
fn a_word_of_another_program_leads_to_ours() {
    for (command, says) in [
        ("events export --since 2026-10-01", "did you mean `--from`?"),
        ("events export --until 2026-10-01", "did you mean `--to`?"),
        ("events export --csv", "did you mean `--format`?"),
        (
            "events export october.csv",
            "write results to a file with -o FILE",
        ),
        ("lists check a --jsonl", "did you mean `--format`?"),
        ("lists check --list a", "write LIST alone, without --"),
        ("leads submit --flow FLOW", "write FLOW alone, without --"),
        ("certs retain --column url", "did you mean `--cert`?"),
        ("certs claim", "did you mean `ap certs retain`?"),
        ("claim x", "did you mean `ap certs retain`?"),
        ("whoami --filter .id", "did you mean `--jq`?"),
        ("me", "did you mean `ap whoami`?"),
        ("version", "did you mean `ap --version`?"),
        ("flows list --api-key", "a key is never an argument"),
        ("auth login --key", "a key is never an argument"),
        (
            "auth login short-key",
            "which reads it from a hidden prompt",
        ),
        ("gateway --key", "did you mean `--key-file`?"),
        ("suppressionlist check", "did you mean `ap lists`?"),
        ("list check", "did you mean `ap lists`?"),
        ("flows ls", "did you mean `ap flows list`?"),
        ("flows rm FLOW", "did you mean `ap flows delete`?"),
        (
            "api flows name=x",
            "write a member as -f NAME=VALUE, a parameter of the query as -q NAME=VALUE; see",
        ),
        (
            "leads ping FLOW SELLER a.json b=c",
            "write a member as -f NAME=VALUE; see",
        ),
        (
            "flows create --fields name=x",
            "it has names of columns to show; write a member as -f NAME=VALUE",
        ),
        (
            "events export -o october.xlsx",
            "results are written as JSONL or CSV",
        ),
        (
            "lists check a -o checked.csv.GZ",
            "results are written as JSONL or CSV",
        ),
    ] {
        run(&Home::new(), &["--emulator"], command, "").fails(2, says);
    }
}

#[test]
fn a_column_with_a_title_for_people_needs_the_id_of_its_field() {
    let home = Home::new();
    let rows = "First Name,Email,phone_1\nRobin,robin@example.com,5125550100\n";
    let submit = "leads submit FLOW SELLER --input-format csv --report none";
    for (map, says) in [
        ("", "no ids of fields: First Name, Email"),
        ("", "such as --map 'First Name=first_name'"),
        ("--map Email=email", "no ids of fields: First Name\n"),
        ("--map Emial=email", "did you mean `Email`?"),
    ] {
        let command = format!("{submit} {map}");
        run(&home, &["--emulator"], &command, rows).fails(2, says);
    }
    for map in [
        "--map 'First Name=first_name' --map Email=email",
        "--map 1= --map 2=email",
    ] {
        let command = format!("{submit} {map}");
        run(&home, &["--emulator"], &command, rows).succeeds();
    }
}

#[test]
fn a_source_that_wants_a_key_says_more_than_401() {
    const CALL_CENTRE: &str = "65e0a100000000000000000a";
    let rows = "email\nrobin@example.com\n";
    let fake = Fake::status(401, "", "Unauthorized source");
    let origin = format!("--origin=lcx={}", fake.url);
    for (command, input) in [
        ("leads submit FLOW SOURCE -f email=a@b.example", ""),
        ("leads submit FLOW SOURCE - --input-format csv", rows),
        ("leads ping FLOW SOURCE -f state=TX", ""),
    ] {
        let command = command.replace("SOURCE", CALL_CENTRE);
        let ends = |options: &[&str], command: &str, says: &str| {
            let ran = run(&Home::new(), options, command, input);
            assert_eq!(ran.code, Some(4), "{ran:?}");
            ran.says(says);
        };
        ends(
            &["--emulator"],
            &command,
            "the source wants a key, and none was sent; add --with-key",
        );
        let signed = format!("{command} --with-key");
        run(&Home::new(), &["--emulator"], &signed, input).succeeds();
        ends(
            &[&origin],
            &signed,
            "the source does not accept this key; check it with `ap auth status`",
        );
    }
}

#[test]
fn certificates_of_the_vendor_are_looked_up_at_the_origin_that_is_called() {
    let vendor = format!("https://cert.trustedform.com/{CERTIFICATE}");
    let file = format!("email,cert\nrobin@example.com,{vendor}\nrobin@example.com,{CERTIFICATE}\n");
    let match_rows = "certs match - --input-format csv --report none";
    let ran = run(&Home::new(), &["--emulator"], match_rows, &file);
    assert_eq!(
        ran.succeeds().matches("\"status\":\"ok\"").count(),
        2,
        "{ran:?}"
    );
    let single = format!("certs retain {vendor} --email robin@example.com");
    run(&Home::new(), &["--emulator"], &single, "").succeeds();
    // Nothing is sent for a URL of anybody else, and the reason is the vendor's form.
    for (url, says) in [
        (
            format!("https://cert.trustedform.com.example/{CERTIFICATE}"),
            "gets no key",
        ),
        (format!("{vendor}?x=1"), "has a query or a fragment"),
    ] {
        let single = format!("certs retain {url} --email robin@example.com");
        run(&Home::new(), &["--emulator"], &single, "").fails(2, says);
    }
}

/// Returns the hours since 1970.
fn hour() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs() / 3600
}

#[test]
fn what_one_command_lists_the_next_one_finds_though_each_has_its_own_emulator() {
    let home = Home::new();
    let shown = |command: &str| run(&home, &["--emulator"], command, "");
    loop {
        let started = hour();
        let list = shown("events list --limit 1 --jq .[0].id");
        let id = list.succeeds().trim().to_owned();
        let one = shown(&format!("events get {id} --jq .id"));
        // The events end at a whole hour.
        if hour() == started {
            assert_eq!(one.succeeds().trim(), id);
            break;
        }
    }
    let stats = shown("events stats --column source-submitted");
    stats.says("these are the events of today (UTC)");
    let stats = shown("events stats --column source-submitted --json");
    assert_eq!(stats.stderr, "");
    let stats = shown("events stats --from 2026-01-01 --jq '.[0].\"source-submitted\" > 1700'");
    assert_eq!(stats.succeeds(), "true\n", "{stats:?}");
    assert_eq!(stats.stderr, "");
}
