#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "async", feature = "blocking")))]
compile_error!(
    "the crate `activeprospect` has two clients: enable the feature `blocking` or the feature `async`"
);

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "async", feature = "blocking"))]
mod env;

#[cfg(feature = "async")]
mod asynchronous;

pub use ap_api as api;
pub use ap_client::ap_core::{
    ApiKey, Call, Draft, Endpoint, Error, ErrorKind, Hint, InvalidKey, InvalidOrigin, KeyRing,
    Origin, Origins, Page, Paged, Product, RejectedKey, RequestError, Response, RetryPolicy,
    Service, TransportErrorKind, Unauthorized, UnauthorizedKind,
};
pub use ap_client::{AsyncKeySource, KeySource, KeySourceError, ap_core, fake, transport};
pub use ap_keys as keys;
#[cfg(feature = "async")]
pub use asynchronous::{Client, ClientBuilder, Items, Pages, RequestBuilder, client_from_env};
pub use bytes;
pub use http;
