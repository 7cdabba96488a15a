//! Standard output: bytes as they are to a pipe, escaped to a terminal, and silence when nobody reads.
//! Standard error: whole lines, and no panic when it is gone.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use serde::Serialize;

use crate::exit::{Failure, OTHER};

/// Why printing ended.
#[derive(Debug)]
pub(crate) enum Printed {
    /// Everything was written.
    All,
    /// Whoever read has gone, as with `| head -1`. That is no failure.
    ReaderGone,
}

/// Writes bytes that may come from a server.
pub(crate) fn print(bytes: &[u8]) -> Result<Printed, Failure> {
    let mut out = io::stdout().lock();
    let written = if out.is_terminal() {
        out.write_all(escape(bytes).as_bytes())
    } else {
        out.write_all(bytes)
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(Printed::All),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Printed::ReaderGone),
        Err(error) => Err(Failure::new(
            OTHER,
            format!("standard output cannot be written ({})", error.kind()),
            "check the disk, or what the output goes to",
        )),
    }
}

/// One line on standard error. That nobody hears it must not change how the command ends.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value);
    text.map(|text| text + "\n")
        .map_err(|_| Failure::new(OTHER, "the result cannot be written as JSON", "report this"))
}

/// A file's name as it may be said: on one line, and without what looks like a password in a URL.
pub(crate) fn name(file: impl AsRef<Path>) -> String {
    let text = file.as_ref().to_string_lossy();
    if text.contains("://") && text.contains('@') {
        return "with a URL for a name".to_owned();
    }
    ap_core::escape(&text)
}

/// Text for a terminal: what could move the cursor, colour the rest, set the title or turn the line
/// round is shown instead.
fn escape(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len() + 1);
    for character in String::from_utf8_lossy(bytes).chars() {
        if matches!(character, '\n' | '\t') {
            shown.push(character);
        } else {
            ap_core::escape_char(&mut shown, character);
        }
    }
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{escape, name};

    #[test]
    fn a_terminal_is_told_nothing_but_text() {
        assert_eq!(
            escape(b"a\x1b[31mb\r\nc\td\xc2\x9b\xe2\x80\xae"),
            "a\\u{1b}[31mb\\r\nc\td\\u{9b}\\u{202e}\n"
        );
        assert_eq!(escape(b""), "");
    }

    #[test]
    fn a_name_is_one_line_and_holds_no_password() {
        assert_eq!(name("a/b\n\x1bc.json"), "a/b\\n\\u{1b}c.json");
        assert!(!name("https://user:secret-word@h.example/x").contains("secret-word"));
    }
}
