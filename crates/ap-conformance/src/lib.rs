#![doc = include_str!("../README.md")]

mod authority;
mod case;
mod home_directory;
mod html;
mod judge;
mod memory;
#[cfg(test)]
mod mutants;
mod outcome;
mod placeholders;
mod report;
mod run;
mod secrets;
mod server;
mod subject;
mod suite;

pub use case::{CaseError, Level};
pub use html::html;
pub use memory::peak_memory;
pub use report::{CaseReport, CaseState, Report};
pub use subject::block_on;
pub use suite::{CaseInfo, InvalidException, Suite, UnknownCase, check, check_async};
