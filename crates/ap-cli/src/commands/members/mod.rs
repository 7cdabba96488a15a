//! `-f` and `-F`: single members of an object, in one grammar for every command that sends one.
//!
//! | file | has |
//! |---|---|
//! | `options` | `-f` and `-F`, in the order of the command line |
//! | `field` | one value of an option: a name, and a text or typed value |
//! | `name` | the parts of a name, such as `a[b][]` |
//! | `tree` | the JSON that several of them build, also in an object that exists |

mod field;
mod name;
mod options;
#[cfg(test)]
mod tests;
mod tree;

use serde_json::value::{RawValue, to_raw_value};

use self::field::{Field, Occurrence, Value};
pub(crate) use self::options::MemberOptions;
use self::options::{Given, TEXT};
use self::tree::Tree;
use super::raw_object::RawObject;
use crate::bulk::input::columns::suggestion;
use crate::failure::Failure;

/// The names that the members of an object can have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    /// Any: the account chooses them.
    Any,
    /// Only these, of an object that is called so in errors.
    Of(&'static str, &'static [&'static str]),
}

/// The members that were given.
pub(crate) struct Members(Vec<Field>);

impl MemberOptions {
    /// Parses all of them. Files are read here.
    pub(crate) fn parse(&self) -> Result<Members, Failure> {
        let fields = self.0.iter().map(|Given { occurrence, text }| {
            let value = match occurrence.option {
                TEXT => |value| Ok(Value::Text(value)),
                _ => Value::typed,
            };
            Field::parse(text, *occurrence, value)
        });
        if self.standard_inputs().count() > 1 {
            return Err(Failure::usage(
                "several values of -F are standard input, which is read once",
                "use files, as in -F name=@FILE",
            ));
        }
        Ok(Members(fields.collect::<Result<_, _>>()?))
    }
}

impl Members {
    /// Returns them as pairs of a query or a form. A name keeps its brackets, and an empty list has no pair.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.0.iter();
        let pairs = pairs.filter_map(|field| Some((&*field.name, field.value.as_ref()?.as_str())));
        pairs.collect()
    }

    /// Builds the object that they are.
    pub(crate) fn build(self) -> Result<Object, Failure> {
        Tree::of(self.0).map(Object)
    }
}

/// The object that members build.
#[derive(Debug, Default)]
pub(crate) struct Object(Tree);

impl Object {
    /// Fails for a name that is none of these, and that the other object does not have either.
    pub(crate) fn check(&self, names: Names, other: &RawObject<'_>) -> Result<(), Failure> {
        let Names::Of(noun, known) = names else {
            return Ok(());
        };
        let is_unknown =
            |(name, _): &(&str, Occurrence)| !known.contains(name) && other.get(name).is_none();
        let Some((name, Occurrence { option, number })) = self.0.names().find(is_unknown) else {
            return Ok(());
        };
        let nearest = suggestion(known.iter().copied(), name);
        Err(Failure::usage(
            format!("name {number} of {option} is no member of {noun}{nearest}"),
            format!(
                "its members: {}; to send another one, write the whole object to a file",
                known.join(", ")
            ),
        ))
    }

    /// Returns it as JSON.
    pub(crate) fn into_json(self) -> Result<Vec<u8>, Failure> {
        let json: Result<Box<RawValue>, _> = to_raw_value(&self.0);
        let json = json.map(|json| json.get().as_bytes().to_vec());
        json.map_err(|_| {
            Failure::usage(
                "the members of -f and -F are not JSON",
                "give the body in a file",
            )
        })
    }

    /// Puts it into another object. What it does not name stays as it is: in an object below too, but not in a list.
    pub(crate) fn put_into(self, other: &mut RawObject<'_>) -> Result<(), Failure> {
        self.0.put_into(other)
    }
}

/// Splits the values of another option that has a name and a value.
pub(crate) fn pairs_of<'a>(
    option: &'static str,
    given: &'a [String],
) -> Result<Vec<(&'a str, &'a str)>, Failure> {
    let given = given.iter().zip(1..);
    let pairs = given.map(|(text, number)| field::split(text, Occurrence { option, number }));
    pairs.collect()
}
