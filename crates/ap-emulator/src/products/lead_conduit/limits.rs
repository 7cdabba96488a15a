//! The counters of caps and ping limits.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use http::Uri;
use serde_json::Value;

use super::handlers::{self, App};
use super::query::Query;
use super::resource::Refusal;
use crate::example_data;
use crate::state::Shared;
use crate::state::store::Name;

pub(super) fn routes() -> Router<Arc<Shared>> {
    counters("/caps", example_data::cap_counters)
        .merge(counters("/ping_limits", example_data::ping_limit_counters))
}

/// The routes of counters. Those of a flow are there as long as the flow.
fn counters(path: &'static str, all: fn() -> [Value; 1]) -> Router<Arc<Shared>> {
    let existing = move |shared: &Shared| {
        let store = &shared.lock().store;
        let flow = |counter: &Value| counter["flow_id"].as_str().map(str::to_owned);
        let exists =
            |counter: &Value| flow(counter).is_some_and(|id| store.contains(Name::Flows, &id));
        all().into_iter().filter(exists).collect::<Vec<_>>()
    };
    let list = move |State(shared): App, uri: Uri| async move {
        let query = Query::parse(&uri)?;
        let flow = query.get("flow_id");
        let is_wanted = |counter: &Value| flow.is_none_or(|id| counter["flow_id"] == *id);
        let counters = existing(&shared).into_iter().filter(is_wanted);
        Ok::<_, Refusal>(handlers::ok(&counters.collect()))
    };
    let read = move |State(shared): App, Path(id): Path<String>| async move {
        let counters = existing(&shared);
        let counter = counters.iter().find(|counter| counter["id"] == *id);
        counter.map(handlers::ok).ok_or_else(Refusal::not_found)
    };
    Router::new()
        .route(path, get(list))
        .route(&format!("{path}/{{id}}"), get(read))
}
