//! [`Builder`]: where and how an emulator starts.

use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use super::Emulator;
use crate::addresses::Addresses;
use crate::listener::ServerThread;
use crate::per_product::PerProduct;
use crate::state::Shared;
use crate::{Product, StartError};

/// The most seeded events.
const MAX_EVENTS: u32 = 10_000_000;

/// Settings of an emulator, before it starts.
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
#[must_use = "the emulator runs only after `start`"]
pub struct Builder {
    ip: IpAddr,
    first_port: Option<u16>,
    client_timeout: Duration,
    max_connections: usize,
    events: u32,
}

impl Builder {
    pub(crate) const fn new() -> Self {
        Self {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            first_port: None,
            client_timeout: Duration::from_secs(30),
            max_connections: 512,
            events: 0,
        }
    }

    /// Sets the loopback address to listen on; 127.0.0.1 by default.
    pub const fn bind(mut self, ip: IpAddr) -> Self {
        self.ip = ip;
        self
    }

    /// Listens on `port` for LeadConduit and on the next two for TrustedForm and
    /// SuppressionList; on any three free ports by default.
    pub const fn first_port(mut self, port: u16) -> Self {
        self.first_port = Some(port);
        self
    }

    /// Sets how long a client may take to send a request, to start the next one on the same
    /// connection, or to read a response; 30 seconds by default. After that, the connection is
    /// closed.
    pub const fn client_timeout(mut self, timeout: Duration) -> Self {
        self.client_timeout = timeout;
        self
    }

    /// Sets how many connections are served at a time, all products together; 512 by default.
    /// Up to 384 more wait until one of them ends, and still more are closed. The account page and
    /// the control API have connections of their own.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Starts with this many invented LeadConduit events, up to ten million; with none by default.
    ///
    /// They are spread over the 90 days until the hour in which it starts, and are the same at every start of this hour;
    /// later, only their times and ids differ. None is stored: each is computed when a client reads it, so they cost no memory.
    ///
    /// ```
    /// let emulator = ap_emulator::Emulator::builder().events(1_000_000).start()?;
    /// # Ok::<(), ap_emulator::StartError>(())
    /// ```
    pub const fn events(mut self, count: u32) -> Self {
        self.events = count;
        self
    }

    /// Starts the emulator. When this returns, all three ports accept requests.
    ///
    /// # Errors
    ///
    /// Returns an error if the address is not loopback, if a port is in use or out of range, if there are
    /// to be too many events, or if the operating system refuses the ports or the thread.
    pub fn start(self) -> Result<Emulator, StartError> {
        if !self.ip.is_loopback() {
            return Err(StartError::NotLoopback(self.ip));
        }
        if self.events > MAX_EVENTS {
            return Err(StartError::TooManyEvents {
                count: self.events,
                most: MAX_EVENTS,
            });
        }
        let [one, two, three] = self.ports()?;
        let listeners = [
            (
                Product::LeadConduit,
                self.listen(Product::LeadConduit, one)?,
            ),
            (
                Product::TrustedForm,
                self.listen(Product::TrustedForm, two)?,
            ),
            (
                Product::SuppressionList,
                self.listen(Product::SuppressionList, three)?,
            ),
        ];
        let mut ports = PerProduct::default();
        for (product, listener) in &listeners {
            *ports.get_mut(*product) = listener.local_addr().map_err(StartError::Serve)?.port();
        }
        let addresses = Addresses::new(self.ip, ports).ok_or(StartError::NotLoopback(self.ip))?;
        let shared = Arc::new(Shared::new(addresses, self.client_timeout, self.events));
        let server = ServerThread::start(listeners, &shared, self.max_connections.max(1))
            .map_err(StartError::Serve)?;
        Ok(Emulator {
            shared,
            _server: server,
        })
    }

    /// The ports to listen on, where 0 stands for any free one.
    fn ports(&self) -> Result<[u16; 3], StartError> {
        let Some(first) = self.first_port else {
            return Ok([0; 3]);
        };
        let last = first
            .checked_add(2)
            .ok_or(StartError::PortRange { first })?;
        Ok([first, last - 1, last])
    }

    fn listen(&self, product: Product, port: u16) -> Result<TcpListener, StartError> {
        TcpListener::bind((self.ip, port)).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse { port, product },
            _ => StartError::Listen {
                port,
                product,
                source,
            },
        })
    }
}
