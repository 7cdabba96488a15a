#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

// What is judged: cases, as data.
mod case;
mod case_info;
mod placeholders;

// Who judges: the suite runs cases for a subject.
mod choice;
mod expected_failures;
mod own_process;
mod progress;
mod queue;
mod runner;
mod skip;
mod subject;
mod suite;

// One run of a case.
mod authority;
mod context;
mod explain;
mod home_directory;
mod judge;
mod memory;
mod outcome;
mod raw_request;
mod request;
mod run;
mod secrets;
mod server;

// What comes out.
mod html;
mod report;

#[cfg(test)]
mod mutants;

pub use case::{Capability, CaseError, Level, Profile};
pub use case_info::CaseInfo;
pub use choice::ChoiceError;
pub use html::html;
pub use memory::peak_memory;
pub use report::{CaseReport, CaseState, Report};
pub use subject::block_on;
pub use suite::{Suite, check, check_async};
