#![doc = include_str!("../README.md")]

mod builtin;
mod case;
mod drive;
mod exec;
mod home;
mod html;
mod judge;
mod memory;
#[cfg(test)]
mod mutants;
mod outcome;
mod report;
mod run;
mod script;
mod secrets;
mod server;
mod stream;
mod suite;
mod template;
mod tls;

pub use case::{CaseError, Level};
pub use drive::block_on;
pub use html::html;
pub use memory::peak_memory;
pub use report::{CaseReport, CaseState, Report};
pub use suite::{CaseInfo, InvalidException, Suite, UnknownCase, check, check_async};
