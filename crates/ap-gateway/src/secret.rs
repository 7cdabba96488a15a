//! [`Secret`]: finds a key in texts, as it is and as base64.

use ap_client::ap_core::redact::{inside_base64, url_safe_base64};
use memchr::{memchr, memmem};
use secrecy::zeroize::Zeroizing;

use crate::spellings::Spellings;

/// A shorter text may be part of any word, so it counts only where it stands alone.
const MIN_LEN: usize = 8;

/// So much of a text is decoded at once.
const CHUNK: usize = 64 * 1024;

/// A key, in the spellings by which it is found.
pub(crate) struct Secret {
    /// The length of the shortest spelling. Most headers are shorter.
    min_len: usize,
    key: Zeroizing<Vec<u8>>,
    /// The key, if it is not short, and the same inside of base64, in which other text may stand before and after it.
    spellings: Spellings,
}

impl Secret {
    pub(crate) fn new(key: &[u8]) -> Self {
        let key = Zeroizing::new(key.to_vec());
        let mut texts: Vec<_> = inside_base64(&key).map(Zeroizing::new).collect();
        let url_safe: Vec<_> = texts
            .iter()
            .map(|text| Zeroizing::new(url_safe_base64(text)))
            .filter(|text| !texts.contains(text))
            .collect();
        texts.extend(url_safe);
        texts.push(key.clone());
        texts.retain(|text| text.len() >= MIN_LEN);
        // No base64 of a text is shorter than the text, but the part of it that is always there may be.
        let lens = texts.iter().map(|text| text.len());
        Self {
            min_len: lens.min().map_or(key.len(), |min| min.min(key.len())),
            key,
            spellings: Spellings::new(texts),
        }
    }

    /// Returns `true` if a text contains it.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let is_short = self.key.len() < MIN_LEN;
        text.len() >= self.min_len
            && (self.spellings.is_in(text) || is_short && self.is_short_in(text))
    }

    /// Returns `true` if a text contains a short key where it stands alone. The keys of accounts are longer.
    #[cold]
    fn is_short_in(&self, text: &[u8]) -> bool {
        memmem::find_iter(text, &*self.key).any(|start| self.is_alone(text, start))
    }

    /// Returns `true` if a text contains it after the escapes of JSON are decoded.
    pub(crate) fn is_in_json(&self, text: &[u8]) -> bool {
        if memchr(b'\\', text).is_none() {
            return false;
        }
        // Of a key of letters and digits, these two hide everything that can be hidden.
        let has = |escape: &[u8]| memmem::find(text, escape).is_some();
        let is_plain = self.key.iter().all(u8::is_ascii_alphanumeric);
        let has_escapes = !is_plain || has(br"\u00") || has(br"\/");
        if !has_escapes {
            return false;
        }
        let overlap = self.spellings.max_len().max(self.key.len()) + 1;
        let mut decoded = Zeroizing::new(Vec::with_capacity(CHUNK + overlap));
        let mut rest = text;
        while let Some(&first) = rest.first() {
            let len = if first == b'\\' {
                let (byte, len) = unescape(rest);
                decoded.push(byte);
                len
            } else {
                let plain = memchr(b'\\', rest).unwrap_or(rest.len()).min(CHUNK);
                decoded.extend_from_slice(rest.get(..plain).unwrap_or_default());
                plain
            };
            rest = rest.get(len..).unwrap_or_default();
            if decoded.len() >= CHUNK || rest.is_empty() {
                if self.is_in(&decoded) {
                    return true;
                }
                let searched = decoded.len().saturating_sub(overlap);
                decoded.drain(..searched);
            }
        }
        false
    }

    /// Returns `true` if it is no part of a longer word at this place.
    fn is_alone(&self, text: &[u8], start: usize) -> bool {
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        let after = text.get(start + self.key.len());
        ![before, after]
            .into_iter()
            .flatten()
            .any(u8::is_ascii_alphanumeric)
    }
}

/// Returns what the escape at the start of a text means, and its length. Only printable ASCII can be part of a key, so any
/// other escape is left as it is.
fn unescape(text: &[u8]) -> (u8, usize) {
    match text.get(1) {
        Some(b'u') => {
            let digits = text
                .get(2..6)
                .and_then(|four| std::str::from_utf8(four).ok());
            let code = digits.and_then(|four| u32::from_str_radix(four, 16).ok());
            match code.and_then(|code| u8::try_from(code).ok()) {
                Some(byte) => (byte, 6),
                None => (b'\\', 1),
            }
        }
        Some(byte @ (b'/' | b'\\' | b'"')) => (*byte, 2),
        _ => (b'\\', 1),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    const KEY: &str = "placeholder/key?>0123";

    #[test]
    fn a_key_is_found_as_it_is_and_as_base64_of_anything_around_it() {
        let secret = Secret::new(KEY.as_bytes());
        for before in ["", "X:", "API:", "any:", "a-user:"] {
            for after in ["", "x", "\nxy"] {
                let text = format!("{before}{KEY}{after}");
                assert!(secret.is_in(text.as_bytes()));
                assert!(secret.is_in(format!("Basic {}", STANDARD.encode(&text)).as_bytes()));
                assert!(secret.is_in(URL_SAFE_NO_PAD.encode(&text).as_bytes()));
            }
        }
        assert!(!secret.is_in(&KEY.as_bytes()[1..]));
    }

    #[test]
    fn a_key_is_found_at_every_place_of_short_and_long_texts() {
        // All letters are common ones, so that there are many places to look at.
        for key in [
            "eeeeeeee-eeeeeeeX",
            "abababababab",
            "00000000000000000000",
            "q",
        ] {
            let secret = Secret::new(key.as_bytes());
            for length in [0, 1, 100, 1_001, 4_099] {
                for before in [0, 1, 2, 33, length] {
                    let filler = |length| "e a-b0,".chars().cycle().take(length);
                    let mut text: String = filler(before).collect();
                    text.push(' ');
                    assert!(!secret.is_in(text.as_bytes()), "{key} {before}");
                    text.push_str(key);
                    text.push(' ');
                    text.extend(filler(length - before.min(length)));
                    assert!(secret.is_in(text.as_bytes()), "{key} {before} {length}");
                    let cut = text.find(key).unwrap() + key.len() - 1;
                    assert!(!secret.is_in(&text.as_bytes()[..cut]), "{key} {before}");
                }
            }
        }
    }

    #[test]
    fn a_short_key_counts_only_where_it_stands_alone() {
        let secret = Secret::new(b"a1b2");
        for (text, expected) in [
            ("a1b2", true),
            (r#"{"key":"a1b2"}"#, true),
            ("your key is a1b2, is it?", true),
            ("a1b2c", false),
            ("xa1b2", false),
            ("xa1b2 a1b2", true),
        ] {
            assert_eq!(secret.is_in(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_escapes_of_json_do_not_hide_a_key() {
        let secret = Secret::new(KEY.as_bytes());
        let all: String = KEY.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
        for text in [
            KEY.replace('/', r"\/"),
            KEY.replace('p', r"\u0070"),
            KEY.replace('-', r"\u002D").replace('k', r"\u006b"),
            all,
        ] {
            if text != KEY {
                assert!(!secret.is_in(text.as_bytes()), "{text}");
                // At every place in the chunks that are decoded.
                for before in [0, 1, CHUNK - 30, CHUNK - 5, CHUNK, 3 * CHUNK - 10] {
                    let text = format!(r"{}\n{text}", "x".repeat(before));
                    assert!(secret.is_in_json(text.as_bytes()), "{before} {text:.40}");
                }
            }
        }
        for text in [
            r"placeholder\ukey",
            r"\u00",
            r"\",
            r"\u0070lace",
            r"\u0170laceholder/key?>0123",
        ] {
            assert!(!secret.is_in_json(text.as_bytes()), "{text}");
        }
    }
}
