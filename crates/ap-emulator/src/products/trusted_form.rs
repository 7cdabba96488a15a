//! TrustedForm's own routes.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::example_data;
use crate::response::{self, Answer};

pub(crate) fn routes() -> Router {
    Router::new().route("/account", get(account))
}

async fn account() -> Answer {
    response::json(StatusCode::OK, &example_data::trusted_form_account())
}
