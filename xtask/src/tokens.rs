//! Rust sources as tokens: without comments, with strings as one token each, and without the parts for tests.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Words that begin an item which ends with a semicolon or a block.
const ITEMS: [&str; 14] = [
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "let",
    "macro_rules",
    "mod",
    "static",
    "struct",
    "trait",
    "type",
    "use",
];

/// Reads the text of a source file.
pub(crate) fn parse(text: &str) -> Result<TokenStream, String> {
    text.parse()
        .map_err(|error| format!("is not valid Rust: {error}"))
}

/// Leaves out what is compiled for tests only: everything behind `#[cfg(test)]` or `#[test]`.
pub(crate) fn without_tests(stream: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if is_inner_attribute(&tokens[at..]) && tokens.get(at + 2).is_some_and(is_for_tests) {
            return kept.into_iter().collect();
        }
        if is_attribute(&tokens[at..]) && tokens.get(at + 1).is_some_and(is_for_tests) {
            at = end_of_item(&tokens, at);
            continue;
        }
        kept.push(match token {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_tests(group.stream()));
                inner.set_span(group.span());
                inner.into()
            }
            other => other.clone(),
        });
        at += 1;
    }
    kept.into_iter().collect()
}

/// Returns the modules that are declared for tests only and are files of their own: `#[cfg(test)] mod name;`.
pub(crate) fn test_modules(stream: &TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if !is_attribute(&tokens[at..]) || !tokens.get(at + 1).is_some_and(is_for_tests) {
            continue;
        }
        let item = &tokens[at..end_of_item(&tokens, at)];
        if let [.., keyword, TokenTree::Ident(name), end] = item
            && is_word(keyword, "mod")
            && is_punct(end, ';')
        {
            found.push(name.to_string());
        }
    }
    found
}

/// Returns `true` if a token is this identifier or keyword.
pub(crate) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// Returns `true` if a token is this punctuation.
pub(crate) fn is_punct(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == punct)
}

/// Returns `true` if the tokens begin with `::`.
pub(crate) fn is_path_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [first, second, ..] if is_punct(first, ':') && is_punct(second, ':'))
}

fn is_attribute(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [hash, TokenTree::Group(_), ..] if is_punct(hash, '#'))
}

fn is_inner_attribute(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [hash, bang, TokenTree::Group(_), ..] if is_punct(hash, '#') && is_punct(bang, '!'))
}

/// Returns `true` for the brackets of `#[test]`, `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn is_for_tests(brackets: &TokenTree) -> bool {
    let TokenTree::Group(brackets) = brackets else {
        return false;
    };
    let tokens: Vec<TokenTree> = brackets.stream().into_iter().collect();
    match tokens.as_slice() {
        [only] => is_word(only, "test"),
        [cfg, TokenTree::Group(condition)] if is_word(cfg, "cfg") => needs_test(condition),
        _ => false,
    }
}

fn needs_test(condition: &Group) -> bool {
    let tokens: Vec<TokenTree> = condition.stream().into_iter().collect();
    match tokens.as_slice() {
        [only] => is_word(only, "test"),
        [all, TokenTree::Group(parts)] if is_word(all, "all") => {
            let mut parts = parts.stream().into_iter();
            parts.any(|part| is_word(&part, "test"))
        }
        _ => false,
    }
}

/// Returns the place behind the item, field or variant whose first attribute is at a place.
fn end_of_item(tokens: &[TokenTree], start: usize) -> usize {
    let mut at = start;
    while is_attribute(tokens.get(at..).unwrap_or_default()) {
        at += 2;
    }
    let mut is_item = false;
    while let Some(token) = tokens.get(at) {
        at += 1;
        is_item |= ITEMS.iter().any(|word| is_word(token, word));
        let is_block =
            matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is_punct(token, ';') || is_block || (is_punct(token, ',') && !is_item) {
            break;
        }
    }
    // `use a::{b};` has a semicolon behind its braces.
    if tokens.get(at).is_some_and(|token| is_punct(token, ';')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{parse, test_modules, without_tests};

    fn kept(text: &str) -> String {
        without_tests(parse(text).unwrap()).to_string()
    }

    fn same(text: &str) -> String {
        parse(text).unwrap().to_string()
    }

    #[test]
    fn parts_for_tests_are_left_out() {
        for (text, rest) in [
            (
                "fn a() {} #[cfg(test)] mod tests { fn b() {} }",
                "fn a() {}",
            ),
            ("#[cfg(test)] use a::{b, c}; fn d() {}", "fn d() {}"),
            ("#[test] fn a<B, C>() {} fn d() {}", "fn d() {}"),
            (
                "#[cfg(all(test, unix))] #[inline] pub(crate) fn a() {} fn d() {}",
                "fn d() {}",
            ),
            (
                "struct A { #[cfg(test)] b: u8, c: u8 }",
                "struct A { c: u8 }",
            ),
            ("#![cfg(test)] fn a() {}", ""),
        ] {
            assert_eq!(kept(text), same(rest), "{text}");
        }
    }

    #[test]
    fn everything_else_is_kept() {
        for text in [
            "#[cfg(not(test))] fn a() {}",
            "#[cfg(any(test, unix))] fn a() {}",
            "#[cfg(unix)] use a::{b};",
        ] {
            assert_eq!(kept(text), same(text), "{text}");
        }
    }

    #[test]
    fn files_for_tests_are_named() {
        let text = "#[cfg(test)] mod a; mod b; #[cfg(test)] mod c {} #[cfg(unix)] mod d;";
        assert_eq!(test_modules(&parse(text).unwrap()), ["a"]);
    }
}
