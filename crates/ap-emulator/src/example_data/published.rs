//! What the vendor publishes: packages, pricing services, destinations, types; and what it counts and exports.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::USER_ID;

/// When the variables of the examples were used first.
pub(crate) const FIRST_USED: Timestamp = Timestamp::constant(1_709_565_600, 0);
/// When the variables of the examples were used last.
pub(crate) const LAST_USED: Timestamp = Timestamp::constant(1_732_214_710, 0);

pub(crate) fn packages() -> Value {
    let package = |id: &str, provider: &str, description: &str, modules: &[(&str, &str)]| {
        let modules = modules.iter().map(|(path, kind)| {
            json!({
                "id": format!("{id}.{path}"),
                "type": kind,
                "direction": path.split('.').next(),
                "name": provider,
                "description": description,
                "feedback": false,
                "median_wait_ms": 120,
                "request_variables": [
                    { "name": "lead.email", "type": "email", "required": false, "description": "The e-mail address" },
                ],
                "response_variables": [
                    { "name": "outcome", "type": "string", "description": "What became of the lead" },
                ],
                "editable": true,
            })
        });
        json!({
            "id": id,
            "provider": provider,
            "name": provider,
            "description": description,
            "link": "https://www.example.com/integrations",
            "ui": false,
            "images": false,
            "version": "1.0.0",
            "integrations": modules.collect::<Value>(),
        })
    };
    json!([
        package(
            "leadconduit-default",
            "LeadConduit",
            "Accepts leads, and sends them on",
            &[("inbound", "inbound"), ("outbound.json", "delivery")],
        ),
        package(
            "leadconduit-suppressionlist",
            "SuppressionList",
            "Looks values up in the account's lists",
            &[("outbound.query_item", "enhancement")],
        ),
        package(
            "leadconduit-trustedform",
            "TrustedForm",
            "Retains certificates",
            &[("outbound.data_service", "enhancement")],
        ),
    ])
}

pub(crate) fn pricing_services() -> Value {
    json!([{
        "id": "65e0f1000000000000000001",
        "name": "Example prices",
        "integration": { "module_id": "leadconduit-default.outbound.json", "mappings": [] },
        "created_at": "2024-03-01T09:30:00.000Z",
        "updated_at": "2024-03-01T09:30:00.000Z",
    }])
}

pub(crate) fn destinations() -> Value {
    json!([{
        "name": "Example CRM",
        "integration_name": "Example CRM",
        "integration_icon_url": "https://images.example.com/crm.png?signature=placeholder",
        "instance_id": "emulator-instance-1",
        "actions": [{
            "name": "Add Lead",
            "action_id": "add-lead",
            "webhook_url": "https://hooks.example.com/trigger/placeholder",
        }],
    }])
}

/// Newest first, as the vendor sends them.
pub(crate) fn exports() -> Value {
    let export = |number: u8, status: &str, created_at: &str| {
        json!({
            "id": format!("65e0f200000000000000000{number}"),
            "status": status,
            "created_at": created_at,
            "start": "2024-11-01T00:00:00.000Z",
            "end": "2024-11-21T00:00:00.000Z",
            "filter_rules": [{ "lhv": "flow.id", "op": "is equal to", "rhv": "65e0b2000000000000000001" }],
            "email_to": ["robin@example.com"],
            "fields": ["lead.first_name", "lead.email"],
            "date_format": "standard",
            "user": {
                "id": USER_ID,
                "first_name": "Robin",
                "last_name": "Example",
                "email": "robin@example.com",
            },
        })
    };
    let mut complete = export(1, "complete", "2024-11-21T09:00:00.000Z");
    complete["file_name"] = json!("export-1.csv");
    complete["exported_docs"] = json!(42);
    json!([
        export(2, "processing", "2024-11-21T10:00:00.000Z"),
        complete
    ])
}

/// The counter of the cap of the first flow.
pub(crate) fn cap_counters() -> [Value; 1] {
    [json!({
        "id": "65e0f3000000000000000001",
        "flow_id": "65e0b2000000000000000001",
        "type": "volume",
        "name": "A thousand leads a day",
        "maximum": 1000,
        "duration": 1,
        "duration_units": "day",
        "time_zone": "America/Chicago",
        "count": 0,
        "failed_count": 0,
        "started_at": "2024-11-21T06:00:00.000Z",
        "expires_at": "2024-11-22T06:00:00.000Z",
        "updated_at": "2024-11-21T06:00:00.000Z",
    })]
}

/// The counter of the ping limit of the first flow.
pub(crate) fn ping_limit_counters() -> [Value; 1] {
    [json!({
        "id": "65e0f4000000000000000001",
        "flow_id": "65e0b2000000000000000001",
        "name": "Six hundred pings a minute",
        "maximum": 600,
        "duration": 1,
        "duration_units": "minute",
        "time_zone": "America/Chicago",
        "failed_count": 0,
        "started_at": "2024-11-21T18:45:00.000Z",
        "expires_at": "2024-11-21T18:46:00.000Z",
    })]
}

/// The types of fields, each with the operators of rules for it.
pub(crate) fn types() -> Value {
    let all = ["is equal to", "is not equal to", "is blank", "is not blank"];
    let texts = [
        "includes",
        "does not include",
        "is included in",
        "is not included in",
        "matches pattern",
        "does not match pattern",
        "format is valid",
        "format is invalid",
    ];
    let amounts = [
        "is greater than",
        "is greater than or equal to",
        "is less than",
        "is less than or equal to",
        "is between",
        "is not between",
        "format is valid",
        "format is invalid",
    ];
    let flags = ["is true", "is not true", "is false", "is not false"];
    let of_type = |name: &str| {
        let more: &[&str] = match name {
            "boolean" => &flags,
            "date" | "number" | "range" | "time" => &amounts,
            _ => &texts,
        };
        let operators = [&all[..], more].concat();
        json!({
            "name": name,
            "maskable": matches!(name, "credential" | "ssn"),
            "components": [],
            "operators": operators,
        })
    };
    let names = [
        "boolean",
        "city",
        "credential",
        "date",
        "email",
        "first_name",
        "gender",
        "last_name",
        "number",
        "phone",
        "postal_code",
        "range",
        "ssn",
        "state",
        "street",
        "string",
        "time",
        "trustedform_url",
        "url",
    ];
    names.into_iter().map(of_type).collect()
}
