//! Writes an [`Event`] as JSON. Lists have many events, so the text is written without a tree of values, and what
//! does not change from one event to the next is written once.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::event::{self, Event, Kind, MEMBERS};
use super::lead::{self, Lead, LeadField, VARIABLES};
use crate::scalar::write_json;

/// Where all variables are, where the fields of a lead are, and its id.
const VARS: &str = "vars";
const LEAD: &str = "vars.lead";
const LEAD_ID: &str = "vars.lead.id";

/// Writes events with the members that `is_shown`.
pub(crate) struct EventWriter<F> {
    is_shown: F,
    of_event: Vec<Member<event::Read>>,
    of_lead: Vec<Member<lead::Read>>,
    /// The last lead, and what `vars` has of it. Events of a lead follow each other.
    last: Option<(Arc<Lead>, Vec<u8>)>,
}

/// A member of an event that is shown.
struct Member<Read> {
    /// The dotted name, also of the object that it is in.
    name: &'static str,
    object: &'static str,
    /// How it begins: its own name, and the colon.
    start: String,
    read: Read,
}

impl Event {
    /// Returns the event as JSON, with all members.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        EventWriter::new(|_| true).write(self, &mut json);
        json
    }
}

impl<F: Fn(&str) -> bool> EventWriter<F> {
    pub(crate) fn new(is_shown: F) -> Self {
        Self {
            of_event: members(MEMBERS, &is_shown),
            of_lead: members(VARIABLES, &is_shown),
            is_shown,
            last: None,
        }
    }

    /// Appends an event to a JSON text.
    pub(crate) fn write(&mut self, event: &Event, json: &mut Vec<u8>) {
        let lead = match self.last.take() {
            Some((lead, text)) if Arc::ptr_eq(&lead, &event.lead) => (lead, text),
            _ => (Arc::clone(&event.lead), self.of_lead(&event.lead)),
        };
        json.push(b'{');
        let mut object = Object::new("", json);
        for member in &self.of_event {
            // A filter is no step of a recipient.
            let is_foreign = event.kind == Kind::Filter && member.name == "step_id";
            if let Some(value) = (member.read)(event).filter(|_| !is_foreign) {
                value.write_json(object.member(member));
            }
        }
        let (_, of_lead) = self.last.insert(lead);
        if !of_lead.is_empty() {
            object.next(VARS).extend_from_slice(of_lead);
        }
        if event.kind == Kind::Source && (self.is_shown)("appended") {
            object.next("").extend_from_slice(b"\"appended\":{}");
        }
        object.enter("");
        json.push(b'}');
    }

    /// Returns the members that `vars` has of a lead.
    fn of_lead(&self, lead: &Lead) -> Vec<u8> {
        let mut json = Vec::new();
        let mut object = Object::new(VARS, &mut json);
        // Such names may be one below the other, or be that of the id.
        let is_nested = |field: &LeadField| field.name.contains('.') || field.name == "id";
        let are_nested = lead.fields.iter().any(is_nested);
        for member in &self.of_lead {
            if !(are_nested && member.name == LEAD_ID) {
                (member.read)(lead).write_json(object.member(member));
            }
        }
        let mut name = format!("{LEAD}.");
        let fields = lead.fields.iter().filter(|field| {
            name.truncate(LEAD.len() + 1);
            name.push_str(&field.name);
            (self.is_shown)(&name)
        });
        if are_nested {
            let id = (self.is_shown)(LEAD_ID).then(|| json!(lead.id.to_string()));
            let mut tree = Map::from_iter(id.map(|id| ("id".to_owned(), id)));
            fields.for_each(|field| insert(&mut tree, &field.name, to_value(field)));
            for (name, value) in &tree {
                write_json(value, object.field(name));
            }
        } else {
            for field in fields {
                let json = object.field(&field.name);
                match field.is_plain() {
                    true => write_json(&*field.normal, json),
                    false => write_json(&to_value(field), json),
                }
            }
        }
        object.enter(VARS);
        json
    }
}

/// Returns the members that are shown.
fn members<Read: Copy>(
    all: &[(&'static str, Read)],
    is_shown: impl Fn(&str) -> bool,
) -> Vec<Member<Read>> {
    let shown = all.iter().filter(|(name, _)| is_shown(name));
    let member = |&(name, read): &(&'static str, Read)| {
        let (object, own) = name.rsplit_once('.').unwrap_or(("", name));
        Member {
            name,
            object,
            start: format!("\"{own}\":"),
            read,
        }
    };
    shown.map(member).collect()
}

fn to_value(field: &LeadField) -> Value {
    match field.is_plain() {
        true => Value::from(&*field.normal),
        false => json!({
            "normal": field.normal,
            "raw": field.raw(),
            "valid": field.is_valid,
        }),
    }
}

/// Puts a value below its dotted name.
fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        // A field of a lead may have a dot in its name, and be shorter than another one.
        Some((first, rest)) => {
            let below = object.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(below) = below {
                insert(below, rest, value);
            }
        }
        None => {
            object.insert(name.to_owned(), value);
        }
    }
}

/// An object with objects in it, while it is written. The members of each come one after the other.
struct Object<'a> {
    json: &'a mut Vec<u8>,
    /// The dotted name of the object that is being written; empty for the outermost.
    open: &'static str,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// Begins within the object with this dotted name.
    const fn new(open: &'static str, json: &'a mut Vec<u8>) -> Self {
        Self {
            json,
            open,
            is_empty: true,
        }
    }

    /// Begins a member of the object with this dotted name, and returns what to append it to.
    fn next(&mut self, object: &'static str) -> &mut Vec<u8> {
        if object != self.open {
            self.enter(object);
        }
        self.comma();
        self.json
    }

    /// Begins a member, and returns what to append its value to.
    fn member<Read>(&mut self, member: &Member<Read>) -> &mut Vec<u8> {
        let json = self.next(member.object);
        json.extend_from_slice(member.start.as_bytes());
        json
    }

    /// Begins a field of the lead, and returns what to append its value to.
    fn field(&mut self, name: &str) -> &mut Vec<u8> {
        let json = self.next(LEAD);
        write_json(name, json);
        json.push(b':');
        json
    }

    /// Closes and opens objects.
    fn enter(&mut self, object: &'static str) {
        let is_same = |(one, other): &(&str, &str)| one == other;
        let common = parts(self.open)
            .zip(parts(object))
            .take_while(is_same)
            .count();
        for _ in parts(self.open).skip(common) {
            self.json.push(b'}');
            self.is_empty = false;
        }
        for part in parts(object).skip(common) {
            self.comma();
            write_json(part, self.json);
            self.json.extend_from_slice(b":{");
            self.is_empty = true;
        }
        self.open = object;
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.json.push(b',');
        }
    }
}

/// Returns the parts of a dotted name.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split('.').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests;
