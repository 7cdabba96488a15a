//! Credentials of integrations.

use std::sync::Arc;

use axum::Router;

use super::handlers;
use super::resource::Resource;
use crate::state::Shared;
use crate::state::store::Name;

const CREDENTIALS: Resource = Resource {
    name: Name::Credentials,
    path: "/credentials",
    noun: "a credential",
    defaults: &[
        ("name", "\"Untitled credential\""),
        ("package", "\"leadconduit-default\""),
        ("type", "\"token\""),
    ],
    is_null_when_empty: true,
    ..Resource::BASE
};

pub(super) fn routes() -> Router<Arc<Shared>> {
    handlers::routes(&CREDENTIALS)
}
