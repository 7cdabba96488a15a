//! What is wrong with the input of a bulk command: a clear error each, and the rest of the rows are done.

#![allow(clippy::unwrap_used)]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::common;
use crate::common::bulk::{not_found, objects, peak_memory};
use crate::common::counting::Counting;
use crate::common::{Home, KEY, Ran, VARIABLE};
use serde_json::Value;

/// A run over an input, and how it ends.
struct Case {
    /// The name of the input's file, which says how it is written.
    file: &'static str,
    input: Vec<u8>,
    options: &'static [&'static str],
    code: i32,
    /// What standard error says.
    says: &'static str,
    /// The results, in short: the line, the status, and the column and the message of an error.
    results: &'static [&'static str],
}

const PHONE: &[&str] = &["--column", "phone"];

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn case(
    file: &'static str,
    input: impl Into<Vec<u8>>,
    options: &'static [&'static str],
    (code, says): (i32, &'static str),
    results: &'static [&'static str],
) -> Case {
    Case {
        file,
        input: input.into(),
        options,
        code,
        says,
        results,
    }
}

/// Inputs that are refused before anything is sent.
fn refused() -> Vec<Case> {
    let refused = |file, input: &[u8], options, says| case(file, input, options, (2, says), &[]);
    let two = b"id,phone\n1,a\n";
    let wide = utf16("id,phone\n1,a\n");
    vec![
        refused("a.csv", two, &["--column", "fone"], "did you mean `phone`?"),
        refused(
            "a.csv",
            two,
            &["--column", "x"],
            "has no column of that name",
        ),
        refused(
            "a.csv",
            two,
            &["--column", "3"],
            "has no column of that name",
        ),
        refused("a.csv", two, &[], "has 2 columns"),
        refused(
            "a.csv",
            b"phone,Phone\na,b\n",
            &["--column", "PHONE"],
            "several columns of the name",
        ),
        refused(
            "a.csv",
            b"id;phone\n1;a\n",
            &[],
            "are separated by semicolons",
        ),
        refused(
            "a.csv",
            b"id\tphone\n1\ta\n",
            PHONE,
            "are separated by tabs",
        ),
        refused(
            "a.csv",
            b"id,t\xe9l\n1,a\n",
            PHONE,
            "the first line of the file",
        ),
        refused(
            "a.csv",
            b"id,\"phone\n1,a\n",
            PHONE,
            "a quotation mark that is never closed",
        ),
        refused("a.csv", b"\n\n", PHONE, "has no names of columns"),
        refused(
            "a.csv",
            &[&b"\xff\xfe"[..], &wide].concat(),
            PHONE,
            "is UTF-16",
        ),
        refused("a.csv", &wide, PHONE, "is UTF-16"),
        refused(
            "a.csv",
            b"PK\x03\x04\x14",
            PHONE,
            "is a workbook or an archive",
        ),
        refused("a.txt", b"\x1f\x8b\x08\x00", &[], "is compressed"),
        refused("a.txt", b"", &[], "is empty"),
        refused(
            "a.txt",
            b"\xef\xbb\xbf\r\n\r\n",
            &[],
            "has only empty lines",
        ),
        refused("a.jsonl", b"\n\n", &[], "has only empty lines"),
        refused(
            "a.json",
            b"[\n{\"phone\":\"1\"}\n]\n",
            &[],
            "it is JSON, not one value",
        ),
        refused(
            "a.tsv",
            b"id\tphone\n1\t2\n",
            &[],
            "values separated by tabs",
        ),
        refused("a.txt", b"a\n", PHONE, "has plain lines, without columns"),
        refused(
            "a.txt",
            b"a\rb\rc\r",
            &[],
            "it contains a carriage return; end lines with a line feed",
        ),
        refused(
            "a.jsonl",
            b"{\"phone\":\"a\"}\r{\"phone\":\"b\"}\r",
            &[],
            "it contains a carriage return; end lines with a line feed",
        ),
        refused(
            "a.jsonl",
            b"{\"fone\":\"a\",\"b\":1}\n",
            PHONE,
            "did you mean `fone`?",
        ),
        refused(
            "a.jsonl",
            b"{\"id\":1,\"phone\":\"a\"}\n",
            &[],
            "choose one with --column",
        ),
    ]
}

/// Inputs of which some rows are broken.
fn broken() -> Vec<Case> {
    const FAILED: (i32, &str) = (8, "rows did not succeed");
    const FIELDS: &str = "3 failed: it has 1 fields, but the header has 2; put fields with commas in quotation marks";
    let long = format!("id,phone\n1,a\n2,{}\n3,c\n", "x".repeat(2 << 20));
    let opened = format!("id,phone\n1,a\n2,\"b\n3,{}\"\n4,d\n", "x\n".repeat(1 << 20));
    let many = format!("id,phone\n1,a\n2{}\n3,c\n", ",".repeat(5000));
    const LONG: &str = "3 failed: it is longer than 1024 KiB or has more than 4096 fields; a quotation mark may be missing";
    vec![
        case("a.csv", &b"\xef\xbb\xbfphone,id\r\na,1\r\n\r\nb,2\r\n"[..], PHONE, (0, "2 rows: 2 ok"), &["2 ok", "4 ok"]),
        case("a.txt", &b"\xef\xbb\xbfa\r\nb"[..], &[], (0, "2 rows: 2 ok"), &["1 ok", "2 ok"]),
        case("a.csv", &b"phone,id\n"[..], PHONE, (0, "0 rows"), &[]),
        case("a.csv", &b"id,phone\n1,a\n2,caf\xe9\n3,c\n"[..], PHONE, FAILED, &["2 ok", "3 failed phone: it is not UTF-8; convert the file to UTF-8", "4 ok"]),
        case("a.txt", &b"a\ncaf\xe9\nc\n"[..], &[], FAILED, &["1 ok", "2 failed 4: it is not UTF-8; convert the file to UTF-8", "3 ok"]),
        case("a.txt", &b"abc\nd\0e\nf\n"[..], &[], FAILED, &["1 ok", "2 failed 2: it contains a zero byte; if the file is UTF-16, convert it to UTF-8", "3 ok"]),
        case("a.txt", &b"abc\nd\re\nf\n"[..], &[], FAILED, &["1 ok", "2 failed 2: it contains a carriage return; end lines with a line feed", "3 ok"]),
        case("a.csv", &b"id,phone\n1,a\n2\n3,c\n"[..], PHONE, FAILED, &["2 ok", FIELDS, "4 ok"]),
        case("a.csv", &b"id,phone\r1,a\r2\r3,c\r"[..], PHONE, FAILED, &["2 ok", FIELDS, "4 ok"]),
        case("a.csv", &b"id,phone\r\n1,a\r2\n3,c"[..], PHONE, FAILED, &["2 ok", FIELDS, "4 ok"]),
        case("a.csv", long, PHONE, FAILED, &["2 ok", LONG, "4 ok"]),
        case("a.csv", opened, PHONE, FAILED, &["2 ok", LONG, "1048581 ok"]),
        case("a.csv", many, PHONE, FAILED, &["2 ok", LONG, "4 ok"]),
        case("a.jsonl", &b"{\"phone\":\"a\"}\n{\"phone\":\n{\"phone\":\"c\",\"phone\":\"d\"}\n{\"phone\":[1]}\n{\"fone\":\"e\"}\n\"f\"\n"[..], PHONE, FAILED, &[
            "1 ok",
            "2 failed 9: it is not valid JSON; write one value a line",
            "3 failed phone: it has two members of this name",
            "4 failed phone: it is a list or an object; write a text, a number, true or false",
            "5 failed: it has no column of that name; did you mean `fone`?",
            "6 ok",
        ]),
        // Everything after the quotation mark would be one row, so it is left.
        case("a.csv", &b"id,phone\n1,a\n2,\"b\n3,c\n4,d\n"[..], PHONE, (1, "the row on line 3 of the file"), &["2 ok"]),
    ]
}

fn describe(result: &Value) -> String {
    let mut text = format!("{} {}", result["line"], result["status"].as_str().unwrap());
    let error = &result["error"];
    if error.is_object() {
        assert_eq!(error["kind"], "input");
        let column = error
            .get("column")
            .map(ToString::to_string)
            .unwrap_or_default();
        let column = column.trim_matches('"');
        let space = if column.is_empty() { "" } else { " " };
        text.push_str(&format!(
            "{space}{column}: {}",
            error["message"].as_str().unwrap()
        ));
    }
    text
}

#[test]
fn each_fault_of_an_input_has_its_error_and_the_other_rows_are_done_once() {
    let server = Counting::new(not_found);
    let origin = server.as_suppressionlist();
    for case in refused().into_iter().chain(broken()) {
        let home = Home::new();
        let input = home.file(case.file);
        std::fs::write(&input, &case.input).unwrap();
        let output = home.file("out.jsonl");
        let start = [
            origin.as_str(),
            "lists",
            "check",
            "a",
            &input,
            "-o",
            &output,
        ];
        let arguments = [&start, case.options].concat();
        let called = server.count();
        let ran = home.run(&arguments);
        assert_eq!(ran.code, Some(case.code), "{ran:?}");
        ran.says(case.says);
        if case.code == 2 {
            assert_eq!(ran.stderr.lines().count(), 2, "{ran:?}");
            assert!(!Path::new(&output).exists(), "{ran:?}");
            assert_eq!(server.count(), called);
            continue;
        }
        let results = || std::fs::read_to_string(&output).unwrap();
        let before = results();
        let described: Vec<_> = objects(&before).iter().map(describe).collect();
        assert_eq!(described, case.results, "{ran:?}");
        let sent = described.iter().filter(|result| result.ends_with(" ok"));
        assert_eq!(server.count() - called, sent.count());
        // The same command again ends in the same way, and calls for nothing.
        let called = server.count();
        assert_eq!(home.run(&arguments).code, Some(case.code));
        assert_eq!(results(), before);
        assert_eq!(server.count(), called);
    }
}

#[test]
fn a_run_over_a_row_that_was_never_closed_is_resumed_when_it_is() {
    let server = Counting::new(not_found);
    let home = Home::new();
    let (input, output) = (home.file("in.csv"), home.file("out.jsonl"));
    let arguments = [
        &server.as_suppressionlist(),
        "lists",
        "check",
        "a",
        &input,
        "-o",
        &output,
    ];
    std::fs::write(&input, "v\na\n\"b\nc\n").unwrap();
    let ran = home.run(&arguments);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    ran.says("run the same command again to resume");
    std::fs::write(&input, "v\na\n\"b\"\nc\n").unwrap();
    home.run(&arguments).succeeds();
    assert_eq!(objects(&std::fs::read_to_string(&output).unwrap()).len(), 3);
    assert_eq!(server.count(), 3);
}

/// What another program does to the input while it is read.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// It is cut in the middle of a row.
    Cut,
    Append,
    Rewrite,
}

#[test]
fn a_file_that_changes_while_it_is_read_is_noticed_and_no_half_row_is_sent() {
    // More than is read ahead.
    const ROWS: usize = 2_000;
    const KEPT: usize = 1_600;
    let row = |number: usize| format!("value-{number:0200}\n");
    let all: String = (1..=ROWS).map(row).collect();
    let width = row(1).len();
    for change in [Change::Cut, Change::Append, Change::Rewrite] {
        let home = Home::new();
        let (input, output) = (home.file("in.txt"), home.file("out.jsonl"));
        std::fs::write(&input, &all).unwrap();
        let changed = Arc::new(std::sync::Once::new());
        let server = Counting::new({
            let input = input.clone();
            move |request| {
                changed.call_once(|| {
                    let mut file = OpenOptions::new().append(true).open(&input).unwrap();
                    match change {
                        Change::Cut => file.set_len((KEPT * width + 9) as u64).unwrap(),
                        Change::Append => file.write_all(row(ROWS + 1).as_bytes()).unwrap(),
                        Change::Rewrite => {
                            let later =
                                std::time::SystemTime::now() + std::time::Duration::from_secs(5);
                            file.set_modified(later).unwrap();
                        }
                    }
                });
                assert_eq!(
                    request.last_segment().len(),
                    row(1).len() - 1,
                    "{request:?}"
                );
                not_found(request)
            }
        });
        let origin = server.as_suppressionlist();
        let arguments = [
            &origin,
            "lists",
            "check",
            "a",
            &input,
            "-o",
            &output,
            "--concurrency",
            "64",
        ];
        let ran = home.run(&arguments);
        assert_eq!(ran.code, Some(1), "{change:?} {ran:?}");
        ran.says("changed while it was read");
        let results = || objects(&std::fs::read_to_string(&output).unwrap());
        let expected = match change {
            Change::Cut => KEPT,
            Change::Append => ROWS + 1,
            Change::Rewrite => ROWS,
        };
        assert_eq!(results().len(), expected, "{change:?}");
        // When nothing writes to it any more, the same command completes the run.
        if matches!(change, Change::Cut) {
            std::fs::write(&input, &all).unwrap();
        }
        home.run(&arguments).succeeds();
        let rows: Vec<_> = results()
            .iter()
            .map(|result| result["row"].as_u64().unwrap())
            .collect();
        let last = ROWS as u64 + u64::from(matches!(change, Change::Append));
        assert_eq!(rows, (1..=last).collect::<Vec<_>>(), "{change:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_of_100_mb_fails_alone_and_takes_no_memory() {
    const LEN: usize = 100_000_000;
    for (file, before, after) in [
        ("a.txt", "a\n", "\nb\n"),
        ("a.csv", "v\na\n", "\nb\n"),
        ("a.csv", "v\na\n\"", "\"\nb\n"),
        ("a.jsonl", "\"a\"\n\"", "\"\n\"b\"\n"),
    ] {
        let peak = |long: usize| {
            let input = [before, &"x".repeat(long), after].concat();
            // The calls are those of the rows before and after the long one.
            let calls = if long > 1 << 20 { 2 } else { 3 };
            peak_memory(
                file,
                input.as_bytes(),
                calls,
                &[],
                8 * i32::from(calls == 2),
            )
        };
        let (short, long) = (peak(10), peak(LEN));
        assert!(
            long < short + 8192,
            "{file}: {short} KiB, {long} KiB for a long line"
        );
    }
}

#[test]
fn a_lead_has_no_field_twice_and_none_without_a_name() {
    let home = Home::new();
    let server = Counting::new(not_found);
    let origin = format!("--origin=lcx={}", server.url);
    let id = "5fd4371e940df5a34a3888b2";
    for (file, text, options, expected) in [
        (
            "a.csv",
            "email,email\na,b\n",
            &[][..],
            "column 2 of the file",
        ),
        ("a.csv", "email,\na,b\n", &[], "has no name"),
        (
            "a.csv",
            "Email,Mail\na,b\n",
            &["--map", "Mail=Email"],
            "as another one has",
        ),
        (
            "a.csv",
            "Email,Phone\na,b\n",
            &["--map", "Emial=email"],
            "did you mean `Email`?",
        ),
        (
            "a.jsonl",
            "{\"Email\":\"a\"}\n",
            &["--map", "Emial=email"],
            "did you mean `Email`?",
        ),
        ("a.txt", "a\n", &[], "has plain lines, without columns"),
    ] {
        let input = home.file(file);
        std::fs::write(&input, text).unwrap();
        let start = [origin.as_str(), "leads", "submit", id, id, &input];
        home.run(&[&start, options].concat()).fails(2, expected);
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn an_output_that_is_the_input_is_refused() {
    let home = Home::new();
    let input = home.file("in.txt");
    std::fs::write(&input, "a\n").unwrap();
    let ran = home.run(&["--emulator", "lists", "check", "a", &input, "-o", &input]);
    ran.fails(2, "exists, and is not from a run that can be resumed");
    assert_eq!(std::fs::read_to_string(&input).unwrap(), "a\n");
}

/// Returns what a command sends for each row of an input, and what is wrong with the rows that it does not send.
fn sent_and_failed(
    product: &str,
    command: &[&str],
    (file, input): (&str, &str),
    answer: &'static str,
) -> (Vec<String>, Vec<String>) {
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let server = Counting::new({
        let sent = Arc::clone(&sent);
        move |request| {
            sent.lock().unwrap().push(request.body.clone());
            (200, "", answer.to_owned())
        }
    });
    let home = Home::new();
    let path = home.file(file);
    std::fs::write(&path, input).unwrap();
    let origin = format!("--origin={product}={}", server.url);
    let arguments = [&[origin.as_str()], command, &[&path, "--concurrency=1"]].concat();
    let ran = home.run(&arguments);
    assert!(matches!(ran.code, Some(0 | 8)), "{ran:?}");
    let failed = objects(&ran.stdout);
    let failed = failed.iter().filter(|result| result["status"] == "failed");
    (sent.lock().unwrap().clone(), failed.map(describe).collect())
}

#[test]
fn rows_of_json_make_the_calls_of_a_csv_file_with_the_same_texts() {
    const NESTED: &str = "it is a list or an object; write a text, a number, true or false";
    let id = "5fd4371e940df5a34a3888b2";
    let certificate = "65e0e50100000000000000000000000000000001";
    let nested = |line, column| format!("{line} failed {column}: {NESTED}");
    let (accepted, added) = (r#"{"outcome":"success"}"#, r#"{"accepted":1,"rejected":0}"#);
    for (product, command, answer, csv, json, calls, failed) in [
        (
            "lcx",
            &["leads", "submit", id, id][..],
            accepted,
            "email,n,price,big,opt_in,out,none,empty\na@b.example,1,1.50,12345678901234567890,true,false,,\n".to_owned(),
            "{\"email\":\"a@b.example\",\"n\":1,\"price\":1.50,\"big\":12345678901234567890,\"opt_in\":true,\"out\":false,\"none\":null,\"empty\":\"\"}\n{\"email\":\"b\",\"tags\":[\"a\"]}\n{\"email\":{\"a\":1}}\n".to_owned(),
            &[r#"{"big":"12345678901234567890","email":"a@b.example","n":"1","opt_in":"true","out":"false","price":"1.50"}"#][..],
            vec![nested(2, "tags"), nested(3, "email")],
        ),
        (
            "suppressionlist",
            &["lists", "add", "a"],
            added,
            "phone\na\n1\n1.50\ntrue\n".to_owned(),
            "{\"phone\":\"a\"}\n{\"phone\":1}\n{\"phone\":1.50}\n{\"phone\":true}\n{\"phone\":null}\n{\"phone\":[1]}\n{\"phone\":{}}\n".to_owned(),
            &[r#"{"values":["a"]}"#, r#"{"values":["1"]}"#, r#"{"values":["1.50"]}"#, r#"{"values":["true"]}"#],
            vec!["5 failed: the value is empty".to_owned(), nested(6, "phone"), nested(7, "phone")],
        ),
        (
            "trustedform",
            &["certs", "match"],
            accepted,
            format!("cert,email,phone\n{certificate},,5125550100\n{certificate},a@b.example,\n"),
            format!("{{\"cert\":\"{certificate}\",\"email\":null,\"phone\":5125550100}}\n{{\"cert\":\"{certificate}\",\"email\":\"a@b.example\"}}\n{{\"cert\":\"{certificate}\",\"email\":[\"a\"]}}\n{{\"cert\":{{}},\"email\":\"a\"}}\n{{\"cert\":\"{certificate}\",\"email\":null}}\n"),
            &[
                r#"{"match_lead":{"phone":"5125550100"}}"#,
                r#"{"match_lead":{"email":"a@b.example"}}"#,
            ],
            vec![
                nested(3, "email"),
                nested(4, "cert"),
                "5 failed: it has neither an email address nor a phone number".to_owned(),
            ],
        ),
    ] {
        let (of_csv, _) = sent_and_failed(product, command, ("in.csv", &csv), answer);
        let (of_json, found) = sent_and_failed(product, command, ("in.jsonl", &json), answer);
        assert_eq!(of_json, calls);
        assert_eq!(of_json, of_csv);
        assert_eq!(found, failed);
    }
}

/// What a command reads alone, without a call: the whole input.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_changes_is_noticed_by_commands_that_only_read_it() {
    use std::os::unix::fs::FileExt as _;

    // Most of it is empty lines, so that it takes a while to read.
    const LEN: usize = 64 << 20;
    const CALLS: usize = 3;
    let server = Counting::new(not_found);
    let home = Home::new();
    let (input, output) = (home.file("in.txt"), home.file("out.jsonl"));
    let mut text = b"a\nb\nc\n".to_vec();
    text.extend([b' '; 1 << 16].iter().chain(b"\n").cycle().take(LEN));
    std::fs::write(&input, &text).unwrap();
    let origin = server.as_suppressionlist();
    let check = [&origin, "lists", "check", "a", &input, "-o", &output];
    home.run(&check).succeeds();
    let preview = [&check[..], &["--dry-run"]].concat();
    for arguments in [&check[..], &preview] {
        let mut command = home.ap(arguments);
        command.env(VARIABLE, KEY);
        let child = common::spawn(command);
        let position = || position_in(child.id(), &input);
        while position().is_none_or(|position| position < 1 << 17) {
            std::thread::yield_now();
        }
        common::send_signal(child.id(), "STOP");
        assert!(position().is_some_and(|position| position < LEN));
        let file = OpenOptions::new().write(true).open(&input).unwrap();
        file.write_all_at(b"d", 2).unwrap();
        file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5))
            .unwrap();
        common::send_signal(child.id(), "CONT");
        let ran = Ran::of(child.wait_with_output().unwrap(), KEY);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        ran.says("changed while it was read");
        std::fs::write(&input, &text).unwrap();
    }
    home.run(&check).says("nothing was sent");
    assert_eq!(server.count(), CALLS);
}

/// Returns where in a file a process reads.
#[cfg(target_os = "linux")]
fn position_in(process: u32, file: &str) -> Option<usize> {
    let folder = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let mut descriptors = folder.filter_map(Result::ok);
    let found = descriptors.find(|descriptor| {
        std::fs::read_link(descriptor.path()).is_ok_and(|target| target == Path::new(file))
    })?;
    let number = found.file_name().into_string().ok()?;
    let info = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{number}")).ok()?;
    let position = info.lines().find_map(|line| line.strip_prefix("pos:"))?;
    position.trim().parse().ok()
}
