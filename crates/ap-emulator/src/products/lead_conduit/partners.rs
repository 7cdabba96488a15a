//! Invitations of partners, connections with them, and onboards: the steps from the one to the other.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::entities::ENTITIES;
use super::flows::FLOWS;
use super::handlers::{self, App, Failure};
use super::resource::{Refusal, Resource, parse};
use crate::example_data::{self, iso_8601};
use crate::json_object::JsonObject;
use crate::response::{self, Response};
use crate::state::Shared;
use crate::state::changes::Action;
use crate::state::store::{Name, Store};

/// The most pending buyers, and the most pending sellers, that the account names.
const MAX_PENDING: usize = 100;
/// The longest address of e-mail.
const MAX_EMAIL: usize = 254;

const ONBOARDS: Resource = Resource {
    name: Name::Onboards,
    path: "/onboards",
    noun: "an onboard",
    defaults: &[("status", "\"created\"")],
    needed: &["invitation_id"],
    ..Resource::BASE
};

/// What an invited partner is to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Source,
    Recipient,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Recipient => "recipient",
        }
    }
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    let invite = |role: Role| post(move |shared: App, body: Body| invite(shared, role, body));
    handlers::routes(&ONBOARDS)
        .route("/invitations/source", invite(Role::Source))
        .route("/invitations/recipient", invite(Role::Recipient))
        .route("/invitations/{entity_id}/resend", put(resend))
        .route("/connections/{id}", get(connection))
        .route("/onboard/buyer", post(complete_buyer))
}

/// Makes a pending entity. Who was invited before gets no second one.
async fn invite(State(shared): App, role: Role, body: Body) -> Result<Response, Failure> {
    let answer = handlers::change(&shared, body, |state, body| {
        let members = parse("an invitation", body)?;
        let email = members.get("email").map(serde_json::from_str::<String>);
        let email = email
            .and_then(Result::ok)
            .filter(|email| email.contains('@') && email.len() <= MAX_EMAIL);
        let reason = "an invitation needs the member email, which is an e-mail address";
        let email = email.ok_or_else(|| Refusal::bad_request(reason))?;
        let store = &mut state.store;
        match invited(store, role, &email) {
            Some(entity) => {
                let message = "This partner was invited before";
                Ok(about_entity(StatusCode::OK, message, &entity))
            }
            None => {
                let entity = add_entity(store, role, &email)?;
                Ok(about_entity(
                    StatusCode::CREATED,
                    "The invitation was sent",
                    &entity,
                ))
            }
        }
    });
    answer.await
}

/// The name of an invitation in the store.
fn invited_name(role: Role, email: &str) -> String {
    format!("{} {email}", role.name())
}

fn invited(store: &Store, role: Role, email: &str) -> Option<Bytes> {
    let invitation = text(store, Name::Invited, &invited_name(role, email))?;
    invited_entity(store, &invitation)
}

/// Returns the entity that an invitation is for, unless it was deleted.
fn invited_entity(store: &Store, invitation: &str) -> Option<Bytes> {
    store.get(Name::Entities, &text(store, Name::Invitations, invitation)?)
}

fn text(store: &Store, name: Name, id: &str) -> Option<String> {
    String::from_utf8(store.get(name, id)?.into()).ok()
}

fn add_entity(store: &mut Store, role: Role, email: &str) -> Result<Bytes, Refusal> {
    let [id, invitation] = [Name::Entities, Name::Invitations].map(|name| store.new_id(name));
    let now = iso_8601(Timestamp::now());
    let (source, recipient) = match role {
        Role::Source => (json!("seller"), Value::Null),
        Role::Recipient => (Value::Null, json!("buyer")),
    };
    let entity = json!({
        "id": id,
        "name": email,
        "source": source,
        "recipient": recipient,
        "module_ids": [],
        "standard": false,
        "pending": true,
        "invitation_id": invitation,
        "created_at": now,
        "updated_at": now,
    });
    store.put(Name::Invitations, &invitation, id.clone())?;
    store.put(Name::Invited, &invited_name(role, email), invitation)?;
    ENTITIES.put(store, &id, Action::Create, None, entity.to_string())
}

fn about_entity(status: StatusCode, message: &str, entity: &[u8]) -> Response {
    let entity = String::from_utf8_lossy(entity);
    let body = format!(r#"{{"message":"{message}","entity":{entity}}}"#);
    response::json_text(status, body)
}

/// Sends the invitation of a pending entity again.
async fn resend(State(shared): App, Path(id): Path<String>) -> Result<Response, Refusal> {
    let entity = ENTITIES.get(&shared.lock().store, &id)?;
    let members = JsonObject::parse(&entity).unwrap_or_default();
    match members.get("pending") {
        Some("true") => Ok(about_entity(
            StatusCode::OK,
            "The invitation was sent again",
            &entity,
        )),
        _ => Err(Refusal::not_found()),
    }
}

/// Finds a connection by its id, its id in all products, or that of its invitation.
fn find_connection(id: &str) -> Option<Value> {
    let has_id = |connection: &Value| {
        ["id", "external_id", "invitation_id"]
            .iter()
            .any(|name| connection[*name] == *id)
    };
    example_data::connections().into_iter().find(has_id)
}

async fn connection(Path(id): Path<String>) -> Result<Response, Refusal> {
    let connection = find_connection(&id).ok_or_else(Refusal::not_found)?;
    Ok(handlers::ok(&connection))
}

/// Names the page of the flow that the buyer's delivery is in.
async fn complete_buyer(State(shared): App, body: Body) -> Result<Response, Failure> {
    let redirect = handlers::change(&shared, body, |state, body| {
        let members = parse("the buyer's setup", body)?;
        let [connection, invitation, flow] =
            ["connection_id", "invitation_id", "flow_id"].map(|name| {
                members
                    .get(name)
                    .and_then(|id| serde_json::from_str::<String>(id).ok())
            });
        let is_known = match (connection, invitation) {
            (Some(id), None) => find_connection(&id).is_some(),
            (None, Some(id)) => {
                find_connection(&id).is_some() || invited_entity(&state.store, &id).is_some()
            }
            _ => {
                let reason = "the buyer's setup needs either connection_id or invitation_id";
                return Err(Refusal::bad_request(reason));
            }
        };
        if let Some(flow) = &flow {
            FLOWS.get(&state.store, flow)?;
        }
        match is_known {
            true => Ok(format!("/flows/{}", flow.unwrap_or_default())),
            false => Err(Refusal::not_found()),
        }
    });
    let redirect = redirect.await?;
    Ok(handlers::ok(&json!({ "redirect": redirect })))
}

/// Returns the invited entities of a role, as the account names them.
pub(super) fn pending(store: &Store, role: Role) -> Value {
    let invited = store.list(Name::Invited);
    let prefix = invited_name(role, "");
    let emails = invited
        .iter()
        .filter_map(|item| Some((item.id.strip_prefix(&prefix)?, &item.text)));
    let entities = emails.filter_map(|(email, invitation)| {
        let invitation = std::str::from_utf8(invitation).ok()?;
        let id = text(store, Name::Invitations, invitation)?;
        store
            .contains(Name::Entities, &id)
            .then(|| json!({ "id": id, "name": email }))
    });
    entities.take(MAX_PENDING).collect()
}
