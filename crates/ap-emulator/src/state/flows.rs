//! The flows of LeadConduit: the examples, and those that clients created. Each is kept once, as text,
//! which all responses share.

use std::collections::HashMap;

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use crate::example_data;
use crate::json_object::{JsonObject, ParseError};

/// The limit for all created flows together, so that a client in a loop cannot fill the memory.
const MAX_CREATED_BYTES: usize = 32 * 1024 * 1024;
/// What a flow takes besides its text: its id, its place in the list and in the index, and allocations.
const BYTES_BESIDES: usize = 256;

#[derive(Debug)]
pub(crate) struct Flows {
    /// Flows are only added, so an index stays valid.
    texts: Vec<Bytes>,
    by_id: HashMap<Box<str>, usize>,
    text_bytes: usize,
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
        let mut flows = Self {
            texts: Vec::new(),
            by_id: HashMap::new(),
            text_bytes: 0,
            created: 0,
            created_bytes: 0,
        };
        for flow in example_data::flows() {
            let id = flow["id"].as_str().unwrap_or_default();
            flows.push(id, flow.to_string());
        }
        flows
    }

    pub(crate) fn get(&self, id: &str) -> Option<Bytes> {
        self.by_id.get(id).and_then(|index| self.at(*index))
    }

    pub(crate) fn at(&self, index: usize) -> Option<Bytes> {
        self.texts.get(index).cloned()
    }

    pub(crate) const fn len(&self) -> usize {
        self.texts.len()
    }

    /// The length of the texts of all flows.
    pub(crate) const fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Gives members that the caller left out the value of an empty flow. The vendor does not
    /// document how it refuses an incomplete flow, and an invented refusal would mislead.
    pub(crate) fn create(&mut self, requested: &[u8]) -> Result<Bytes, Refusal> {
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
            None | Some("null") => self.new_id(),
            Some(text) => match serde_json::from_str::<String>(text) {
                Ok(id) if is_id(&id) => id.to_ascii_lowercase(),
                _ => return refuse(StatusCode::BAD_REQUEST, "an id has 24 hexadecimal digits"),
            },
        };
        if self.by_id.contains_key(&*id) {
            return refuse(StatusCode::CONFLICT, "a flow with this id exists already");
        }
        let text = complete(&id, members);
        let bytes = self.created_bytes + text.len() + BYTES_BESIDES;
        if bytes > MAX_CREATED_BYTES {
            return refuse(
                StatusCode::INSUFFICIENT_STORAGE,
                "this emulator cannot store more flows",
            );
        }
        self.created += 1;
        self.created_bytes = bytes;
        Ok(self.push(&id, text))
    }

    fn push(&mut self, id: &str, text: String) -> Bytes {
        // Without the capacity that the text does not need.
        let text = Bytes::from(text.into_boxed_str().into_boxed_bytes());
        self.text_bytes += text.len();
        self.by_id.insert(id.into(), self.texts.len());
        self.texts.push(text.clone());
        text
    }

    /// The vendor's ids start with the second of their creation, so they sort by age.
    fn new_id(&self) -> String {
        let seconds = u32::try_from(Timestamp::now().as_second()).unwrap_or(u32::MAX);
        let mut counter = self.created as u64;
        loop {
            let id = format!("{seconds:08x}{counter:016x}");
            if !self.by_id.contains_key(&*id) {
                return id;
            }
            counter += 1;
        }
    }
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
