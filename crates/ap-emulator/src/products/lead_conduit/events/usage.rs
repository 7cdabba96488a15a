//! How often the fields of a flow were used: for each, the leads that had a value of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::spans;
use super::tally::Tally;
use crate::products::lead_conduit::flows::fields_of;
use crate::products::lead_conduit::handlers::{self, App};
use crate::products::lead_conduit::query::Query;
use crate::products::lead_conduit::resource::Refusal;
use crate::response::Response;
use crate::rules::Rule;
use crate::state::events::event::Kind;

/// Counts the leads of today, or of another timeframe, that the flow processed.
pub(super) async fn usage(
    State(shared): App,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let query = Query::parse(&uri)?;
    let timeframe = query.get("timeframe").unwrap_or("today");
    let whole = spans::timeframe(timeframe, &TimeZone::UTC)?;
    let (fields, view) = {
        let state = shared.lock();
        (fields_of(&state.store, &id)?, state.events.view())
    };
    let mut counts: HashMap<Arc<str>, u64> = fields
        .iter()
        .map(|field| (Arc::clone(&field.id), 0))
        .collect();
    let mut tally: Tally<()> = Tally::new(vec![whole], Vec::new())?;
    let every = Rule::All(Vec::new());
    let counted = tally.run(&view, whole, &every, |(), event| {
        // Every lead has one event of its source.
        if event.kind == Kind::Source && event.lead.flow.id == id {
            for field in &event.lead.fields {
                if let Some(count) = counts.get_mut(&*field.name) {
                    *count += 1;
                }
            }
        }
        Ok(())
    });
    counted.await?;
    let counts = counts
        .into_iter()
        .map(|(name, count)| (name.to_string(), Value::from(count)));
    Ok(handlers::ok(&Value::Object(counts.collect::<Map<_, _>>())))
}
