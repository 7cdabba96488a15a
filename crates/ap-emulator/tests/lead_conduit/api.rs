//! [`Api`]: calls to an emulator of its own.

use ap_emulator::{Emulator, Product};
use serde_json::Value;

use crate::common::{JSON, Reply, send, with_key};

pub(crate) const FLOW: &str = "/flows/65e0b2000000000000000001";
pub(crate) const BUYER: &str = "/entities/65e0a1000000000000000003";
pub(crate) const USER: &str = "65e0a1000000000000000002";
pub(crate) const UNKNOWN: &str = "65e0ff000000000000000009";
pub(crate) const SPAN: &str = "?start=2024-11-01T00:00:00Z&end=2024-11-22T00:00:00Z";

pub(crate) struct Api(Emulator);

impl Api {
    pub(crate) fn start() -> Self {
        Self(Emulator::start().unwrap())
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let headers = with_key(&self.0.key());
        send(
            self.0.url(Product::LeadConduit),
            method,
            path,
            &headers,
            body,
        )
    }

    pub(crate) fn send_without_key(&self, method: &str, path: &str) -> u16 {
        send(self.0.url(Product::LeadConduit), method, path, JSON, "").status()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.expect(200, "GET", path, &Value::Null)
    }

    /// Sends a value, or nothing if it is null, and returns what was sent back.
    pub(crate) fn expect(&self, status: u16, method: &str, path: &str, body: &Value) -> Value {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let reply = self.send(method, path, &body);
        let shown = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status(), status, "{method} {path}: {shown}");
        match reply.body.is_empty() {
            true => Value::Null,
            false => reply.json(),
        }
    }

    pub(crate) fn refused(&self, status: u16, method: &str, path: &str, body: &Value) {
        let refusal = self.expect(status, method, path, body);
        assert!(refusal["error"].is_string(), "{method} {path}: {refusal}");
    }

    pub(crate) fn ids(&self, path: &str) -> Vec<Value> {
        let list = self.get(path);
        let items = list.as_array().into_iter().flatten();
        items.map(|item| item["id"].clone()).collect()
    }
}

/// Routers are sent as lists of one.
pub(crate) fn one(sent: Value) -> Value {
    match sent {
        Value::Array(mut list) => list.remove(0),
        item => item,
    }
}
