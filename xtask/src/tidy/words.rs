//! Phrases and names that were replaced and must not come back.
//!
//! The lists are in the folder beside this file, one `old = instead` a line. They are short on purpose: each entry is
//! wrong wherever it stands. CHANGELOG.md may contain all of them, because it says what was renamed. The dated notes in
//! `docs/design` may contain the names, because they say what there was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use crate::tokens;

const PHRASES: &str = include_str!("words/phrases.txt");
const NAMES: &str = include_str!("words/names.txt");
const FILES: &str = include_str!("words/files.txt");

/// Returns a line for each phrase and name in a file that must not be there.
pub(super) fn problems(file: &Path, text: &str) -> Vec<String> {
    if file.file_name().is_some_and(|name| name == "CHANGELOG.md") {
        return Vec::new();
    }
    let mut found = Findings::default();
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => {
            phrases(text, &mut found);
            whether(text, &mut found);
            quoted(text, &mut found);
            if let Ok(stream) = tokens::parse(text) {
                identifiers(stream, &mut found);
            }
        }
        Some("md") if file.starts_with("docs/design") => phrases(text, &mut found),
        Some("md" | "html") => {
            phrases(text, &mut found);
            quoted(text, &mut found);
        }
        _ => {}
    }
    file_name(file).into_iter().chain(found.texts()).collect()
}

/// What was found, each with the lines where it is.
#[derive(Default)]
struct Findings(BTreeMap<String, BTreeSet<usize>>);

impl Findings {
    fn add(&mut self, line: usize, problem: String) {
        self.0.entry(problem).or_default().insert(line);
    }

    fn texts(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(problem, lines)| {
            let lines: Vec<_> = lines.iter().map(usize::to_string).collect();
            format!("line {}: {problem}", lines.join(", "))
        })
    }
}

/// Returns the entries of a list.
fn entries(list: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    list.lines().filter_map(|line| line.split_once(" = "))
}

/// Finds phrases, also where they continue on the next line of a comment.
fn phrases(text: &str, found: &mut Findings) {
    let (prose, starts) = prose(text);
    let line_of = |at: usize| starts.partition_point(|&start| start <= at);
    for (phrase, instead) in entries(PHRASES) {
        for at in positions(&prose, &phrase.to_lowercase()) {
            found.add(
                line_of(at),
                format!("says {phrase:?}; write instead: {instead}"),
            );
        }
    }
}

/// Returns a text in lower case with single spaces, without the marks of comments and quotations, and where in it
/// each line starts.
fn prose(text: &str) -> (String, Vec<usize>) {
    let mut prose = String::new();
    let mut starts = Vec::new();
    for line in text.lines() {
        starts.push(prose.len());
        let line = line.trim_start();
        let line = line.trim_start_matches(['/', '!', '>', '*']);
        for word in line.split_whitespace() {
            prose.push_str(&word.to_lowercase());
            prose.push(' ');
        }
    }
    (prose, starts)
}

/// Returns where whole words stand in a text.
fn positions(text: &str, words: &str) -> Vec<usize> {
    let is_part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(words)
        .map(|(at, _)| at)
        .filter(|&at| {
            let before = text[..at].chars().next_back();
            let after = text[at + words.len()..].chars().next();
            !before.is_some_and(is_part_of_word) && !after.is_some_and(is_part_of_word)
        })
        .collect()
}

/// Finds doc comments that begin as a question.
fn whether(text: &str, found: &mut Findings) {
    let mut was_comment = false;
    for (at, line) in text.lines().enumerate() {
        let comment = line.trim_start().strip_prefix("///");
        if !was_comment && comment.is_some_and(|comment| comment.starts_with(" Whether ")) {
            found.add(
                at + 1,
                "a doc comment begins with \"Whether\"; write instead: Returns `true` if …"
                    .to_owned(),
            );
        }
        was_comment = comment.is_some();
    }
}

/// Finds names between backticks.
fn quoted(text: &str, found: &mut Findings) {
    for (at, line) in text.lines().enumerate() {
        for (name, instead) in entries(NAMES) {
            if line.contains(&format!("`{name}`")) {
                found.add(at + 1, problem_of_name(name, instead));
            }
        }
    }
}

/// Finds names that are identifiers in Rust.
fn identifiers(stream: TokenStream, found: &mut Findings) {
    let mut tokens = stream.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => identifiers(group.stream(), found),
            // What a crate forbids itself is no use of it.
            TokenTree::Ident(ident) if ident == "forbid" => drop(tokens.next()),
            TokenTree::Ident(ident) => {
                for (name, instead) in entries(NAMES).filter(|(name, _)| ident == name) {
                    found.add(ident.span().start().line, problem_of_name(name, instead));
                }
            }
            _ => {}
        }
    }
}

fn problem_of_name(name: &str, instead: &str) -> String {
    format!("uses the name `{name}`; write instead: {instead}")
}

/// Finds files whose names say nothing.
fn file_name(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    let (_, instead) = entries(FILES).find(|(name, _)| *name == stem)?;
    Some(format!(
        "the file is named {stem:?}; name it instead: {instead}"
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FILES, NAMES, PHRASES, entries, problems};

    fn in_rust(text: &str) -> Vec<String> {
        problems(Path::new("crates/x/src/a.rs"), text)
    }

    #[test]
    fn every_phrase_is_found() {
        for (phrase, _) in entries(PHRASES) {
            let capital = phrase[..1].to_uppercase() + &phrase[1..];
            for text in [
                format!("//! One {phrase} two."),
                format!("//! {capital} two."),
                format!("//! One {}\n//! two.", phrase.replace(' ', "\n    /// ")),
            ] {
                let found = in_rust(&text);
                assert!(
                    found.iter().any(|problem| problem.contains(phrase)),
                    "{text}: {found:?}"
                );
            }
            // An entry may contain another one, so only this one is looked for.
            let parts_of_words = in_rust(&format!("//! one{phrase} {phrase}s"));
            let quoted = format!("{phrase:?}");
            assert!(
                !parts_of_words
                    .iter()
                    .any(|problem| problem.contains(&quoted)),
                "{phrase}"
            );
        }
    }

    #[test]
    fn the_line_of_a_phrase_is_told() {
        let (phrase, _) = entries(PHRASES).last().unwrap();
        let found = problems(Path::new("a.md"), &format!("one\n\ntwo {phrase}\n"));
        assert!(found[0].starts_with("line 3: "), "{found:?}");
    }

    #[test]
    fn every_name_is_found_as_an_identifier_and_between_backticks() {
        for (name, _) in entries(NAMES) {
            let found = in_rust(&format!("//! A.\nfn a() {{ b({name}) }} // {name}\n"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with("line 2: "), "{found:?}");
            assert_eq!(in_rust(&format!("//! See [`{name}`].")).len(), 1, "{name}");
            assert_eq!(problems(Path::new("a.md"), &format!("`{name}`")).len(), 1);
            assert!(in_rust(&format!("//! {name}\nconst A: &str = \"{name}\";")).is_empty());
            assert!(in_rust(&format!("struct {name}Error; fn x{name}() {{}}")).is_empty());
        }
    }

    #[test]
    fn every_file_name_is_found() {
        for (name, _) in entries(FILES) {
            let path = format!("crates/x/src/{name}.rs");
            assert_eq!(problems(Path::new(&path), "//! A.\n").len(), 1, "{name}");
        }
    }

    #[test]
    fn a_doc_comment_is_no_question() {
        let question = concat!("/// Whe", "ther it is.\nfn a() {}");
        assert_eq!(in_rust(question).len(), 1);
        assert!(in_rust("/// Returns.\n/// Whether it is.\nfn a() {}").is_empty());
        assert!(in_rust("/// Returns `true` if it is.\nfn a() {}").is_empty());
    }

    #[test]
    fn lines_with_the_same_problem_are_one_problem() {
        let (name, _) = entries(NAMES).next().unwrap();
        let found = in_rust(&format!(
            "//! A.\nfn a() {{\n    {name}::b({name});\n    {name}\n}}\n"
        ));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("line 3, 4: uses"), "{found:?}");
    }

    #[test]
    fn plain_text_and_the_changelog_are_fine() {
        let text = "NO_COLOR is kept: no colour in a pipe. What must I do? Peace. A sound answer, replayed.";
        assert!(problems(Path::new("README.md"), text).is_empty());
        for (phrase, _) in entries(PHRASES) {
            assert!(problems(Path::new("CHANGELOG.md"), phrase).is_empty());
        }
        for (name, _) in entries(NAMES) {
            let note = Path::new("docs/design/2026-11-24-keys.md");
            assert!(problems(note, &format!("`{name}`")).is_empty());
        }
    }
}
