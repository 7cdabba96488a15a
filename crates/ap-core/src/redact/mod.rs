//! Text from elsewhere, made safe to show: [`escape`], the names of secrets in [`SECRET_NAMES`], and the search
//! for a key.

mod base64_spellings;
mod json_string;
mod secret_names;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use secrecy::zeroize::Zeroizing;

pub use base64_spellings::{inside_base64, url_safe_base64};
pub use json_string::json_string_len;
pub use secret_names::{SECRET_NAMES, SecretName, is_api_key_name, is_secret_name};

/// This many bytes of a key in a row count as the key.
const WINDOW: usize = 8;

/// Returns `true` if the text contains [`WINDOW`] bytes in a row (or all, if there are fewer) of the key, of
/// its base64, or of the base64 of the user and key pair, forwards or backwards.
pub(crate) fn repeats_key(text: &str, key: &str, encoded_pair: &[u8]) -> bool {
    let encoded = Zeroizing::new(STANDARD.encode(key));
    let secrets = [key.as_bytes(), encoded.as_bytes(), encoded_pair];
    let reversed: Vec<u8> = text.bytes().rev().collect();
    let texts = [text.as_bytes(), &reversed];
    // Sorted, so that the text is read once however long the key is.
    let mut known = Zeroizing::new(Vec::with_capacity(
        secrets.iter().map(|one| one.len()).sum(),
    ));
    known.extend(secrets.into_iter().flat_map(windows));
    known.sort_unstable();
    let repeats_short = |secret: &[u8]| {
        let secret = memmem::Finder::new(secret);
        texts.iter().any(|text| secret.find(text).is_some())
    };
    texts
        .into_iter()
        .flat_map(windows)
        .any(|window| known.binary_search(&window).is_ok())
        || secrets
            .into_iter()
            .any(|secret| secret.len() < WINDOW && repeats_short(secret))
}

/// Returns each [`WINDOW`] bytes in a row, as a number.
fn windows(text: &[u8]) -> impl Iterator<Item = u64> {
    text.windows(WINDOW)
        .filter_map(|window| Some(u64::from_ne_bytes(window.try_into().ok()?)))
}

/// Writes a text from elsewhere on one line that is safe on a terminal and in a log.
///
/// Control characters become escapes, and so do characters that reorder or hide the text around them. Keys
/// are not looked for.
///
/// ```
/// use ap_core::redact::escape;
/// assert_eq!(escape("a\x1b[31m\nb"), r"a\u{1b}[31m\nb");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        escape_char(&mut shown, character);
    }
    shown
}

/// Appends one character to a text, escaped like [`escape`] does it.
///
/// Use it to keep some characters as they are, such as line breaks.
///
/// ```
/// use ap_core::redact::escape_char;
///
/// let mut shown = String::new();
/// for character in "a\x1b[31m\nb".chars() {
///     match character {
///         '\n' => shown.push('\n'),
///         other => escape_char(&mut shown, other),
///     }
/// }
/// assert_eq!(shown, "a\\u{1b}[31m\nb");
/// ```
pub fn escape_char(shown: &mut String, character: char) {
    let is_hidden = matches!(character,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    if character.is_control() || is_hidden {
        shown.extend(character.escape_default());
    } else {
        shown.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_of_every_spelling_is_found() {
        let key = "placeholder-key-0123";
        let pair = STANDARD.encode(format!("API:{key}"));
        let encoded = STANDARD.encode(key);
        let repeats = |text: &str| repeats_key(text, key, pair.as_bytes());
        for secret in [key, &encoded, &pair] {
            for at in 0..=secret.len() - WINDOW {
                let part = &secret[at..at + WINDOW];
                let backwards: String = part.chars().rev().collect();
                assert!(repeats(&format!("say {part}!")), "{at}");
                assert!(repeats(&format!("say {backwards}!")), "{at}");
            }
        }
        assert!(!repeats("authentication failed"));
        assert!(!repeats("placeho der-key"));
    }

    #[test]
    fn of_a_short_key_all_is_found() {
        let repeats = |text: &str| repeats_key(text, "ab", b"QVBJOmFi");
        for text in ["ab", "xbay", "YWI=", "=IWY", "-QVBJOmFi-", "iFmOJBVQ"] {
            assert!(repeats(text), "{text}");
        }
        assert!(!repeats("a b"));
        assert!(!repeats(""));
    }

    #[test]
    fn characters_that_move_reorder_or_hide_text_are_escaped() {
        for (given, expected) in [
            ("plain, ü and 漢", "plain, ü and 漢"),
            ("\r\n\t\0\x7f", r"\r\n\t\u{0}\u{7f}"),
            ("\u{9b}31m", r"\u{9b}31m"),
            (
                "\u{202E}\u{2066}\u{2028}\u{200B}\u{FEFF}",
                r"\u{202e}\u{2066}\u{2028}\u{200b}\u{feff}",
            ),
            ("", ""),
        ] {
            assert_eq!(escape(given), expected);
        }
    }
}
