//! The routes of TrustedForm.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::example_data;
use crate::response::{self, Response};

pub(super) fn routes() -> Router {
    Router::new().route("/account", get(account))
}

async fn account() -> Response {
    response::json(StatusCode::OK, &example_data::trusted_form_account())
}
