#![doc = include_str!("../README.md")]

mod agent;
mod call;
mod chunks;
mod convert;
mod guard;
mod names;
mod transport;
mod veil;
mod wire;

pub use ap_client;
pub use ap_client::ap_core;
pub use convert::{body_error, send_error};
pub use transport::UreqTransport;
pub use ureq;

/// A blocking client for the ActiveProspect APIs.
pub type Client = ap_client::Client<ap_client::Blocking>;

/// Makes one.
pub type ClientBuilder = ap_client::ClientBuilder<ap_client::Blocking, UreqTransport>;
