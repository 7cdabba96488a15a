//! SuppressionList's own routes.

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use crate::answer::{self, Answer};
use crate::seed;

pub(crate) fn routes() -> Router {
    Router::new().route("/lists", get(lists))
}

async fn lists() -> Answer {
    answer::json(StatusCode::OK, &seed::lists())
}
