#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod config;
pub mod error;
mod paced_body;
mod pools;
mod transport;
mod urls;

pub use ap_client;
pub use ap_client::ap_core;
pub use reqwest;
pub use transport::ReqwestTransport;

/// An async client for the ActiveProspect APIs. Cheap to clone; share it among tasks.
///
/// ```no_run
/// use ap_reqwest::ap_core::{ApiKey, Service};
/// use ap_reqwest::{Client, ClientBuilder};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client: Client = ClientBuilder::new().key(ApiKey::parse("1234567890")?).build()?;
/// let response = client.get(Service::LeadConduit, "/flows").send().await?.error_for_status()?;
/// println!("{}", response.text()?);
/// # Ok(())
/// # }
/// ```
pub type Client = ap_client::Client<ap_client::Async>;

/// Makes a [`Client`] over [`ReqwestTransport`].
///
/// ```
/// use ap_reqwest::ClientBuilder;
/// use ap_reqwest::ap_client::transport::TransportConfig;
/// use ap_reqwest::ap_core::ApiKey;
/// use std::time::Duration;
///
/// let config = TransportConfig::new().connect_timeout(Duration::from_secs(5));
/// let client = ClientBuilder::new()
///     .key(ApiKey::parse("1234567890")?)
///     .timeout(Duration::from_secs(20))
///     .build_with_config(&config)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type ClientBuilder = ap_client::ClientBuilder<ap_client::Async, ReqwestTransport>;
