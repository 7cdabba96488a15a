//! Commands that call the API once or page by page.

#[path = "../common/mod.rs"]
mod common;

mod api;
mod api_fields;
mod api_responses;
mod api_secrets;
mod error_reports;
mod events;
mod leads;
mod lists;
mod members;
mod singer;
mod writing;
mod wrong_guesses;
