#![doc = include_str!("../README.md")]
//!
//! # The account page
//!
//! [`Emulator::control_url`] is the address of a page for people, like the vendor's account page. It
//! has a first call to copy, shows the key, resets it, logs in to a product, shows what each product serves,
//! which key it accepts, how many calls it accepted and refused, and when it last refused one, and sets the plan
//! and faults. The page also works without JavaScript.
//!
//! # The control API
//!
//! Programs can do over HTTP what the methods of [`Emulator`] do. The calls are below
//! [`Emulator::control_url`], on every port, and need no key:
//!
//! | request | effect |
//! |---|---|
//! | `GET state` | returns the counters and generations of [`State`] |
//! | `GET changes` | returns the last 50 resets and logins, each with the calls that each product accepted and refused until the next one |
//! | `GET operations` | returns the vendor's operations, each with `served`: `true` if this emulator serves it |
//! | `POST reset` | makes a new account key and returns `{"key":…}` |
//! | `POST login/{product}` | brings the newest key to `lcx`, `trustedform` or `suppressionlist` |
//! | `POST plan/{plan}` | sets the plan, `free`, `paid` or `unpaid` |
//! | `POST fault` | queues `{"product","kind","count","ms"}`, as JSON or as a form, see [`Fault`] |
//!
//! The kinds of faults are `delay`, `429`, `500`, `502`, `503`, `504`, `cut` and `close`. `count` is 1 and `ms` is 0
//! by default.
//!
//! A request that a browser sends for a page of another origin changes nothing: the emulator refuses
//! it with 403, by its `Origin` or `Sec-Fetch-Site`. If `Host` is neither the port's own address nor
//! `localhost`, the page and the calls return 421.
#![forbid(unsafe_code)]

mod accept;
mod addresses;
mod content_type;
mod control;
mod credentials;
mod emulator;
mod error;
mod example_data;
mod fault;
mod json_object;
mod listener;
mod operations;
mod page;
mod per_product;
mod pieces;
mod products;
mod request_body;
mod response;
mod router;
mod rules;
mod scalar;
mod state;

#[doc(no_inline)]
pub use ap_core::{Origins, Product};
pub use emulator::{Builder, Emulator};
pub use error::StartError;
pub use fault::Fault;
pub use state::plan::Plan;
pub use state::snapshot::{ProductState, State};
