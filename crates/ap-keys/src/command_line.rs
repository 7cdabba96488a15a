//! Splits a command line into words. There is no shell: nothing is replaced or expanded.

/// Why a line cannot be split. Positions are bytes from 0; nothing of the line is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidLine {
    #[error(
        "has a backslash outside of quotes at byte {0}; quote the word, since backslashes in quotes are kept"
    )]
    Backslash(usize),
    #[error(
        "has a ~ at byte {0}, which only a shell replaces by the home folder; write the whole path"
    )]
    Tilde(usize),
    #[error("has a quote that is not closed, at byte {0}")]
    OpenQuote(usize),
    #[error("begins with an assignment, which only a shell understands; set that variable outside")]
    Assignment,
}

/// Returns the words of a line. Spaces, tabs and line ends separate them.
///
/// Single and double quotes keep everything between them, except that `\"` is a double quote in double quotes.
/// A shell would also drop other backslashes, and so change the paths of Windows.
pub(crate) fn split(line: &str) -> Result<Vec<String>, InvalidLine> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\\' => return Err(InvalidLine::Backslash(at)),
            '~' if word.is_none() => return Err(InvalidLine::Tilde(at)),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    let (_, next) = characters.next().ok_or(InvalidLine::OpenQuote(at))?;
                    let is_quote = |next: &(usize, char)| next.1 == '"';
                    if next == character {
                        break;
                    } else if (character, next) == ('"', '\\')
                        && characters.next_if(is_quote).is_some()
                    {
                        word.push('"');
                    } else {
                        word.push(next);
                    }
                }
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    if words.first().is_some_and(|first| is_assignment(first)) {
        return Err(InvalidLine::Assignment);
    }
    Ok(words)
}

/// Returns `true` for a variable's name with a value. The value may be a secret.
fn is_assignment(word: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    word.split_once('=').is_some_and(|(name, _)| {
        name.bytes().all(is_part) && name.starts_with(|first: char| !first.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_spaces_and_quotes_keep_what_is_between_them() {
        for (line, expected) in [
            ("", &[][..]),
            (" \t\r\n", &[]),
            ("pass show key", &["pass", "show", "key"]),
            ("  pass\tshow\n key ", &["pass", "show", "key"]),
            (r#"a 'b c' "d e""#, &["a", "b c", "d e"]),
            (r#"a'b "c'"d 'e""#, &[r#"ab "cd 'e"#]),
            (r#"a '' """#, &["a", "", ""]),
            // Backslashes in quotes are kept.
            (
                r"'C:\Program Files\a.exe' b",
                &[r"C:\Program Files\a.exe", "b"],
            ),
            (r#""C:\new\table.exe" b"#, &[r"C:\new\table.exe", "b"]),
            (r#""\\server\share\a.exe""#, &[r"\\server\share\a.exe"]),
            (r"'\\server\share\'", &[r"\\server\share\"]),
            (
                r#"sh -c "echo \$HOME \`b\`""#,
                &["sh", "-c", r"echo \$HOME \`b\`"],
            ),
            (r#"sh -c "echo \"a b\"""#, &["sh", "-c", r#"echo "a b""#]),
            (r"'a\'", &[r"a\"]),
            // Nothing else is special.
            (
                "a #b $c *.d | e; f",
                &["a", "#b", "$c", "*.d", "|", "e;", "f"],
            ),
            (
                "git show HEAD~2 a~ '~' \"~/b\"",
                &["git", "show", "HEAD~2", "a~", "~", "~/b"],
            ),
            ("käse 'ü €'", &["käse", "ü €"]),
            ("./a=b c=d", &["./a=b", "c=d"]),
        ] {
            assert_eq!(split(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_only_a_shell_understands_is_named_by_its_position() {
        use InvalidLine::{Assignment, Backslash, OpenQuote, Tilde};
        for (line, expected) in [
            (r"C:\bin\a.exe", Backslash(2)),
            (r"\\server\a.exe", Backslash(0)),
            (r"pass my\ key", Backslash(7)),
            (r"pass 'a'\''b'", Backslash(8)),
            (r"pass \", Backslash(5)),
            ("~/bin/a", Tilde(0)),
            ("cat ~", Tilde(4)),
            ("cat ~robin/key", Tilde(4)),
            ("echo 'a", OpenQuote(5)),
            ("echo a\"b 'c'", OpenQuote(6)),
            ("VAULT_TOKEN=secret vault read key", Assignment),
            ("_a1='b c' cat", Assignment),
            // The last quote is part of the word.
            (r#""C:\bin\""#, OpenQuote(0)),
        ] {
            assert_eq!(split(line), Err(expected), "{line}");
        }
    }
}
