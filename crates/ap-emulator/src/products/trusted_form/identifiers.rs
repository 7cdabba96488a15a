//! Comparing email addresses and phone numbers with those of a certificate.

use sha1::{Digest, Sha1};

use crate::example_data::certificates::{EMAIL, PHONE};

/// Returns `true` for the certificate's email address, or its SHA-1.
pub(super) fn is_email(value: &str) -> bool {
    is_same(&value.trim().to_lowercase(), EMAIL)
}

/// Returns `true` for the certificate's phone number, or its SHA-1.
pub(super) fn is_phone(value: &str) -> bool {
    let is_dropped = |c: char| c.is_whitespace() || "-[](){}".contains(c);
    let value: String = value.chars().filter(|c| !is_dropped(*c)).collect();
    is_same(&value.to_lowercase(), PHONE)
}

fn is_same(value: &str, expected: &str) -> bool {
    value == expected || value == sha1(expected)
}

/// Returns `value` if it is a SHA-1 already, and otherwise the SHA-1 of it.
pub(super) fn fingerprint(value: &str) -> String {
    let value = value.trim().to_lowercase();
    if value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return value;
    }
    sha1(&value)
}

pub(super) fn sha1(text: &str) -> String {
    let digest = Sha1::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, is_email, is_phone};

    #[test]
    fn identifiers_are_compared_as_the_vendor_normalises_them() {
        for (value, expected) in [
            ("robin@example.com", true),
            (" Robin@Example.COM ", true),
            (&fingerprint("robin@example.com"), true),
            (&fingerprint("robin@example.com").to_uppercase(), true),
            ("r.obin@example.com", false),
            // Of MD5 nothing is documented.
            ("d3c17ef52c397921a87c1de66f2311c2", false),
            ("", false),
        ] {
            assert_eq!(is_email(value), expected, "{value}");
        }
        for (value, expected) in [
            ("2025550142", true),
            ("(202) 555-0142", true),
            ("[202]\t555 0142", true),
            (&fingerprint("2025550142"), true),
            ("202.555.0142", false),
            ("12025550142", false),
            ("202555014", false),
        ] {
            assert_eq!(is_phone(value), expected, "{value}");
        }
    }

    #[test]
    fn a_fingerprint_is_a_sha_1() {
        let expected = "c4a8e7fe184993964ae81380e91579015306838a";
        for value in ["kelly@thethings.biz", " KELLY@thethings.biz", expected] {
            assert_eq!(fingerprint(value), expected);
        }
    }
}
