//! [`spellings`]: the texts by which a key is recognised.

use activeprospect::ApiKey;
use activeprospect::ap_core::key::basic;
use activeprospect::ap_core::redact::{inside_base64, url_safe_base64};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::units::Units;

/// The user names that the vendor's own documents and programs send with a key.
const USERS: [&[u8]; 3] = [b"API", b"X", b""];

/// What may be between the bytes of a key in hexadecimal.
const HEX_SEPARATORS: [&[u8]; 3] = [b":", b" ", b"-"];

/// Shorter texts than this are no sign of a key, except the key itself: they may be part of anything.
const MIN_LEN: usize = 8;

/// Returns every text by which a key is recognised: the key and its base64 forwards and backwards, and what they
/// become if they are encoded once more. Case makes no difference.
pub(super) fn spellings(key: &ApiKey) -> Vec<Vec<u8>> {
    let key = key.expose().as_bytes();
    let mut derived = Vec::new();
    for user in USERS {
        let pair = basic(user, key);
        let pair = pair.as_bytes();
        derived.extend(with_and_without_padding(
            pair.strip_prefix(b"Basic ").unwrap_or(pair),
        ));
    }
    derived.extend(with_and_without_padding(STANDARD.encode(key).as_bytes()));
    let inside: Vec<_> = inside_base64(key).collect();
    let nested: Vec<_> = inside.iter().flat_map(|text| inside_base64(text)).collect();
    derived.extend(inside);
    derived.extend(inside_base64(&utf_16(key)));
    let backwards: Vec<_> = derived.iter().map(|text| reversed(text)).collect();
    derived.extend(backwards);
    derived.extend(nested);
    let url_safe: Vec<_> = derived.iter().map(|text| url_safe_base64(text)).collect();
    derived.extend(url_safe);
    let digits: Vec<_> = key.iter().map(|byte| hex(*byte)).collect();
    derived.push(digits.concat());
    derived.extend(HEX_SEPARATORS.map(|separator| digits.join(separator)));
    derived.extend((1..=2).map(|depth| decoded(key, depth)));
    derived.retain(|text| text.len() >= MIN_LEN);
    derived.extend([key.to_vec(), reversed(key)]);
    derived.sort_unstable();
    derived.dedup();
    derived
}

fn with_and_without_padding(encoded: &[u8]) -> [Vec<u8>; 2] {
    let padding = encoded.iter().rev().take_while(|byte| **byte == b'=');
    let end = encoded.len() - padding.count();
    [encoded.to_vec(), encoded[..end].to_vec()]
}

fn hex(byte: u8) -> [u8; 2] {
    let digit = |value: u8| char::from_digit(value.into(), 16).map_or(b'0', |digit| digit as u8);
    [digit(byte >> 4), digit(byte & 15)]
}

/// Returns the part that is the same in UTF-16 of either order of bytes.
fn utf_16(key: &[u8]) -> Vec<u8> {
    let separated: Vec<_> = key.iter().map(|byte| [*byte]).collect();
    separated.join(&0)
}

/// Returns what is left of a key that has something like escapes in it, after others have decoded them.
fn decoded(key: &[u8], depth: usize) -> Vec<u8> {
    let mut units = Units::new(key, depth, 0);
    std::iter::from_fn(|| units.next(false))
        .map(|unit| unit.byte)
        .collect()
}

fn reversed(text: &[u8]) -> Vec<u8> {
    text.iter().rev().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_anything_around_the_key_is_recognised() {
        let key = "placeholder>>>key???0";
        let spellings = spellings(&ApiKey::parse(key).unwrap());
        for before in ["", "a", "ab", "abc", "name:", "é"] {
            for after in ["", "a", "ab", "\n"] {
                let encoded = STANDARD.encode(format!("{before}{key}{after}"));
                let nested = STANDARD.encode(format!("{after}{encoded}{before}"));
                for text in [&encoded, &nested] {
                    for text in [text.as_bytes().to_vec(), url_safe_base64(text.as_bytes())] {
                        let is_found = spellings
                            .iter()
                            .any(|one| memchr::memmem::find(&text, one).is_some());
                        assert!(is_found, "{before:?} {after:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn of_a_short_key_no_short_part_of_anything_is_a_sign() {
        let spellings = spellings(&ApiKey::parse("k").unwrap());
        let texts: Vec<_> = spellings
            .iter()
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .collect();
        assert_eq!(texts, ["=smOJBVQ", "QVBJOms=", "k"]);
    }
}
