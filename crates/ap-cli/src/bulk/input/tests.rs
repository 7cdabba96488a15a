//! Rows of every format, and what is wrong with broken ones.

use super::*;

fn rows(bytes: &[u8], format: InputFormat, selection: Selection) -> Result<Vec<Row>, Failure> {
    let mut rows = Rows::new(
        Source::of(bytes.to_vec(), "the file rows")?,
        format,
        selection,
        Shard::ALL,
    )?;
    std::iter::from_fn(|| rows.next().transpose()).collect()
}

fn value(column: Option<&str>) -> Selection {
    Selection::Value(column.map(str::to_owned))
}

/// Returns one line for each row: its line, and its value or what is wrong with it.
fn described(bytes: &[u8], format: InputFormat, column: Option<&str>) -> Vec<String> {
    let rows = rows(bytes, format, value(column)).unwrap();
    let describe = |row: &Row| match &row.fields {
        Ok(fields) => format!("{}: {}", row.line, fields.value()),
        Err(problem) => format!("{}: {:?} {}", row.line, problem.column, problem.message),
    };
    rows.iter().map(describe).collect()
}

#[test]
fn the_ends_of_lines_and_a_byte_order_mark_do_not_matter() {
    for text in ["a\nb\n\nc", "a\r\nb\r\n\r\nc\r\n", "\u{feff}a\nb\n \nc\n"] {
        let lines = described(text.as_bytes(), InputFormat::Lines, None);
        assert_eq!(lines, ["1: a", "2: b", "4: c"], "{text:?}");
        let csv = text.replacen('a', "h\na", 1);
        let rows = described(csv.as_bytes(), InputFormat::Csv, None);
        let rows: Vec<_> = rows.iter().map(|row| row.trim()).collect();
        if text.contains(" \n") {
            continue;
        }
        assert_eq!(rows, ["2: a", "3: b", "5: c"], "{csv:?}");
    }
}

#[test]
fn a_row_of_csv_is_named_by_its_line_whatever_ends_lines() {
    for (text, expected) in [
        ("h,w\na,1\nb\nc,3\n", ["2: a", "3: !", "4: c"]),
        ("h,w\r\na,1\r\nb\r\nc,3\r\n", ["2: a", "3: !", "4: c"]),
        ("h,w\ra,1\rb\rc,3\r", ["2: a", "3: !", "4: c"]),
        ("h,w\ra,1\rb\rc,3", ["2: a", "3: !", "4: c"]),
        ("h,w\ra,1\r\nb\n\rc,3\n", ["2: a", "3: !", "5: c"]),
        (
            "\r\rh,w\r\r\na,1\r\r\r\nb\n\n\nc,3",
            ["5: a", "8: !", "11: c"],
        ),
        ("h,w\r\"a\r\r\n\n\",1\rb\rc,3\r", ["2: a", "6: !", "7: c"]),
    ] {
        let rows = described(text.as_bytes(), InputFormat::Csv, Some("h"));
        let rows: Vec<_> = rows.iter().map(|row| row.trim_end()).collect();
        let expected = expected.map(|row| match row.strip_suffix('!') {
            Some(line) => format!(
                "{line}None it has 1 fields, but the header has 2; put fields with commas in quotation marks"
            ),
            None => row.to_owned(),
        });
        assert_eq!(rows, expected, "{text:?}");
    }
}

#[test]
fn the_end_of_a_line_in_two_reads_is_one() {
    // The reader's buffer has 64 KiB.
    let first = "h\r\n".to_owned() + &"x".repeat((1 << 16) - 4);
    for (end, line) in [
        ("\r\n", 3),
        ("\r", 3),
        ("\n", 3),
        ("\r\r", 4),
        ("\r\n\r\n", 4),
    ] {
        let text = format!("{first}{end}b\r\n");
        let rows = described(text.as_bytes(), InputFormat::Csv, None);
        assert_eq!(rows[1], format!("{line}: b"), "{end:?}");
    }
}

#[test]
fn rows_that_end_with_carriage_returns_alone_are_refused_where_they_end_no_line() {
    for (format, text) in [
        (InputFormat::Lines, "a\rb\rc\r".to_owned()),
        (InputFormat::Lines, "abcdefg\r".repeat(MAX_ROW_LEN)),
        (InputFormat::Jsonl, "\"a\"\r\"b\"\r".to_owned()),
        (InputFormat::Jsonl, "\"abcdef\"\r".repeat(MAX_ROW_LEN)),
    ] {
        let failure = rows(text.as_bytes(), format, value(None)).unwrap_err();
        assert_eq!(
            failure.message,
            "the first row of the file rows: it contains a carriage return; end lines with a line feed"
        );
        assert!(
            failure.hint.contains("`tr '\\r' '\\n'`"),
            "{}",
            failure.hint
        );
    }
    // Between the parts of one value, it is a space.
    let rows = described(b"{\"a\":\r\"b\"}\n", InputFormat::Jsonl, None);
    assert_eq!(rows, ["1: b"]);
}

#[test]
fn a_value_of_json_is_the_text_that_a_csv_file_has() {
    for (json, text) in [
        (r#""a\u00e9\n""#, "aé\n"),
        ("1", "1"),
        ("-1.50", "-1.50"),
        ("1e3", "1e3"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        ("true", "true"),
        ("false", "false"),
        ("null", ""),
    ] {
        for row in [json.to_owned(), format!(" {{\"v\" : {json} }} ")] {
            let rows = rows(row.as_bytes(), InputFormat::Jsonl, value(None)).unwrap();
            assert_eq!(rows[0].fields.as_ref().unwrap().value(), text, "{row}");
        }
    }
    let message = "it is a list or an object; write a text, a number, true or false";
    for (row, column) in [
        ("[1]", None),
        (r#"{"v":{}}"#, Some("v")),
        (r#"{"v":["a"]}"#, Some("v")),
    ] {
        let problem = RowProblem::new(message);
        let problem = match column {
            Some(column) => problem.in_column(column),
            None => problem,
        };
        let rows = rows(row.as_bytes(), InputFormat::Jsonl, value(None)).unwrap();
        assert_eq!(rows[0].fields, Err(problem), "{row}");
    }
    // A character that no text has.
    let rows = rows(br#"{"v":"\ud800"}"#, InputFormat::Jsonl, value(None)).unwrap();
    let problem = rows[0].fields.as_ref().unwrap_err();
    assert!(
        problem.message.starts_with("it is not valid JSON"),
        "{problem:?}"
    );
}

#[test]
fn a_row_ends_where_the_next_one_begins() {
    for (format, text, expected) in [
        (InputFormat::Csv, "h\na\nbc\n", [4, 7]),
        (InputFormat::Lines, "\u{feff}a\nbc\n", [5, 8]),
        (InputFormat::Jsonl, "\"a\"\n\"bc\"\n", [4, 9]),
    ] {
        let rows = rows(text.as_bytes(), format, value(None)).unwrap();
        let ends: Vec<_> = rows.iter().map(|row| row.end).collect();
        assert_eq!(ends, expected, "{text:?}");
    }
}

#[test]
fn a_broken_row_is_named_by_line_and_column_and_the_others_are_read() {
    for (format, text, column, expected) in [
        (
            InputFormat::Lines,
            &b"a\nb\xff\nc\n"[..],
            None,
            "2: Some(At(2)) it is not UTF-8; convert the file to UTF-8",
        ),
        (
            InputFormat::Lines,
            b"a\nb\0\nc\n",
            None,
            "2: Some(At(2)) it contains a zero byte; if the file is UTF-16, convert it to UTF-8",
        ),
        (
            InputFormat::Csv,
            b"id,v\n1,a\n2,b,x\n3,c\n",
            Some("v"),
            "3: None it has 3 fields, but the header has 2; put fields with commas in quotation marks",
        ),
        (
            InputFormat::Csv,
            b"id,v\n1,a\n2,\xe9\n3,c\n",
            Some("v"),
            "3: Some(Named(\"v\")) it is not UTF-8; convert the file to UTF-8",
        ),
        (
            InputFormat::Jsonl,
            b"\"a\"\n{\"v\":\n\"c\"\n",
            None,
            "2: Some(At(5)) it is not valid JSON; write one value a line",
        ),
        (
            InputFormat::Jsonl,
            b"{\"v\":\"a\"}\n{\"v\":[1]}\n{\"v\":\"c\"}\n",
            Some("v"),
            "2: Some(Named(\"v\")) it is a list or an object; write a text, a number, true or false",
        ),
        (
            InputFormat::Jsonl,
            b"{\"v\":\"a\"}\n{\"vv\":1}\n{\"v\":\"c\"}\n",
            Some("v"),
            "2: None it has no column of that name; did you mean `vv`?",
        ),
    ] {
        let rows = described(text, format, column);
        assert_eq!(rows.len(), 3, "{rows:?}");
        assert!(
            rows[0].ends_with(": a") && rows[2].ends_with(": c"),
            "{rows:?}"
        );
        assert_eq!(rows[1], expected);
    }
}

#[test]
fn a_very_long_row_is_an_error_of_that_row_and_is_not_kept() {
    let long = "x".repeat(3 * MAX_ROW_LEN);
    let fitting = "y".repeat(MAX_ROW_LEN - 1);
    for (format, text) in [
        (InputFormat::Lines, format!("a\n{long}\n{fitting}\nb\n")),
        (
            InputFormat::Jsonl,
            format!("\"a\"\n\"{long}\"\n{}\n\"b\"\n", fitting.len()),
        ),
        (InputFormat::Csv, format!("v\na\n{long}\n{fitting}\nb\n")),
    ] {
        let rows = rows(text.as_bytes(), format, value(None)).unwrap();
        let problems: Vec<_> = rows.iter().map(|row| row.fields.is_err()).collect();
        assert_eq!(problems, [false, true, false, false], "{format:?}");
        let problem = rows[1].fields.as_ref().unwrap_err();
        assert!(problem.message.starts_with("it is longer than 1024 KiB"));
    }
}

#[test]
fn a_field_may_have_several_lines() {
    let rows = described(b"v,w\n\"a\nb\",1\nc,2\n", InputFormat::Csv, Some("v"));
    assert_eq!(rows, ["2: a\nb", "4: c"]);
}

#[test]
fn an_input_without_rows_or_with_another_encoding_is_refused() {
    for (format, text, expected) in [
        (InputFormat::Lines, &b""[..], "the file rows is empty"),
        (
            InputFormat::Csv,
            b"\n\n",
            "the first line of the file rows has no names of columns",
        ),
        (
            InputFormat::Csv,
            b"a\xff\nb\n",
            "the first line of the file rows is not UTF-8",
        ),
        (
            InputFormat::Lines,
            b"\xff\xfea\0",
            "the file rows is UTF-16",
        ),
        (
            InputFormat::Jsonl,
            b"{\"email\":\"x\",\"b\":1}\n",
            "the first row of the file rows: it has no column of that name; did you mean `email`?",
        ),
    ] {
        let selection = match format {
            InputFormat::Jsonl => value(Some("emial")),
            _ => value(None),
        };
        let failure = rows(text, format, selection).unwrap_err();
        assert_eq!(failure.message, expected);
    }
}

#[test]
fn a_column_of_json_is_chosen_like_one_of_csv() {
    for (row, column) in [
        (r#"{"id":1,"Phone":"a"}"#, Some("phone")),
        (r#"{"id":1,"PHONE 1":"a"}"#, Some("phone_1")),
        // In the order of the object.
        (r#"{"id":1,"a":"a"}"#, Some("2")),
        (r#"{"z":"a","b":1}"#, Some("1")),
        (r#"{"z":"b","1":"a"}"#, Some("1")),
        (r#"{"phone":"a","PHONE":"b"}"#, Some("phone")),
        (r#"{"only":"a"}"#, None),
    ] {
        let rows = described(row.as_bytes(), InputFormat::Jsonl, column);
        assert_eq!(rows, ["1: a"], "{row}");
    }
    for (row, column, message, hint) in [
        (
            r#"{"z":"a","b":1}"#,
            None,
            "it has 2 columns",
            "choose one with --column: z, b",
        ),
        (
            r#"{"z":"a","b":1}"#,
            Some("3"),
            "it has no column of that name",
            "its columns: z, b",
        ),
        (
            r#"{"A":"a","a":"b"}"#,
            Some("a "),
            "it has several columns of the name that --column gives",
            "choose one by its number, from 1",
        ),
    ] {
        let failure = rows(row.as_bytes(), InputFormat::Jsonl, value(column)).unwrap_err();
        let expected = format!("the first row of the file rows: {message}");
        assert_eq!((failure.message, failure.hint), (expected, hint.to_owned()));
    }
}

#[test]
fn a_record_has_every_column() {
    let expected = [("a", "1"), ("b", "x,y")].map(|(n, v)| (Arc::from(n), v.to_owned()));
    for (format, text) in [
        (InputFormat::Csv, "a,b\n1,\"x,y\"\n"),
        (InputFormat::Jsonl, "{\"a\":1,\"b\":\"x,y\",\"c\":null}\n"),
    ] {
        let rows = rows(text.as_bytes(), format, Selection::Record(Vec::new())).unwrap();
        assert_eq!(rows[0].fields, Ok(Fields(expected.to_vec())));
    }
}

#[test]
fn the_checksum_of_a_row_is_that_of_its_content() {
    let sums = |text: &str, format| -> Vec<u32> {
        let rows = rows(text.as_bytes(), format, Selection::Record(Vec::new()));
        let rows = rows.unwrap();
        rows.iter().map(|row| row.checksum).collect()
    };
    let one = sums("a,b\n1,23\n1,23\n12,3\n", InputFormat::Csv);
    assert_eq!(one[0], one[1]);
    assert_ne!(one[0], one[2]);
}
