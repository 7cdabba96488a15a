//! Writes an event as a line of JSON or of CSV, without secrets.

use memchr::memchr2;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bulk::results::{csv_line, csv_text};
use crate::redact::Secrets;

/// The columns of CSV: names, and where in an event each is.
const CSV_COLUMNS: [(&str, &str); 12] = [
    ("id", "/id"),
    ("type", "/type"),
    ("outcome", "/outcome"),
    ("reason", "/reason"),
    ("start_timestamp", "/start_timestamp"),
    ("flow_id", "/vars/flow/id"),
    ("flow_name", "/vars/flow/name"),
    ("source_id", "/vars/source/id"),
    ("source_name", "/vars/source/name"),
    ("lead_id", "/vars/lead/id"),
    ("email", "/vars/lead/email"),
    ("phone_1", "/vars/lead/phone_1"),
];

/// Appends an event as the product sent it, without a line end.
pub(super) fn json(event: &RawValue, secrets: &Secrets, out: &mut Vec<u8>) {
    let start = out.len();
    for piece in secrets.redact(event.get().as_bytes()) {
        out.extend_from_slice(piece);
    }
    // JSON has line ends between its parts alone, and most products send none.
    let mut line = &mut out[start..];
    while let Some(at) = memchr2(b'\n', b'\r', line) {
        line[at] = b' ';
        line = &mut line[at + 1..];
    }
}

/// Appends the line of an event as JSON.
pub(super) fn jsonl(event: &RawValue, secrets: &Secrets, out: &mut Vec<u8>) {
    json(event, secrets, out);
    out.push(b'\n');
}

/// Returns the first line of CSV.
pub(super) fn csv_header() -> Vec<u8> {
    let mut header = Vec::new();
    let names = CSV_COLUMNS.iter().map(|(name, _)| (*name).to_owned());
    csv_line(&mut header, names);
    header
}

/// Appends the line of an event as CSV.
pub(super) fn csv(event: &RawValue, secrets: &Secrets, out: &mut Vec<u8>) {
    let text = secrets.redact_text(event.get().as_bytes());
    let event: Value = serde_json::from_slice(&text).unwrap_or_default();
    let field = |(_, at): &(&str, &str)| event.pointer(at).map_or_else(String::new, csv_text);
    csv_line(out, CSV_COLUMNS.iter().map(field));
}
