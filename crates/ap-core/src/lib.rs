#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod ask;
mod client;
mod credentials;
mod error;
mod escape;
mod exchange;
mod key;
mod origin;
mod product;
mod redact;
mod request;
mod ring;
mod settings;
mod sign;
mod source;
mod trace;
mod transport;
mod unauthorized;

pub use client::{AsyncClient, BuildError, Client, ClientBuilder};
pub use credentials::{Credentials, DEFAULT_USER, InvalidUser, MAX_USER_LEN, basic};
pub use error::{Blame, CallError, Refusal};
pub use escape::{escape, escape_char};
pub use exchange::{Account, Answer, Attempt, AuthError, NeedKey, Refused, Replay, Step, Why};
pub use key::{ApiKey, InvalidKey, MAX_KEY_LEN, Pasted};
pub use origin::{InvalidOrigin, InvalidOrigins, Origin, Origins};
pub use product::{Product, Service, UnknownProduct};
pub use request::{InvalidTarget, MAX_TARGET_LEN, RequestError, check};
pub use ring::{KeyRing, MAX_KEYS, TooManyKeys};
pub use settings::{Proxy, Settings};
pub use sign::sign;
pub use source::{AsyncKeySource, KeySource, SourceError};
pub use transport::{
    AsyncTransport, Connect, Deadline, ErrorKind, Moment, Transport, TransportError,
    announces_empty_body, check_head, host, is_framed, is_loopback, is_sound, room_for,
    wire_headers,
};
pub use unauthorized::{
    Advice, BAD_KEY_FORMS, BadKeyForm, Cause, DOCUMENTED_BODY, MESSAGE_LIMIT,
    UNAUTHORIZED_BODY_LIMIT, Unauthorized,
};
