//! What one source file declares and names.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::tokens::{self, is_path_separator, is_punct, is_word};

/// Keywords behind which the name of an item stands.
const ITEMS: [&str; 9] = [
    "const", "enum", "fn", "mod", "static", "struct", "trait", "type", "union",
];

/// The path of a module or a name from the crate's root.
pub(super) type ModulePath = Vec<String>;

/// One source file.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) module: ModulePath,
    /// Every path that is named and begins in this crate.
    pub(super) paths: Vec<ModulePath>,
    /// Names that are imported into a module: others may import them from there.
    pub(super) imports: Vec<Import>,
    /// Items that the file declares, with their modules.
    pub(super) items: Vec<ModulePath>,
    /// Files that are compiled for tests only.
    pub(super) test_modules: Vec<ModulePath>,
}

/// A name in a module that stands for something elsewhere.
#[derive(Debug)]
pub(super) struct Import {
    /// The module, with the name; without a name for `use …::*`.
    pub(super) module: ModulePath,
    pub(super) name: Option<String>,
    pub(super) target: ModulePath,
}

/// Reads a file, given by its path below `src`.
pub(super) fn read(file: &Path, text: &str) -> Result<Source, String> {
    let stream = tokens::parse(text)?;
    let module = module_of(file);
    let mut source = Source {
        file: file.to_path_buf(),
        module: module.clone(),
        ..Source::default()
    };
    source.test_modules = tokens::test_modules(&stream)
        .into_iter()
        .map(|name| joined(&module, &[name]))
        .collect();
    source.walk(tokens::without_tests(stream), &module, true);
    Ok(source)
}

/// Returns the module that a file is: `[a, b]` for `a/b.rs` and `a/b/mod.rs`, nothing for the crate's root.
fn module_of(file: &Path) -> ModulePath {
    let mut parts: ModulePath = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if matches!(parts.last().map(String::as_str), Some("mod"))
        || matches!(parts.as_slice(), [only] if only == "lib" || only == "main")
    {
        parts.pop();
    }
    parts
}

fn joined(module: &[String], names: &[String]) -> ModulePath {
    [module, names].concat()
}

impl Source {
    /// Collects what is declared and named. `is_module` is false inside functions and other blocks.
    fn walk(&mut self, stream: TokenStream, scope: &[String], is_module: bool) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            match token {
                TokenTree::Ident(word) if word == "use" => {
                    at += self.read_use(rest, scope, is_module);
                    continue;
                }
                TokenTree::Ident(_) if starts_path(rest) => {
                    let (names, length) = read_path(rest);
                    self.paths.extend(resolve(scope, &names));
                    at += length;
                    continue;
                }
                TokenTree::Ident(word) if ITEMS.iter().any(|item| word == item) => {
                    if let (true, Some(TokenTree::Ident(name))) = (is_module, rest.get(1)) {
                        let item = joined(scope, &[name.to_string()]);
                        if let (true, Some(TokenTree::Group(body))) = (word == "mod", rest.get(2)) {
                            self.walk(body.stream(), &item, true);
                            at += 2;
                        }
                        self.items.push(item);
                    }
                }
                TokenTree::Group(group) => self.walk(group.stream(), scope, false),
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads a `use` and returns how many tokens it has.
    fn read_use(&mut self, tokens: &[TokenTree], scope: &[String], is_module: bool) -> usize {
        let end = tokens.iter().position(|token| is_punct(token, ';'));
        let end = end.unwrap_or(tokens.len());
        let mut leaves = Vec::new();
        read_tree(tokens.get(1..end).unwrap_or_default(), &[], &mut leaves);
        for leaf in leaves {
            let Some(target) = resolve(scope, &leaf.path) else {
                continue;
            };
            if starts_in_crate(&leaf.path) {
                self.paths.push(target.clone());
            }
            if is_module {
                self.imports.push(Import {
                    module: scope.to_vec(),
                    name: leaf.name,
                    target,
                });
            }
        }
        end + 1
    }
}

/// One name that a `use` brings: none for `*`.
struct Leaf {
    path: Vec<String>,
    name: Option<String>,
}

/// Reads `a::{b as c, d::*}` into its leaves.
fn read_tree(tokens: &[TokenTree], prefix: &[String], leaves: &mut Vec<Leaf>) {
    let mut path = prefix.to_vec();
    let mut name = None;
    let mut renamed = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if word == "as" => renamed = true,
            TokenTree::Ident(word) if renamed => name = Some(word.to_string()),
            // `{self}` is the module before the braces.
            TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                leaves.push(Leaf { path, name: None });
                return;
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for part in inner.split(|token| is_punct(token, ',')) {
                    if !part.is_empty() {
                        read_tree(part, &path, leaves);
                    }
                }
                return;
            }
            _ => {}
        }
    }
    let name = name.or_else(|| path.last().cloned());
    leaves.push(Leaf { path, name });
}

fn starts_in_crate(names: &[String]) -> bool {
    let first = names.first().map(String::as_str);
    matches!(first, Some("crate" | "super" | "self"))
}

fn starts_path(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [first, rest @ ..]
        if ["crate", "super", "self"].iter().any(|word| is_word(first, word)) && is_path_separator(rest))
}

/// Reads `crate::a::b` and returns its names and how many tokens they are.
fn read_path(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        names.push(name.to_string());
        at += 1;
        if !is_path_separator(&tokens[at..]) {
            break;
        }
        at += 2;
    }
    (names, at)
}

/// Returns the path from the crate's root that a path in a module means, or `None` if it leads out of the crate. A
/// path that begins with another word is taken to begin in the module itself.
fn resolve(scope: &[String], names: &[String]) -> Option<ModulePath> {
    let mut base = scope.to_vec();
    let mut rest = names;
    while let [first, others @ ..] = rest {
        match first.as_str() {
            "crate" => base.clear(),
            "super" => {
                base.pop()?;
            }
            "self" => {}
            _ => break,
        }
        rest = others;
    }
    Some(joined(&base, rest))
}

#[cfg(test)]
mod tests {
    use super::{module_of, read};

    #[test]
    fn a_file_is_a_module() {
        for (file, module) in [
            ("lib.rs", ""),
            ("main.rs", ""),
            ("a.rs", "a"),
            ("a/mod.rs", "a"),
            ("a/b.rs", "a::b"),
            ("a/main.rs", "a::main"),
        ] {
            assert_eq!(module_of(file.as_ref()).join("::"), module);
        }
    }

    #[test]
    fn paths_are_read_from_the_root() {
        let text = "use super::{self, c::{d, E as F}, g::*}; use std::fmt; use crate::h; \
                    fn f() { self::i::J::new(); super::k() }";
        let source = read("a/b.rs".as_ref(), text).unwrap();
        let paths: Vec<_> = source.paths.iter().map(|path| path.join("::")).collect();
        let expected = [
            "a",
            "a::c::d",
            "a::c::E",
            "a::g",
            "h",
            "a::b::i::J::new",
            "a::k",
        ];
        assert_eq!(paths, expected);
    }
}
