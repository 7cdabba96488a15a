//! Commands that work through many rows.

#[path = "../common/mod.rs"]
mod common;

mod bulk;
mod bulk_input;
mod bulk_resume;
mod shard;
