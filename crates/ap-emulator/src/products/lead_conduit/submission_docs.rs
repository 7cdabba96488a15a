//! Who looked at the submission docs of other accounts. Clients hide these logs, or show them again.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, put};
use http::{StatusCode, Uri};
use serde_json::Value;

use super::handlers::{self, App, Failure};
use super::query::Query;
use super::resource::{Refusal, parse};
use crate::example_data;
use crate::json_object::JsonObject;
use crate::response::{self, JSON, Response};
use crate::state::Shared;
use crate::state::store::Name;

const ROOT: &str = "/submission_doc_access_logs";
/// Where a log has the ids that logs are hidden by.
const ACCOUNT: &str = "/submission_doc/flow/account/id";
const FLOW: &str = "/submission_doc/flow/id";
const SOURCE: &str = "/submission_doc/source/id";

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(ROOT, get(list))
        .route(&format!("{ROOT}/account/{{id}}"), put(hide_account))
        .route(&format!("{ROOT}/flow/{{id}}"), put(hide_flow))
        .route(
            &format!("{ROOT}/flow/{{id}}/source/{{source}}"),
            put(hide_source),
        )
}

async fn list(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let shows_hidden = Query::parse(&uri)?.get("show_hidden") == Some("true");
    let store = &shared.lock().store;
    let is_shown = |log: &Value| {
        shows_hidden
            || !store.contains(
                Name::HiddenAccessLogs,
                log["id"].as_str().unwrap_or_default(),
            )
    };
    let logs = example_data::access_logs().into_iter().filter(is_shown);
    Ok(handlers::ok(&logs.collect()))
}

async fn hide_account(
    shared: App,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Failure> {
    hide(shared, body, &[(ACCOUNT, id)]).await
}

async fn hide_flow(shared: App, Path(id): Path<String>, body: Body) -> Result<Response, Failure> {
    hide(shared, body, &[(FLOW, id)]).await
}

async fn hide_source(
    shared: App,
    Path((flow, source)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Failure> {
    hide(shared, body, &[(FLOW, flow), (SOURCE, source)]).await
}

/// Hides the logs that have these ids, or shows them again. The response has no body.
async fn hide(
    State(shared): App,
    body: Body,
    wanted: &[(&str, String)],
) -> Result<Response, Failure> {
    let is_wanted = |log: &Value| {
        let has =
            |(place, id): &(&str, String)| log.pointer(place) == Some(&Value::from(id.as_str()));
        wanted.iter().all(has)
    };
    handlers::change(&shared, body, |state, body| {
        let is_hidden = hidden(body)?;
        let logs = example_data::access_logs();
        let mut ids = logs
            .iter()
            .filter(|log| is_wanted(log))
            .filter_map(|log| log["id"].as_str());
        let mut ids = ids.by_ref().peekable();
        ids.peek().ok_or_else(Refusal::not_found)?;
        for id in ids {
            match is_hidden {
                true => drop(state.store.put(Name::HiddenAccessLogs, id, String::new())?),
                false => drop(state.store.remove(Name::HiddenAccessLogs, id)),
            }
        }
        Ok(response::with_type(StatusCode::OK, JSON, ""))
    })
    .await
}

/// The vendor's schema has the flag in `ui_state`, and the text of its error has it outside of it.
fn hidden(body: &[u8]) -> Result<bool, Refusal> {
    let members = parse("the visibility", body)?;
    let ui_state = members.get("ui_state").unwrap_or_default();
    let ui_state = JsonObject::parse(ui_state.as_bytes()).unwrap_or_default();
    match members.get("hidden").or_else(|| ui_state.get("hidden")) {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(Refusal::bad_request(
            "the member hidden is missing; it is true or false",
        )),
    }
}
