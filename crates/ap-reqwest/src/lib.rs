#![doc = include_str!("../README.md")]

mod convert;
mod library;
mod transport;
mod urls;

pub use ap_core;
pub use convert::{body_error, send_error};
pub use reqwest;
pub use transport::ReqwestTransport;

/// An async client for the ActiveProspect APIs.
pub type Client = ap_core::AsyncClient<ReqwestTransport>;
