//! The one form in which keys are kept: one key a line, oldest first, and nothing else.

use ap_core::{ApiKey, MAX_KEYS};

use crate::Problem;

/// Whether the last line may be without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastLine {
    /// It may not: the text could be half-written.
    Ended,
    /// It may: the text is known to be whole.
    Open,
}

/// Reads the keys of a text. `place` says in problems where it comes from, `label` on the keys.
pub(crate) fn parse(
    text: &[u8],
    last: LastLine,
    place: &str,
    label: &str,
) -> Result<Vec<ApiKey>, Problem> {
    if text.is_empty() {
        return Err(Problem::new(
            format!("{place}: it is empty"),
            "put the keys in it, one a line, oldest first",
        ));
    }
    let whole = text.strip_suffix(b"\n");
    if whole.is_none() && last == LastLine::Ended {
        return Err(Problem::new(
            format!("{place}: its last line has no end, so it may be half-written"),
            "end it with a line feed, or replace the file whole by a rename",
        ));
    }
    let lines: Vec<&[u8]> = whole.unwrap_or(text).split(|&byte| byte == b'\n').collect();
    let mut keys: Vec<ApiKey> = Vec::with_capacity(MAX_KEYS);
    for (at, line) in lines.iter().enumerate() {
        let number = at + 1;
        let wrong = |why: &str| {
            Problem::new(
                format!("{place}: line {number}: {why}"),
                "one key a line, and nothing else",
            )
        };
        if line.ends_with(b"\r") {
            return Err(wrong(
                "it ends in a carriage return, as files of Windows do (CRLF)",
            ));
        }
        let key = ApiKey::parse(line).map_err(|error| wrong(&error.to_string()))?;
        if keys.iter().any(|other| other.expose() == key.expose()) {
            continue;
        }
        if keys.len() == MAX_KEYS {
            return Err(Problem::new(
                format!("{place}: there are more than {MAX_KEYS} keys"),
                "keep the newest",
            ));
        }
        keys.push(if lines.len() == 1 {
            key.labelled(label)
        } else {
            key.labelled(&format!("line {number} of {label}"))
        });
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], last: LastLine) -> Result<Vec<String>, String> {
        parse(text, last, "here", "label")
            .map(|keys| keys.iter().map(|key| key.expose().to_owned()).collect())
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn keys_are_read_in_their_order_and_equal_ones_count_once() {
        for (text, expected) in [
            (&b"one-key\n"[..], &["one-key"][..]),
            (b"one-key\ntwo-key\n", &["one-key", "two-key"]),
            (b"1\n2\n1\n3\n2\n", &["1", "2", "3"]),
            (b"#not-a-comment\n", &["#not-a-comment"]),
        ] {
            assert_eq!(read(text, LastLine::Ended).unwrap(), expected);
            let open = text.strip_suffix(b"\n").unwrap();
            assert_eq!(read(open, LastLine::Open).unwrap(), expected);
            assert!(
                read(open, LastLine::Ended)
                    .unwrap_err()
                    .contains("half-written")
            );
        }
    }

    #[test]
    fn anything_else_is_told_by_its_line_and_never_repeated() {
        for (text, says) in [
            (&b""[..], "it is empty"),
            (b"\n", "line 1: the key is empty"),
            (b"key-one\n\n", "line 2: the key is empty"),
            (b"key-one\n\nkey-two\n", "line 2: the key is empty"),
            (b"key-one\nkey two\n", "line 2: the key holds a blank"),
            (b"key-one\r\n", "line 1: it ends in a carriage return"),
            (b"\xEF\xBB\xBFkey-one\n", "U+FEFF"),
            (b"key\0one\n", "control"),
            (b"a-key\nb-key\nc-key\nd-key\n", "more than 3"),
            (b"API:key-one\n", "a user name and a key"),
        ] {
            let problem = read(text, LastLine::Ended).unwrap_err();
            assert!(problem.starts_with("here: "), "{problem}");
            assert!(problem.contains(says), "{problem}");
            assert!(!problem.contains("key-one"), "{problem}");
        }
    }

    #[test]
    fn no_cut_of_a_text_is_taken_for_all_of_it() {
        let text = b"placeholder-key-1\nplaceholder-key-2\n";
        for cut in 0..text.len() {
            match read(&text[..cut], LastLine::Ended) {
                Ok(keys) => assert_eq!(keys, ["placeholder-key-1"], "{cut}"),
                Err(problem) => assert!(!problem.contains("placeholder"), "{problem}"),
            }
        }
    }

    #[test]
    fn labels_name_the_place_and_the_line_if_there_are_several() {
        let labels = |text: &[u8]| -> Vec<_> {
            let keys = parse(text, LastLine::Ended, "here", "it").unwrap();
            keys.iter()
                .map(|key| key.label().unwrap().to_owned())
                .collect()
        };
        assert_eq!(labels(b"one-key\n"), ["it"]);
        assert_eq!(
            labels(b"one-key\ntwo-key\n"),
            ["line 1 of it", "line 2 of it"]
        );
    }
}
