//! The async client, over reqwest.

use ap_client::Async;
use ap_client::ap_core::Error;
use ap_keys::{FromEnvironment, OnThread};
use ap_reqwest::ReqwestTransport;

use crate::env;

/// An async client for the ActiveProspect APIs. Cheap to clone; share it among tasks.
///
/// ```
/// use activeprospect::{ApiKey, Client, ClientBuilder, Service};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client: Client = ClientBuilder::new().key(ApiKey::parse("1234567890")?).build()?;
/// let response = client.get(Service::LeadConduit, "/flows").send().await?.error_for_status()?;
/// println!("{}", response.text()?);
/// # Ok(())
/// # }
/// ```
pub type Client = ap_client::Client<Async>;

/// Makes a [`Client`] over reqwest.
///
/// ```
/// use activeprospect::{ApiKey, ClientBuilder};
/// use std::time::Duration;
///
/// let client = ClientBuilder::new()
///     .key(ApiKey::parse("1234567890")?)
///     .timeout(Duration::from_secs(20))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type ClientBuilder = ap_client::ClientBuilder<Async, ReqwestTransport>;

/// A request that a [`Client`] is about to send.
///
/// ```
/// use activeprospect::Service;
/// use activeprospect::{Client, RequestBuilder};
///
/// fn newest_events(client: &Client, count: u32) -> RequestBuilder {
///     client.get(Service::LeadConduit, "/events").query(&[("limit", count)]) // then `send`
/// }
/// ```
pub type RequestBuilder = ap_client::RequestBuilder<Async>;

/// A stream of the pages of an endpoint.
pub type Pages<E> = ap_client::Pages<E, Async>;

/// A stream of the items of all pages of an endpoint.
pub type Items<E> = ap_client::Items<E, Async>;

/// Makes a client from environment variables: the keys, the proxy and the origins.
///
/// - Keys: `ACTIVEPROSPECT_API_KEY` and `ACTIVEPROSPECT_NEXT_API_KEY`, `ACTIVEPROSPECT_API_KEY_FILE`, or
///   `ACTIVEPROSPECT_KEY_COMMAND`; see [`FromEnvironment`].
/// - `ACTIVEPROSPECT_PROXY`: the URL of a proxy, which may contain a user name and a password.
/// - `ACTIVEPROSPECT_LCX_URL`, `ACTIVEPROSPECT_TRUSTEDFORM_URL`, `ACTIVEPROSPECT_TRUSTEDFORM_APP_URL`,
///   `ACTIVEPROSPECT_SUPPRESSIONLIST_URL`: origins instead of the vendor's. Plain http only on loopback.
///
/// # Errors
///
/// [`Error`] of kind [`Build`](crate::ErrorKind::Build) names the variable that is missing or invalid.
///
/// ```no_run
/// let client = activeprospect::client_from_env()?;
/// # Ok::<(), activeprospect::Error>(())
/// ```
pub fn client_from_env() -> Result<Client, Error> {
    let keys = FromEnvironment::new().map_err(|error| env::keys_error(&error))?;
    ClientBuilder::new()
        .key_source(OnThread::new(keys))
        .origins(env::origins(env::variable)?)
        .build_with_config(&env::config(env::variable)?)
}
