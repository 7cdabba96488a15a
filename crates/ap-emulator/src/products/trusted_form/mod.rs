//! The routes of TrustedForm: its certificates, and the account look-up of its application.

mod available;
mod claim;
mod identifiers;
mod insights;
mod match_lead;
mod operations;
mod page_scan;
mod refusal;
mod texts;
mod verify;
mod version;

use std::sync::Arc;

use ap_core::Service;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use self::available::{find, masked_url, times};
use self::claim::Claim;
use self::refusal::Refusal;
use self::version::Version;
use crate::example_data::certificates::{self as examples, Certificate, Kind, Times};
use crate::request_body;
use crate::response::{self, Response};
use crate::state::Shared;
use crate::state::plan::Plan;

const SERVICE: Service = Service::TrustedForm;

/// The account look-up of TrustedForm's application.
pub(super) const ACCOUNT: &str = "/account";

pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(ACCOUNT, get(account))
        .route("/{cert_id}", post(run).get(view))
        .route("/{cert_id}/check_in", post(check_in))
        .route("/{cert_id}/ping", post(ping).get(ping_v2))
        .with_state(shared)
}

/// An account that does not pay gets no certificate at all.
pub(super) fn refuse_plan(plan: Plan, path: &str) -> Option<Response> {
    (plan == Plan::Unpaid && path != ACCOUNT).then(|| {
        let reason = "Account is inactive";
        response::error(SERVICE, StatusCode::PAYMENT_REQUIRED, reason)
    })
}

async fn account() -> Response {
    response::json(StatusCode::OK, &examples::account())
}

/// Runs the operations of version 4.0, or claims the certificate as the older versions do.
async fn run(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let room = &shared.body_room;
    let held = match request_body::read_short(SERVICE, body, shared.client_timeout, room).await {
        Ok(held) => held,
        Err(refusal) => return refusal,
    };
    let Some(version) = Version::of(&headers) else {
        return Refusal::UnknownVersion.respond(Version::V4);
    };
    let result = match version {
        Version::V4 => operations::run(&shared, &id, &headers, held.as_bytes())
            .map(|results| response::json(StatusCode::OK, &results)),
        Version::V2 | Version::V3 => {
            retain_by_claim(&shared, &id, version, &headers, held.as_bytes())
                .map(|record| response::json(StatusCode::CREATED, &record))
        }
    };
    result.unwrap_or_else(|refusal| refusal.respond(version))
}

fn retain_by_claim(
    shared: &Shared,
    id: &str,
    version: Version,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, Refusal> {
    let claim = Claim::parse(headers, body)?;
    let mut state = shared.lock();
    if state.plan == Plan::Free {
        return Err(Refusal::NotInPlan);
    }
    let certificate = find(id)?;
    match certificate.kind {
        Some(Kind::Sandbox) => return Err(Refusal::NotClaimable),
        Some(Kind::ClaimedTooOften) => return Err(Refusal::ClaimedTooOften),
        _ => {}
    }
    state.certificates.retain(id)?;
    let masked_url = masked_url(shared, &certificate);
    let times = times(&state.certificates, id);
    Ok(match version {
        Version::V2 => claim.record_v2(&certificate, times, masked_url),
        _ => claim.record_v3(&certificate, times, masked_url),
    })
}

/// Shows a certificate without retaining it: as the record of a claim to programs, and as a page to people.
async fn view(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let record = show(&shared, &id, |certificate, times| {
        let masked_url = masked_url(&shared, certificate);
        Claim::default().record_v3(certificate, times, masked_url)
    });
    let wants_json = headers
        .get(ACCEPT)
        .is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("json")));
    match record {
        Ok(_) if !wants_json => {
            let page =
                "<!doctype html>\n<title>Certificate</title>\n<p>An example certificate.</p>\n";
            response::with_type(StatusCode::OK, "text/html; charset=utf-8", page)
        }
        Ok(record) => response::json(StatusCode::OK, &record),
        Err(refusal) => refusal.respond(Version::V3),
    }
}

/// Extends the time in which a certificate can be retained. Those here have the longest already, because
/// their form was submitted.
async fn check_in(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    shown(show(&shared, &id, |_, _| json!({})))
}

async fn ping(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    shown(show(&shared, &id, |certificate, times| {
        Claim::default().ping_v3(certificate, times)
    }))
}

async fn ping_v2(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    shown(show(&shared, &id, examples::ping_v2))
}

fn show(
    shared: &Shared,
    id: &str,
    record: impl FnOnce(&Certificate, Times) -> Value,
) -> Result<Value, Refusal> {
    let certificate = find(id)?;
    let times = times(&shared.lock().certificates, id);
    Ok(record(&certificate, times))
}

fn shown(record: Result<Value, Refusal>) -> Response {
    match record {
        Ok(record) => response::json(StatusCode::OK, &record),
        Err(refusal) => refusal.respond(Version::V3),
    }
}
