//! The routes of SuppressionList.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::example_data;
use crate::response::{self, Response};

pub(super) fn routes() -> Router {
    Router::new().route("/lists", get(lists))
}

async fn lists() -> Response {
    response::json(StatusCode::OK, &example_data::lists())
}
