//! TrustedForm's own routes.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::answer::{self, Answer};
use crate::seed;

pub(crate) fn routes() -> Router {
    Router::new().route("/account", get(account))
}

async fn account() -> Answer {
    answer::json(StatusCode::OK, &seed::trusted_form_account())
}
