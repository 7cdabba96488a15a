//! Writes an [`Event`] as JSON. Lists have many events, so the text is written without a tree of values, and what
//! does not change from one event to the next is written once.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::event::{Event, Kind};
use super::lead::{self, Lead, LeadField, VARIABLES};
use super::members::{self, MEMBERS, Member, Shape};
use crate::scalar::{write_json, write_text};

/// Where all variables are, where the fields of a lead are, and its id.
const VARS: &str = "vars";
const LEAD: &str = "vars.lead";
const LEAD_ID: &str = "vars.lead.id";

/// More than most texts of leads have.
const LEAD_LENGTH: usize = 1024;

/// More than most dotted names have.
const NAME_LENGTH: usize = 64;

/// Writes events with the members that `is_shown`.
pub(crate) struct EventWriter<F> {
    is_shown: F,
    /// Made when the first event of a shape is written. The second part is `true` if something of the lead is shown.
    outlines: Vec<((Shape, bool), Outline<members::Read>)>,
    /// Of what `vars` has of a lead, besides its fields: with and without the id, which may be below a field.
    of_lead: [LeadOutline; 2],
    /// The last lead, and what `vars` has of it. Events of a lead follow each other.
    last: Option<(Arc<Lead>, Vec<u8>)>,
}

/// A text without the values that differ.
struct Outline<Read> {
    /// What comes before each value, and the value.
    values: Vec<(Vec<u8>, Read)>,
    /// What comes before the text of the lead, and after it. The first is empty if nothing of the lead is shown.
    before_lead: Vec<u8>,
    end: Vec<u8>,
}

/// The same for the start of what `vars` has of a lead.
struct LeadOutline {
    values: Vec<(Vec<u8>, lead::Read)>,
    /// The object in which the last value is.
    open: &'static str,
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
        let of_lead = [
            LeadOutline::new(&is_shown),
            LeadOutline::new(|name| name != LEAD_ID && is_shown(name)),
        ];
        Self {
            is_shown,
            outlines: Vec::new(),
            of_lead,
            last: None,
        }
    }

    /// Appends an event to a JSON text.
    pub(crate) fn write(&mut self, event: &Event, json: &mut Vec<u8>) {
        let lead = match self.last.take() {
            Some((lead, text)) if Arc::ptr_eq(&lead, &event.lead) => (lead, text),
            _ => (Arc::clone(&event.lead), self.of_lead(&event.lead)),
        };
        let shape = (Shape::of(event), !lead.1.is_empty());
        let known = self.outlines.iter().position(|(known, _)| *known == shape);
        let index = known.unwrap_or_else(|| {
            let outline = Outline::new(event, shape.1, &self.is_shown);
            self.outlines.push((shape, outline));
            self.outlines.len() - 1
        });
        let (_, of_lead) = self.last.insert(lead);
        if let Some((_, outline)) = self.outlines.get(index) {
            outline.write(event, of_lead, json);
        }
    }

    /// Returns the members that `vars` has of a lead.
    fn of_lead(&self, lead: &Lead) -> Vec<u8> {
        let mut json = Vec::with_capacity(LEAD_LENGTH);
        // Such names may be one below the other, or be that of the id.
        let is_nested = |field: &LeadField| field.name.contains('.') || field.name == "id";
        let are_nested = lead.fields.iter().any(is_nested);
        let [with_id, without_id] = &self.of_lead;
        let outline = if are_nested { without_id } else { with_id };
        for (before, read) in &outline.values {
            json.extend_from_slice(before);
            read(lead).write_json(&mut json);
        }
        let mut object = Object {
            json: &mut json,
            open: outline.open,
            is_empty: outline.values.is_empty(),
        };
        let mut name = String::with_capacity(NAME_LENGTH);
        name.push_str(LEAD);
        name.push('.');
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
                    true => write_text(&field.normal, json),
                    false => write_json(&to_value(field), json),
                }
            }
        }
        object.enter(VARS);
        json
    }
}

impl Outline<members::Read> {
    /// Creates it for events of the shape of this one.
    fn new(event: &Event, has_lead: bool, is_shown: impl Fn(&str) -> bool) -> Self {
        let mut values = Vec::new();
        let mut json = vec![b'{'];
        let mut object = Object::new("", &mut json);
        for (name, member) in MEMBERS.iter().filter(|(name, _)| is_shown(name)) {
            // A filter is no step of a recipient.
            let is_foreign = event.kind == Kind::Filter && *name == "step_id";
            let Some(value) = member.read(event).filter(|_| !is_foreign) else {
                continue;
            };
            object.member(name);
            match member {
                Member::OfKind(_) => value.write_json(object.json),
                Member::OfEvent(read) => values.push((std::mem::take(object.json), *read)),
            }
        }
        let before_lead = match has_lead {
            true => std::mem::take(object.next(VARS)),
            false => Vec::new(),
        };
        if event.kind == Kind::Source && is_shown("appended") {
            object.next("").extend_from_slice(b"\"appended\":{}");
        }
        object.enter("");
        json.push(b'}');
        Self {
            values,
            before_lead,
            end: json,
        }
    }

    fn write(&self, event: &Event, of_lead: &[u8], json: &mut Vec<u8>) {
        for (before, read) in &self.values {
            json.extend_from_slice(before);
            match read(event) {
                Some(value) => value.write_json(json),
                // Not for events of one shape.
                None => json.extend_from_slice(b"null"),
            }
        }
        for text in [&self.before_lead, of_lead, &self.end] {
            json.extend_from_slice(text);
        }
    }
}

impl LeadOutline {
    fn new(is_shown: impl Fn(&str) -> bool) -> Self {
        let mut json = Vec::new();
        let mut object = Object::new(VARS, &mut json);
        let shown = VARIABLES.iter().filter(|(name, _)| is_shown(name));
        let values = shown.map(|(name, read)| {
            object.member(name);
            (std::mem::take(object.json), *read)
        });
        Self {
            values: values.collect(),
            open: object.open,
        }
    }
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

    /// Begins the member with this dotted name, whose value is appended next.
    fn member(&mut self, name: &'static str) {
        let (object, own) = name.rsplit_once('.').unwrap_or(("", name));
        let json = self.next(object);
        write_text(own, json);
        json.push(b':');
    }

    /// Begins a field of the lead, and returns what to append its value to.
    fn field(&mut self, name: &str) -> &mut Vec<u8> {
        let json = self.next(LEAD);
        write_text(name, json);
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
            write_text(part, self.json);
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
