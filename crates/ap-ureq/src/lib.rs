#![doc = include_str!("../README.md")]

mod agent;
mod convert;
mod transport;
mod veil;

pub use ap_core;
pub use convert::{body_error, send_error};
pub use transport::UreqTransport;
pub use ureq;

/// A blocking client for the ActiveProspect APIs.
pub type Client = ap_core::Client<UreqTransport>;
