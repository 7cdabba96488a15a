//! Standard output: unchanged to a pipe, escaped to a terminal, and no failure if the reader has gone.
//! Standard error: whole lines, and no panic if it is closed.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::Path;

use activeprospect::ap_core::redact;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::{inherited, possible_key};

/// How printing ended.
#[derive(Debug)]
pub(crate) enum Printed {
    /// Everything was written.
    All,
    /// The reader has gone, as with `| head -1`. That is no failure.
    ReaderGone,
}

impl Printed {
    pub(crate) const fn is_reader_gone(&self) -> bool {
        matches!(self, Self::ReaderGone)
    }
}

/// Writes bytes that may come from a server to standard output.
pub(crate) fn print(bytes: &[u8]) -> Result<Printed, Failure> {
    print_pieces([bytes])
}

/// Writes bytes piece by piece, so that a large answer is not copied as a whole.
pub(crate) fn print_pieces(
    pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<Printed, Failure> {
    let not_written = |why: &str| {
        Failure::new(
            ExitCode::Other,
            format!("standard output cannot be written ({why})"),
            "check the disk, or the program that reads the output",
        )
    };
    let mut pieces = pieces
        .into_iter()
        .filter(|piece| !piece.as_ref().is_empty())
        .peekable();
    if pieces.peek().is_some() && inherited::is_stdout_closed() {
        return Err(not_written("it is closed"));
    }
    let stdout = io::stdout().lock();
    let is_terminal = stdout.is_terminal();
    let mut out = BufWriter::new(stdout);
    let written = if is_terminal {
        write_escaped(&mut out, pieces)
    } else {
        pieces.try_for_each(|piece| out.write_all(piece.as_ref()))
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(Printed::All),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Printed::ReaderGone),
        Err(error) => Err(not_written(&error.kind().to_string())),
    }
}

/// Writes one line to standard error. A failure to do so must not change how the command ends.
pub(crate) fn eprintln(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a failure to standard error, in two lines, and returns its exit code.
pub(crate) fn report(failure: &Failure) -> std::process::ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let shown = |text: &str| possible_key::withhold(text, &arguments);
    eprintln(&format!("ap: {}", shown(&failure.message)));
    eprintln(&format!("     {}", shown(&failure.hint)));
    failure.code.number().into()
}

/// Returns a value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value);
    text.map(|text| text + "\n").map_err(|_| {
        Failure::new(
            ExitCode::Other,
            "the result cannot be written as JSON",
            "report this as a bug",
        )
    })
}

/// Returns a file's name as it can be shown: on one line, and without what looks like a password in a URL.
pub(crate) fn display_path(file: impl AsRef<Path>) -> String {
    let text = file.as_ref().to_string_lossy();
    if text.contains("://") && text.contains('@') {
        return "with a URL for a name".to_owned();
    }
    redact::escape(&text)
}

/// Writes text with escapes for characters that could move the cursor, change colours, set the title or reverse
/// the line. It ends in a line feed.
fn write_escaped(
    out: &mut impl io::Write,
    pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> io::Result<()> {
    let mut shown = String::new();
    let mut last = '\n';
    for piece in pieces {
        for chunk in piece.as_ref().utf8_chunks() {
            let unreadable = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
            for character in chunk.valid().chars().chain(unreadable) {
                last = character;
                if matches!(character, '\n' | '\t') {
                    shown.push(character);
                } else {
                    redact::escape_char(&mut shown, character);
                }
                out.write_all(shown.as_bytes())?;
                shown.clear();
            }
        }
    }
    if last != '\n' {
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{display_path, write_escaped};

    #[test]
    fn a_terminal_gets_only_text() {
        let escape = |pieces: &[&[u8]]| {
            let mut out = Vec::new();
            write_escaped(&mut out, pieces).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            escape(&[b"a\x1b[31mb\r", b"\nc\td\xc2\x9b\xe2\x80\xae"]),
            "a\\u{1b}[31mb\\r\nc\td\\u{9b}\\u{202e}\n"
        );
        assert_eq!(escape(&[b"\xff", b"a\n"]), "\u{fffd}a\n");
        assert_eq!(escape(&[]), "");
    }

    #[test]
    fn a_path_is_shown_on_one_line_and_without_a_password() {
        assert_eq!(display_path("a/b\n\x1bc.json"), "a/b\\n\\u{1b}c.json");
        assert!(!display_path("https://user:secret-word@h.example/x").contains("secret-word"));
    }
}
