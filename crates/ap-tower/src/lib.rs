#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod exchange;
mod layer;
mod peeked_body;

pub use ap_core;
pub use exchange::{BoxError, Resent};
pub use layer::{Exchange, ExchangeLayer};
pub use peeked_body::PeekedBody;
