//! Keys, profiles and the change of a key.

#[path = "../common/mod.rs"]
mod common;

mod auth;
mod found_again;
mod profiles;
mod prompt;
mod rotate;
mod rotate_switching;
mod status;
