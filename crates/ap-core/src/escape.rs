//! [`escape`]: a server's text, a file's name, made safe to show.

/// Writes a text from elsewhere on one line that a terminal or a log takes for nothing but text: control
/// characters, and marks that turn or hide what stands around them, come out as escapes. It says nothing
/// about keys.
///
/// ```
/// assert_eq!(ap_core::escape("a\x1b[31m\nb"), r"a\u{1b}[31m\nb");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        escape_char(&mut shown, character);
    }
    shown
}

/// The same of one character, for texts that keep some of them, such as line breaks.
pub fn escape_char(shown: &mut String, character: char) {
    let hidden = matches!(character,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    if character.is_control() || hidden {
        shown.extend(character.escape_default());
    } else {
        shown.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_moves_turns_or_hides_is_shown_as_an_escape() {
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
