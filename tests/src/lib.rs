//! What tests that span several crates share: a TLS front for a plain listener, and a listener that
//! answers from a script.

mod script;
mod tls;

pub use script::Script;
pub use tls::TlsFront;

/// The examples of the project's README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The examples of the page on the suite, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/conformance.md")]
pub struct Conformance;

/// The examples of the page on key resets, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/rotation.md")]
pub struct Rotation;
