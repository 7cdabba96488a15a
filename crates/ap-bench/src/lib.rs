//! What `cargo xtask bench` measures: the transports of this workspace and the bare libraries below them,
//! making the same calls to the same server, which is a process of its own.

pub mod load;
pub mod micro;
pub mod server;
pub mod subject;

#[path = "../../ap-conformance/examples/hyper_pool/transport.rs"]
mod hyper_pool;

/// Anything that goes wrong: a benchmark has nothing to do about it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The key of every call. No account has it.
pub const KEY: &str = "placeholder-key-of-the-benchmark";
