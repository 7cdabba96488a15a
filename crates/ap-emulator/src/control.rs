//! The control calls under `/_emulator/`: what the vendor's account settings page does, and the
//! faults. Its page is among them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::fault::{Fault, Kind};
use crate::response::{self, Answer};
use crate::state::Shared;
use crate::{Plan, Product, page, request_body};

const ROOT: &str = "/_emulator";
const MAX_QUEUED: usize = 1000;
const MAX_WAIT_MS: u64 = 600_000;

pub(crate) fn owns(path: &str) -> bool {
    path == page::ICON
        || path
            .strip_prefix(ROOT)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(crate) fn routes(shared: &Arc<Shared>) -> Router {
    page::routes(Arc::clone(shared)).merge(calls(Arc::clone(shared)))
}

fn calls(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_emulator/state", get(state))
        .route("/_emulator/changes", get(changes))
        .route("/_emulator/reset", post(reset))
        .route("/_emulator/login/{product}", post(login))
        .route("/_emulator/plan/{plan}", post(plan))
        .route("/_emulator/fault", post(fault))
        .with_state(shared)
}

async fn state(State(shared): State<Arc<Shared>>) -> Answer {
    answer_state(&shared)
}

async fn changes(State(shared): State<Arc<Shared>>) -> Answer {
    response::json(StatusCode::OK, &shared.world().history.to_json())
}

async fn reset(State(shared): State<Arc<Shared>>) -> Answer {
    let body = json!({ "key": shared.world().reset() });
    response::json(StatusCode::OK, &body)
}

async fn login(State(shared): State<Arc<Shared>>, Path(product): Path<String>) -> Answer {
    match product_named(&product) {
        Ok(product) => {
            shared.world().login(product);
            answer_state(&shared)
        }
        Err(refusal) => bad_request(&refusal),
    }
}

async fn plan(State(shared): State<Arc<Shared>>, Path(plan): Path<String>) -> Answer {
    match Plan::from_code(&plan) {
        Some(plan) => {
            shared.world().plan = plan;
            answer_state(&shared)
        }
        None => bad_request(&one_of("plan", Plan::ALL.map(Plan::code))),
    }
}

async fn fault(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let wanted = match request_body::read_json(Product::LeadConduit, body, shared.patience).await {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let fault = match parse_fault(&wanted) {
        Ok(fault) => fault,
        Err(refusal) => return bad_request(&refusal),
    };
    let mut world = shared.world();
    let faults = &mut world.side(fault.product).faults;
    if faults.len() >= MAX_QUEUED {
        return bad_request(&format!(
            "at most {MAX_QUEUED} faults can wait for one product"
        ));
    }
    faults.push(fault);
    drop(world);
    answer_state(&shared)
}

fn answer_state(shared: &Shared) -> Answer {
    response::json(StatusCode::OK, &shared.world().state().to_json())
}

fn parse_fault(wanted: &Value) -> Result<Fault, String> {
    let members = wanted.as_object().ok_or("a JSON object is needed")?;
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
    let product = product_named(text("product"))?;
    let kind =
        Kind::from_code(text("kind")).ok_or_else(|| one_of("kind", Kind::ALL.map(Kind::code)))?;
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
                "{name} is a whole number from {} to {}",
                allowed.start(),
                allowed.end()
            )
        })
}

fn product_named(code: &str) -> Result<Product, String> {
    Product::from_code(code).ok_or_else(|| one_of("product", Product::ALL.map(Product::code)))
}

fn one_of<const N: usize>(what: &str, allowed: [&str; N]) -> String {
    format!("allowed for {what}: {}", allowed.join(", "))
}

fn bad_request(reason: &str) -> Answer {
    response::json(StatusCode::BAD_REQUEST, &json!({ "error": reason }))
}
