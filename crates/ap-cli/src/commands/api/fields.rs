//! The members given with `-f` and `-F`, and the pairs given with `-q`.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use super::body;
use crate::failure::Failure;

/// A name and a value, as they were given.
type Pair = (String, String);

/// Splits the values of `-q`.
pub(super) fn query(given: &[String]) -> Result<Vec<Pair>, Failure> {
    let pairs = given.iter().zip(1..);
    pairs
        .map(|(text, number)| split(text, "-q", number))
        .collect()
}

/// The values of `-f`, which are strings, then those of `-F`, whose form decides about their type.
pub(super) struct Fields(Vec<Field>);

struct Field {
    /// The option and which of its values this is, for errors.
    place: (&'static str, usize),
    name: String,
    /// `None` for an empty list, written `name[]`.
    value: Option<Member>,
}

enum Member {
    Text(String),
    /// `true`, `false`, `null` or a number, as it was written.
    Json(Box<RawValue>),
}

impl Fields {
    /// Parses both. Files are read here.
    pub(super) fn parse(texts: &[String], typed: &[String]) -> Result<Self, Failure> {
        let texts = texts
            .iter()
            .zip(1..)
            .map(|(text, number)| field(text, "-f", number, |value| Ok(Member::Text(value))));
        let typed = typed
            .iter()
            .zip(1..)
            .map(|(text, number)| field(text, "-F", number, Member::typed));
        Ok(Self(texts.chain(typed).collect::<Result<_, _>>()?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them as pairs of a query. A name keeps its brackets, and an empty list has no pair.
    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.0.iter().filter_map(|field| {
            let value = match field.value.as_ref()? {
                Member::Text(text) => text,
                Member::Json(json) => json.get(),
            };
            Some((field.name.as_str(), value))
        });
        pairs.collect()
    }

    /// Returns them as one JSON object. `a[b]` is a member of the object `a`, `a[]` an item of the list `a`.
    pub(super) fn into_json(self) -> Result<Vec<u8>, Failure> {
        let mut root = Node::Object(Vec::new());
        for field in self.0 {
            let invalid = |what: &str| invalid(field.place, what, "write it as name=value");
            let path = parts(&field.name).ok_or_else(|| invalid("has a name that is not valid"))?;
            let item = path.last() == Some(&Part::Item);
            let value = match field.value {
                Some(value) => Some(value),
                None if item => None,
                None => return Err(invalid("has no =")),
            };
            root.put(&path, value)
                .map_err(|Conflict(what)| invalid(what))?;
        }
        serde_json::to_vec(&root).map_err(|_| {
            Failure::usage(
                "the members of -f and -F are not JSON",
                "give the body with -d",
            )
        })
    }
}

impl Member {
    fn typed(value: String) -> Result<Self, Failure> {
        if let Some(file) = value.strip_prefix('@') {
            return body::read_text(file).map(Self::Text);
        }
        Ok(typed_json(&value).map_or(Self::Text(value), Self::Json))
    }
}

/// Returns `true`, `false`, `null` or a number as it was written. A number that JSON does not have, such as 007, is a text.
pub(in crate::commands) fn typed_json(value: &str) -> Option<Box<RawValue>> {
    let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let is_typed = is_number || matches!(value, "true" | "false" | "null");
    is_typed
        .then(|| RawValue::from_string(value.to_owned()).ok())
        .flatten()
}

fn field(
    text: &str,
    option: &'static str,
    number: usize,
    member: impl FnOnce(String) -> Result<Member, Failure>,
) -> Result<Field, Failure> {
    let place = (option, number);
    if text.ends_with("[]") && !text.contains('=') {
        let name = text.to_owned();
        return Ok(Field {
            place,
            name,
            value: None,
        });
    }
    let (name, value) = split(text, option, number)?;
    Ok(Field {
        place,
        name,
        value: Some(member(value)?),
    })
}

fn split(text: &str, option: &'static str, number: usize) -> Result<Pair, Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(invalid(
            (option, number),
            "has no name or no =",
            "write it as name=value",
        )),
    }
}

fn invalid((option, number): (&str, usize), what: &str, hint: &str) -> Failure {
    Failure::usage(format!("value {number} of {option} {what}"), hint)
}

/// A part of a name.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Name(&'a str),
    /// `[]`
    Item,
}

/// Splits a name such as `a[b][]`; `None` if its brackets are not in pairs.
fn parts(name: &str) -> Option<Vec<Part<'_>>> {
    let end = name.find('[').unwrap_or(name.len());
    let (first, mut rest) = name.split_at(end);
    if first.is_empty() || first.contains(']') {
        return None;
    }
    let mut parts = vec![Part::Name(first)];
    while !rest.is_empty() {
        let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
        if inside.contains('[') {
            return None;
        }
        parts.push(match inside {
            "" => Part::Item,
            name => Part::Name(name),
        });
        rest = after;
    }
    Some(parts)
}

/// A value of the body that is being built.
enum Node {
    Unset,
    Member(Member),
    List(Vec<Self>),
    /// In the order in which the members were given first.
    Object(Vec<(String, Self)>),
}

/// Why a member cannot be put where its name says.
struct Conflict(&'static str);

impl Node {
    fn put(&mut self, path: &[Part<'_>], value: Option<Member>) -> Result<(), Conflict> {
        let Some((part, rest)) = path.split_first() else {
            return match (&self, value) {
                (Self::Unset, Some(value)) => {
                    *self = Self::Member(value);
                    Ok(())
                }
                _ => Err(Conflict("names a member that is given already")),
            };
        };
        match part {
            Part::Name(name) => self.member(name)?.put(rest, value),
            Part::Item => {
                let items = self.items()?;
                if rest.is_empty() && value.is_none() {
                    return Ok(());
                }
                // An object in a list goes on until one of its members is given again.
                let goes_on =
                    !rest.is_empty() && items.last().is_some_and(|last| last.has_room(rest));
                if !goes_on {
                    items.push(Self::Unset);
                }
                match items.last_mut() {
                    Some(item) => item.put(rest, value),
                    None => Ok(()),
                }
            }
        }
    }

    /// Returns a member of this object, which is added if it is new.
    fn member(&mut self, name: &str) -> Result<&mut Self, Conflict> {
        if let Self::Unset = self {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(members) = self else {
            return Err(Conflict("names a member of what is no object"));
        };
        let index = members.iter().position(|(other, _)| other == name);
        let index = index.unwrap_or_else(|| {
            members.push((name.to_owned(), Self::Unset));
            members.len() - 1
        });
        Ok(&mut members[index].1)
    }

    /// Returns the items of this list.
    fn items(&mut self) -> Result<&mut Vec<Self>, Conflict> {
        if let Self::Unset = self {
            *self = Self::List(Vec::new());
        }
        match self {
            Self::List(items) => Ok(items),
            _ => Err(Conflict("names an item of what is no list")),
        }
    }

    /// Returns `true` if a value can be put there without a conflict.
    fn has_room(&self, path: &[Part<'_>]) -> bool {
        match (self, path.split_first()) {
            (Self::Unset, _) | (Self::List(_), Some((Part::Item, _))) => true,
            (Self::Object(members), Some((Part::Name(name), rest))) => members
                .iter()
                .find(|(other, _)| other == name)
                .is_none_or(|(_, member)| member.has_room(rest)),
            _ => false,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unset => serializer.serialize_unit(),
            Self::Member(Member::Text(text)) => serializer.serialize_str(text),
            Self::Member(Member::Json(json)) => json.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, member) in members {
                    map.serialize_entry(name, member)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(texts: &[&str], typed: &[&str]) -> Result<String, String> {
        let owned = |given: &[&str]| {
            given
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let fields = Fields::parse(&owned(texts), &owned(typed));
        let body = fields.and_then(Fields::into_json);
        body.map(|body| String::from_utf8(body).unwrap())
            .map_err(|failure| failure.message)
    }

    #[test]
    fn members_are_built_as_their_names_say() {
        for (texts, typed, expected) in [
            (&["a=1", "b=x=y"][..], &[][..], r#"{"a":"1","b":"x=y"}"#),
            (
                &[],
                &["a=1e400", "b=-0.50", "c=true", "d=null"],
                r#"{"a":1e400,"b":-0.50,"c":true,"d":null}"#,
            ),
            (
                &[],
                &["a=007", "b=1x", "c=-", "d=True", "e="],
                r#"{"a":"007","b":"1x","c":"-","d":"True","e":""}"#,
            ),
            (
                &["a[b]=1", "a[c][d]=2", "e=3"],
                &[],
                r#"{"a":{"b":"1","c":{"d":"2"}},"e":"3"}"#,
            ),
            (&["a[]=1", "a[]=2"], &["a[]=3"], r#"{"a":["1","2",3]}"#),
            (&["a[]"], &["b[c][]"], r#"{"a":[],"b":{"c":[]}}"#),
            (
                &["a[][n]=1", "a[][v]=2", "a[][n]=3", "a[][v]=4"],
                &[],
                r#"{"a":[{"n":"1","v":"2"},{"n":"3","v":"4"}]}"#,
            ),
            (
                &["a[][b][]=1", "a[][b][]=2"],
                &[],
                r#"{"a":[{"b":["1","2"]}]}"#,
            ),
            (&["a[][]=1", "a[][]=2"], &[], r#"{"a":[["1","2"]]}"#),
            (&["é[\"]=\n"], &[], "{\"é\":{\"\\\"\":\"\\n\"}}"),
        ] {
            assert_eq!(json(texts, typed).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_built_is_named_by_its_place() {
        for (texts, typed, expected) in [
            (&["a"][..], &[][..], "value 1 of -f has no name or no ="),
            (&["a=1", "=2"], &[], "value 2 of -f has no name or no ="),
            (&[], &["a[=1"], "value 1 of -F has a name that is not valid"),
            (&["a]=1"], &[], "value 1 of -f has a name that is not valid"),
            (
                &["a[b[c]]=1"],
                &[],
                "value 1 of -f has a name that is not valid",
            ),
            (
                &["a[b]c=1"],
                &[],
                "value 1 of -f has a name that is not valid",
            ),
            (
                &["a=1", "a=2"],
                &[],
                "value 2 of -f names a member that is given already",
            ),
            (
                &["a=1"],
                &["a=2"],
                "value 1 of -F names a member that is given already",
            ),
            (
                &["a=1", "a[b]=2"],
                &[],
                "value 2 of -f names a member of what is no object",
            ),
            (
                &["a[b]=1", "a[]=2"],
                &[],
                "value 2 of -f names an item of what is no list",
            ),
            (
                &["a[b]=1", "a=2"],
                &[],
                "value 2 of -f names a member that is given already",
            ),
        ] {
            assert_eq!(json(texts, typed).unwrap_err(), expected);
        }
    }
}
