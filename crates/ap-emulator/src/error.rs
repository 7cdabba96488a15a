//! What can go wrong: at the start for the caller, on purpose for a connection.

use std::io;
use std::net::IpAddr;

use crate::Product;

/// Why an emulator could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address to listen on is reachable from other machines.
    #[error("the emulator listens on loopback only, and {0} is not a loopback address")]
    NotLoopback(IpAddr),
    /// The three ports do not fit below 65536.
    #[error("three ports from {first} on do not fit: the last one would be above 65535")]
    PortRange {
        /// The port that was asked for.
        first: u16,
    },
    /// Something else listens on a port that was asked for.
    #[error("port {port} for {} is taken", product.name())]
    PortTaken {
        /// The taken port.
        port: u16,
        /// The product that would have had it.
        product: Product,
    },
    /// The operating system refused a port for another reason.
    #[error("cannot listen on port {port} for {}", product.name())]
    Listen {
        /// The port; 0 where any free one would have done.
        port: u16,
        /// The product that would have had it.
        product: Product,
        /// What the operating system said.
        source: io::Error,
    },
    /// The background thread that serves the requests could not be started.
    #[error("cannot start the thread that serves the requests")]
    Serve(#[source] io::Error),
}

/// A connection that is given up without an answer, or in the middle of one.
#[derive(Debug, thiserror::Error)]
#[error("connection closed on purpose")]
pub(crate) struct Dropped;
