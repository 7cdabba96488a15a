//! Standard output: bytes as they are to a pipe, escaped to a terminal, and silence when nobody reads.

use std::io::{self, IsTerminal as _, Write as _};

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

/// Text for a terminal: what could move the cursor, colour the rest or set the title is shown instead.
fn escape(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len() + 1);
    for character in String::from_utf8_lossy(bytes).chars() {
        if character.is_control() && !matches!(character, '\n' | '\t') {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_terminal_is_told_nothing_but_text() {
        assert_eq!(
            super::escape(b"a\x1b[31mb\r\nc\td"),
            "a\\u{1b}[31mb\\r\nc\td\n"
        );
        assert_eq!(super::escape(b""), "");
    }
}
