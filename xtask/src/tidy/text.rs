//! Lines of text: spaces, lengths, words that are only for work in progress, and what a file is for.

use std::path::Path;

/// The longest source file, in lines: one idea a file. Tests are lists of cases, and may be longer.
const MAX_LINES: usize = 600;

/// Words that must not be committed. Each is written in two parts, or this file would find itself.
const UNFINISHED: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
    concat!("FIX", "ME"),
    concat!("d", "bg!("),
];

/// Returns `true` if a file is text that people write, and not data.
pub(super) fn is_text(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    matches!(
        extension,
        Some("rs" | "toml" | "md" | "txt" | "sh" | "html")
    ) || file == Path::new(".ci/run")
}

/// Returns what is wrong with a file's text.
pub(super) fn problems(file: &Path, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(format!("line {} ends with a space", at + 1));
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        problems.push("does not end with exactly one line break".to_owned());
    }
    if file.extension().is_some_and(|extension| extension == "rs") {
        problems.extend(rust_problems(file, text));
    }
    problems
}

fn rust_problems(file: &Path, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let has_purpose = text.starts_with("//! ") || text.starts_with("#![doc = include_str!(");
    let is_source = file.components().any(|part| part.as_os_str() == "src");
    if is_source && !has_purpose {
        problems.push("does not begin with a `//! ` line that says what it is for".to_owned());
    }
    let lines = text.lines().count();
    if is_source && lines > MAX_LINES {
        problems.push(format!(
            "has {lines} lines, more than {MAX_LINES}: split it by its ideas"
        ));
    }
    for (at, line) in text.lines().enumerate() {
        for word in UNFINISHED {
            if line.contains(word) {
                problems.push(format!("line {} contains {word:?}", at + 1));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{UNFINISHED, problems};

    fn in_source(text: &str) -> Vec<String> {
        problems(Path::new("crates/x/src/a.rs"), text)
    }

    #[test]
    fn a_file_in_order_passes() {
        assert!(in_source("//! What it is for.\n\nfn a() {}\n").is_empty());
        assert!(in_source("#![doc = include_str!(\"../README.md\")]\n").is_empty());
        assert!(problems(Path::new("crates/x/tests/a.rs"), "fn a() {}\n").is_empty());
    }

    #[test]
    fn each_problem_is_found() {
        assert_eq!(
            in_source("//! A.\nfn a() {} \n"),
            ["line 2 ends with a space"]
        );
        assert_eq!(
            in_source("//! A.\n\n"),
            ["does not end with exactly one line break"]
        );
        assert_eq!(
            in_source("//! A."),
            ["does not end with exactly one line break"]
        );
        assert_eq!(in_source("fn a() {}\n").len(), 1);
        assert_eq!(
            in_source(&format!(
                "//! A.\n{}",
                "\n".repeat(600).replace('\n', "// b\n")
            ))
            .len(),
            1
        );
        for word in UNFINISHED {
            assert_eq!(in_source(&format!("//! A.\n{word}\n")).len(), 1, "{word}");
        }
    }
}
