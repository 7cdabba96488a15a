//! What `cargo xtask bench` measures: the clients of this workspace and the bare libraries below them, which make the
//! same calls to the same server. The server is a process of its own.
#![forbid(unsafe_code)]

pub mod bulk;
pub mod events;
pub mod load;
pub mod micro;
pub mod server;
pub mod subject;

/// Any error. A benchmark only reports it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The key of every call. No account has it.
pub const KEY: &str = "placeholder-key-of-the-benchmark";
