#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod access;
mod admission;
mod api_key_members;
mod budget;
mod connection;
mod connections;
mod delivery;
mod forward;
mod gateway;
mod guard;
mod half_closed;
mod head_timer;
mod headers;
mod key_filter;
mod limits;
mod listener;
mod local_key;
mod metrics;
mod phase;
mod ready;
mod refusal;
mod responder;
mod route;
mod secret;
#[cfg(unix)]
mod socket;
mod spellings;

pub use access::Access;
pub use ap_client;
pub use gateway::{Ended, Gateway, SameKey};
pub use limits::Limits;
pub use listener::Listener;
pub use local_key::{InvalidLocalKey, LocalKey, MIN_LOCAL_KEY_LEN};
pub use ready::KEY_CHECKS;
pub use route::{Route, service_from_name, service_name};
