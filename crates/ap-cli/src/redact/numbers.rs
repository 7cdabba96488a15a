//! [`Numbers`]: finds the numbers in JSON that contain a key of digits, so that a string replaces all of such a
//! number.

use activeprospect::ApiKey;
use activeprospect::ap_core::redact::json_string_len;
use memchr::memmem::Finder;

use super::found::Found;

/// Returns `true` if a key may be, or be in, a number of JSON.
pub(super) fn is_like_number(key: &ApiKey) -> bool {
    let is_of_number = |byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    key.expose().bytes().all(is_of_number)
}

/// The numbers of a valid JSON text that contain one of these keys.
pub(super) struct Numbers<'a> {
    text: &'a [u8],
    at: usize,
    keys: &'a [Finder<'static>],
}

impl<'a> Numbers<'a> {
    pub(super) fn new(text: &'a [u8], keys: &'a [Finder<'static>]) -> Self {
        Self { text, at: 0, keys }
    }
}

impl<'a> Iterator for Numbers<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let start = self.at;
            if rest[0] == b'"' {
                self.at += json_string_len(rest);
                continue;
            }
            let is_bare =
                |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
            let length = rest.iter().take_while(is_bare).count();
            self.at += length.max(1);
            let number = &rest[..length];
            if self.keys.iter().any(|key| key.find(number).is_some()) {
                return Some(Found {
                    range: start..self.at,
                    quote: b"\"",
                });
            }
        }
    }
}
