//! [`Tree`]: the JSON that members build, alone or in an object that exists.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::field::{Field, Occurrence, Value};
use super::name::{Part, parts};
use crate::commands::raw_object::RawObject;
use crate::failure::Failure;

/// The members of one object, in the order in which they were given first.
#[derive(Debug, Default)]
pub(super) struct Tree(Vec<Member>);

#[derive(Debug)]
struct Member {
    name: String,
    /// The value of an option that names it first.
    occurrence: Occurrence,
    node: Node,
}

/// A value of the body that is being built.
#[derive(Debug)]
enum Node {
    Unset,
    Value(Value),
    List(Vec<Self>),
    Object(Tree),
}

const GIVEN_ALREADY: &str = "names a member that is given already";
const NO_OBJECT: &str = "names a member of what is no object";
const NO_LIST: &str = "names an item of what is no list";

impl Tree {
    pub(super) fn of(fields: Vec<Field>) -> Result<Self, Failure> {
        let mut root = Node::Object(Self::default());
        for Field {
            occurrence,
            name,
            value,
        } in fields
        {
            let put = parts(&name).and_then(|path| root.put(&path, occurrence, value));
            put.map_err(|what| occurrence.refuse_name(what))?;
        }
        match root {
            Node::Object(tree) => Ok(tree),
            _ => Ok(Self::default()),
        }
    }

    /// Returns the names of the object itself, each with the value of an option that has it.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, Occurrence)> {
        self.0
            .iter()
            .map(|member| (&*member.name, member.occurrence))
    }

    /// Puts the members into an object. What they do not name stays as it is: in an object below too, but not in a list.
    pub(super) fn put_into(self, object: &mut RawObject<'_>) -> Result<(), Failure> {
        for Member {
            name,
            occurrence,
            node,
        } in self.0
        {
            let value = match (node, object.get(&name)) {
                (Node::Object(tree), Some(now)) if now.get() != "null" => {
                    tree.merged(now, occurrence)?
                }
                (node, _) => to_raw_value(&node).map_err(|_| occurrence.refuse("is not JSON"))?,
            };
            object.set(&name, Cow::Owned(value));
        }
        Ok(())
    }

    /// Returns an object with these members in it.
    fn merged(self, now: &RawValue, occurrence: Occurrence) -> Result<Box<RawValue>, Failure> {
        let mut object = RawObject::parse(now.get().as_bytes())
            .map_err(|_| occurrence.refuse_name(NO_OBJECT))?;
        self.put_into(&mut object)?;
        to_raw_value(&object).map_err(|_| occurrence.refuse("is not JSON"))
    }

    /// Returns a member, which is added if it is new.
    fn member(&mut self, name: &str, occurrence: Occurrence) -> &mut Node {
        let index = self.0.iter().position(|member| member.name == name);
        let index = index.unwrap_or_else(|| {
            self.0.push(Member {
                name: name.to_owned(),
                occurrence,
                node: Node::Unset,
            });
            self.0.len() - 1
        });
        &mut self.0[index].node
    }
}

impl Node {
    /// Puts a value where its name says. Fails with what is wrong with it.
    fn put(
        &mut self,
        path: &[Part<'_>],
        occurrence: Occurrence,
        value: Option<Value>,
    ) -> Result<(), &'static str> {
        let Some((part, rest)) = path.split_first() else {
            return match (&self, value) {
                (Self::Unset, Some(value)) => {
                    *self = Self::Value(value);
                    Ok(())
                }
                _ => Err(GIVEN_ALREADY),
            };
        };
        match part {
            Part::Name(name) => self
                .object()?
                .member(name, occurrence)
                .put(rest, occurrence, value),
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
                    Some(item) => item.put(rest, occurrence, value),
                    None => Ok(()),
                }
            }
        }
    }

    fn object(&mut self) -> Result<&mut Tree, &'static str> {
        if let Self::Unset = self {
            *self = Self::Object(Tree::default());
        }
        match self {
            Self::Object(tree) => Ok(tree),
            _ => Err(NO_OBJECT),
        }
    }

    fn items(&mut self) -> Result<&mut Vec<Self>, &'static str> {
        if let Self::Unset = self {
            *self = Self::List(Vec::new());
        }
        match self {
            Self::List(items) => Ok(items),
            _ => Err(NO_LIST),
        }
    }

    /// Returns `true` if a value can be put there without a conflict.
    fn has_room(&self, path: &[Part<'_>]) -> bool {
        match (self, path.split_first()) {
            (Self::Unset, _) | (Self::List(_), Some((Part::Item, _))) => true,
            (Self::Object(Tree(members)), Some((Part::Name(name), rest))) => members
                .iter()
                .find(|member| member.name == *name)
                .is_none_or(|member| member.node.has_room(rest)),
            _ => false,
        }
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for member in &self.0 {
            map.serialize_entry(&member.name, &member.node)?;
        }
        map.end()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unset => serializer.serialize_unit(),
            Self::Value(Value::Text(text)) => serializer.serialize_str(text),
            Self::Value(Value::Json(json)) => json.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(tree) => tree.serialize(serializer),
        }
    }
}
