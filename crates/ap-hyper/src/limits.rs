//! [`Limits`]: what all calls of a transport share.

/// What all calls of a transport share: idle connections, and memory for responses.
///
/// ```
/// use ap_hyper::ap_client::transport::TransportConfig;
/// use ap_hyper::{HyperTransport, Limits};
///
/// let limits = Limits::new().max_idle(64).max_buffered(128 * 1024 * 1024);
/// let transport = HyperTransport::with_limits(&TransportConfig::new(), limits)?;
/// # Ok::<(), ap_hyper::ap_client::transport::TransportError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Limits {
    pub(crate) max_idle: usize,
    pub(crate) max_buffered: Option<usize>,
}

impl Limits {
    /// Creates the default limits.
    pub const fn new() -> Self {
        Self {
            max_idle: 512,
            max_buffered: None,
        }
    }

    /// Sets how many idle connections are kept, of all origins together; 512 by default, as many as calls are commonly in
    /// flight.
    pub const fn max_idle(mut self, connections: usize) -> Self {
        self.max_idle = connections;
        self
    }

    /// Sets how many bytes of responses' bodies may be in memory; no limit by default. When there is no room, a call reads
    /// no further until another response is dropped, or its deadline is over. One response at a time may exceed the
    /// limit, so that calls that wait for each other end.
    ///
    /// A response counts for as long as its body, or a part of it, is kept.
    pub const fn max_buffered(mut self, bytes: usize) -> Self {
        self.max_buffered = Some(bytes);
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
