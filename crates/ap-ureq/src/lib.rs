#![doc = include_str!("../README.md")]

mod call_context;
mod config;
mod error;
mod hidden_key;
mod key_injector;
mod response_guard;
mod tcp;
mod transport;

pub use ap_core;
pub use error::{body_error, send_error};
pub use transport::{FreshConnection, UreqTransport};
pub use ureq;

/// A blocking client for the ActiveProspect APIs.
pub type Client = ap_core::Client<UreqTransport>;
