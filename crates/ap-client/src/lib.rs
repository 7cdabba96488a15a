#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod builder;
mod client;
mod driver;
mod fake;
mod key_source;
mod mode;
mod rate_limit;
mod refresher;
mod trace;
pub mod transport;

pub use ap_core;
pub use builder::ClientBuilder;
pub use client::{Client, Items, Pages, RequestBuilder};
pub use fake::{FakeResponse, FakeTransport, fake};
pub use key_source::{AsyncKeySource, KeySource, KeySourceError};
pub use mode::{Async, Blocking, Mode};
