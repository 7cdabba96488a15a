//! What the vendor publishes, and clients only read: packages, pricing services, destinations, exports, versions.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use http::Uri;
use serde_json::{Value, json};

use super::fields::short;
use super::handlers::{self, App};
use super::query::Query;
use super::resource::Refusal;
use crate::example_data;
use crate::json_object::{JsonObject, elements};
use crate::response::Response;
use crate::state::Shared;
use crate::state::store::{Name, Store};

/// The most flows that a destination names.
const MAX_USAGES: usize = 100;

pub(super) fn routes() -> Router<Arc<Shared>> {
    let fixed = |make: fn() -> Value| get(async move || handlers::ok(&make()));
    Router::new()
        .route("/packages", fixed(example_data::packages))
        .route("/packages/{id}", get(package))
        .route("/services", fixed(example_data::pricing_services))
        .route("/exports", fixed(example_data::exports))
        .route("/destinations", get(destinations))
        .route("/status", fixed(|| json!({ "version": "13.5.0" })))
        .route("/version/ui", fixed(|| json!({ "version": "13.5.0" })))
}

async fn package(Path(id): Path<String>) -> Result<Response, Refusal> {
    let packages = example_data::packages();
    let mut packages = packages.as_array().into_iter().flatten();
    let package = packages.find(|package| package["id"] == *id);
    package.map(handlers::ok).ok_or_else(Refusal::not_found)
}

async fn destinations(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let mut destinations = example_data::destinations();
    if Query::parse(&uri)?
        .all("include")
        .any(|included| included == "flow_usages")
    {
        for destination in destinations.as_array_mut().into_iter().flatten() {
            let usages = usages(&shared.lock().store, &destination["instance_id"]);
            destination["flow_usages"] = usages;
        }
    }
    Ok(handlers::ok(&destinations))
}

/// Returns the flows that use a destination.
fn usages(store: &Store, instance_id: &Value) -> Value {
    let instance_id = instance_id.to_string();
    let mut flows = Vec::new();
    for flow in store.list(Name::Flows).iter() {
        let members = JsonObject::parse(&flow.text).unwrap_or_default();
        let is_it = |destination: &str| {
            let members = JsonObject::parse(destination.as_bytes()).unwrap_or_default();
            members.get("instance_id") == Some(&*instance_id)
        };
        if elements(members.get("destinations").unwrap_or_default()).any(is_it) {
            flows.push(json!({ "id": &*flow.id, "name": short(&members, "name") }));
        }
    }
    let count = flows.len();
    flows.truncate(MAX_USAGES);
    json!({ "count": count, "flows": flows })
}
