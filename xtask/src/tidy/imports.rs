//! The files of a crate do not import each other in a loop.
//!
//! A file imports another if it names something in it: by `use crate::…`, `use super::…`, or by such a path in the
//! code. A name that a module re-exports counts as an import of that module and of the file it comes from. Imports between a module
//! and its own submodules do not count, and neither does anything that is compiled for tests only. The crate's root
//! is no file in this sense: it imports everything.

mod graph;
mod source;

use std::path::{Path, PathBuf};

use crate::repo;

/// Returns a text for each loop among the files below a crate's `src`.
pub(super) fn problems(root: &Path, package: &Path) -> Result<Vec<String>, String> {
    let sources = package.join("src");
    if !sources.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for file in repo::files(&sources)? {
        // Each file in src/bin is a crate of its own.
        if file.extension().is_some_and(|extension| extension == "rs") && !file.starts_with("bin") {
            let text = repo::read(&sources.join(&file))?;
            files.push((file, text));
        }
    }
    let shown = sources.strip_prefix(root).unwrap_or(&sources);
    let loops = loops(&files).map_err(|error| format!("{}: {error}", shown.display()))?;
    Ok(loops
        .into_iter()
        .map(|text| format!("{}: {text}", shown.display()))
        .collect())
}

/// Returns a text for each loop among files, given by their paths below `src` and their contents.
fn loops(files: &[(PathBuf, String)]) -> Result<Vec<String>, String> {
    let mut sources = Vec::new();
    for (file, text) in files {
        let source =
            source::read(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        sources.push(source);
    }
    Ok(graph::loops(&sources))
}

#[cfg(test)]
mod tests {
    use super::loops;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(file, text)| ((*file).into(), (*text).to_owned()))
            .collect();
        loops(&files).unwrap()
    }

    fn is_loop(files: &[(&str, &str)]) -> bool {
        !found(files).is_empty()
    }

    #[test]
    fn a_loop_is_shown_with_its_files_and_names() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
            ("a.rs", "use crate::b::{B, Other as O}; pub struct A(B, O);"),
            (
                "b.rs",
                "use super::c; pub struct B(c::C); pub struct Other;",
            ),
            ("c.rs", "pub struct C; fn f() -> crate::a::A { loop {} }"),
        ];
        assert_eq!(
            found(&files),
            ["3 files import each other in a loop\n  \
              a.rs imports b.rs: B, Other\n  b.rs imports c.rs: c\n  c.rs imports a.rs: A"]
        );
    }

    #[test]
    fn files_without_a_loop_are_fine() {
        assert!(!is_loop(&[
            ("lib.rs", "mod a; mod b; pub use b::B;"),
            ("a.rs", "use crate::B; pub struct A(B);"),
            (
                "b.rs",
                "pub struct B; // use crate::a::A;\nconst TEXT: &str = \"crate::a::A\";"
            ),
        ]));
    }

    #[test]
    fn a_re_exported_name_counts_as_its_file() {
        let a = ("a.rs", "use crate::B; pub struct A;");
        let b = ("b.rs", "use crate::a::A; pub struct B;");
        assert!(is_loop(&[("lib.rs", "mod a; mod b; pub use b::B;"), a, b]));
        assert!(is_loop(&[
            ("lib.rs", "mod a; mod b; pub use crate::b::{B};"),
            a,
            b
        ]));
        assert!(is_loop(&[("lib.rs", "mod a; mod b; pub use b::*;"), a, b]));
        let renamed = ("b.rs", "use crate::a::A; pub struct Other;");
        assert!(is_loop(&[
            ("lib.rs", "mod a; mod b; pub use b::Other as B;"),
            a,
            renamed
        ]));
        assert!(is_loop(&[
            ("main.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::c::B; pub struct A;"),
            b,
            ("c/mod.rs", "pub use super::b::B;"),
        ]));
        assert!(!is_loop(&[
            ("lib.rs", "mod a; mod b; pub struct B; pub use b::Other;"),
            a,
            b
        ]));
    }

    #[test]
    fn paths_in_code_macros_and_inline_modules_count() {
        let lib = ("lib.rs", "mod a; mod b;");
        let b = ("b.rs", "pub struct B; fn f(_: crate::a::A) {}");
        for a in [
            "pub struct A; fn f() { println!(\"{:?}\", crate::b::B); }",
            "pub struct A; mod inner { use super::super::b::B; }",
            "pub struct A; mod inner { use crate::b::B; }",
            "pub struct A; pub(in crate::a) fn f() { let _ = super::b::B; }",
            "pub struct A; macro_rules! m { () => { $crate::b::B } }",
        ] {
            assert!(is_loop(&[lib, ("a.rs", a), b]), "{a}");
        }
    }

    #[test]
    fn tests_do_not_count() {
        let lib = ("lib.rs", "mod a; mod b; #[cfg(test)] mod c;");
        let b = ("b.rs", "use crate::a::A; pub struct B;");
        for a in [
            "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }",
            "pub struct A; #[cfg(test)] use crate::b::B;",
            "pub struct A; #[test] fn f() { let _ = crate::b::B; }",
        ] {
            assert!(!is_loop(&[lib, ("a.rs", a), b]), "{a}");
        }
        let c = ("c.rs", "use crate::b::B;");
        let inner = ("c/inner.rs", "use crate::b::B;");
        let b = ("b.rs", "use crate::c; use crate::c::inner;");
        assert!(!is_loop(&[lib, ("a.rs", ""), b, c, inner]));
    }

    #[test]
    fn a_module_and_its_submodules_may_import_each_other() {
        assert!(!is_loop(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; mod c; use b::B; pub struct A;"),
            ("a/b.rs", "use super::A; pub struct B;"),
            ("a/c.rs", "use super::B;"),
        ]));
        assert!(is_loop(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; mod c; use b::B; use c::C;"),
            ("a/b.rs", "use super::C; pub struct B;"),
            ("a/c.rs", "use super::B; pub struct C;"),
        ]));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error() {
        let error = loops(&[("a.rs".into(), "fn a( {}".to_owned())]).unwrap_err();
        assert!(error.starts_with("a.rs: is not valid Rust"), "{error}");
    }
}
