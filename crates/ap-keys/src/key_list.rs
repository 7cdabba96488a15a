//! The one text form of keys: one key per line, oldest first, and nothing else.

use ap_core::{ApiKey, MAX_KEYS};

use crate::error::Error;

/// The rule for the end of the last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinalLineFeed {
    /// It must end in a line feed: without one, the text may be half-written.
    Required,
    /// It needs no line feed: the text is known to be complete.
    Optional,
}

/// Parses the keys of a text. Equal keys count as one.
///
/// `text_name` is the text's name in errors, `label` is that of its keys.
pub(crate) fn parse(
    text: &[u8],
    final_line_feed: FinalLineFeed,
    text_name: &str,
    label: &str,
) -> Result<Vec<ApiKey>, Error> {
    if text.is_empty() {
        return Err(Error::new(
            format!("{text_name} is empty"),
            "write one key per line, oldest first",
        ));
    }
    let complete = text.strip_suffix(b"\n");
    if complete.is_none() && final_line_feed == FinalLineFeed::Required {
        return Err(Error::new(
            format!("the last line of {text_name} has no line feed, so it may be half-written"),
            "add a line feed, or replace the file by a rename",
        ));
    }
    let lines: Vec<&[u8]> = complete
        .unwrap_or(text)
        .split(|&byte| byte == b'\n')
        .collect();
    let mut keys: Vec<ApiKey> = Vec::with_capacity(MAX_KEYS);
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        if line.ends_with(b"\r") {
            return Err(Error::new(
                format!("line {number} of {text_name} ends in a carriage return (CRLF)"),
                "end each line with a line feed only (LF)",
            ));
        }
        let key = ApiKey::parse(line).map_err(|error| {
            Error::new(
                format!("line {number} of {text_name}: {error}"),
                "write one key per line, and nothing else",
            )
        })?;
        if contains(&keys, &key) {
            continue;
        }
        if keys.len() == MAX_KEYS {
            return Err(Error::new(
                format!("{text_name} contains more than {MAX_KEYS} keys"),
                "keep only the newest",
            ));
        }
        keys.push(if lines.len() == 1 {
            key.with_label(label)
        } else {
            key.with_label(&format!("line {number} of {label}"))
        });
    }
    Ok(keys)
}

/// Returns the keys in their order, equal ones once. Limits on the number of keys come after this.
pub(crate) fn without_duplicates(keys: impl IntoIterator<Item = ApiKey>) -> Vec<ApiKey> {
    let mut unique = Vec::new();
    for key in keys {
        if !contains(&unique, &key) {
            unique.push(key);
        }
    }
    unique
}

/// Returns `true` if this key is in the list.
pub(crate) fn contains(keys: &[ApiKey], key: &ApiKey) -> bool {
    keys.iter().any(|other| other.is_same(key))
}

/// Returns `true` if both lists have the same keys in the same order.
pub(crate) fn is_same(one: &[ApiKey], other: &[ApiKey]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_same(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], final_line_feed: FinalLineFeed) -> Result<Vec<String>, String> {
        parse(text, final_line_feed, "the text", "label")
            .map(|keys| keys.iter().map(|key| key.expose().to_owned()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_read_in_order_and_equal_ones_count_once() {
        for (text, expected) in [
            (&b"one-key\n"[..], &["one-key"][..]),
            (b"one-key\ntwo-key\n", &["one-key", "two-key"]),
            (b"1\n2\n1\n3\n2\n", &["1", "2", "3"]),
            (b"#not-a-comment\n", &["#not-a-comment"]),
        ] {
            assert_eq!(read(text, FinalLineFeed::Required).unwrap(), expected);
            let open = text.strip_suffix(b"\n").unwrap();
            assert_eq!(read(open, FinalLineFeed::Optional).unwrap(), expected);
            let error = read(open, FinalLineFeed::Required).unwrap_err();
            assert!(error.contains("half-written"), "{error}");
        }
    }

    #[test]
    fn an_error_names_the_line_and_never_repeats_the_text() {
        for (text, expected) in [
            (&b""[..], "the text is empty; "),
            (b"\n", "line 1 of the text: the key is empty; "),
            (b"key-one\n\n", "line 2 of the text: the key is empty; "),
            (
                b"key-one\n\nkey-two\n",
                "line 2 of the text: the key is empty; ",
            ),
            (
                b"key-one\nkey two\n",
                "line 2 of the text: the key contains a space at byte 3; ",
            ),
            (
                b"key-one\r\n",
                "line 1 of the text ends in a carriage return",
            ),
            (
                b"\xEF\xBB\xBFkey-one\n",
                "line 1 of the text: the key contains the character U+FEFF",
            ),
            (
                b"key\0one\n",
                "line 1 of the text: the key contains a control character at byte 3; ",
            ),
            (
                b"a-key\nb-key\nc-key\nd-key\n",
                "the text contains more than 3 keys; ",
            ),
            (
                b"API:key-one\n",
                "line 1 of the text: this is a user name and a key",
            ),
        ] {
            let error = read(text, FinalLineFeed::Required).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("key-one"), "{error}");
        }
    }

    #[test]
    fn a_text_that_is_cut_off_never_yields_a_part_of_a_key() {
        let text = b"placeholder-key-1\nplaceholder-key-2\n";
        for cut in 0..text.len() {
            match read(&text[..cut], FinalLineFeed::Required) {
                Ok(keys) => assert_eq!((cut, &keys[..]), (18, &["placeholder-key-1".into()][..])),
                Err(error) => assert!(!error.contains("placeholder"), "{error}"),
            }
        }
    }

    #[test]
    fn labels_name_the_line_if_there_are_several() {
        let labels = |text: &[u8]| -> Vec<_> {
            let keys = parse(text, FinalLineFeed::Required, "the text", "it").unwrap();
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
