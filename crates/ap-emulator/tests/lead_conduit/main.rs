//! The resources of LeadConduit and the account: what is created can be read, listed, changed and deleted.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
#[path = "../common/mod.rs"]
mod common;
mod deployed;
mod examples;
mod items;
mod sharing;
