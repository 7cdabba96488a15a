//! The control API under `/_emulator/`: what a person does on the vendor's account page, and fault
//! injection.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::fault::{Fault, Kind};
use crate::page::fault_form;
use crate::response::{self, Response};
use crate::state::Shared;
use crate::state::plan::Plan;
use crate::{Product, content_type, operations, request_body};

const MAX_QUEUED: usize = 1000;
const MAX_WAIT_MS: u64 = 600_000;

pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_emulator/state", get(state))
        .route("/_emulator/changes", get(changes))
        .route("/_emulator/operations", get(operations))
        .route("/_emulator/reset", post(reset))
        .route("/_emulator/login/{product}", post(login))
        .route("/_emulator/plan/{plan}", post(plan))
        .route("/_emulator/fault", post(fault))
        .with_state(shared)
}

async fn state(State(shared): State<Arc<Shared>>) -> Response {
    state_response(&shared)
}

async fn changes(State(shared): State<Arc<Shared>>) -> Response {
    response::json(StatusCode::OK, &shared.lock().history.to_json())
}

async fn operations() -> Response {
    response::json(StatusCode::OK, &operations::to_json())
}

async fn reset(State(shared): State<Arc<Shared>>) -> Response {
    let body = json!({ "key": shared.lock().reset() });
    response::json(StatusCode::OK, &body)
}

async fn login(State(shared): State<Arc<Shared>>, Path(product): Path<String>) -> Response {
    match parse_product(&product) {
        Ok(product) => {
            shared.lock().login(product);
            state_response(&shared)
        }
        Err(reason) => bad_request(&reason),
    }
}

async fn plan(State(shared): State<Arc<Shared>>, Path(plan): Path<String>) -> Response {
    match Plan::from_name(&plan) {
        Some(plan) => {
            shared.lock().plan = plan;
            state_response(&shared)
        }
        None => bad_request(&one_of("plan", Plan::ALL.map(Plan::name))),
    }
}

async fn fault(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let parse = |body: &[u8]| parse_body(&headers, body);
    let requested = match request_body::read_control(body, shared.client_timeout, parse).await {
        Ok(requested) => requested,
        Err(refusal) => return refusal,
    };
    let fault = match parse_fault(&requested) {
        Ok(fault) => fault,
        Err(reason) => return bad_request(&reason),
    };
    let mut state = shared.lock();
    let faults = &mut state.product(fault.product).faults;
    if faults.len() >= MAX_QUEUED {
        return bad_request(&format!(
            "at most {MAX_QUEUED} faults can wait for one product"
        ));
    }
    faults.push(fault);
    drop(state);
    state_response(&shared)
}

fn state_response(shared: &Shared) -> Response {
    response::json(StatusCode::OK, &shared.lock().snapshot().to_json())
}

/// Parses JSON, or a form if the body says that it is one. curl says so of everything that `-d` sends,
/// JSON included.
fn parse_body(headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    let is_form = content_type::is_form(headers);
    let json = serde_json::from_slice(body).ok();
    json.or_else(|| fault_form::to_json(body).filter(|_| is_form))
}

fn parse_fault(requested: &Value) -> Result<Fault, String> {
    let members = requested.as_object().ok_or("a JSON object is needed")?;
    let allowed = ["product", "kind", "count", "ms"];
    if members.keys().any(|name| !allowed.contains(&name.as_str())) {
        return Err(one_of("members", allowed));
    }
    let text = |name: &str| {
        members
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let product = parse_product(text("product"))?;
    let kind =
        Kind::from_name(text("kind")).ok_or_else(|| one_of("kind", Kind::ALL.map(Kind::name)))?;
    let count = number(members, "count", 1, 1..=u64::from(u32::MAX))?;
    let wait = number(members, "ms", 0, 0..=MAX_WAIT_MS)?;
    let fault = Fault::new(product, kind, Duration::from_millis(wait));
    Ok(fault.times(u32::try_from(count).unwrap_or(u32::MAX)))
}

fn number(
    members: &Map<String, Value>,
    name: &str,
    default: u64,
    allowed: std::ops::RangeInclusive<u64>,
) -> Result<u64, String> {
    let Some(value) = members.get(name) else {
        return Ok(default);
    };
    value
        .as_u64()
        .filter(|number| allowed.contains(number))
        .ok_or_else(|| {
            format!(
                "{name} must be a whole number from {} to {}",
                allowed.start(),
                allowed.end()
            )
        })
}

fn parse_product(id: &str) -> Result<Product, String> {
    id.parse()
        .map_err(|_| one_of("product", Product::ALL.map(Product::id)))
}

fn one_of<const N: usize>(what: &str, allowed: [&str; N]) -> String {
    format!("allowed for {what}: {}", allowed.join(", "))
}

fn bad_request(reason: &str) -> Response {
    response::json(StatusCode::BAD_REQUEST, &json!({ "error": reason }))
}
