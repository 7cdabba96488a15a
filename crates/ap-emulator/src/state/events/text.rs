//! Writes an [`Event`] as JSON. Lists have many events, so the text is written without a tree of values.

use serde_json::{Map, Value, json};

use super::event::{Event, Kind};
use super::lead::LeadField;
use crate::scalar;

/// Where the fields of a lead are, and its id.
const LEAD: &str = "vars.lead";
const LEAD_ID: &str = "vars.lead.id";

/// About the length of an event.
const LEN: usize = 1536;

impl Event {
    /// Returns the event as JSON, with the members that `is_shown`.
    pub(crate) fn to_text(&self, is_shown: impl Fn(&str) -> bool) -> String {
        let mut object = Object::new();
        // Such names may be one below the other, or be that of the id.
        let is_nested = |field: &LeadField| field.name.contains('.') || field.name == "id";
        let are_nested = self.lead.fields.iter().any(is_nested);
        for (name, value) in self.members() {
            if is_shown(name) && !(are_nested && name == LEAD_ID) {
                let (above, name) = name.rsplit_once('.').unwrap_or(("", name));
                value.write_json(object.member(above, name));
            }
        }
        let mut name = format!("{LEAD}.");
        let fields = self.lead.fields.iter().filter(|field| {
            name.truncate(LEAD.len() + 1);
            name.push_str(&field.name);
            is_shown(&name)
        });
        if are_nested {
            let id = is_shown(LEAD_ID).then(|| json!(self.lead.id.to_string()));
            let mut lead = Map::from_iter(id.map(|id| ("id".to_owned(), id)));
            fields.for_each(|field| insert(&mut lead, &field.name, to_value(field)));
            for (name, value) in &lead {
                object.member(LEAD, name).push_str(&value.to_string());
            }
        } else {
            for field in fields {
                let text = object.member(LEAD, &field.name);
                match field.is_plain() {
                    true => scalar::write_text(&field.normal, text),
                    false => text.push_str(&to_value(field).to_string()),
                }
            }
        }
        if self.kind == Kind::Source && is_shown("appended") {
            object.member("", "appended").push_str("{}");
        }
        object.finish()
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

/// The text of an object, with objects in it. The members of each come one after the other.
struct Object {
    text: String,
    /// The dotted name of the object that is being written; empty for the outermost.
    open: &'static str,
    is_empty: bool,
}

impl Object {
    fn new() -> Self {
        let mut text = String::with_capacity(LEN);
        text.push('{');
        Self {
            text,
            open: "",
            is_empty: true,
        }
    }

    /// Writes the name of a member of the object with this dotted name, and returns what to append its value to.
    fn member(&mut self, object: &'static str, name: &str) -> &mut String {
        if object != self.open {
            self.enter(object);
        }
        self.name(name);
        &mut self.text
    }

    /// Closes and opens objects.
    fn enter(&mut self, object: &'static str) {
        let is_same = |(one, other): &(&str, &str)| one == other;
        let common = parts(self.open)
            .zip(parts(object))
            .take_while(is_same)
            .count();
        for _ in parts(self.open).skip(common) {
            self.text.push('}');
            self.is_empty = false;
        }
        for part in parts(object).skip(common) {
            self.name(part);
            self.text.push('{');
            self.is_empty = true;
        }
        self.open = object;
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_empty) {
            self.text.push(',');
        }
        scalar::write_text(name, &mut self.text);
        self.text.push(':');
    }

    fn finish(mut self) -> String {
        self.enter("");
        self.text.push('}');
        self.text
    }
}

/// Returns the parts of a dotted name.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split('.').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Value, json};

    use super::super::event::{Event, Kind, Outcome};
    use super::super::lead::LeadField;
    use super::super::seeded::Seeded;
    use super::{LEAD, insert, to_value};

    /// The same as a tree of values.
    fn tree(event: &Event) -> Value {
        let mut tree = Map::new();
        for (name, value) in event.members() {
            insert(&mut tree, name, value.to_json());
        }
        for field in &event.lead.fields {
            insert(
                &mut tree,
                &format!("{LEAD}.{}", field.name),
                to_value(field),
            );
        }
        if event.kind == Kind::Source {
            tree.insert("appended".to_owned(), json!({}));
        }
        Value::Object(tree)
    }

    fn assert_is_its_tree(event: &Event) {
        let (text, tree) = (event.to_text(|_| true), tree(event));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), tree);
        // No member comes twice.
        assert_eq!(text.len(), tree.to_string().len(), "{text}");
    }

    #[test]
    fn the_text_of_an_event_has_every_member_once() {
        let seeded = Seeded::new(500, 1_795_681_800_500);
        for index in 0..seeded.count() {
            assert_is_its_tree(&seeded.event(index));
        }
    }

    #[test]
    fn fields_with_any_name_and_text_are_where_they_belong() {
        let event = Seeded::new(1, 1_795_681_800_500).event(0);
        let names = [
            &["a", "a.b", "a.b.c"][..],
            &["a.b.c", "a.b", "a"],
            &["id"],
            &["id.a", "z"],
            &["\"q\\", "\n\u{fc}"],
        ];
        for names in names {
            let mut lead = (*event.lead).clone();
            lead.fields.extend(names.iter().map(|name| LeadField {
                name: (*name).into(),
                normal: format!("of {name}").into(),
                raw: None,
                is_valid: true,
            }));
            let lead = Arc::new(lead);
            for kind in [Kind::Source, Kind::Filter] {
                let mut event = Event::new(event.id, 0, Arc::clone(&lead), kind, Outcome::Success);
                event.reason = "a \"reason\"\n".into();
                assert_is_its_tree(&event);
            }
        }
    }

    #[test]
    fn an_event_is_written_without_a_tree() {
        let seeded = Seeded::new(500, 1_795_681_800_500);
        for index in 0..seeded.count() {
            let event = seeded.event(index);
            let measured = allocation_counter::measure(|| drop(event.to_text(|_| true)));
            assert!(measured.count_total <= 20, "{}", measured.count_total);
        }
    }

    #[test]
    fn only_what_is_shown_is_written() {
        let event = Seeded::new(3, 1_795_681_800_500).event(2);
        for (shown, expected) in [
            (&[][..], json!({})),
            (&["type"], json!({ "type": "source" })),
            (
                &[
                    "vars.source.name",
                    "vars.lead.state",
                    "vars.flow.name",
                    "id",
                ],
                json!({
                    "id": event.id.to_string(),
                    "vars": {
                        "flow": { "name": event.lead.flow.name },
                        "source": { "name": event.lead.source.name },
                        "lead": { "state": event.lead.text("state") },
                    },
                }),
            ),
        ] {
            let text = event.to_text(|name| shown.contains(&name));
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        }
    }
}
