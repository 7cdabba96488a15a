//! Entities: the account's sources and recipients.

use std::sync::Arc;

use axum::Router;

use super::handlers;
use super::resource::Resource;
use crate::state::Shared;
use crate::state::store::Name;

pub(super) const ENTITIES: Resource = Resource {
    name: Name::Entities,
    path: "/entities",
    noun: "an entity",
    defaults: &[
        ("name", "\"Untitled entity\""),
        ("source", "null"),
        ("recipient", "null"),
        ("module_ids", "[]"),
    ],
    read_only: &[
        ("standard", Some("false")),
        ("pending", None),
        ("connected", None),
        ("invitation_id", None),
    ],
    change_type: Some("entity"),
    ..Resource::BASE
};

pub(super) fn routes() -> Router<Arc<Shared>> {
    handlers::routes(&ENTITIES).merge(handlers::changelogs(&ENTITIES))
}
