//! [`StartError`]: why an emulator did not start.

use std::io;
use std::net::IpAddr;

use crate::Product;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Other machines can reach the address.
    #[error("{0} is not a loopback address; the emulator listens on loopback only")]
    NotLoopback(IpAddr),
    /// The three ports do not end below 65536.
    #[error("three ports from {first} on end above 65535; choose a first port below 65534")]
    PortRange {
        /// The first port.
        first: u16,
    },
    /// There are more seeded events than an emulator can have.
    #[error("{count} events are too many; choose at most {most}")]
    TooManyEvents {
        /// The number of events.
        count: u32,
        /// The most that there can be.
        most: u32,
    },
    /// Another program listens on the port.
    #[error("port {port} for {product} is already in use")]
    PortInUse {
        /// The port.
        port: u16,
        /// The product that was to listen there.
        product: Product,
    },
    /// The operating system refused a port for another reason.
    #[error("cannot listen on port {port} for {product}")]
    Listen {
        /// The port; 0 stands for any free one.
        port: u16,
        /// The product that was to listen there.
        product: Product,
        /// The operating system's error.
        source: io::Error,
    },
    /// The background thread that serves the requests did not start.
    #[error("cannot start the thread that serves the requests")]
    Serve(#[source] io::Error),
}
