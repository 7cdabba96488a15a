//! The keys of a case, and the search for parts of them where no key may be.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// This many bytes of a key in a row count as the key.
const WINDOW: usize = 8;

/// How many bytes of a text a message shows.
const EXCERPT: usize = 60;

/// How many characters of a line are shown.
const LINE: usize = 160;

/// How many bytes of a line are shown at its start, and before and after a part of a key in it.
const AROUND: usize = 40;

/// A key of a case. Every run has new keys, so that no other text can look like one.
#[derive(Clone)]
pub(crate) struct Secret {
    pub name: String,
    pub key: String,
    /// The user name that is sent with the key.
    pub user: String,
}

impl Secret {
    pub(crate) fn new(name: &str, seed: u64) -> Self {
        // The key need not be random. It only must not look like any other text.
        let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
        let tail: String = (0..24)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                char::from(b"abcdefghjkmnpqrstuvwxyz23456789"[(state >> 33) as usize % 31])
            })
            .collect();
        Self {
            name: name.to_owned(),
            key: format!("q{tail}"),
            user: ap_core::key::DEFAULT_USER.to_owned(),
        }
    }

    /// Returns `Basic …`, as the client must send it.
    pub(crate) fn authorization(&self) -> String {
        format!("Basic {}", self.pair())
    }

    /// Returns the base64 of the user name and key.
    pub(crate) fn pair(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.key))
    }

    /// Returns every spelling in which the key may be somewhere, each with its name.
    fn spellings(&self) -> [(Vec<u8>, &'static str); 4] {
        let pair = self.pair();
        let backwards = |text: &str| text.bytes().rev().collect::<Vec<u8>>();
        // The pair begins with the user name, which is no secret. The search uses the part from the
        // first base64 group that contains only bytes of the key.
        let of_key = &pair[((self.user.len() + 1).div_ceil(3) * 4).min(pair.len())..];
        [
            (self.key.clone().into_bytes(), "the key"),
            (of_key.as_bytes().to_vec(), "the key in base64"),
            (backwards(&self.key), "the key backwards"),
            (backwards(of_key), "the key in base64, backwards"),
        ]
    }

    /// Searches a text for a part of this key: plain, in base64, or either of them backwards.
    ///
    /// Returns what was found, in words.
    pub(crate) fn found_in(&self, text: &[u8]) -> Option<&'static str> {
        let spellings = self.spellings().into_iter();
        let mut found = spellings.filter(|(secret, _)| windows_in(text, secret).next().is_some());
        found.next().map(|(_, what)| what)
    }
}

/// Returns where a text has a part of the secret, in bytes.
fn windows_in<'a>(text: &'a [u8], secret: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let width = WINDOW.min(secret.len()).max(1);
    // A log can be megabytes long. The first byte rules out most positions cheaply.
    let mut is_first_byte = [false; 256];
    for window in secret.windows(width) {
        is_first_byte[usize::from(window[0])] = true;
    }
    let windows = text.windows(width).enumerate();
    windows
        .filter(move |(_, seen)| {
            is_first_byte[usize::from(seen[0])]
                && secret.windows(width).any(|window| window == *seen)
        })
        .map(move |(at, _)| at..at + width)
}

/// Replaces every part of a key by `<key>`.
pub(crate) fn without_keys(text: &[u8], secrets: &[Secret]) -> Vec<u8> {
    let mut is_key = vec![false; text.len()];
    for secret in secrets {
        let whole = (secret.pair().into_bytes(), "");
        for (spelling, _) in secret.spellings().into_iter().chain([whole]) {
            for range in windows_in(text, &spelling) {
                is_key[range].fill(true);
            }
        }
    }
    let mut clean = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if !is_key[at] {
            clean.push(*byte);
        } else if at == 0 || !is_key[at - 1] {
            clean.extend_from_slice(b"<key>");
        }
    }
    clean
}

/// Returns the start of a line, which names where it comes from, and what is around the first part of a key, with every
/// part of a key replaced.
///
/// `None` if the line contains none.
pub(crate) fn around_key(line: &[u8], secrets: &[Secret]) -> Option<Vec<u8>> {
    secrets.iter().find_map(|secret| secret.found_in(line))?;
    let clean = without_keys(line, secrets);
    let mark = b"<key>";
    let at = clean.windows(mark.len()).position(|part| part == mark)?;
    let end = clean.len().min(at + mark.len() + AROUND);
    let around = at.saturating_sub(AROUND);
    if around <= AROUND {
        return Some(clean[..end].to_vec());
    }
    Some([&clean[..AROUND], "…".as_bytes(), &clean[around..end]].concat())
}

/// Returns the start of a text in quotes, on one line, without any part of a key.
pub(crate) fn excerpt(text: &[u8], secrets: &[Secret]) -> String {
    let start = &text[..text.len().min(EXCERPT + WINDOW)];
    let clean = without_keys(start, secrets);
    let shown = String::from_utf8_lossy(&clean[..clean.len().min(EXCERPT)]);
    let rest = if text.len() > EXCERPT { "…" } else { "" };
    format!("{shown:?}{rest}")
}

/// Returns the start of a text on one line, without any part of a key and without characters that a terminal would obey.
pub(crate) fn one_line(text: &str, secrets: &[Secret]) -> String {
    let clean = without_keys(text.as_bytes(), secrets);
    let text = String::from_utf8_lossy(&clean).into_owned();
    let mut shown = String::new();
    for character in text.chars().take(LINE) {
        match character {
            '"' | '\'' | '\\' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_key_are_found_in_every_spelling_and_other_text_is_not() {
        let secret = Secret::new("first", 7);
        let key = &secret.key;
        let pair = secret.pair();
        for (text, found) in [
            (format!("x{}y", &key[3..11]), true),
            (format!("x{}y", &key[3..10]), false),
            (format!("x{}y", key.chars().rev().collect::<String>()), true),
            (format!("x{}y", &pair[12..20]), true),
            (
                format!("x{}y", pair.chars().rev().collect::<String>()),
                true,
            ),
            ("authentication failed".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(secret.found_in(text.as_bytes()).is_some(), found, "{text}");
        }
        let text = format!("Basic {} and {}; {}", pair, key, &key[..9]);
        let clean = without_keys(text.as_bytes(), std::slice::from_ref(&secret));
        assert_eq!(
            String::from_utf8(clean).unwrap(),
            "Basic <key> and <key>; <key>"
        );
        let long = format!("{}{pair}{}", "a".repeat(90), "b".repeat(90));
        let part = around_key(long.as_bytes(), std::slice::from_ref(&secret)).unwrap();
        let forty = |letter: &str| letter.repeat(40);
        let expected = format!("{}…{}<key>{}", forty("a"), forty("a"), forty("b"));
        assert_eq!(String::from_utf8(part).unwrap(), expected);
        assert_eq!(around_key(b"nothing", &[secret]), None);
        assert_ne!(Secret::new("first", 1).key, Secret::new("first", 2).key);
    }
}
