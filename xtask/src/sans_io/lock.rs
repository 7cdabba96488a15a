//! The one lock of the core: an `RwLock` in `keyring/mod.rs`, which is held while a pointer is copied.
//!
//! Clippy cannot allow a type in one file and forbid it in others, so this check reads the sources. Locks that make
//! their callers wait for longer (`Mutex`, `Condvar`, …) are in the list of [`super::names`].

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use crate::{repo, tokens};

const LOCK: &str = "RwLock";
const ALLOWED_IN: &str = "keyring/mod.rs";

/// Returns a line for each place where the core's sources have the lock and must not.
pub(super) fn problems(sources: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for file in repo::files(sources)? {
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let found = problem(&file, &repo::read(&sources.join(&file))?);
        problems.extend(found.map(|problem| format!("{}: {problem}", file.display())));
    }
    Ok(problems)
}

fn problem(file: &Path, text: &str) -> Option<String> {
    let stream = match tokens::parse(text) {
        Ok(stream) => tokens::without_tests(stream),
        Err(error) => return Some(error),
    };
    let (mut named, mut declared) = (0, 0);
    count(stream, &mut named, &mut declared);
    if file == Path::new(ALLOWED_IN) {
        (declared > 1)
            .then(|| format!("declares {declared} `{LOCK}`s; one is allowed in the whole core"))
    } else {
        (named > 0).then(|| format!("names `{LOCK}`; only {ALLOWED_IN} may"))
    }
}

/// Counts how often the lock is named, and how often with the type that it contains.
fn count(stream: TokenStream, named: &mut usize, declared: &mut usize) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Group(group) = token {
            count(group.stream(), named, declared);
        } else if tokens::is_word(&token, LOCK) {
            *named += 1;
            let is_type = tokens
                .peek()
                .is_some_and(|next| tokens::is_punct(next, '<'));
            *declared += usize::from(is_type);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::problem;

    const ONE: &str =
        "use std::sync::RwLock; struct A { b: RwLock<u8> } fn c() { RwLock::new(1); }";

    #[test]
    fn one_lock_is_allowed_in_one_file() {
        assert_eq!(problem(Path::new("keyring/mod.rs"), ONE), None);
        for file in ["keyring.rs", "exchange/keyring/mod.rs"] {
            let found = problem(Path::new(file), ONE).unwrap();
            assert!(found.contains("only keyring/mod.rs may"), "{found}");
        }
        let two = format!("{ONE} struct D {{ e: RwLock<u8> }}");
        let found = problem(Path::new("keyring/mod.rs"), &two).unwrap();
        assert!(found.contains("declares 2"), "{found}");
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        let text =
            "// RwLock\nfn a() { \"RwLock\"; } #[cfg(test)] mod tests { use std::sync::RwLock; }";
        assert_eq!(problem(Path::new("a.rs"), text), None);
    }
}
