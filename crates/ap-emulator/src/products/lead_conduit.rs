//! The routes of LeadConduit, which also serves the account API.

mod event_metrics;
mod event_stats;
mod events;
mod feedback;
mod fields;
mod firehose;
mod flow;
mod lead_search;
mod query;
mod rendered_list;
mod spans;
mod submission;
mod submission_body;
mod tally;
mod verdict;

use std::sync::Arc;

use ap_core::Service;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{any, get};
use http::{Method, StatusCode};
use serde_json::Value;

use super::flow_list::FlowList;
use crate::response::{self, JSON, Response};
use crate::state::Shared;
use crate::state::plan::Plan;
use crate::{Product, example_data, request_body};

const PRODUCT: Product = Product::LeadConduit;
const SERVICE: Service = Service::LeadConduit;

pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/user", get(user))
        .route("/account", get(account))
        .route("/flows", get(list_flows).post(create_flow))
        .route("/flows/{id}", get(flow))
        .route(
            "/flows/{id}/sources/{source}/submit",
            any(submission::submit),
        )
        .route("/flows/{id}/sources/{source}/ping", any(submission::ping))
        .route("/feedback", any(feedback::feedback))
        .route("/events", get(events::list).post(events::list_by_body))
        .route("/events/{id}", get(events::event))
        .route("/events/stats", get(event_stats::stats))
        .route("/events/event-metrics/median", get(event_metrics::median))
        .route("/events/event-metrics/funnel", get(event_metrics::funnel))
        .route("/events/event-metrics/count", get(event_metrics::count))
        .route(
            "/events/event-metrics/count_unique",
            get(event_metrics::count_unique),
        )
        .route(
            "/events/event-metrics/select_unique",
            get(event_metrics::select_unique),
        )
        .route("/search/leads", get(lead_search::search))
        .route("/firehose", get(firehose::check))
        .route("/fields", get(fields))
        .route("/reports", get(reports))
        .route("/reports/{id}", get(report))
        .with_state(shared)
}

/// Returns `true` for a shared report, which the token in its path is enough to read and to run.
pub(super) fn is_shared_report(method: &Method, path: &str) -> bool {
    let below_token = path
        .strip_prefix("/reports/")
        .and_then(|rest| rest.strip_prefix(example_data::REPORT_TOKEN));
    (method == Method::GET || method == Method::HEAD)
        && below_token.is_some_and(|below| matches!(below, "" | "/run" | "/meta"))
}

/// A free account may not use the lead resources, even with the accepted key.
pub(super) fn refuse_plan(plan: Plan, path: &str) -> Option<Response> {
    let needs_paid = ["/flows", "/fields", "/leads"].into_iter().any(|root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    (plan == Plan::Free && needs_paid)
        .then(|| response::json_text(StatusCode::UNAUTHORIZED, r#"{"error":"not authorized"}"#))
}

async fn user(State(shared): State<Arc<Shared>>) -> Response {
    let state = shared.lock();
    // A product does not know a newer key than the last login brought to it.
    let key = state.account.accepted_by(PRODUCT).as_str();
    ok(&example_data::user(key, &shared.addresses))
}

async fn account(State(shared): State<Arc<Shared>>) -> Response {
    let state = shared.lock();
    let key = state.account.accepted_by(PRODUCT).as_str();
    ok(&example_data::account(key, state.plan))
}

async fn list_flows(State(shared): State<Arc<Shared>>) -> Response {
    let list = FlowList::new(shared);
    response::with_body(StatusCode::OK, JSON, list.len(), Body::new(list))
}

async fn flow(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    match shared.lock().flows.get(&id) {
        Some(flow) => response::json_text(StatusCode::OK, flow),
        None => response::not_found(SERVICE),
    }
}

async fn create_flow(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let room = &shared.body_room;
    let held = match request_body::read_held(SERVICE, body, shared.client_timeout, room).await {
        Ok(held) => held,
        Err(refusal) => return refusal,
    };
    match shared.lock().flows.create(held.as_bytes()) {
        Ok(flow) => response::json_text(StatusCode::CREATED, flow),
        Err(refusal) => response::error(SERVICE, refusal.status, refusal.reason),
    }
}

async fn fields() -> Response {
    ok(&example_data::fields())
}

async fn reports() -> Response {
    ok(&Value::Array(example_data::reports().into()))
}

/// Finds a report by its id or by its token.
async fn report(Path(id): Path<String>) -> Response {
    let reports = example_data::reports();
    let mut reports = reports.iter();
    found(reports.find(|report| report["id"] == *id || report["token"] == *id))
}

fn found(body: Option<&Value>) -> Response {
    body.map_or_else(|| response::not_found(SERVICE), ok)
}

fn ok(body: &Value) -> Response {
    response::json(StatusCode::OK, body)
}
