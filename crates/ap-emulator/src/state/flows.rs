//! The flows of LeadConduit: the examples, and those that clients created.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::example_data;

/// The limit for all created flows together, so that a client in a loop cannot fill the memory.
const MAX_CREATED_BYTES: usize = 32 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Flows {
    all: Vec<Value>,
    created: usize,
    created_bytes: usize,
}

/// Why a flow was not created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) reason: &'static str,
}

impl Flows {
    pub(crate) fn with_examples() -> Self {
        Self {
            all: example_data::flows().into(),
            created: 0,
            created_bytes: 0,
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        self.all.iter().find(|flow| flow["id"] == *id)
    }

    pub(crate) fn to_json(&self) -> String {
        let flows: Vec<String> = self.all.iter().map(Value::to_string).collect();
        format!("[{}]", flows.join(","))
    }

    /// Gives members that the caller left out the value of an empty flow. The vendor does not
    /// document how it refuses an incomplete flow, and an invented refusal would mislead.
    pub(crate) fn create(&mut self, requested: Value) -> Result<&Value, Refusal> {
        let refuse = |status, reason| Err(Refusal { status, reason });
        let Value::Object(members) = requested else {
            return refuse(StatusCode::BAD_REQUEST, "a flow is a JSON object");
        };
        let id = match members.get("id") {
            None | Some(Value::Null) => self.new_id(),
            Some(Value::String(id)) if is_id(id) => id.to_ascii_lowercase(),
            Some(_) => return refuse(StatusCode::BAD_REQUEST, "an id has 24 hexadecimal digits"),
        };
        if self.get(&id).is_some() {
            return refuse(StatusCode::CONFLICT, "a flow with this id exists already");
        }
        let flow = complete(id, members);
        let bytes = self.created_bytes + flow.to_string().len();
        if bytes > MAX_CREATED_BYTES {
            return refuse(
                StatusCode::INSUFFICIENT_STORAGE,
                "this emulator cannot store more flows",
            );
        }
        self.created += 1;
        self.created_bytes = bytes;
        self.all.push(flow);
        Ok(&self.all[self.all.len() - 1])
    }

    /// The vendor's ids start with the second of their creation, so they sort by age.
    fn new_id(&self) -> String {
        let seconds = u32::try_from(Timestamp::now().as_second()).unwrap_or(u32::MAX);
        let mut counter = self.created as u64;
        loop {
            let id = format!("{seconds:08x}{counter:016x}");
            if self.get(&id).is_none() {
                return id;
            }
            counter += 1;
        }
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn complete(id: String, members: Map<String, Value>) -> Value {
    let now = example_data::iso_8601(Timestamp::now());
    let mut flow = Map::new();
    for (name, value) in [
        ("id", json!(id)),
        ("name", json!("Untitled flow")),
        ("enabled", json!(false)),
        ("fields", json!([])),
        ("sources", json!([])),
        ("steps", json!([])),
    ] {
        flow.insert(name.to_owned(), value);
    }
    flow.extend(members);
    flow.insert("id".to_owned(), json!(id));
    flow.insert("created_at".to_owned(), json!(now));
    flow.insert("updated_at".to_owned(), json!(now));
    Value::Object(flow)
}
