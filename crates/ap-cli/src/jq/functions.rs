//! The functions of filters: those of jaq that depend on the answer alone, and regular expressions.
//!
//! Left out are variables of the environment, the clock, dates, mathematics beyond arithmetic, and other encodings.

use jaq_core::data::JustLut;
use jaq_core::load::parse::Def;
use jaq_core::native::{Fun, bome, run};
use jaq_core::{Bind, Cv, Error, RunPtr, ValR, defs, funs, load};
use jaq_json::{Map, Val};
use regex_lite::{Captures, Match, Regex, RegexBuilder};

pub(super) type Data = JustLut<Val>;

/// Definitions of jaq's standard library that need functions which are left out.
const LEFT_OUT: [&str; 18] = [
    "stderr",
    "debug",
    "halt_error",
    "logb",
    "significand",
    "pow10",
    "drem",
    "nexttoward",
    "scalb",
    "gamma",
    "todate",
    "fromdate",
    "@html",
    "@htmld",
    "@uri",
    "@urid",
    "@base64",
    "@base64d",
];

/// Formats of rows that jaq's library does not have.
const FORMATS: &str = r#"
def replace_text_(from; to): split(from) | join(to);
def @csv: [.[] | if isstring then "\"" + replace_text_("\""; "\"\"") + "\""
    elif . == null then "" else tostring end] | join(",");
def @tsv: [.[] | if . == null then "" else tostring
    | replace_text_("\\"; "\\\\") | replace_text_("\t"; "\\t")
    | replace_text_("\n"; "\\n") | replace_text_("\r"; "\\r") end] | join("\t");
"#;

/// Returns the functions that are written in the language itself.
pub(super) fn definitions() -> impl Iterator<Item = Def<&'static str>> {
    let formats = load::parse(FORMATS, |parser| parser.defs()).unwrap_or_default();
    defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs())
        .filter(|definition| !LEFT_OUT.contains(&definition.name))
        .chain(formats)
}

/// Returns the functions that are written in Rust.
pub(super) fn natives() -> impl Iterator<Item = Fun<Data>> {
    let expression: [(&'static str, RunPtr<Data>); 3] = [
        ("matches", |cv| bome(search(cv, Parts::Matches))),
        ("split_matches", |cv| bome(search(cv, Parts::All))),
        ("split_", |cv| bome(search(cv, Parts::Between))),
    ];
    let expression = expression.map(|(name, function)| {
        let arguments = [Bind::Var(()), Bind::Var(())];
        run::<Data>((name, arguments.into(), function))
    });
    funs()
        .chain(jaq_std::base_funs())
        .chain(jaq_json::funs())
        .chain(expression)
}

/// Which parts of a text a search returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    Matches,
    Between,
    All,
}

/// Searches a text for a regular expression, as jaq's own functions of these names do.
fn search(mut cv: Cv<'_, Data>, parts: Parts) -> ValR<Val> {
    let flags = cv.0.pop_var();
    let expression = cv.0.pop_var();
    let flags = text(&flags)?.to_owned();
    let expression = compile(text(&expression)?, &flags)?;
    let text = text(&cv.1)?;
    let mut found = Vec::new();
    let mut end = 0;
    for captures in expression.captures_iter(text) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        if flags.contains('n') && whole.is_empty() {
            continue;
        }
        if parts != Parts::Matches {
            found.push(Val::from(text[end..whole.start()].to_owned()));
            end = whole.end();
        }
        if parts != Parts::Between {
            found.push(groups(&expression, &captures, text).collect());
        }
        if !flags.contains('g') {
            break;
        }
    }
    if parts != Parts::Matches {
        found.push(Val::from(text[end..].to_owned()));
    }
    Ok(found.into_iter().collect())
}

fn text(value: &Val) -> Result<&str, Error<Val>> {
    let bytes = match value {
        Val::TStr(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    };
    bytes.ok_or_else(|| Error::typ(value.clone(), "string"))
}

fn compile(expression: &str, flags: &str) -> Result<Regex, Error<Val>> {
    let mut builder = RegexBuilder::new(expression);
    for flag in flags.chars() {
        match flag {
            'g' | 'n' => &mut builder,
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            'p' => builder.multi_line(true).dot_matches_new_line(true),
            'l' => builder.swap_greed(true),
            'x' => builder.ignore_whitespace(true),
            _ => return Err(Error::str("invalid flag of a regular expression")),
        };
    }
    let built = builder.build();
    built.map_err(|_| Error::str("invalid regular expression"))
}

/// Returns the whole match and its groups, those that took part.
fn groups<'a>(
    expression: &'a Regex,
    captures: &'a Captures<'a>,
    text: &'a str,
) -> impl Iterator<Item = Val> + 'a {
    let groups = captures.iter().zip(expression.capture_names());
    groups.filter_map(|(found, name)| Some(group(found?, name, text)))
}

fn group(found: Match<'_>, name: Option<&str>, text: &str) -> Val {
    let count = |text: &str| Val::from(text.chars().count());
    let string = |text: &str| Val::from(text.to_owned());
    let mut members = Map::default();
    members.insert(string("offset"), count(&text[..found.start()]));
    members.insert(string("length"), count(found.as_str()));
    members.insert(string("string"), string(found.as_str()));
    if let Some(name) = name {
        members.insert(string("name"), string(name));
    }
    Val::obj(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_that_is_left_out_exists() {
        for name in LEFT_OUT {
            let mut all = defs().chain(jaq_std::defs()).chain(jaq_json::defs());
            assert!(all.any(|definition| definition.name == name), "{name}");
        }
    }
}
