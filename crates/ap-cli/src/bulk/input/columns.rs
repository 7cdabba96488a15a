//! Finds the column that a person means, and suggests the nearest one.

use std::sync::Arc;

use activeprospect::ap_core::redact;

use super::{Need, Renamed, Role};
use crate::failure::Failure;

/// The most names that an error lists.
const MAX_LISTED: usize = 20;

/// How similar a name must be to be suggested, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.75;

/// Returns the index of the column that has the values: the wanted one, or the only one.
pub(crate) fn choose(
    input: &str,
    names: &[Arc<str>],
    wanted: Option<&str>,
) -> Result<usize, Failure> {
    match wanted {
        Some(wanted) => find(input, names, wanted, "--column"),
        None if names.len() == 1 => Ok(0),
        None => Err(Failure::usage(
            format!("{input} has {} columns", names.len()),
            format!("choose one with --column: {}", list(names)),
        )),
    }
}

/// Returns the index of the column that an option names, by its name or its number.
fn find(input: &str, names: &[Arc<str>], wanted: &str, option: &str) -> Result<usize, Failure> {
    let is_same = |name: &str| simple(name) == simple(wanted);
    let mut exact = positions(names, |name| name == wanted);
    if exact.is_empty() {
        exact = positions(names, is_same);
    }
    if exact.is_empty()
        && let Ok(number @ 1..) = wanted.parse::<usize>()
        && number <= names.len()
    {
        exact.push(number - 1);
    }
    match exact[..] {
        [index] => Ok(index),
        [] => Err(unknown(input, names, wanted)),
        _ => Err(Failure::usage(
            format!("{input} has several columns of the name that {option} gives"),
            "choose one by its number, from 1",
        )),
    }
}

/// Returns the column of each role, as far as there is one.
pub(crate) fn roles(
    input: &str,
    names: &[Arc<str>],
    roles: &[Role],
) -> Result<Vec<(Arc<str>, usize)>, Failure> {
    let mut found = Vec::new();
    for role in roles {
        let index = match &role.wanted {
            Some(wanted) => Some(find(input, names, wanted, role.option)?),
            None => usual(input, names, role)?,
        };
        match index {
            Some(index) => found.push((Arc::from(role.name), index)),
            None if role.need == Need::Required => {
                return Err(Failure::usage(
                    format!(
                        "{input} has no column that is known to have the {}",
                        role.name
                    ),
                    format!("choose one with {}: {}", role.option, list(names)),
                ));
            }
            None => {}
        }
    }
    let is_found = |role: &&Role| found.iter().any(|(name, _)| **name == *role.name);
    let choices: Vec<_> = roles
        .iter()
        .filter(|role| role.need == Need::OneOfThese)
        .collect();
    if !choices.is_empty() && !choices.iter().any(is_found) {
        let either = |part: fn(&Role) -> &'static str, between| {
            let parts: Vec<_> = choices.iter().map(|role| part(role)).collect();
            parts.join(between)
        };
        return Err(Failure::usage(
            format!(
                "{input} has no column that is known to have the {}",
                either(|role| role.name, " or the ")
            ),
            format!(
                "choose one with {}: {}",
                either(|role| role.option, " or "),
                list(names)
            ),
        ));
    }
    Ok(found)
}

/// Returns the column that has one of a role's usual names.
fn usual(input: &str, names: &[Arc<str>], role: &Role) -> Result<Option<usize>, Failure> {
    let found = role.usual.iter().map(|usual| {
        let same = |name: &str| simple(name) == simple(usual);
        positions(names, same)
    });
    match found.into_iter().find(|found| !found.is_empty()).as_deref() {
        None => Ok(None),
        Some([index]) => Ok(Some(*index)),
        Some(_) => Err(Failure::usage(
            format!(
                "{input} has several columns that may have the {}",
                role.name
            ),
            format!("choose one with {}, by its number from 1", role.option),
        )),
    }
}

/// Fails for a column with a title for people, such as `First Name`, that is not mapped to a field. The product would drop
/// it, and accept the lead without it.
pub(crate) fn check_fields(
    input: &str,
    names: &[Arc<str>],
    renamed: &[Renamed],
) -> Result<(), Failure> {
    let mapped = renamed
        .iter()
        .map(|renamed| find(input, names, &renamed.column, "--map"));
    let mapped = mapped.collect::<Result<Vec<_>, _>>()?;
    let is_title = |name: &str| {
        name.starts_with(char::is_uppercase) || name.trim().contains(char::is_whitespace)
    };
    let names = names.iter().enumerate();
    let titles = names.filter(|(index, name)| is_title(name) && !mapped.contains(index));
    let titles: Vec<Arc<str>> = titles.map(|(_, name)| Arc::clone(name)).collect();
    let Some(first) = titles.first() else {
        return Ok(());
    };
    let (title, field) = (redact::escape(first), redact::escape(&simple(first)));
    Err(Failure::usage(
        format!(
            "{input} has columns whose names are no ids of fields: {}",
            list(&titles)
        ),
        format!(
            "name the field of each, such as --map '{title}={field}', or leave it out with --map '{title}='; `ap fields list` shows the ids"
        ),
    ))
}

/// Returns every column with the name that its field has, apart from those that are left out.
pub(crate) fn record(
    input: &str,
    names: &[Arc<str>],
    renamed: &[Renamed],
) -> Result<Vec<(Arc<str>, usize)>, Failure> {
    let mut fields: Vec<Option<Arc<str>>> = names.iter().cloned().map(Some).collect();
    for Renamed { column, name } in renamed {
        let index = find(input, names, column, "--map")?;
        fields[index] = name.as_deref().map(Arc::from);
    }
    let mut found: Vec<(Arc<str>, usize)> = Vec::new();
    for (index, name) in fields.into_iter().enumerate() {
        let Some(name) = name else { continue };
        let problem = if name.is_empty() {
            "no name".to_owned()
        } else if found.iter().any(|(other, _)| *other == name) {
            format!("the name `{}`, as another one has", redact::escape(&name))
        } else {
            found.push((name, index));
            continue;
        };
        return Err(Failure::usage(
            format!("column {} of {input} has {problem}", index + 1),
            format!(
                "give it a name with --map {0}=NAME, or leave it out with --map {0}=",
                index + 1
            ),
        ));
    }
    Ok(found)
}

/// Returns the failure for a name that no column has.
fn unknown(input: &str, names: &[Arc<str>], wanted: &str) -> Failure {
    let nearest = suggestion(names.iter().map(|name| &**name), wanted);
    let message = format!("{input} has no column of that name{nearest}");
    Failure::usage(message, format!("its columns: {}", list(names)))
}

/// Returns the name that is spelled most like this one, as the end of an error; nothing if none is similar.
pub(crate) fn suggestion<'a>(names: impl Iterator<Item = &'a str>, wanted: &str) -> String {
    let similarity = |name: &str| strsim::jaro_winkler(&simple(name), &simple(wanted));
    let nearest = names
        .map(|name| (similarity(name), name))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    nearest.map_or_else(String::new, |(_, name)| {
        format!("; did you mean `{}`?", redact::escape(name))
    })
}

fn positions(names: &[Arc<str>], is_wanted: impl Fn(&str) -> bool) -> Vec<usize> {
    let names = names.iter().enumerate();
    let wanted = names.filter(|(_, name)| is_wanted(name));
    wanted.map(|(index, _)| index).collect()
}

fn simple(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

fn list(names: &[Arc<str>]) -> String {
    let mut listed: Vec<_> = names
        .iter()
        .take(MAX_LISTED)
        .map(|name| redact::escape(name))
        .collect();
    if names.len() > MAX_LISTED {
        listed.push("…".to_owned());
    }
    listed.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    #[test]
    fn a_column_is_found_by_name_or_number() {
        let columns = names(&["Email", "phone_1", "3", "Note", "note"]);
        for (wanted, expected) in [
            (Some("Email"), Some(0)),
            (Some("email "), Some(0)),
            (Some("Phone 1"), Some(1)),
            (Some("2"), Some(1)),
            (Some("3"), Some(2)),
            (Some("note"), Some(4)),
            (Some("NOTE"), None),
            (Some("0"), None),
            (Some("6"), None),
            (Some("emial"), None),
            (None, None),
        ] {
            let found = choose("rows", &columns, wanted).ok();
            assert_eq!(found, expected, "{wanted:?}");
        }
        assert_eq!(choose("rows", &names(&["a"]), None).unwrap(), 0);
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        let columns = names(&["first_name", "email", "phone_1"]);
        let failure = choose("the file a.csv", &columns, Some("emial")).unwrap_err();
        assert_eq!(
            failure.message,
            "the file a.csv has no column of that name; did you mean `email`?"
        );
        assert_eq!(failure.hint, "its columns: first_name, email, phone_1");
        let failure = choose("rows", &columns, Some("zzz")).unwrap_err();
        assert_eq!(failure.message, "rows has no column of that name");
    }
}
