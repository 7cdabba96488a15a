//! The changelogs of all flows, fields, entities and reports.

use std::sync::Arc;

use axum::Router;

use super::handlers;
use crate::state::Shared;
use crate::state::store::Name;

pub(super) fn routes() -> Router<Arc<Shared>> {
    handlers::reading("/changelogs", Name::Changelogs)
}
