//! SuppressionList's own routes.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::example_data;
use crate::response::{self, Answer};

pub(crate) fn routes() -> Router {
    Router::new().route("/lists", get(lists))
}

async fn lists() -> Answer {
    response::json(StatusCode::OK, &example_data::lists())
}
