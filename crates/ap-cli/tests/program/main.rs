//! The program's commands, apart from single calls: the program itself, its keys, and commands that work through many rows.
//!
//! Many of these tests mostly wait, so they are one program, in which they wait at the same time.

#[path = "../common/mod.rs"]
mod common;

// Commands that work through many rows.
#[path = "../bulk/bulk.rs"]
mod bulk;
#[path = "../bulk/bulk_input.rs"]
mod bulk_input;
#[path = "../bulk/bulk_resume.rs"]
mod bulk_resume;
#[path = "../bulk/bulk_runs.rs"]
mod bulk_runs;
#[path = "../bulk/bulk_server.rs"]
mod bulk_server;
#[path = "../bulk/progress.rs"]
mod progress;
#[path = "../bulk/shard.rs"]
mod shard;
#[path = "../bulk/stop.rs"]
mod stop;

// Keys, profiles and the change of a key.
#[path = "../keys/auth.rs"]
mod auth;
#[path = "../keys/found_again.rs"]
mod found_again;
#[path = "../keys/profiles.rs"]
mod profiles;
#[path = "../keys/prompt.rs"]
mod prompt;
#[path = "../keys/rotate.rs"]
mod rotate;
#[path = "../keys/rotate_switching.rs"]
mod rotate_switching;
#[path = "../keys/status.rs"]
mod status;

// The arguments, help, documents and completions, the connections, and the programs that it runs or serves.
mod commands;
mod completions;
mod documents;
mod emulate;
mod gateway;
mod help;
mod kubernetes;
mod proxy;
mod run;
mod signals;
mod systemd;
mod tls;
mod usage_errors;
