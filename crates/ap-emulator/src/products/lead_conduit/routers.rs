//! Routers, which send a lead to one of several flows. They cannot be deleted.

use std::sync::Arc;

use axum::Router;

use super::handlers;
use super::resource::Resource;
use crate::state::Shared;
use crate::state::store::Name;

const ROUTERS: Resource = Resource {
    name: Name::Routers,
    path: "/routers",
    noun: "a router",
    defaults: &[("routes", "[]")],
    is_sent_as_list: true,
    ..Resource::BASE
};

pub(super) fn routes() -> Router<Arc<Shared>> {
    handlers::routes(&ROUTERS)
}
