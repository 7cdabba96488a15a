//! The gateway, from outside: real sockets on both sides.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod flood;
mod forwarding;
mod half_close;
mod heads;
mod keys;
mod limits;
mod refusals;
mod rotation;
mod sight;
mod smuggling;
mod stale;
#[cfg(unix)]
mod unix_socket;
