//! The routes of TrustedForm.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::example_data;
use crate::response::{self, Response};

/// The account look-up of TrustedForm's application.
pub(super) const ACCOUNT: &str = "/account";

pub(super) fn routes() -> Router {
    Router::new().route(ACCOUNT, get(account))
}

async fn account() -> Response {
    response::json(StatusCode::OK, &example_data::trusted_form_account())
}
