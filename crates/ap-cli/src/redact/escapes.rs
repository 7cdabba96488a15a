//! [`decode`]: what one escape means, in any of the notations that texts on the web have: JSON and JavaScript,
//! octal numbers as C, Python and Ruby write them, percent-encoding, HTML.

/// The bytes that an escape begins with.
pub(super) const INTRODUCERS: [u8; 3] = *b"\\%&";

/// What stands for a character that is not ASCII, and for a part that was skipped. It is in no key and no name.
pub(super) const OTHER: u8 = 0xFF;

/// The length of the longest escape that is decoded: `&#x0000006b;`.
pub(super) const LONGEST_ESCAPE: usize = 12;

/// How many digits an octal escape may have.
const MAX_OCTAL: usize = 3;

/// The HTML names of characters that keys, names and JSON consist of.
const ENTITIES: [(&[u8], u8); 14] = [
    (b"amp;", b'&'),
    (b"quot;", b'"'),
    (b"apos;", b'\''),
    (b"lt;", b'<'),
    (b"gt;", b'>'),
    (b"equals;", b'='),
    (b"colon;", b':'),
    (b"lowbar;", b'_'),
    (b"period;", b'.'),
    (b"plus;", b'+'),
    (b"sol;", b'/'),
    (b"bsol;", b'\\'),
    (b"percnt;", b'%'),
    (b"nbsp;", OTHER),
];

/// Returns what the escape at the start means, and its length. `None` if it is not one.
///
/// A backslash before any other character means that character, as in JavaScript. So an escape that is not valid
/// JSON does not hide what is beside it.
pub(super) fn decode(text: &[u8]) -> Option<(u8, usize)> {
    let (introducer, rest) = text.split_first()?;
    let (byte, length) = match introducer {
        b'\\' => backslash(rest),
        b'%' => percent(rest),
        _ => entity(rest),
    }?;
    Some((byte, 1 + length))
}

fn backslash(rest: &[u8]) -> Option<(u8, usize)> {
    let code = match rest {
        [b'u', b'{', digits @ ..] => {
            let count = count_digits(digits, 16);
            let is_closed = digits.get(count) == Some(&b'}');
            number(&digits[..count], 16)
                .filter(|_| is_closed)
                .map(|byte| (byte, count + 3))
        }
        [b'u', digits @ ..] => fixed(digits, 4).map(|byte| (byte, 5)),
        [b'x', digits @ ..] => fixed(digits, 2).map(|byte| (byte, 3)),
        digits => {
            let count = count_digits(&digits[..digits.len().min(MAX_OCTAL)], 8);
            number(&digits[..count], 8).map(|byte| (byte, count))
        }
    };
    code.or_else(|| {
        let byte = match *rest.first()? {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            other => other,
        };
        Some((byte, 1))
    })
}

fn percent(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'u' | b'U', digits @ ..] => fixed(digits, 4).map(|byte| (byte, 5)),
        digits => fixed(digits, 2).map(|byte| (byte, 2)),
    }
}

fn entity(rest: &[u8]) -> Option<(u8, usize)> {
    let (digits, radix, before) = match rest {
        [b'#', b'x' | b'X', digits @ ..] => (digits, 16, 2),
        [b'#', digits @ ..] => (digits, 10, 1),
        _ => {
            let (name, byte) = ENTITIES.iter().find(|(name, _)| rest.starts_with(name))?;
            return Some((*byte, name.len()));
        }
    };
    let count = count_digits(digits, radix);
    let byte = number(&digits[..count], radix)?;
    // Browsers need no semicolon after a number.
    let semicolon = usize::from(digits.get(count) == Some(&b';'));
    Some((byte, before + count + semicolon))
}

fn count_digits(text: &[u8], radix: u32) -> usize {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    text.iter().take_while(is_digit).count()
}

/// Parses exactly so many hexadecimal digits.
fn fixed(text: &[u8], count: usize) -> Option<u8> {
    let digits = text.get(..count)?;
    (count_digits(digits, 16) == count).then(|| number(digits, 16))?
}

/// Returns the character with this number, [`OTHER`] if it is not ASCII.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    let code = u64::from_str_radix(text, radix).ok()?;
    Some(
        u8::try_from(code)
            .ok()
            .filter(u8::is_ascii)
            .unwrap_or(OTHER),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notation_is_decoded() {
        for (text, expected) in [
            (r"\u006b", Some((b'k', 6))),
            (r"\u006B", Some((b'k', 6))),
            (r"\u{6b}", Some((b'k', 6))),
            (r"\u{00006b}", Some((b'k', 10))),
            (r"\u00e9", Some((OTHER, 6))),
            (r"\ud83d", Some((OTHER, 6))),
            (r"\x6b", Some((b'k', 4))),
            (r"\153", Some((b'k', 4))),
            (r"\60", Some((b'0', 3))),
            (r"\0", Some((0, 2))),
            (r"\351", Some((OTHER, 4))),
            (r"\9", Some((b'9', 2))),
            (r"\/", Some((b'/', 2))),
            (r"\\", Some((b'\\', 2))),
            (r#"\""#, Some((b'"', 2))),
            (r"\n", Some((b'\n', 2))),
            ("%6b", Some((b'k', 3))),
            ("%6B", Some((b'k', 3))),
            ("%u006b", Some((b'k', 6))),
            ("%c3", Some((OTHER, 3))),
            ("&#107;", Some((b'k', 6))),
            ("&#107", Some((b'k', 5))),
            ("&#x6b;", Some((b'k', 6))),
            ("&#X6B;", Some((b'k', 6))),
            ("&#x0000006b;", Some((b'k', 12))),
            ("&#233;", Some((OTHER, 6))),
            ("&amp;", Some((b'&', 5))),
            // Not what they begin like.
            (r"\k", Some((b'k', 2))),
            (r"\u00zz", Some((b'u', 2))),
            (r"\xz", Some((b'x', 2))),
            (r"\u{6b", Some((b'u', 2))),
            ("\\", None),
            ("%", None),
            ("%6", None),
            ("%zz", None),
            ("&", None),
            ("&#;", None),
            ("&#x;", None),
            ("&amp", None),
            ("", None),
        ] {
            let decoded = decode(text.as_bytes());
            assert_eq!(decoded, expected, "{text}");
            let more = decode(format!("{text}-").as_bytes());
            if expected.is_some() {
                assert_eq!(more, expected, "{text} and more");
            }
        }
    }
}
