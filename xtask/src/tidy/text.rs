//! Lines of text: blanks, lengths, words that are not left behind, and what a file is for.

use std::path::Path;

/// The longest source file, in lines: one idea a file. Tests are lists of cases, and may be longer.
const MAX_LINES: usize = 600;

/// Written in two parts, or this file would find itself.
const LEFT_BEHIND: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
    concat!("FIX", "ME"),
    concat!("d", "bg!("),
];

/// Whether a file is text that people write, and not data.
pub(super) fn is_ours(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("rs" | "toml" | "md" | "txt" | "sh")) || file == Path::new(".ci/run")
}

/// What is wrong with a file's text.
pub(super) fn faults(file: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            faults.push(format!("line {} ends in a blank", at + 1));
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        faults.push("does not end in exactly one line break".to_owned());
    }
    if file.extension().is_some_and(|extension| extension == "rs") {
        faults.extend(rust_faults(file, text));
    }
    faults
}

fn rust_faults(file: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let says = text.starts_with("//! ") || text.starts_with("#![doc = include_str!(");
    let is_source = file.components().any(|part| part.as_os_str() == "src");
    if is_source && !says {
        faults.push("does not begin with a `//! ` line that says what it is for".to_owned());
    }
    let lines = text.lines().count();
    if is_source && lines > MAX_LINES {
        faults.push(format!(
            "has {lines} lines, more than {MAX_LINES}: split it by its ideas"
        ));
    }
    for (at, line) in text.lines().enumerate() {
        for word in LEFT_BEHIND {
            if line.contains(word) {
                faults.push(format!("line {} holds {word:?}", at + 1));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LEFT_BEHIND, faults};

    fn of(text: &str) -> Vec<String> {
        faults(Path::new("crates/x/src/a.rs"), text)
    }

    #[test]
    fn a_sound_file_passes() {
        assert!(of("//! What it is for.\n\nfn a() {}\n").is_empty());
        assert!(of("#![doc = include_str!(\"../README.md\")]\n").is_empty());
        assert!(faults(Path::new("crates/x/tests/a.rs"), "fn a() {}\n").is_empty());
    }

    #[test]
    fn each_fault_is_found() {
        assert_eq!(of("//! A.\nfn a() {} \n"), ["line 2 ends in a blank"]);
        assert_eq!(of("//! A.\n\n"), ["does not end in exactly one line break"]);
        assert_eq!(of("//! A."), ["does not end in exactly one line break"]);
        assert_eq!(of("fn a() {}\n").len(), 1);
        assert_eq!(
            of(&format!(
                "//! A.\n{}",
                "\n".repeat(600).replace('\n', "// b\n")
            ))
            .len(),
            1
        );
        for word in LEFT_BEHIND {
            assert_eq!(of(&format!("//! A.\n{word}\n")).len(), 1, "{word}");
        }
    }
}
