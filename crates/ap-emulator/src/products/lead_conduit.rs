//! LeadConduit's own routes, with the account calls that its host answers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use http::{Method, StatusCode};
use serde_json::Value;

use crate::response::{self, Answer};
use crate::state::Shared;
use crate::{Plan, Product, example_data, request_body, router};

const HERE: Product = Product::LeadConduit;

pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/user", get(user))
        .route("/account", get(account))
        .route("/flows", get(list_flows).post(create_flow))
        .route("/flows/{id}", get(one_flow))
        .route("/fields", get(fields))
        .route("/reports", get(reports))
        .route("/reports/{id}", get(one_report))
        .with_state(shared)
}

/// Whether a request needs no key: whoever has the token of a shared report may read it.
pub(crate) fn is_open(method: &Method, path: &str) -> bool {
    (method == Method::GET || method == Method::HEAD)
        && path
            .strip_prefix("/reports/")
            .is_some_and(|token| token == example_data::REPORT_TOKEN)
}

/// A free account may not use the lead resources, however right its key is.
pub(crate) fn refuse_plan(plan: Plan, path: &str) -> Option<Answer> {
    let paid_only = ["/flows", "/fields", "/leads"].into_iter().any(|root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    (plan == Plan::Free && paid_only)
        .then(|| response::text(StatusCode::UNAUTHORIZED, r#"{"error":"not authorized"}"#))
}

async fn user(State(shared): State<Arc<Shared>>) -> Answer {
    let world = shared.world();
    // A product knows no newer key than the one that the last login brought to it.
    let key = world.account.taken_by(HERE).reveal();
    response::json(StatusCode::OK, &example_data::user(key, &shared.addresses))
}

async fn account(State(shared): State<Arc<Shared>>) -> Answer {
    let world = shared.world();
    let key = world.account.taken_by(HERE).reveal();
    response::json(StatusCode::OK, &example_data::account(key, world.plan))
}

async fn list_flows(State(shared): State<Arc<Shared>>) -> Answer {
    response::text(StatusCode::OK, shared.world().flows.to_json())
}

async fn one_flow(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let world = shared.world();
    world
        .flows
        .get(&id)
        .map_or_else(|| router::not_found(HERE), ok)
}

async fn create_flow(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let wanted = match request_body::read_json(HERE, body, shared.patience).await {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    match shared.world().flows.create(wanted) {
        Ok(flow) => response::json(StatusCode::CREATED, flow),
        Err(refusal) => response::error(HERE, refusal.status, refusal.reason),
    }
}

async fn fields() -> Answer {
    response::json(StatusCode::OK, &example_data::fields())
}

async fn reports() -> Answer {
    response::json(
        StatusCode::OK,
        &Value::Array(example_data::reports().into()),
    )
}

async fn one_report(Path(name): Path<String>) -> Answer {
    example_data::reports()
        .iter()
        .find(|report| report["id"] == *name || report["token"] == *name)
        .map_or_else(|| router::not_found(HERE), ok)
}

fn ok(body: &Value) -> Answer {
    response::json(StatusCode::OK, body)
}
