//! [`Mode`]: says if a client's methods block or are async.

use crate::key_source::{AsyncKeySource, KeySource};
use crate::transport::{AsyncTransport, Transport};

/// Says if a client's methods block or are async: [`Blocking`] or [`Async`].
///
/// Code that makes no call works with clients of both modes:
///
/// ```
/// use ap_client::ap_core::{ApiKey, TooManyKeys};
/// use ap_client::{Client, Mode};
///
/// fn replace_keys<M: Mode>(client: &Client<M>, keys: Vec<ApiKey>) -> Result<(), TooManyKeys> {
///     client.keys().replace(keys)
/// }
/// ```
pub trait Mode: sealed::Sealed + 'static {
    /// Any transport of this mode.
    type AnyTransport: ?Sized + Send + Sync;
    /// Any key source of this mode.
    type AnyKeySource: ?Sized + Send + Sync;
}

/// The mode of a [`Client`](crate::Client) whose methods block the calling thread.
#[derive(Debug)]
pub enum Blocking {}

/// The mode of a [`Client`](crate::Client) whose methods are async, on any runtime that its transport supports.
#[derive(Debug)]
pub enum Async {}

impl Mode for Blocking {
    type AnyTransport = dyn Transport;
    type AnyKeySource = dyn KeySource;
}

impl Mode for Async {
    type AnyTransport = dyn AsyncTransport;
    type AnyKeySource = dyn AsyncKeySource;
}

mod sealed {
    #[allow(unnameable_types, reason = "sealed: only the two modes are")]
    pub trait Sealed {}
    impl Sealed for super::Blocking {}
    impl Sealed for super::Async {}
}
