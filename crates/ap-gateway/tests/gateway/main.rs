//! The gateway, from outside: real sockets on both sides.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod forwarding;
mod limits;
mod refusals;
mod rotation;
mod sight;
#[cfg(unix)]
mod unix_socket;
