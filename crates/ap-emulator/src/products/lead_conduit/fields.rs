//! Fields, their types, and the variables that they make.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::flows;
use super::handlers::{self, App};
use super::query::Query;
use super::resource::{Ids, Refusal, Resource};
use crate::example_data;
use crate::json_object::JsonObject;
use crate::response::Response;
use crate::state::Shared;
use crate::state::store::{Name, Store};

/// The most variables in one response, which is not streamed.
const MAX_VARIABLES: usize = 200;

pub(super) const FIELDS: Resource = Resource {
    name: Name::Fields,
    path: "/fields",
    noun: "a field",
    ids: Ids::Named,
    defaults: &[("name", "\"Untitled field\""), ("type", "\"string\"")],
    read_only: &[("standard", Some("false"))],
    change_type: Some("field"),
    deleted: StatusCode::ACCEPTED,
    ..Resource::BASE
};

pub(super) fn routes() -> Router<Arc<Shared>> {
    handlers::routes(&FIELDS)
        .merge(handlers::changelogs(&FIELDS))
        .route("/types", get(types))
        .route("/vars", get(variables))
}

async fn types() -> Response {
    handlers::ok(&example_data::types())
}

/// Returns the variables of the fields. Their times are those of the examples.
async fn variables(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let query = Query::parse(&uri)?;
    let variables = listed(&shared.lock().store, &query)?;
    Ok(handlers::ok(&Value::Array(variables)))
}

fn listed(store: &Store, query: &Query) -> Result<Vec<Value>, Refusal> {
    let (start, end) = (query.time("start")?, query.time("end")?);
    let is_before = start.is_some_and(|start| start > example_data::LAST_USED);
    if is_before || end.is_some_and(|end| end < example_data::FIRST_USED) {
        return Ok(Vec::new());
    }
    let mut wanted: Option<HashSet<Arc<str>>> = None;
    for flow in query.all("flow_id") {
        let fields = flows::fields_of(store, flow)?;
        let ids = fields.iter().map(|item| Arc::clone(&item.id));
        wanted.get_or_insert_default().extend(ids);
    }
    let excluded: Vec<&str> = query.all("exclude").collect();
    let is_wanted = |id: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(id));
    let fields = store.list(Name::Fields);
    let fields = fields.iter().filter(|field| is_wanted(&field.id));
    let variables = fields.take(MAX_VARIABLES).map(|field| {
        let members = JsonObject::parse(&field.text).unwrap_or_default();
        let mut variable = json!({
            "name": format!("lead.{}", field.id),
            "label": short(&members, "name"),
            "type": short(&members, "type"),
            "first_used_at": example_data::FIRST_USED.to_string(),
            "last_used_at": example_data::LAST_USED.to_string(),
        });
        if let Some(members) = variable.as_object_mut() {
            members.retain(|name, _| {
                matches!(&**name, "name" | "label") || !excluded.contains(&&**name)
            });
        }
        variable
    });
    Ok(variables.collect())
}

/// Returns a member that is a text, cut off where it is longer than names are.
pub(super) fn short(members: &JsonObject<'_>, name: &str) -> String {
    let text: Option<String> = members
        .get(name)
        .and_then(|text| serde_json::from_str(text).ok());
    text.unwrap_or_default().chars().take(100).collect()
}
