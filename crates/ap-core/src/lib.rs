#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod basic;
mod called;
mod credentials;
mod decode;
mod draft;
mod endpoint;
pub mod error;
pub mod exchange;
mod hint;
pub mod key;
mod keyring;
pub mod origin;
pub mod page;
mod product;
pub mod redact;
pub mod request;
mod response;
mod retry_policy;
pub mod unauthorized;

pub use called::Called;
pub use credentials::{Credentials, InvalidUser};
pub use draft::Draft;
pub use endpoint::{Call, Endpoint};
pub use error::{Error, ErrorKind, TransportError, TransportErrorKind};
pub use exchange::{Account, RejectedKey};
pub use hint::Hint;
pub use key::{ApiKey, InvalidKey};
pub use keyring::{KeyRing, MAX_KEYS, TooManyKeys};
pub use origin::{InvalidOrigin, Origin, Origins};
pub use page::{Page, Paged};
pub use product::{Product, Service, UnknownProduct};
pub use request::{RequestError, check, sign};
pub use response::Response;
pub use retry_policy::RetryPolicy;
pub use unauthorized::{Unauthorized, UnauthorizedKind};
