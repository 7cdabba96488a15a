//! SHA-1 and MD5 of identifiers, with the vendor's normalising, so that the plain value need not be sent.
//!
//! TrustedForm compares SHA-1, SuppressionList MD5. Both are weak: such a hash of a phone number can be reversed by trying
//! all numbers. It hides a value from a glance, not from an attacker.
//!
//! ```
//! use ap_api::hash;
//!
//! assert_eq!(hash::sha1_of_email(" Kelly@TheThings.biz"), "c4a8e7fe184993964ae81380e91579015306838a");
//! assert_eq!(hash::sha1_of_phone("(513) 555-6719"), "d511850d569bcd7802c30f54de34bb9f2b31eede");
//! assert_eq!(hash::md5(" Test@Email.com"), "93942e96f5acd83e2e047ad8fe03114d");
//! assert_eq!(hash::md5("93942E96F5ACD83E2E047AD8FE03114D"), "93942e96f5acd83e2e047ad8fe03114d");
//! ```

use md5::Md5;
use sha1::{Digest, Sha1};

/// Returns the SHA-1 of an email address as TrustedForm computes it: lower case, without white space around it.
///
/// Source: <https://developers.activeprospect.com/docs/trustedform/api/v4.0/tag/Match-Lead>.
#[must_use]
pub fn sha1_of_email(email: &str) -> String {
    hex(&Sha1::digest(email.trim().to_lowercase()))
}

/// Returns the SHA-1 of a phone number as TrustedForm computes it: white space, hyphens, brackets and parentheses are
/// removed.
///
/// The vendor's support pages say instead that everything but digits is removed. The two differ for `+` and `.`, so give
/// 10 digits, or 11 that begin with 1.
///
/// Source: <https://developers.activeprospect.com/docs/trustedform/api/v4.0/tag/Match-Lead>.
#[must_use]
pub fn sha1_of_phone(phone: &str) -> String {
    let is_removed = |c: char| c.is_whitespace() || "-[](){}".contains(c);
    let digits: String = phone.chars().filter(|c| !is_removed(*c)).collect();
    hex(&Sha1::digest(digits))
}

/// Returns the MD5 of a value as SuppressionList computes it: lower case, without white space around it. Punctuation
/// stays, so `512-555-1234` and `5125551234` are two values. A value of 32 hexadecimal digits counts as an MD5 there, and
/// stays as it is.
///
/// Source: <https://support.activeprospect.com/hc/en-us/articles/44110375844116>.
#[must_use]
pub fn md5(value: &str) -> String {
    let value = value.trim().to_lowercase();
    if value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return value;
    }
    hex(&Md5::digest(value))
}

fn hex(digest: &[u8]) -> String {
    let digit = |value| char::from_digit(u32::from(value), 16).unwrap_or_default();
    let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    digest.iter().flat_map(digits).collect()
}
