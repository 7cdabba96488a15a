#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod closing;
mod head_scanner;
mod host;
mod stream;
mod target_encoder;

pub use closing::close;
pub use head_scanner::{Framing, HeadScanner, PendingRequests};
pub use host::{Host, is_loopback};
pub use stream::ScannedStream;
