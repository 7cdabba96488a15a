//! The routes of SuppressionList.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};

use ap_core::Service;

use crate::example_data::{self, LISTED, Listed};
use crate::response::{self, Response};

pub(super) fn routes() -> Router {
    Router::new()
        .route("/lists", get(lists))
        .route("/exists/{lists}/{value}", get(query))
}

async fn lists() -> Response {
    response::json(StatusCode::OK, &example_data::lists())
}

/// Looks a value up in one or more lists. A value that is on none of them gets a 404, as documented.
async fn query(Path((lists, value)): Path<(String, String)>) -> Response {
    let specified: Vec<&str> = lists.split('|').collect();
    let known = example_data::lists();
    let is_known = |name: &&str| {
        let mut known = known.as_array().into_iter().flatten();
        known.any(|list| list["url_name"] == **name)
    };
    if !specified.iter().all(is_known) {
        let reason =
            "this emulator has no such list, and what the vendor responds then is not documented";
        return response::error(
            Service::SuppressionList,
            StatusCode::NOT_IMPLEMENTED,
            reason,
        );
    }
    let standard = value.trim().to_lowercase();
    let entries: Vec<&Listed> = LISTED
        .iter()
        .filter(|entry| specified.contains(&entry.list_url_name))
        .filter(|entry| standard == entry.value || standard == entry.md5)
        .collect();
    let mut body = json!({
        "specified_lists": specified,
        "key": value,
        "found": !entries.is_empty(),
    });
    if entries.is_empty() {
        return response::json(StatusCode::NOT_FOUND, &body);
    }
    let names = entries.iter().map(|entry| Value::from(entry.list_url_name));
    body["exists_in_lists"] = names.collect();
    body["entries"] = entries.iter().map(|entry| entry.to_json()).collect();
    response::json(StatusCode::OK, &body)
}
