//! [`Listener`]: where a gateway is called, on this machine only.

use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::path::Path;

use crate::route::Route;
#[cfg(unix)]
use crate::socket::Socket;

/// A port of loopback, or a Unix socket that only its owner can use.
#[derive(Debug)]
pub struct Listener {
    pub(crate) kind: Kind,
    pub(crate) route: Route,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Tcp(TcpListener, SocketAddr),
    #[cfg(unix)]
    Unix(Socket),
}

impl Listener {
    /// Listens on a port of 127.0.0.1; 0 is any free one.
    ///
    /// # Errors
    ///
    /// If the port cannot be used.
    pub fn port(port: u16, route: Route) -> io::Result<Self> {
        Self::tcp(TcpListener::bind(("127.0.0.1", port))?, route)
    }

    /// Uses a listener that is there already.
    ///
    /// # Errors
    ///
    /// If its address is not one of loopback: the local key would travel in plain text.
    pub fn tcp(listener: TcpListener, route: Route) -> io::Result<Self> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            let message = "a gateway listens on loopback only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Self {
            kind: Kind::Tcp(listener, address),
            route,
        })
    }

    /// Makes a Unix socket with mode 0600. One that nobody listens on any more is replaced. It is removed when the
    /// gateway ends.
    ///
    /// # Errors
    ///
    /// If something else is there, or if the socket cannot be made.
    #[cfg(unix)]
    pub fn unix(path: &Path, route: Route) -> io::Result<Self> {
        Ok(Self {
            kind: Kind::Unix(Socket::bind(path)?),
            route,
        })
    }

    /// Returns the URL of this listener; `None` for a Unix socket.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        match &self.kind {
            Kind::Tcp(_, address) => Some(format!("http://{address}")),
            #[cfg(unix)]
            Kind::Unix(_) => None,
        }
    }
}
