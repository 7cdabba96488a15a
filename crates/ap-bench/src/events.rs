//! A page of 1,000 events, and what decoding it costs: into the typed event, and into a bare struct of the same members.

use ap_api::leadconduit::events::{Event, List};
use ap_core::{Endpoint as _, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Failure;

/// Returns the body of a page of so many events (the API returns 1,000 at most): source, filter and recipient events in turn. Each has a few members that the
/// typed event does not know.
#[must_use]
pub fn page(count: usize) -> Bytes {
    let events = (0..count).map(event).collect();
    Value::Array(events).to_string().into()
}

/// Decodes a page as a client does, unknown members kept. Returns the number of events.
///
/// # Errors
///
/// If it is not a page of events.
pub fn decode(page: &Bytes) -> Result<usize, Failure> {
    let response = Response::from(http::Response::new(page.clone()));
    let page: ap_core::Page<Event, _> = List::new().decode(response)?;
    Ok(page.items.len())
}

/// Decodes a page into bare structs, unknown members skipped. Returns the number of events.
///
/// # Errors
///
/// If it is not a page of events.
pub fn decode_bare(page: &Bytes) -> Result<usize, Failure> {
    let events: Vec<Bare> = serde_json::from_slice(page)?;
    Ok(events.len())
}

fn event(number: usize) -> Value {
    let id = format!("{:024x}", 0x0065_e0f1_0000_u64 + number as u64);
    let start = 1_795_600_000_000_u64 + 1_000 * number as u64;
    let mut event = json!({
        "id": id, "outcome": "success", "reason": null, "vars": vars(number), "host": "app-1",
        "start_timestamp": start, "end_timestamp": start + 40, "ms": 40, "wait_ms": 25, "overhead_ms": 15,
        "lag_ms": 0, "total_ms": 40, "handler_version": "2.1.0", "version": "3.1.4", "cap_reached": false,
        "ping_limit_reached": false, "firehose": {"enabled": false}, "expires_at": "2027-02-25T10:00:00.000Z",
        // What the typed event does not know.
        "description": "An event", "disabled_step_count": 0, "flow_caps": [], "source_caps": null,
    });
    let request = json!({"method": "POST", "uri": "https://leads.example.com/intake", "version": "1.1",
        "headers": {"Accept": "application/json", "Content-Type": "application/json"},
        "body": "{\"email\":\"robin@example.com\",\"phone_1\":\"2025550142\"}", "timestamp": start});
    let response = json!({"status": 201, "status_text": "Created", "version": "1.1",
        "headers": {"Content-Type": "application/json; charset=utf-8"},
        "body": "{\"outcome\":\"success\"}", "timestamp": start + 25});
    let own = match number % 3 {
        0 => {
            json!({"type": "source", "module_id": "leadconduit-default.inbound", "package_version": "2.9.10",
            "step_count": 2, "appended": {"duplicate": {"found": false}}, "request": request, "response": response})
        }
        1 => json!({"type": "filter", "step_id": "f1roof",
            "rule_set": {"op": "and", "rules": [{"lhv": "lead.email", "op": "is blank"}]}}),
        _ => {
            json!({"type": "recipient", "step_id": "d1roof", "module_id": "leadconduit-default.outbound.json",
            "package_version": "2.9.10", "key": "example", "example": {"outcome": "success", "reference": "a1"},
            "cost": 1.25, "purchase_price": 1.25, "sale_price": 3, "revenue": 1.75, "caps_reached": false,
            "mappings": [{"property": "url", "value": "https://leads.example.com/intake"}],
            "transactions": [{"request": request, "response": response, "ms": 25}]})
        }
    };
    if let (Value::Object(event), Value::Object(own)) = (&mut event, own) {
        event.extend(own);
    }
    event
}

fn vars(number: usize) -> Value {
    json!({
        "lead": {
            "id": format!("{:024x}", 0x0065_e0f2_0000_u64 + number as u64),
            "first_name": "Robin", "last_name": "Example",
            "email": {"normal": "robin@example.com", "raw": "Robin@example.com", "valid": true, "user": "robin",
                "domain": "example.com", "host": "example", "tld": "com", "is_free": false},
            "phone_1": {"normal": "2025550142", "raw": "(202) 555-0142", "valid": true, "area": "202",
                "exchange": "555", "line": "0142"},
            "postal_code": "78704", "state": "TX", "roof_age_exhs": 12,
        },
        "flow": {"id": "65e0b2000000000000000001", "name": "Roof repair, web forms"},
        "source": {"id": "65e0a1000000000000000004", "name": "Leads by Example"},
        "account": {"id": "65e0a1000000000000000001", "name": "Example Home Services"},
        "submission": {"timestamp": "2026-11-27T10:00:00.000Z", "ip": "192.0.2.42"},
    })
}

/// The members of the typed event as plain types.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Bare {
    id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    outcome: Option<String>,
    reason: Option<String>,
    vars: Option<Map<String, Value>>,
    host: Option<String>,
    start_timestamp: Option<i64>,
    end_timestamp: Option<i64>,
    ms: Option<i64>,
    wait_ms: Option<i64>,
    overhead_ms: Option<i64>,
    lag_ms: Option<i64>,
    total_ms: Option<i64>,
    handler_version: Option<String>,
    version: Option<String>,
    cap_reached: Option<bool>,
    ping_limit_reached: Option<bool>,
    flow_ping_limits: Option<Value>,
    source_ping_limits: Option<Value>,
    firehose: Option<Value>,
    expires_at: Option<String>,
    module_id: Option<String>,
    package_version: Option<String>,
    step_id: Option<String>,
    rule_set: Option<Value>,
    acceptance_criteria: Option<Value>,
    step_count: Option<i64>,
    appended: Option<Map<String, Value>>,
    request: Option<BareRequest>,
    response: Option<BareResponse>,
    recipient_event_id: Option<String>,
    feedback: Option<Value>,
    key: Option<String>,
    caps: Option<Value>,
    caps_reached: Option<bool>,
    cost: Option<f64>,
    purchase_price: Option<f64>,
    sale_price: Option<f64>,
    revenue: Option<f64>,
    credential: Option<Value>,
    credential_updated: Option<bool>,
    mappings: Option<Value>,
    pricing: Option<Value>,
    transactions: Option<Vec<BareTransaction>>,
    retry_status: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareTransaction {
    request: Option<BareRequest>,
    response: Option<BareResponse>,
    ms: Option<i64>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareRequest {
    method: Option<String>,
    uri: Option<String>,
    version: Option<String>,
    headers: Option<Map<String, Value>>,
    body: Option<String>,
    timestamp: Option<i64>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareResponse {
    status: Option<u16>,
    status_text: Option<String>,
    version: Option<String>,
    headers: Option<Map<String, Value>>,
    body: Option<String>,
    timestamp: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_bare, page};

    #[test]
    fn both_decode_every_event() {
        let page = page(1_000);
        assert_eq!(decode(&page).unwrap(), 1_000);
        assert_eq!(decode_bare(&page).unwrap(), 1_000);
    }
}
