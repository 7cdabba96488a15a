#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod call_context;
mod config;
pub mod error;
mod hidden_key;
mod key_injector;
mod response_guard;
mod tcp;
mod transport;

pub use ap_client;
pub use ap_client::ap_core;
pub use transport::UreqTransport;
pub use ureq;

/// A blocking client for the ActiveProspect APIs. Cheap to clone; share it among threads.
///
/// ```no_run
/// use ap_ureq::ap_core::{ApiKey, Service};
/// use ap_ureq::{Client, ClientBuilder};
///
/// let client: Client = ClientBuilder::new().key(ApiKey::parse("1234567890")?).build()?;
/// let response = client.get(Service::LeadConduit, "/flows").send()?.error_for_status()?;
/// println!("{}", response.text()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Client = ap_client::Client<ap_client::Blocking>;

/// Makes a [`Client`] over [`UreqTransport`].
///
/// ```
/// use ap_ureq::ClientBuilder;
/// use ap_ureq::ap_client::transport::TransportConfig;
/// use ap_ureq::ap_core::ApiKey;
/// use std::time::Duration;
///
/// let config = TransportConfig::new().connect_timeout(Duration::from_secs(5));
/// let client = ClientBuilder::new()
///     .key(ApiKey::parse("1234567890")?)
///     .timeout(Duration::from_secs(20))
///     .build_with_config(&config)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type ClientBuilder = ap_client::ClientBuilder<ap_client::Blocking, UreqTransport>;
