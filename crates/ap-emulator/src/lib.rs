//! A faithful double of the ActiveProspect APIs on loopback, for tests and for trying things out.
//!
//! It answers as the vendor documents that its products do: the same refusals of a bad key, a key
//! per product that a reset leaves behind until somebody logs in there, the demand for an `Accept`
//! header, and invented example data. It listens on loopback only, takes no key but those that it
//! made itself, and neither keeps nor logs what it receives.
//!
//! An [`Emulator`] runs on a thread of its own and stops when it is dropped, so that it can be
//! used from any test, blocking or asynchronous:
//!
//! ```
//! use ap_emulator::{Emulator, Product};
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! let emulator = Emulator::start()?;
//! let url = emulator.url(Product::LeadConduit);
//! let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
//! stream.write_all(b"GET /flows HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
//! assert!(answer.ends_with(r#"{"error":"authentication failed"}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The account page
//!
//! [`control_url`](Emulator::control_url) is the address of a page for people, the counterpart of
//! the vendor's account settings: it shows the key, resets it, logs in to a product, and shows
//! which key each product takes and what it accepts and refuses. It works without JavaScript too.
//!
//! # Control over HTTP
//!
//! What the methods of [`Emulator`] do can also be asked for under that address, on every port and
//! without a key:
//!
//! | request | effect |
//! |---|---|
//! | `GET state` | the counters and generations of [`State`] |
//! | `GET changes` | the last 50 resets and logins, with the calls that each product accepted and refused in between |
//! | `POST reset` | makes a new account key and answers `{"key":…}` |
//! | `POST login/{product}` | brings the newest key to `lcx`, `trustedform` or `suppressionlist` |
//! | `POST plan/{plan}` | sets the plan, `free` or `paid` |
//! | `POST fault` | queues `{"product","kind","count","ms"}`, see [`Fault`] |
//!
//! The kinds of faults are `delay`, `429`, `500`, `503`, `cut` and `close`; `count` is 1 and `ms`
//! is 0 unless given.
//!
//! A request that a browser sends for a page of another origin changes nothing: it is refused with
//! 403, told by its `Origin` or `Sec-Fetch-Site`. Under any `Host` but the port's own address and
//! `localhost`, the page and the calls answer 421.

mod addresses;
mod builder;
mod control;
mod emulator;
mod error;
mod example_data;
mod fault;
mod listener;
mod page;
mod product;
mod products;
mod request_body;
mod response;
mod router;
mod state;

pub use builder::Builder;
pub use emulator::Emulator;
pub use error::StartError;
pub use fault::Fault;
pub use product::Product;
pub use state::plan::Plan;
pub use state::snapshot::{ProductState, State};
