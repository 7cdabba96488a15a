//! Events: what happened to each lead at each step. List, get, count.
//!
//! [`List`] goes through all events, [`Get`] returns one, [`Stats`] counts, and [`metrics`] has the figures of the
//! product's charts.
//!
//! Export the events of a day:
//!
//! ```
//! use ap_api::leadconduit::events;
//! use ap_core::page::Walk;
//! use ap_core::{Endpoint, Error, Response};
//!
//! # fn send(endpoint: &events::List) -> Result<Response, Error> {
//! #     let _ = endpoint.draft();
//! #     Ok(http::Response::new("[]".into()).into())
//! # }
//! let list = events::List::new()
//!     .start("2026-11-25T00:00:00Z".parse()?)
//!     .end("2026-11-25T23:59:59.999Z".parse()?)
//!     .limit(1_000);
//! let mut walk = Walk::new(list); // with a client: for event in client.items(list) { … }
//! while let Some(due) = walk.due() {
//!     let response = send(due)?; // your HTTP stack
//!     for event in walk.received(response)?.items {
//!         println!("{}", serde_json::to_string(&event)?); // with every member that the product sent
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod event;
mod list;
pub mod metrics;
mod stats;

pub use event::{
    Event, EventKind, EventOutcome, Headers, HttpRequest, HttpResponse, LeadValue, RetryStatus,
    SecretValue, Transaction, Vars,
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
