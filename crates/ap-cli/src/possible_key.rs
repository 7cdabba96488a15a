//! Finds words that may be API keys in what a user typed, so that no error repeats them.

use std::ffi::OsString;

/// The length of the shortest word that may be a key.
const MIN_LEN: usize = 16;

/// Returns `true` for a bare word that may be a key, alone, after a user name, or as base64: 16 or more letters and
/// digits. A UUID may be one too.
pub(crate) fn may_be_key(word: &str) -> bool {
    let word = word.rsplit(':').next().unwrap_or_default();
    let word = word.trim_end_matches('=');
    let is_plain = || word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_uuid = || {
        word.bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    word.len() >= MIN_LEN && (is_plain() || is_uuid())
}

/// Returns a text for standard error without the words of it that may be keys and that the user typed.
pub(crate) fn withhold(text: &str, arguments: &[OsString]) -> String {
    let typed: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().to_ascii_lowercase())
        .collect();
    let is_typed = |word: &str| {
        // Names of hosts and headers are shown in lower case.
        let word = word.to_ascii_lowercase();
        typed.iter().any(|argument| argument.contains(&word))
    };
    let mut shown = String::with_capacity(text.len());
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
    for piece in text.split_inclusive(|character| !is_part(character)) {
        let word = piece.trim_end_matches(|character| !is_part(character));
        if may_be_key(word) && is_typed(word) {
            shown.push_str("[withheld]");
            shown.push_str(&piece[word.len()..]);
        } else {
            shown.push_str(piece);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bare_words_may_be_keys() {
        for (word, expected) in [
            ("0123456789abcdef", true),
            ("abcdefghijklmnop", true),
            ("0123456789abcde", false),
            ("API:0123456789abcdef", true),
            ("QVBJOjAxMjM0NTY3ODk=", true),
            ("123e4567-e89b-12d3-a456-426614174000", true),
            ("flows/0123456789abcdef", false),
            ("suppression-lists", false),
            ("/0123456789abcdef0123", false),
            ("", false),
        ] {
            assert_eq!(may_be_key(word), expected, "{word}");
        }
    }

    #[test]
    fn only_what_was_typed_is_withheld() {
        let arguments = ["ap", "--ca", "/x/0123456789ABCDEF.pem"].map(OsString::from);
        let shown = withhold(
            "the file /x/0123456789abcdef.pem cannot be read",
            &arguments,
        );
        assert_eq!(shown, "the file /x/[withheld].pem cannot be read");
        let ours = "a word such as internationalization; see the end";
        assert_eq!(withhold(ours, &arguments), ours);
    }
}
