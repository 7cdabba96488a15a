//! Where and how an emulator is started.

use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use crate::addresses::Addresses;
use crate::listener::Server;
use crate::state::Shared;
use crate::{Emulator, Product, StartError};

/// Settings of an emulator that is yet to be started.
///
/// ```
/// use std::net::Ipv4Addr;
///
/// let emulator = ap_emulator::Emulator::builder().bind(Ipv4Addr::LOCALHOST.into()).start()?;
/// assert!(emulator.control_url().ends_with("/_emulator/"));
///
/// let public = ap_emulator::Emulator::builder().bind(Ipv4Addr::UNSPECIFIED.into()).start();
/// assert!(matches!(public, Err(ap_emulator::StartError::NotLoopback(_))));
/// # Ok::<(), ap_emulator::StartError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "an emulator runs only once it is started"]
pub struct Builder {
    ip: IpAddr,
    first_port: Option<u16>,
    patience: Duration,
    max_connections: usize,
}

impl Builder {
    pub(crate) const fn new() -> Self {
        Self {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            first_port: None,
            patience: Duration::from_secs(30),
            max_connections: 1024,
        }
    }

    /// Listens on another loopback address than 127.0.0.1. Any other address is refused.
    pub const fn bind(mut self, ip: IpAddr) -> Self {
        self.ip = ip;
        self
    }

    /// Listens on `port` for LeadConduit and on the next two for TrustedForm and
    /// SuppressionList, instead of on any three free ports.
    pub const fn first_port(mut self, port: u16) -> Self {
        self.first_port = Some(port);
        self
    }

    /// How long a client may take to send a request, to start another one on the same connection
    /// or to read an answer, before it is cut off: 30 seconds unless told otherwise.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many connections are served at a time, all products together: 1024 unless told
    /// otherwise. Further ones wait until one of them ends.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Starts the emulator; when this returns, all three ports answer.
    ///
    /// # Errors
    ///
    /// When the address is not loopback, a port is taken or out of range, or the system refuses
    /// the ports or the thread.
    pub fn start(self) -> Result<Emulator, StartError> {
        if !self.ip.is_loopback() {
            return Err(StartError::NotLoopback(self.ip));
        }
        let wanted = match self.first_port {
            None => [0; 3],
            Some(first) => {
                let last = first
                    .checked_add(2)
                    .ok_or(StartError::PortRange { first })?;
                [first, last - 1, last]
            }
        };
        let [one, two, three] = wanted;
        let listeners = [
            self.listen(Product::LeadConduit, one)?,
            self.listen(Product::TrustedForm, two)?,
            self.listen(Product::SuppressionList, three)?,
        ];
        let mut ports = [0; 3];
        for (port, listener) in ports.iter_mut().zip(&listeners) {
            *port = listener.local_addr().map_err(StartError::Serve)?.port();
        }
        let shared = Arc::new(Shared::new(Addresses::new(self.ip, ports), self.patience));
        let server = Server::start(listeners, &shared, self.max_connections.max(1))
            .map_err(StartError::Serve)?;
        Ok(Emulator {
            shared,
            _server: server,
        })
    }

    fn listen(&self, product: Product, port: u16) -> Result<TcpListener, StartError> {
        TcpListener::bind((self.ip, port)).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortTaken { port, product },
            _ => StartError::Listen {
                port,
                product,
                source,
            },
        })
    }
}
