//! The flows that an emulator holds: the seeded ones and those created since.

use std::time::{SystemTime, UNIX_EPOCH};

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::example_data;

/// How many bytes of created flows are kept, so that a client in a loop cannot fill the memory.
const MAX_CREATED: usize = 32 * 1024 * 1024;

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
    pub(crate) fn seeded() -> Self {
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

    /// Members that the caller left out get the value of an empty flow: how the vendor refuses
    /// an incomplete flow is not documented, and an invented refusal would mislead.
    pub(crate) fn create(&mut self, wanted: Value) -> Result<&Value, Refusal> {
        let refuse = |status, reason| Err(Refusal { status, reason });
        let Value::Object(wanted) = wanted else {
            return refuse(StatusCode::BAD_REQUEST, "a flow is a JSON object");
        };
        let id = match wanted.get("id") {
            None | Some(Value::Null) => self.new_id(),
            Some(Value::String(id)) if is_id(id) => id.to_ascii_lowercase(),
            Some(_) => return refuse(StatusCode::BAD_REQUEST, "an id has 24 hexadecimal digits"),
        };
        if self.get(&id).is_some() {
            return refuse(StatusCode::CONFLICT, "a flow with this id exists already");
        }
        let flow = complete(id, wanted);
        let bytes = self.created_bytes + flow.to_string().len();
        if bytes > MAX_CREATED {
            return refuse(
                StatusCode::INSUFFICIENT_STORAGE,
                "this emulator holds too many flows",
            );
        }
        self.created += 1;
        self.created_bytes = bytes;
        self.all.push(flow);
        Ok(&self.all[self.all.len() - 1])
    }

    /// Ids of the vendor's kind start with the seconds of their making, and so sort by age.
    fn new_id(&self) -> String {
        let seconds = u32::try_from(now().as_secs()).unwrap_or(u32::MAX);
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

fn complete(id: String, wanted: Map<String, Value>) -> Value {
    let moment = example_data::timestamp(now());
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
    flow.extend(wanted);
    flow.insert("id".to_owned(), json!(id));
    flow.insert("created_at".to_owned(), json!(moment));
    flow.insert("updated_at".to_owned(), json!(moment));
    Value::Object(flow)
}

fn now() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
