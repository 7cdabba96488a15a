//! The handlers that all resources share.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::SERVICE;
use super::resource::{Refusal, Resource};
use crate::products::list_body;
use crate::request_body;
use crate::response::{self, Response};
use crate::state::collection::List;
use crate::state::store::Name;
use crate::state::{EmulatorState, Shared};

pub(super) type App = State<Arc<Shared>>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        response::error(SERVICE, self.status, &self.reason)
    }
}

/// The routes of list, create, get, update and delete. Those that are no operations are refused before.
pub(super) fn routes(resource: &'static Resource) -> Router<Arc<Shared>> {
    let list = async |State(shared): App| match shared.lock().store.list(resource.name) {
        list if list.len() == 0 && resource.is_null_when_empty => ok(&Value::Null),
        list => list_body::response(list),
    };
    let create = move |State(shared): App, body: Body| async move {
        let item = change(&shared, body, |state, body| {
            resource.create(&mut state.store, body)
        });
        item.await
            .map(|item| sent(resource, StatusCode::CREATED, item))
    };
    let read = move |State(shared): App, Path(key): Path<String>| async move {
        resource.get(&shared.lock().store, &key).map(text)
    };
    let update = move |State(shared): App, Path(key): Path<String>, body: Body| async move {
        let item = change(&shared, body, |state, body| {
            resource.update(&mut state.store, &key, body)
        });
        item.await.map(|item| sent(resource, StatusCode::OK, item))
    };
    let delete = move |State(shared): App, Path(key): Path<String>| async move {
        let item = resource.delete(&mut shared.lock().store, &key);
        item.map(|item| response::json_text(resource.deleted, item))
    };
    Router::new()
        .route(resource.path, get(list).post(create))
        .route(
            &format!("{}/{{id}}", resource.path),
            get(read).put(update).delete(delete),
        )
}

/// The route of the changelogs of one item.
pub(super) fn changelogs(resource: &'static Resource) -> Router<Arc<Shared>> {
    let list = move |State(shared): App, Path(id): Path<String>| async move {
        let store = &shared.lock().store;
        let changes = store.changes_of(resource.change_type.unwrap_or_default(), &id);
        // The changelogs of a deleted item are still there.
        match changes.len() {
            0 if !store.contains(resource.name, &id) => Err(Refusal::not_found()),
            _ => Ok(list_body::response(changes)),
        }
    };
    Router::new().route(&format!("{}/{{id}}/changelogs", resource.path), get(list))
}

/// The routes of a collection that clients only read.
pub(super) fn reading(path: &'static str, name: Name) -> Router<Arc<Shared>> {
    let list = move |State(shared): App| async move {
        list_body::response(shared.lock().store.list(name))
    };
    let read = move |State(shared): App, Path(id): Path<String>| async move {
        let item = shared.lock().store.get(name, &id);
        item.map(text).ok_or_else(Refusal::not_found)
    };
    Router::new()
        .route(path, get(list))
        .route(&format!("{path}/{{id}}"), get(read))
}

/// Reads the body of a request, and makes the change that it asks for.
pub(super) async fn change<T>(
    shared: &Shared,
    body: Body,
    change: impl FnOnce(&mut EmulatorState, &[u8]) -> Result<T, Refusal>,
) -> Result<T, Failure> {
    let room = &shared.body_room;
    let held = request_body::read_held(SERVICE, body, shared.client_timeout, room).await;
    let held = held.map_err(Failure::Unread)?;
    change(&mut shared.lock(), held.as_bytes()).map_err(Failure::Refusal)
}

/// Why a change was not made.
pub(super) enum Failure {
    /// The body could not be read.
    Unread(Response),
    Refusal(Refusal),
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Unread(response) => response,
            Self::Refusal(refusal) => refusal.into_response(),
        }
    }
}

fn sent(resource: &Resource, status: StatusCode, item: Bytes) -> Response {
    if !resource.is_sent_as_list {
        return response::json_text(status, item);
    }
    let mut response = list_body::response(List::of_one(item));
    *response.status_mut() = status;
    response
}

pub(super) fn text(item: Bytes) -> Response {
    response::json_text(StatusCode::OK, item)
}

pub(super) fn ok(body: &Value) -> Response {
    response::json(StatusCode::OK, body)
}
