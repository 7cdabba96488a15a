//! The user, the user's settings, and the account.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::handlers::{self, App, Failure};
use super::partners::{self, Role};
use super::resource::{Ids, Refusal, Resource, parse};
use crate::Product;
use crate::example_data::{self, USER_ID, iso_8601};
use crate::json_object::JsonObject;
use crate::response::Response;
use crate::state::store::Name;
use crate::state::{EmulatorState, Shared};

const USER_SETTINGS: Resource = Resource {
    name: Name::UserSettings,
    path: "/user_settings",
    noun: "the user's settings",
    ids: Ids::Only(USER_ID),
    defaults: &[("notifications", "{}")],
    ..Resource::BASE
};

pub(super) fn routes() -> Router<Arc<Shared>> {
    handlers::routes(&USER_SETTINGS)
        .route("/user", get(user))
        .route("/user/{id}", put(update_user))
        .route("/account", get(account).put(update_account))
        .route("/account_sso_sync", post(sync_account))
}

async fn user(State(shared): App) -> Response {
    handlers::ok(&shown_user(&shared, &shared.lock()))
}

/// The user's one setting is when a notice was seen: now, or never.
async fn update_user(
    State(shared): App,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Failure> {
    let user = handlers::change(&shared, body, |state, body| {
        if id != USER_ID {
            return Err(Refusal::not_found());
        }
        let members = parse("a change of the user", body)?;
        let ui_state = members.get("ui_state").unwrap_or_default();
        let ui_state = JsonObject::parse(ui_state.as_bytes()).unwrap_or_default();
        let has_seen: Option<bool> =
            member(&ui_state, "has_seen_free_account_modal", "true or false")?;
        let reason =
            "a change of the user needs the member has_seen_free_account_modal of ui_state";
        let has_seen = has_seen.ok_or_else(|| Refusal::bad_request(reason))?;
        state.settings.saw_modal_at = has_seen.then(Timestamp::now);
        Ok(shown_user(&shared, state))
    });
    user.await.map(|user| handlers::ok(&user))
}

fn shown_user(shared: &Shared, state: &EmulatorState) -> Value {
    // A product does not know a newer key than the last login brought to it.
    let key = state.account.accepted_by(Product::LeadConduit).as_str();
    let mut user = example_data::user(key, &shared.addresses);
    let seen = state.settings.saw_modal_at.map(iso_8601);
    user["ui_state"] = json!({ "has_seen_free_account_modal": seen });
    user
}

async fn account(State(shared): App) -> Response {
    handlers::ok(&shown_account(&shared.lock()))
}

async fn sync_account(State(shared): App) -> Response {
    let account = shown_account(&shared.lock());
    handlers::ok(&json!({ "success": true, "account": account }))
}

/// Changes the retention, the time of the last truncation, and features. All else is read-only.
async fn update_account(State(shared): App, body: Body) -> Result<Response, Failure> {
    let account = handlers::change(&shared, body, |state, body| {
        let members = parse("an account", body)?;
        let days = member(&members, "data_retention_in_days", "a number of days")?;
        let truncated_at: Option<String> = member(&members, "data_truncated_at", "a time")?;
        let truncated_at = truncated_at
            .map(|time| time.parse::<Timestamp>())
            .transpose();
        let truncated_at = truncated_at
            .map_err(|_| Refusal::bad_request("data_truncated_at is not a time in ISO 8601"))?;
        let features = members.get("features").unwrap_or_default();
        let features = JsonObject::parse(features.as_bytes()).unwrap_or_default();
        let shown = shown_account(state);
        let known = shown["features"].as_object().into_iter().flatten();
        let mut changed = Vec::new();
        for (name, _) in known {
            let is_on: Option<bool> = member(&features, name, "true or false")?;
            changed.extend(is_on.map(|is_on| (name.clone(), is_on)));
        }
        let settings = &mut state.settings;
        settings.data_retention_in_days = days.or(settings.data_retention_in_days);
        settings.data_truncated_at = truncated_at.or(settings.data_truncated_at);
        settings.features.extend(changed);
        Ok(shown_account(state))
    });
    account.await.map(|account| handlers::ok(&account))
}

fn shown_account(state: &EmulatorState) -> Value {
    let key = state.account.accepted_by(Product::LeadConduit).as_str();
    let mut account = example_data::account(key, state.plan);
    let settings = &state.settings;
    if let Some(days) = settings.data_retention_in_days {
        account["data_retention_in_days"] = json!(days);
    }
    if let Some(time) = settings.data_truncated_at {
        account["data_truncated_at"] = json!(iso_8601(time));
    }
    for (name, is_on) in &settings.features {
        account["features"][name] = json!(is_on);
    }
    account["pending_buyers"] = partners::pending(&state.store, Role::Recipient);
    account["pending_sellers"] = partners::pending(&state.store, Role::Source);
    account
}

/// Returns a member, or `None` if it is missing or null.
fn member<T: DeserializeOwned>(
    members: &JsonObject<'_>,
    name: &str,
    expected: &str,
) -> Result<Option<T>, Refusal> {
    let value = members.get(name).unwrap_or("null");
    serde_json::from_str(value)
        .map_err(|_| Refusal::bad_request(format!("{name} is not {expected}")))
}
