//! The routes of LeadConduit, which also serves the account API: one file for each resource.

mod account;
mod changelogs;
mod credentials;
mod entities;
mod events;
mod fields;
mod flows;
mod handlers;
mod limits;
mod part_ids;
mod partners;
mod published;
mod query;
mod reports;
mod resource;
mod routers;
mod submission_docs;
mod submissions;

use std::sync::Arc;

use ap_core::Service;
use axum::Router;
use http::{Method, StatusCode};

use crate::Product;
use crate::response::{self, Response};
use crate::state::Shared;
use crate::state::plan::Plan;
use crate::state::store::{Name, Store};

const PRODUCT: Product = Product::LeadConduit;
const SERVICE: Service = Service::LeadConduit;

pub(super) fn routes(shared: Arc<Shared>) -> Router {
    [
        account::routes(),
        changelogs::routes(),
        credentials::routes(),
        entities::routes(),
        events::routes(),
        fields::routes(),
        flows::routes(),
        limits::routes(),
        partners::routes(),
        published::routes(),
        reports::routes(),
        routers::routes(),
        submission_docs::routes(),
        submissions::routes(),
    ]
    .into_iter()
    .fold(Router::new(), Router::merge)
    .with_state(shared)
}

/// Returns `true` for a shared report, which the token in its path is enough to read and to run.
pub(super) fn is_shared_report(store: &Store, method: &Method, path: &str) -> bool {
    let Some(below) = path.strip_prefix("/reports/") else {
        return false;
    };
    let (token, call) = below.split_once('/').unwrap_or((below, ""));
    (method == Method::GET || method == Method::HEAD)
        && (matches!(call, "run" | "meta") || below == token)
        && store.contains(Name::ReportTokens, token)
}

/// A free account may not use the lead resources, even with the accepted key.
pub(super) fn refuse_plan(plan: Plan, path: &str) -> Option<Response> {
    let roots = ["/flows", "/fields", "/leads", "/search/leads"];
    let needs_paid = roots.into_iter().any(|root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    (plan == Plan::Free && needs_paid)
        .then(|| response::json_text(StatusCode::UNAUTHORIZED, r#"{"error":"not authorized"}"#))
}
