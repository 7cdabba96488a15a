#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod call_timer;
mod connection;
mod connector;
mod error;
mod informational;
mod limits;
mod origin_pool;
mod pool;
mod progress;
mod room;
mod slots;
mod stream;
mod tcp;
mod tls;
mod transport;
mod tunnel;

pub use ap_client;
pub use ap_client::ap_core;
pub use limits::Limits;
pub use transport::HyperTransport;

/// An async client for the ActiveProspect APIs. Cheap to clone; share it among tasks.
///
/// ```no_run
/// use ap_hyper::ap_core::{ApiKey, Service};
/// use ap_hyper::{Client, ClientBuilder};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client: Client = ClientBuilder::new().key(ApiKey::parse("1234567890")?).build()?;
/// let response = client.get(Service::LeadConduit, "/flows").send().await?.error_for_status()?;
/// println!("{}", response.text()?);
/// # Ok(())
/// # }
/// ```
pub type Client = ap_client::Client<ap_client::Async>;

/// Makes a [`Client`] over [`HyperTransport`].
///
/// ```
/// use ap_hyper::ClientBuilder;
/// use ap_hyper::ap_client::transport::TransportConfig;
/// use ap_hyper::ap_core::ApiKey;
/// use std::time::Duration;
///
/// let config = TransportConfig::new().connect_timeout(Duration::from_secs(5));
/// let client = ClientBuilder::new()
///     .key(ApiKey::parse("1234567890")?)
///     .timeout(Duration::from_secs(20))
///     .build_with_config(&config)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type ClientBuilder = ap_client::ClientBuilder<ap_client::Async, HyperTransport>;
