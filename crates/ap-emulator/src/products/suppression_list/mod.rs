//! The routes of SuppressionList.

mod items;
mod list;
mod time;

use std::sync::Arc;

use ap_core::Service;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::items::{Items, Unreadable};
use self::list::NewList;
use crate::content_type;
use crate::request_body::{self, HeldBody};
use crate::response::{self, Response};
use crate::state::plan::Plan;
use crate::state::suppression::{Index, Md5Hash, NotCreated, SuppressionLists};
use crate::state::{EmulatorState, Shared};

const SERVICE: Service = Service::SuppressionList;

pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/lists", get(lists).post(create))
        .route("/lists/{lists}/items", post(add).delete(remove))
        .route("/lists/{lists}/items/{values}", delete(remove_by_path))
        .route("/exists/{lists}/{value}", get(query))
        .with_state(shared)
}

/// Refuses every call of an account that does not pay.
pub(super) fn refuse_plan(plan: Plan) -> Option<Response> {
    (plan == Plan::Unpaid).then(|| {
        let body = json!({ "message": "Unpaid account" });
        response::json(StatusCode::PAYMENT_REQUIRED, &body)
    })
}

async fn lists(State(shared): State<Arc<Shared>>) -> Response {
    response::json(StatusCode::OK, &shared.lock().suppression.list_all())
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let held = match read(&shared, body).await {
        Ok(held) => held,
        Err(refusal) => return refusal,
    };
    let list = match NewList::parse(content_type::is_form(&headers), held.as_bytes()) {
        Ok(list) => list,
        Err(reason) => return refuse(StatusCode::BAD_REQUEST, reason),
    };
    let (status, reason) = match shared.lock().suppression.create(&list.name, list.ttl) {
        Ok(list) => return response::json(StatusCode::CREATED, &list),
        Err(NotCreated::NoName) => (
            StatusCode::BAD_REQUEST,
            "the name of the list has no letter and no digit",
        ),
        Err(NotCreated::Exists) => (
            StatusCode::NOT_IMPLEMENTED,
            "there is a list with this name, and what the vendor responds then is not documented",
        ),
        Err(NotCreated::Full) => (
            StatusCode::INSUFFICIENT_STORAGE,
            "this emulator cannot store more lists",
        ),
    };
    refuse(status, reason)
}

async fn add(
    State(shared): State<Arc<Shared>>,
    Path(lists): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    change(&shared, &lists, &headers, body, |lists, places, items| {
        let added_at = match &items.timestamp {
            None => Timestamp::now(),
            Some(text) => match time::parse(text) {
                Some(at) => at,
                None => {
                    let reason = "the timestamp is not a time";
                    return refuse(StatusCode::UNPROCESSABLE_ENTITY, reason);
                }
            },
        };
        let accepted = items.values.len();
        match lists.add(places, items.values, added_at) {
            Ok(()) => {
                let body = json!({ "accepted": accepted, "rejected": items.rejected });
                response::json(StatusCode::OK, &body)
            }
            Err(_) => refuse(
                StatusCode::INSUFFICIENT_STORAGE,
                "this emulator cannot store more values, and added none of these",
            ),
        }
    })
    .await
}

async fn remove(
    State(shared): State<Arc<Shared>>,
    Path(lists): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    change(&shared, &lists, &headers, body, remove_items).await
}

/// The older form, with the values in the path.
async fn remove_by_path(
    State(shared): State<Arc<Shared>>,
    Path((lists, values)): Path<(String, String)>,
) -> Response {
    let suppression = &mut shared.lock().suppression;
    match suppression.find(&lists) {
        Some(places) => remove_items(suppression, &places, Items::joined(&values)),
        None => unknown_list(),
    }
}

fn remove_items(lists: &mut SuppressionLists, places: &[Index], items: Items) -> Response {
    let sent = items.values.len() + items.rejected;
    let deleted = lists.remove(places, &items.values);
    let body = json!({ "deleted": deleted, "rejected": sent - deleted });
    response::json(StatusCode::OK, &body)
}

/// Reads the items in a body, and changes the lists by them.
async fn change(
    shared: &Shared,
    lists: &str,
    headers: &HeaderMap,
    body: Body,
    change: impl FnOnce(&mut SuppressionLists, &[Index], Items) -> Response,
) -> Response {
    let held = match read(shared, body).await {
        Ok(held) => held,
        Err(refusal) => return refusal,
    };
    let items = match Items::parse(content_type::is_form(headers), held.as_bytes()) {
        Ok(items) => items,
        Err(Unreadable(reason)) => return refuse(StatusCode::BAD_REQUEST, reason),
    };
    let EmulatorState { suppression, .. } = &mut *shared.lock();
    match suppression.find(lists) {
        Some(places) => change(suppression, &places, items),
        None => unknown_list(),
    }
}

/// Looks a value up in one or more lists. A value that is on none of them gets a 404, as documented.
async fn query(
    State(shared): State<Arc<Shared>>,
    Path((lists, value)): Path<(String, String)>,
) -> Response {
    let mut state = shared.lock();
    let Some(places) = state.suppression.find(&lists) else {
        return unknown_list();
    };
    let (names, entries): (Vec<String>, Vec<Value>) = Md5Hash::of(&value)
        .map(|hash| state.suppression.entries(&places, hash))
        .unwrap_or_default()
        .into_iter()
        .unzip();
    drop(state);
    let specified: Vec<&str> = lists.split('|').collect();
    let mut body = json!({
        "specified_lists": specified,
        "key": value,
        "found": !entries.is_empty(),
    });
    if entries.is_empty() {
        return response::json(StatusCode::NOT_FOUND, &body);
    }
    body["exists_in_lists"] = json!(names);
    body["entries"] = Value::Array(entries);
    response::json(StatusCode::OK, &body)
}

async fn read(shared: &Shared, body: Body) -> Result<HeldBody<'_>, Response> {
    request_body::read_held(SERVICE, body, shared.client_timeout, &shared.body_room).await
}

fn unknown_list() -> Response {
    let reason =
        "this emulator has no such list, and what the vendor responds then is not documented";
    refuse(StatusCode::NOT_IMPLEMENTED, reason)
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    response::error(SERVICE, status, reason)
}
