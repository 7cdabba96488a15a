//! The JSON schema of the records. It names what the product documents, and allows everything else, because a step's
//! data is a member with a name of the account's own.

use serde_json::{Map, Value, json};

use super::KEY;

/// The documented members of an event, by their types. What was not always of one form has several.
const MEMBERS: &[(&[&str], &[&str])] = &[
    (&["string"], &[KEY]),
    (
        &["null", "string"],
        &[
            "type",
            "outcome",
            "reason",
            "host",
            "handler_version",
            "version",
            "expires_at",
            "module_id",
            "package_version",
            "step_id",
            "recipient_event_id",
            "key",
            "retry_status",
        ],
    ),
    (
        &["null", "integer"],
        &[
            "start_timestamp",
            "end_timestamp",
            "ms",
            "wait_ms",
            "overhead_ms",
            "lag_ms",
            "total_ms",
            "step_count",
        ],
    ),
    (
        &["null", "number"],
        &["cost", "purchase_price", "sale_price", "revenue"],
    ),
    (
        &["null", "boolean"],
        &[
            "cap_reached",
            "ping_limit_reached",
            "caps_reached",
            "credential_updated",
        ],
    ),
    (
        &["null", "object"],
        &["vars", "appended", "request", "response"],
    ),
    (&["null", "array"], &["transactions"]),
    (
        &["null", "object", "array", "string"],
        &[
            "flow_ping_limits",
            "source_ping_limits",
            "firehose",
            "rule_set",
            "acceptance_criteria",
            "feedback",
            "caps",
            "credential",
            "mappings",
            "pricing",
        ],
    ),
];

/// Returns the names of the documented members.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    MEMBERS.iter().flat_map(|(_, names)| names.iter().copied())
}

/// Returns the schema of events without some members.
pub(super) fn of_events(excluded: &[String]) -> Value {
    let mut properties = Map::new();
    for (types, names) in MEMBERS {
        for name in *names {
            if !excluded.iter().any(|excluded| excluded == name) {
                properties.insert((*name).to_owned(), json!({"type": types}));
            }
        }
    }
    json!({
        "type": "object",
        "required": [KEY],
        "properties": properties,
        "additionalProperties": true,
    })
}

#[cfg(test)]
mod tests {
    use activeprospect::api::leadconduit::events::Event;

    use super::{MEMBERS, Value, json, names, of_events};

    /// Returns a value that a member may have.
    fn sample(name: &str, types: &[&str]) -> Value {
        match (name, types) {
            ("id" | "recipient_event_id", _) => "000000000000000000000001".into(),
            ("expires_at", _) => "2026-11-01T00:00:00Z".into(),
            (_, [_, "integer" | "number", ..]) => 1.into(),
            (_, [_, "boolean", ..]) => true.into(),
            (_, [_, "object", ..]) => json!({}),
            (_, [_, "array", ..]) => json!([]),
            _ => "text".into(),
        }
    }

    #[test]
    fn the_schema_names_every_member_that_is_documented_and_no_other() {
        let members = MEMBERS.iter().flat_map(|(types, names)| {
            let member = |name: &&str| ((*name).to_owned(), sample(name, types));
            names.iter().map(member).collect::<Vec<_>>()
        });
        let event = Value::Object(members.collect());
        let read: Event = serde_json::from_value(event).unwrap();
        assert!(read.extra.is_empty(), "{:?}", read.extra.keys());
        // Each of its fields has a value, so that none is missing here.
        let shown = format!("{read:?}");
        let missing: Vec<_> = shown.match_indices(": None").collect();
        assert!(missing.is_empty(), "{shown}");
        assert_eq!(
            of_events(&[])["properties"].as_object().unwrap().len(),
            names().count()
        );
    }

    #[test]
    fn a_member_that_is_left_out_is_not_in_the_schema() {
        let schema = of_events(&["vars".to_owned()]);
        assert!(schema["properties"].get("vars").is_none());
        assert_eq!(schema["required"][0], "id");
    }
}
