//! Submitting leads, and pings before that.

use super::{Refusal, not_found, plain_text};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Method, Request, StatusCode};

use super::body::{self, Fields};
use super::flow::{self, Flow, Source};
use super::values::lead_fields;
use super::verdict::{Form, Verdict};
use crate::credentials::{self, Credentials};
use crate::products::lead_conduit::{PRODUCT, SERVICE};
use crate::request_body;
use crate::response::{self, Response};
use crate::state::events::event::{Event, Kind, Outcome, Step};
use crate::state::events::lead::Lead;
use crate::state::store::Name;
use crate::state::{EmulatorState, Shared};

/// The lead's values together may not be longer, so that answers stay short.
const MAX_LEAD_BYTES: usize = 64 * 1024;

pub(super) async fn submit(
    State(shared): State<Arc<Shared>>,
    Path(ids): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    answer(&shared, &ids, request, false).await
}

pub(super) async fn ping(
    State(shared): State<Arc<Shared>>,
    Path(ids): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    answer(&shared, &ids, request, true).await
}

async fn answer(
    shared: &Shared,
    (flow, source): &(String, String),
    request: Request<Body>,
    is_ping: bool,
) -> Response {
    let answered = respond(shared, flow, source, request, is_ping).await;
    answered.unwrap_or_else(|refusal| *refusal)
}

async fn respond(
    shared: &Shared,
    flow: &str,
    source: &str,
    request: Request<Body>,
    is_ping: bool,
) -> Result<Response, Refusal> {
    check_method(request.method())?;
    let (head, body) = request.into_parts();
    let form = Form::accepted(&head.headers)?;
    let room = &shared.body_room;
    let held = request_body::read_held(SERVICE, body, shared.client_timeout, room).await?;
    let query = head.uri.query().unwrap_or_default();
    let mut fields = body::read(query, &head.headers, held.as_bytes())?;
    let redirect = redirect(query, &mut fields)?;

    let mut state = shared.lock();
    let id = flow.to_ascii_lowercase();
    let text = state.store.get(Name::DeployedFlows, &id);
    let text = text.ok_or_else(not_found)?;
    // A flow that makes no sense has no sources, so nobody can submit to it.
    let flow = Flow::parse(&text).map_err(|_| not_found())?;
    let source = flow.source(source);
    let source = source.ok_or_else(not_found)?;
    if source.authentication_required {
        authenticate(&mut state, &head.headers)?;
    }
    let (verdict, status) = match is_ping {
        true => (bid(&mut state, &flow, source, fields)?, StatusCode::OK),
        false => (
            process(&mut state, &flow, source, fields)?,
            StatusCode::CREATED,
        ),
    };
    drop(state);
    match redirect {
        Some(location) if verdict.outcome == Outcome::Success => {
            let mut response = verdict.response(StatusCode::SEE_OTHER, form);
            response.headers_mut().insert(LOCATION, location);
            Ok(response)
        }
        _ => Ok(verdict.response(status, form)),
    }
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    if method == Method::GET || method == Method::POST {
        return Ok(());
    }
    let reason = format!("The {method} method is not allowed");
    let mut refusal = plain_text(StatusCode::METHOD_NOT_ALLOWED, reason);
    let allowed = HeaderValue::from_static("GET, POST");
    refusal.headers_mut().insert(http::header::ALLOW, allowed);
    Err(refusal)
}

/// The first `redir_url` of the query counts.
fn redirect(query: &str, fields: &mut Fields) -> Result<Option<HeaderValue>, Refusal> {
    let url = fields.remove("redir_url");
    if !query.contains("redir_url=") {
        return Ok(None);
    }
    let url = url.unwrap_or_default();
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    let location = HeaderValue::from_str(&url).ok().filter(|_| is_web);
    let refusal = || {
        let reason = "Invalid redir_url".to_owned();
        plain_text(StatusCode::BAD_REQUEST, reason)
    };
    location.map(Some).ok_or_else(refusal)
}

/// Source Authentication: the submitter sends its own key. Here that is the account's.
fn authenticate(state: &mut EmulatorState, headers: &HeaderMap) -> Result<(), Refusal> {
    let accepted = state.account.accepted_by(PRODUCT);
    if credentials::check(headers, accepted) == Credentials::Accepted {
        state.count_acceptance(PRODUCT);
        return Ok(());
    }
    state.count_refusal(PRODUCT);
    let reason = "Unauthorized source";
    let refusal = response::error(SERVICE, StatusCode::UNAUTHORIZED, reason);
    Err(Box::new(refusal))
}

fn new_lead(
    state: &mut EmulatorState,
    flow: &Flow,
    source: &Source,
    fields: Fields,
    is_ping: bool,
) -> Result<Arc<Lead>, Refusal> {
    let submitted_ms = state.events.now_ms();
    let lead = Lead {
        id: state.events.new_id(submitted_ms),
        submitted_ms,
        // Clients are on loopback.
        ip: "127.0.0.1".into(),
        flow: flow.party(),
        source: source.entity.party(),
        fields: lead_fields(fields, &flow.fields, is_ping),
    };
    if lead.bytes() > MAX_LEAD_BYTES {
        let reason = format!("the lead has more than {MAX_LEAD_BYTES} bytes");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Err(plain_text(status, reason));
    }
    Ok(Arc::new(lead))
}

/// Says what is wrong before any step.
fn refuse(flow: &Flow, source: &Source, lead: &Lead) -> Option<(Outcome, String)> {
    let error = |reason: &str| Some((Outcome::Error, reason.to_owned()));
    if !flow.enabled {
        return error("The flow is disabled");
    }
    if source.enabled == Some(false) {
        return error("The source is disabled");
    }
    let criteria = [&flow.acceptance_criteria, &source.acceptance_criteria];
    let mut criteria = criteria.into_iter().flatten();
    criteria.find_map(|criteria| criteria.refuse(lead))
}

/// A new event of a lead that is submitted now.
fn event(state: &mut EmulatorState, lead: &Arc<Lead>, kind: Kind, outcome: Outcome) -> Event {
    let created_ms = lead.submitted_ms;
    let id = state.events.new_id(created_ms);
    Event::new(id, created_ms, Arc::clone(lead), kind, outcome)
}

/// Takes a lead through the flow.
fn process(
    state: &mut EmulatorState,
    flow: &Flow,
    source: &Source,
    fields: Fields,
) -> Result<Verdict, Refusal> {
    let lead = new_lead(state, flow, source, fields, false)?;
    let offered = flow::price([&source.pricing, &flow.pricing], &lead);
    let mut refusal = refuse(flow, source, &lead);
    let mut step_count = 0;
    for step in &flow.steps {
        if refusal.is_some() {
            break;
        }
        if step.enabled == Some(false) {
            continue;
        }
        step_count += 1;
        let (event, end) = take_step(state, step, &lead, offered);
        state.events.push(event);
        refusal = end;
    }
    let (outcome, reason) = refusal.unwrap_or((Outcome::Success, String::new()));
    let price = match outcome {
        Outcome::Success => offered,
        _ => 0.0,
    };
    let last = event(state, &lead, Kind::Source, outcome);
    state.events.push(Event {
        reason: reason.clone().into(),
        step_count,
        purchase_price: price,
        ..last
    });
    Ok(Verdict {
        outcome,
        reason: Some(reason).filter(|reason| !reason.is_empty()),
        lead: vec![("id", lead.id.to_string())],
        price: Some(price),
        has_null_reason: false,
    })
}

/// Returns the event of a step; with the outcome and its reason if the lead comes no further.
fn take_step(
    state: &mut EmulatorState,
    step: &flow::Step,
    lead: &Arc<Lead>,
    offered: f64,
) -> (Event, Option<(Outcome, String)>) {
    let passes = flow::passes(step.rule_set.as_ref(), lead);
    if step.kind == "filter" {
        let reason = step.reason.clone().unwrap_or_default();
        let (outcome, shown) = match passes {
            true => (Outcome::Stop, reason.clone()),
            false => (Outcome::Continue, String::new()),
        };
        let event = Event {
            reason: shown.into(),
            ..event(state, lead, Kind::Filter, outcome)
        };
        let end = || {
            let outcome = flow::outcome(step.outcome.as_deref().unwrap_or_default());
            (outcome, reason)
        };
        return (event, passes.then(end));
    }
    let outcome = match passes {
        true => Outcome::Success,
        false => Outcome::Skip,
    };
    let recipient = step.entity.as_ref().map(flow::Entity::party);
    let module_id = step.integration.as_ref().map(|it| it.module_id.clone());
    let sale_price = flow::price([&step.pricing], lead);
    let event = Event {
        step: recipient.map(|recipient| Step {
            id: step.id.clone().into(),
            module_id: module_id.unwrap_or_default().into(),
            recipient,
        }),
        purchase_price: if passes { offered } else { 0.0 },
        sale_price: if passes { sale_price } else { 0.0 },
        ..event(state, lead, Kind::Recipient, outcome)
    };
    (event, None)
}

/// Bids on a lead. No event is listed for it; it is only counted.
fn bid(
    state: &mut EmulatorState,
    flow: &Flow,
    source: &Source,
    fields: Fields,
) -> Result<Verdict, Refusal> {
    let lead = new_lead(state, flow, source, fields, true)?;
    let disabled = || {
        (
            Outcome::Failure,
            "pings are not enabled for this flow".to_owned(),
        )
    };
    let refusal = match flow.ping_enabled {
        true => refuse(flow, source, &lead),
        false => Some(disabled()),
    };
    let offered = flow::price([&source.pricing, &flow.pricing], &lead);
    let no_bid = || (Outcome::Failure, "no bid".to_owned());
    let refusal = refusal.or_else(|| (offered <= 0.0).then(no_bid));
    let (outcome, price) = match &refusal {
        Some((outcome, _)) => (*outcome, 0.0),
        None => (Outcome::Success, offered),
    };
    let event = event(state, &lead, Kind::Ping, outcome);
    state.events.push(event);
    Ok(Verdict {
        outcome,
        reason: refusal.map(|(_, reason)| reason),
        lead: Vec::new(),
        price: Some(price),
        has_null_reason: false,
    })
}
