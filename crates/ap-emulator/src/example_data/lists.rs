//! The invented suppression lists and what is on them.

use jiff::{SignedDuration, Timestamp};

/// A list at the emulator's start.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// How long the list keeps a value, in seconds.
    pub(crate) ttl: Option<u64>,
    pub(crate) total_jobs: u64,
    pub(crate) values: &'static [&'static str],
    /// How old the values are.
    pub(crate) age: SignedDuration,
}

const THREE_DAYS: SignedDuration = SignedDuration::from_hours(3 * 24);
const A_YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

pub(crate) const LISTS: [List; 2] = [
    List {
        id: "65e0d4000000000000000001",
        name: "Sold Last Month",
        ttl: Some(2_592_000),
        total_jobs: 1,
        values: &["alex@example.com", "2025550188", "2025550189"],
        age: THREE_DAYS,
    },
    List {
        id: "65e0d4000000000000000002",
        name: "Do Not Call",
        ttl: None,
        total_jobs: 2,
        values: &[
            "robin@example.com",
            "2025550142",
            "2025550143",
            "2025550144",
        ],
        age: A_YEAR,
    },
];

/// Formats a time as SuppressionList does: ISO 8601, in UTC, in whole seconds.
pub(crate) fn iso_8601(at: Timestamp) -> String {
    format!("{at:.0}")
}
