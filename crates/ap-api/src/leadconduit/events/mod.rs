//! Events: what happened to each lead at each step. List, get, count.
//!
//! [`List`] goes through all events, [`Get`] returns one, [`Stats`] counts, and [`metrics`] has the figures of the
//! product's charts.

mod event;
mod list;
pub mod metrics;
mod stats;

pub use event::{
    Event, EventKind, EventOutcome, HttpRequest, HttpResponse, LeadValue, RetryStatus, SecretValue,
    Transaction, Vars,
};
pub use list::List;
pub use stats::{Column, CountedKind, Interval, Row, Stats, StatsAsCsv, TimeZone};

use crate::Id;
use crate::operation::operation;

operation! {
    /// Returns one event.
    GET "/events/{id}" errors [401]
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Get { id: Id } -> Event
}
