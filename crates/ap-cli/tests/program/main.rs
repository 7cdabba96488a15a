//! The program itself: its arguments, help, documents and completions, its connections, and the programs that it runs or serves.

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod completions;
mod documents;
mod emulate;
mod gateway;
mod help;
mod proxy;
mod run;
mod signals;
mod tls;
mod usage_errors;
