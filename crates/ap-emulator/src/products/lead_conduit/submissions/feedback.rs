//! Feedback of a recipient on a lead that it received.

use super::{Refusal, not_found, plain_text};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Method, Request, StatusCode};

use super::body::{self, Fields};
use super::flow::{self, Flow};
use super::verdict::{Form, Verdict};
use crate::products::lead_conduit::SERVICE;
use crate::request_body;
use crate::response::Response;
use crate::state::events::event::{Event, FeedbackDetails, Kind, Outcome};
use crate::state::events::id::Id;
use crate::state::events::view::Found;
use crate::state::store::Name;
use crate::state::{EmulatorState, Shared};

/// The members of the lead in the answer.
const SHOWN: [&str; 4] = ["first_name", "last_name", "email", "phone_1"];
/// How long a reason may be.
const MAX_REASON: usize = 4096;

pub(super) async fn feedback(
    State(shared): State<Arc<Shared>>,
    request: Request<Body>,
) -> Response {
    let answered = respond(&shared, request).await;
    answered.unwrap_or_else(|refusal| *refusal)
}

async fn respond(shared: &Shared, request: Request<Body>) -> Result<Response, Refusal> {
    if request.method() != Method::GET && request.method() != Method::POST {
        // The vendor's module answers with this status, and not with 405.
        let reason = format!("The {} method is not supported", request.method());
        return Err(plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    let (head, body) = request.into_parts();
    let form = Form::accepted(&head.headers)?;
    let room = &shared.body_room;
    let held = request_body::read_held(SERVICE, body, shared.client_timeout, room).await?;
    let query = head.uri.query().unwrap_or_default();
    let fields = body::read(query, &head.headers, held.as_bytes())?;
    let (kind, reason) = what_is_said(&fields)?;

    let mut state = shared.lock();
    let event_id = fields.get("event_id").and_then(|id| Id::parse(id));
    let found = event_id.and_then(|id| state.events.find(id));
    let found = found.filter(|event| event.kind == Kind::Recipient);
    let received = found.ok_or_else(not_found)?;
    let verdict = receive(&mut state, &received, kind, reason);
    let status = match &verdict.reason {
        Some(reason) if reason.contains("forbidden") => StatusCode::CONFLICT,
        _ => StatusCode::CREATED,
    };
    Ok(verdict.response(status, form))
}

fn what_is_said(fields: &Fields) -> Result<(&'static str, String), Refusal> {
    let refusal = |reason: String| plain_text(StatusCode::BAD_REQUEST, reason);
    let kind = match fields.get("type").map(String::as_str) {
        Some("return") => "return",
        Some("conversion") => "conversion",
        _ => return Err(refusal("type must be return or conversion".to_owned())),
    };
    let reason = fields.get("reason").cloned().unwrap_or_default();
    if reason.len() > MAX_REASON {
        return Err(refusal(format!("reason has more than {MAX_REASON} bytes")));
    }
    Ok((kind, reason))
}

/// Accepts feedback if the recipient's step does, and sends it on if the source wants it.
fn receive(
    state: &mut EmulatorState,
    received: &Found,
    kind: &'static str,
    reason: String,
) -> Verdict {
    let lead = &received.lead;
    let flow = state.store.get(Name::DeployedFlows, &lead.flow.id);
    let flow = flow.and_then(|text| Flow::parse(&text).ok());
    let step = received.step.as_ref().zip(flow.as_ref());
    let accepting = step.and_then(|(step, flow)| flow.recipient_step(&step.id, &step.recipient.id));
    let accepting = accepting.and_then(|step| step.feedback.as_ref());
    let refusal = match accepting {
        None => Some("forbidden: this step does not accept feedback"),
        Some(feedback) if !flow::passes(feedback.rule_set.as_ref(), lead) => {
            Some("the rules of this step do not accept the feedback")
        }
        Some(_) => None,
    };
    let outcome = match refusal {
        Some(_) => Outcome::Failure,
        None => Outcome::Success,
    };
    let source = flow.as_ref().and_then(|flow| flow.source(&lead.source.id));
    let wants_it = source.and_then(|source| source.feedback.as_ref());
    let is_sent = refusal.is_none()
        && wants_it.is_some_and(|feedback| flow::passes(feedback.rule_set.as_ref(), lead));
    let details = FeedbackDetails {
        kind,
        reason: reason.into(),
        recipient_event: received.id,
    };
    if is_sent {
        push(state, received, Kind::FeedbackSent, outcome, "", &details);
    }
    let shown = refusal.unwrap_or_default();
    push(
        state,
        received,
        Kind::FeedbackReceived,
        outcome,
        shown,
        &details,
    );

    let values = SHOWN.into_iter();
    let values = values.filter_map(|name| Some((name, lead.text(name)?.to_owned())));
    Verdict {
        outcome,
        reason: refusal.map(str::to_owned),
        lead: [("id", lead.id.to_string())]
            .into_iter()
            .chain(values)
            .collect(),
        price: Some(received.purchase_price).filter(|_| kind == "return"),
        has_null_reason: true,
    }
}

fn push(
    state: &mut EmulatorState,
    received: &Found,
    kind: Kind,
    outcome: Outcome,
    reason: &'static str,
    details: &FeedbackDetails,
) {
    let created_ms = state.events.now_ms();
    let id = state.events.new_id(created_ms);
    let event = Event {
        reason: reason.into(),
        step: received.step.clone(),
        feedback: Some(details.clone()),
        ..Event::new(id, created_ms, Arc::clone(&received.lead), kind, outcome)
    };
    state.events.push(event);
}
