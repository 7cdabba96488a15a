//! The flows of LeadConduit: the examples, and those that clients created. Each is kept once, as text,
//! which all responses share.

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::store::{Name, Store};
use crate::example_data;
use crate::json_object::{JsonObject, ParseError};

/// Why a flow was not created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) reason: &'static str,
}

pub(crate) fn with_examples() -> Store {
    let mut store = Store::new();
    for flow in example_data::flows() {
        let id = flow["id"].as_str().unwrap_or_default();
        let _ = store.put(Name::Flows, id, flow.to_string());
    }
    store
}

/// Gives members that the caller left out the value of an empty flow. The vendor does not
/// document how it refuses an incomplete flow, and an invented refusal would mislead.
pub(crate) fn create(store: &mut Store, requested: &[u8]) -> Result<Bytes, Refusal> {
    let refuse = |status, reason| Err(Refusal { status, reason });
    let members = match JsonObject::parse(requested) {
        Ok(members) => members,
        Err(ParseError::NotJson) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                "the request body is not valid JSON",
            );
        }
        Err(ParseError::NotAnObject) => {
            return refuse(StatusCode::BAD_REQUEST, "a flow is a JSON object");
        }
    };
    let id = match members.get("id") {
        None | Some("null") => store.new_id(Name::Flows),
        Some(text) => match serde_json::from_str::<String>(text) {
            Ok(id) if is_id(&id) => id.to_ascii_lowercase(),
            _ => return refuse(StatusCode::BAD_REQUEST, "an id has 24 hexadecimal digits"),
        },
    };
    if store.contains(Name::Flows, &id) {
        return refuse(StatusCode::CONFLICT, "a flow with this id exists already");
    }
    let text = complete(&id, members);
    store.put(Name::Flows, &id, text).or(Err(Refusal {
        status: StatusCode::INSUFFICIENT_STORAGE,
        reason: "this emulator cannot store more flows",
    }))
}

fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn complete(id: &str, requested: JsonObject<'_>) -> String {
    let id = format!("\"{id}\"");
    let now = format!("\"{}\"", example_data::iso_8601(Timestamp::now()));
    let mut members = requested;
    for (name, value) in [
        ("name", "\"Untitled flow\""),
        ("enabled", "false"),
        ("fields", "[]"),
        ("sources", "[]"),
        ("steps", "[]"),
    ] {
        if members.get(name).is_none() {
            members.insert(name, value);
        }
    }
    for (name, value) in [("id", &id), ("created_at", &now), ("updated_at", &now)] {
        members.insert(name, value);
    }
    members.to_text()
}
