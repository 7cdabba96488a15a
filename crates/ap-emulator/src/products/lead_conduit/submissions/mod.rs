//! Submitting leads, pings before that, and feedback after it.

mod body;
mod feedback;
mod flow;
mod submit;
mod values;
mod verdict;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use http::StatusCode;

use super::SERVICE;
use crate::response::{self, Response};
use crate::state::Shared;

/// The refusal of a request, which is plain text for most reasons.
type Refusal = Box<Response>;

fn plain_text(status: StatusCode, reason: impl Into<String>) -> Refusal {
    Box::new(response::plain_text(status, reason.into()))
}

fn not_found() -> Refusal {
    Box::new(response::not_found(SERVICE))
}

/// The handlers refuse other methods themselves, each in its own way.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/flows/{id}/sources/{source}/submit", any(submit::submit))
        .route("/flows/{id}/sources/{source}/ping", any(submit::ping))
        .route("/feedback", any(feedback::feedback))
}
