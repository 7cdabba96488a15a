//! The records of a journal: one line each, a checksum and JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A row by its number, and the checksum of its content.
pub(crate) type Marked = (u64, u32);

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    /// The first record: what the run is about.
    Begin(Begin),
    /// What the result file has now. Each one replaces those before it.
    State(State),
    /// These rows are about to be sent, and must not be sent twice.
    Sending(Vec<Marked>),
    /// These rows were not applied, so they can be sent again.
    NotSent(Vec<u64>),
}

/// What a run is about. A run resumes only a journal that has the same. Settings have a checksum of their value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begin {
    pub(crate) version: u32,
    pub(crate) command: String,
    pub(crate) settings: BTreeMap<String, String>,
}

/// What the result file has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Every row up to this one is in the result file.
    pub(crate) rows: u64,
    /// The checksum of these rows of the input.
    pub(crate) input: u32,
    /// Later rows that are in the result file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) done: Vec<Marked>,
    /// Rows that were sent, are not in the result file, and must not be sent twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sending: Vec<Marked>,
    /// Where to continue a list of pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    pub(crate) counts: Counts,
    /// The length of the result file.
    pub(crate) len: u64,
    /// The checksum of the result file.
    pub(crate) sum: u32,
    /// The result file was on the disk up to here before this was written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_synced: bool,
    /// Nothing is left to do.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_complete: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// How many rows ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
}

impl Counts {
    pub(crate) const fn rows(self) -> u64 {
        self.ok + self.failed + self.unknown
    }
}

impl Record {
    /// Returns the record as a line.
    pub(crate) fn to_line(&self) -> serde_json::Result<Vec<u8>> {
        let json = serde_json::to_string(self)?;
        let checksum = crc32fast::hash(json.as_bytes());
        Ok(format!("{checksum:08x} {json}\n").into_bytes())
    }

    /// Parses a line; `None` if it is not a whole record.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\n")?;
        let (checksum, json) = line.split_at_checked(8)?;
        let json = json.strip_prefix(b" ")?;
        let checksum = u32::from_str_radix(std::str::from_utf8(checksum).ok()?, 16).ok()?;
        if checksum != crc32fast::hash(json) {
            return None;
        }
        serde_json::from_slice(json).ok()
    }
}
