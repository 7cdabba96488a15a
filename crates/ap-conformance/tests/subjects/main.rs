//! The suite judges other subjects than a transport of this workspace, and bad input to it is reported.
//!
//! These tests mostly wait, so they are one program, in which they wait at the same time.

#![allow(clippy::unwrap_used)]

mod bad_input;
mod hangs;
#[path = "../../examples/judge/lacks.rs"]
mod lacks;
mod levels;
#[cfg(unix)]
mod other_languages;
mod plain_transport;
#[cfg(unix)]
#[path = "../../examples/judge/programs.rs"]
mod programs;
#[allow(dead_code, reason = "the example's `main` is not called from here")]
#[path = "../../../ap-client/examples/std_transport/main.rs"]
mod std_transport;
mod trace;
