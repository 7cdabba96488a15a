//! The text of events, compared with a plain form of it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::event::{Event, Kind, Outcome};
use super::super::lead::{LeadField, VARIABLES};
use super::super::members::MEMBERS;
use super::super::seeded::Seeded;
use super::{EventWriter, LEAD, insert, to_value};

/// A Friday in 2026.
const NOW_MS: i64 = 1_795_681_800_500;

/// Returns the members that it has of itself and of its lead, without the fields of the lead.
fn members(event: &Event) -> Vec<(&'static str, Value)> {
    let own = MEMBERS.iter().filter_map(|(name, member)| {
        let is_foreign = event.kind == Kind::Filter && *name == "step_id";
        Some((*name, member.read(event).filter(|_| !is_foreign)?.to_json()))
    });
    let of_lead = VARIABLES.iter();
    own.chain(of_lead.map(|(name, read)| (*name, read(&event.lead).to_json())))
        .collect()
}

/// The same as a tree of values.
fn tree(event: &Event) -> Value {
    let mut tree = Map::new();
    for (name, value) in members(event) {
        insert(&mut tree, name, value);
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
    let (text, tree) = (String::from_utf8(event.to_json()).unwrap(), tree(event));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), tree);
    // No member comes twice.
    assert_eq!(text.len(), tree.to_string().len(), "{text}");
}

/// The same in the order of the list, put together from texts of single members. No field has a dot in its name.
fn plain(event: &Event, is_shown: impl Fn(&str) -> bool) -> String {
    let fields = event.lead.fields.iter();
    let fields = fields.map(|field| (format!("{LEAD}.{}", field.name), to_value(field)));
    let appended = (event.kind == Kind::Source).then(|| ("appended".to_owned(), json!({})));
    let members = members(event).into_iter();
    let members = members
        .map(|(name, value)| (name.to_owned(), value))
        .chain(fields)
        .chain(appended)
        .filter(|(name, _)| is_shown(name));
    object(&members.collect::<Vec<_>>())
}

fn object(members: &[(String, Value)]) -> String {
    let first = |member: &(String, Value)| member.0.split('.').next().unwrap().to_owned();
    let parts = members.chunk_by(|one, other| first(one) == first(other));
    let parts = parts.map(|part| {
        let first = first(&part[0]);
        let below = |(name, value): &(String, Value)| {
            let name = name.strip_prefix(&format!("{first}."))?;
            Some((name.to_owned(), value.clone()))
        };
        match part.iter().map(below).collect::<Option<Vec<_>>>() {
            Some(below) => format!("\"{first}\":{}", object(&below)),
            None => format!("\"{first}\":{}", part[0].1),
        }
    });
    format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
}

#[test]
fn events_that_are_written_one_after_the_other_are_those_of_single_members() {
    type IsShown = fn(&str) -> bool;
    let choices: [IsShown; 7] = [
        |_| true,
        |_| false,
        |name| name == "id",
        |name| name.starts_with("vars.lead."),
        |name| !name.starts_with("vars."),
        |name| name != "appended" && name != "vars.lead.id" && !name.contains("feedback"),
        |name| name.len() % 2 == 0,
    ];
    for (count, now_ms) in [
        (1, NOW_MS),
        (3, 0),
        (62, NOW_MS + 1),
        (500, 1_709_164_800_000),
        (10_000_000, NOW_MS),
    ] {
        let seeded = Seeded::new(count, now_ms);
        for is_shown in choices {
            let mut writer = EventWriter::new(is_shown);
            let count = seeded.count();
            let oldest = 0..count.min(150);
            let newest = (count.saturating_sub(70)..count).rev();
            let mut last = None;
            for index in oldest.chain(newest) {
                let lead_index = Seeded::lead_of(index);
                if last.as_ref().is_none_or(|(known, _)| *known != lead_index) {
                    last = Some((lead_index, Arc::new(seeded.lead(lead_index))));
                }
                let event = seeded.event_of(index, &last.as_ref().unwrap().1);
                let mut text = b"before ".to_vec();
                writer.write(&event, &mut text);
                let expected = format!("before {}", plain(&event, is_shown));
                assert_eq!(String::from_utf8(text).unwrap(), expected, "{index}");
            }
        }
    }
}

#[test]
fn the_text_of_an_event_has_every_member_once() {
    let seeded = Seeded::new(500, NOW_MS);
    for index in 0..seeded.count() {
        assert_is_its_tree(&seeded.event(index));
    }
}

#[test]
fn fields_with_any_name_and_text_are_where_they_belong() {
    let event = Seeded::new(1, NOW_MS).event(0);
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
    let seeded = Seeded::new(500, NOW_MS);
    let mut writer = EventWriter::new(|_| true);
    let mut text = Vec::with_capacity(4096);
    for index in 0..seeded.count() {
        let event = seeded.event(index);
        text.clear();
        let measured = allocation_counter::measure(|| writer.write(&event, &mut text));
        // The first event of a shape shows what is the same in all of them.
        if index >= 100 {
            assert!(measured.count_total <= 12, "{}", measured.count_total);
        }
    }
}

#[test]
fn only_what_is_shown_is_written() {
    let event = Seeded::new(3, NOW_MS).event(2);
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
        let mut text = Vec::new();
        EventWriter::new(|name: &str| shown.contains(&name)).write(&event, &mut text);
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected);
    }
}
