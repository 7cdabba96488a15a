//! Standard output: unchanged to a pipe, escaped to a terminal, and no failure if the reader has gone.
//! Standard error: whole lines, and no panic if it is closed.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::Path;

use activeprospect::ap_core::redact;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::json_layout::Style;
use crate::{inherited, possible_key};

/// How printing ended. If the reader has gone, nothing more should be done for it.
#[derive(Debug)]
#[must_use]
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

/// Writes JSON that may come from a server: laid out on a terminal, unchanged elsewhere, but with a line feed at its end.
pub(crate) fn print_json(text: &[u8]) -> Result<Printed, Failure> {
    match Style::of_stdout().lay_out(text) {
        Some(shown) => print_shown(&shown),
        None => print_pieces([text, line_end(text)]),
    }
}

/// Returns what a text needs at its end.
pub(crate) fn line_end(text: &[u8]) -> &'static [u8] {
    if text.ends_with(b"\n") { b"" } else { b"\n" }
}

/// Writes bytes piece by piece, so that a large answer is not copied as a whole.
pub(crate) fn print_pieces(
    pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<Printed, Failure> {
    write(pieces, io::stdout().is_terminal())
}

/// Writes a text that has no character but those that it should have on a terminal.
pub(crate) fn print_shown(text: &[u8]) -> Result<Printed, Failure> {
    write([text], false)
}

fn write(
    pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
    is_escaped: bool,
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
    let mut out = BufWriter::new(io::stdout().lock());
    let written = if is_escaped {
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

/// Says why a file could not be opened or read.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        kind => kind.to_string(),
    }
}

/// Writes one line to standard error. A failure to do so must not change how the command ends.
pub(crate) fn eprintln(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a failure to standard error, in two lines, or as one line of JSON if the arguments have `--json`. Returns its
/// exit code.
pub(crate) fn report(failure: &Failure, arguments: &[OsString]) -> std::process::ExitCode {
    #[derive(Serialize)]
    struct Report<'a> {
        error: ErrorReport<'a>,
    }
    #[derive(Serialize)]
    struct ErrorReport<'a> {
        kind: &'a str,
        message: &'a str,
        hint: &'a str,
        exit_code: u8,
        http_status: Option<u16>,
    }

    let arguments = arguments.get(1..).unwrap_or_default();
    let message = possible_key::withhold(&failure.message, arguments);
    let hint = possible_key::withhold(&failure.hint, arguments);
    let mut options = arguments.iter().take_while(|argument| *argument != "--");
    let json = options.any(|argument| argument == "--json").then(|| {
        serde_json::to_string(&Report {
            error: ErrorReport {
                kind: failure.kind,
                message: &message,
                hint: &hint,
                exit_code: failure.code.number(),
                http_status: failure.http_status,
            },
        })
    });
    match json {
        Some(Ok(json)) => eprintln(&json),
        _ => {
            eprintln(&format!("ap: {message}"));
            eprintln(&format!("     {hint}"));
        }
    }
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
