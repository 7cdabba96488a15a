//! Flows.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::json;

use super::handlers::{self, App};
use super::part_ids::Parts;
use super::resource::{Ids, Refusal, Resource};
use crate::json_object::{JsonObject, elements};
use crate::products::list_body;
use crate::response::Response;
use crate::state::Shared;
use crate::state::collection::List;
use crate::state::store::{Name, Store};

const DEPLOYED: &str = "Your flow was deployed and the most recent changes are now live";

pub(super) const FLOWS: Resource = Resource {
    name: Name::Flows,
    path: "/flows",
    noun: "a flow",
    ids: Ids::MadeOrChosen,
    defaults: &[
        ("name", "\"Untitled flow\""),
        ("enabled", "false"),
        ("fields", "[]"),
        ("sources", "[]"),
        ("steps", "[]"),
    ],
    parts: &[
        Parts {
            member: "sources",
            digits: 24,
        },
        Parts {
            member: "steps",
            digits: 6,
        },
    ],
    read_only: &[("errors", None)],
    deployed_as: Some(Name::DeployedFlows),
    change_type: Some("flow"),
    ..Resource::BASE
};

pub(super) fn routes() -> Router<Arc<Shared>> {
    handlers::routes(&FLOWS)
        .merge(handlers::changelogs(&FLOWS))
        .route("/flows/{id}/deploy", post(deploy))
        .route("/flows/{id}/fields", get(fields))
}

/// Makes the saved state of a flow the one that leads go through.
async fn deploy(State(shared): App, Path(id): Path<String>) -> Result<Response, Refusal> {
    let store = &mut shared.lock().store;
    FLOWS.get(store, &id)?;
    store.share(Name::Flows, &id, Name::DeployedFlows);
    Ok(handlers::ok(&json!({ "message": DEPLOYED })))
}

async fn fields(State(shared): App, Path(id): Path<String>) -> Result<Response, Refusal> {
    let fields = fields_of(&shared.lock().store, &id)?;
    Ok(list_body::response(fields))
}

/// Returns the fields of a flow, as far as they exist.
pub(super) fn fields_of(store: &Store, flow: &str) -> Result<List, Refusal> {
    let flow = FLOWS.get(store, flow)?;
    let members = JsonObject::parse(&flow).unwrap_or_default();
    let names = elements(members.get("fields").unwrap_or_default());
    let names: HashSet<&str> = names.map(|name| name.trim_matches('"')).collect();
    let fields = store.list(Name::Fields);
    Ok(fields.filtered(|field| names.contains(&*field.id)))
}
