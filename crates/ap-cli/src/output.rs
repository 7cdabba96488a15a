//! Standard output: unchanged to a pipe, escaped to a terminal, and no failure if the reader has gone.
//! Standard error: whole lines, and no panic if it is closed.

use std::io::{self, IsTerminal as _, Write as _};
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

/// Writes bytes that may come from a server to standard output.
pub(crate) fn print(bytes: &[u8]) -> Result<Printed, Failure> {
    let not_written = |why: &str| {
        Failure::new(
            ExitCode::Other,
            format!("standard output cannot be written ({why})"),
            "check the disk, or the program that reads the output",
        )
    };
    if !bytes.is_empty() && inherited::is_stdout_closed() {
        return Err(not_written("it is closed"));
    }
    let mut out = io::stdout().lock();
    let written = if out.is_terminal() {
        out.write_all(escape(bytes).as_bytes())
    } else {
        out.write_all(bytes)
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

/// Escapes characters that could move the cursor, change colours, set the title or reverse the line.
fn escape(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len() + 1);
    for character in String::from_utf8_lossy(bytes).chars() {
        if matches!(character, '\n' | '\t') {
            shown.push(character);
        } else {
            redact::escape_char(&mut shown, character);
        }
    }
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{display_path, escape};

    #[test]
    fn a_terminal_gets_only_text() {
        assert_eq!(
            escape(b"a\x1b[31mb\r\nc\td\xc2\x9b\xe2\x80\xae"),
            "a\\u{1b}[31mb\\r\nc\td\\u{9b}\\u{202e}\n"
        );
        assert_eq!(escape(b""), "");
    }

    #[test]
    fn a_path_is_shown_on_one_line_and_without_a_password() {
        assert_eq!(display_path("a/b\n\x1bc.json"), "a/b\\n\\u{1b}c.json");
        assert!(!display_path("https://user:secret-word@h.example/x").contains("secret-word"));
    }
}
