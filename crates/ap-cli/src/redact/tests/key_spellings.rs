//! Keys, in every spelling that a server may send back.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::*;

/// Spells each character in this way.
fn spell(text: &str, spell: impl Fn(u32) -> String) -> String {
    text.chars().map(|c| spell(u32::from(c))).collect()
}

fn hex_with(separator: &str) -> String {
    let digits: Vec<_> = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    digits.join(separator)
}

/// Returns a text of ASCII in UTF-16, of which the bytes are characters.
fn utf_16(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> String {
    text.encode_utf16()
        .flat_map(bytes)
        .map(char::from)
        .collect()
}

/// Writes a text in lines of so many characters.
fn wrap(text: &str, length: usize, line_break: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(length).collect();
    let lines = lines.join(line_break.as_bytes());
    String::from_utf8(lines).unwrap()
}

#[test]
fn secret_members_and_parameters_in_utf_16_are_found() {
    let text = r#"{"token":"hidden","u":"?sig=hidden","b":1}"#;
    let secrets = secrets(&[KEY]);
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        for mark in [&[][..], &bytes(0xFEFF)] {
            let text = [mark, utf_16(text, bytes).as_bytes()].concat();
            let mut shown = secrets.redact(&text).collect::<Vec<_>>().concat();
            shown.retain(|byte| *byte != 0);
            let expected = r#"{"token":"[redacted]","u":"?sig=[redacted]","b":1}"#;
            assert_eq!(shown, [mark, expected.as_bytes()].concat());
        }
    }
}

#[test]
fn a_key_is_found_in_every_spelling_and_spelled_once_more() {
    let once: Vec<String> = vec![
        spell(KEY, |c| format!(r"\u{c:04x}")),
        spell(KEY, |c| format!(r"\u{c:04X}")),
        spell(KEY, |c| format!(r"\u{{{c:x}}}")),
        spell(KEY, |c| format!(r"\x{c:02x}")),
        spell(KEY, |c| format!("%{c:02x}")),
        spell(KEY, |c| format!("%{c:02X}")),
        spell(KEY, |c| format!("&#{c};")),
        spell(KEY, |c| format!("&#x{c:x};")),
        spell(KEY, |c| match c % 4 {
            0 => format!("%{c:02x}"),
            1 => format!(r"\u{c:04x}"),
            2 => format!("&#{c};"),
            _ => char::from_u32(c).unwrap().to_string(),
        }),
        spell(KEY, |c| format!("{c:02x}")),
        STANDARD.encode(KEY),
        STANDARD_NO_PAD.encode(KEY),
        STANDARD_NO_PAD.encode(format!("API:{KEY}")),
        URL_SAFE_NO_PAD.encode(format!("X:{KEY}")),
        STANDARD.encode(format!("somebody:{KEY}")),
        STANDARD.encode(format!("{{\"note\":\"{KEY}\"}}")),
        KEY.chars().rev().collect(),
        spell(KEY, |c| format!(r"\{c:o}")),
        hex_with(":"),
        hex_with(" ").to_uppercase(),
        hex_with("-"),
        utf_16(KEY, u16::to_le_bytes),
        utf_16(KEY, u16::to_be_bytes),
        STANDARD.encode(utf_16(KEY, u16::to_le_bytes)),
        STANDARD.encode(utf_16(&format!("API:{KEY}"), u16::to_be_bytes)),
        wrap(&STANDARD.encode(KEY), 5, "\n"),
        wrap(&STANDARD.encode(format!("X:{KEY}")), 8, "\r\n"),
        wrap(&STANDARD.encode(format!("somebody:{KEY}")), 7, r"\n"),
        wrap(&STANDARD.encode(format!("X:{KEY}")), 4, r"\r\n"),
        wrap(&STANDARD.encode(format!("X:{KEY}")), 9, "\n    "),
        wrap(&utf_16(&STANDARD.encode(KEY), u16::to_le_bytes), 6, "\n\0"),
    ];
    let secrets = secrets(&[KEY]);
    for spelling in &once {
        let twice = [
            spelling.clone(),
            spell(spelling, |c| format!(r"\u{c:04x}")),
            spell(spelling, |c| format!("%{c:02x}")),
            spelling.replace('\\', r"\\"),
            spelling.replace('%', "%25"),
            spelling.replace('&', "&amp;"),
            spelling.replace('%', r"\u0025"),
        ];
        for spelling in &twice {
            for (before, after) in [
                ("", ""),
                ("\"", "\""),
                (r#"{"a":""#, r#"","b":1}"#),
                (r#"["\q \u12 "#, r#""]"#),
                ("<p title='% &'>", "</p>"),
                (r"\", ""),
            ] {
                let shown = redact_with(&secrets, &format!("{before}{spelling}{after}"));
                assert!(shown.contains(MARK), "{before}{spelling}{after}: {shown}");
                // Of base64, what is encoded beside the key may be left.
                let rest = shown.replace(MARK, "").len();
                let rest = rest.saturating_sub(before.len() + after.len());
                assert!(rest * 2 <= spelling.len(), "{shown}");
            }
        }
    }
}
