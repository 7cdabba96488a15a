//! [`Limits`]: how much of everything a gateway serves.

use std::time::Duration;

/// How much of everything a gateway serves. Every setter has a default.
///
/// ```
/// use ap_gateway::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::new().max_in_flight(64).timeout(Duration::from_secs(20));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Limits {
    pub(crate) max_body_size: usize,
    pub(crate) max_in_flight: usize,
    pub(crate) max_queued: usize,
    pub(crate) max_connections: usize,
    pub(crate) timeout: Duration,
    pub(crate) client_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) max_buffered: usize,
    pub(crate) stop_timeout: Duration,
}

impl Limits {
    /// Creates the default limits.
    pub const fn new() -> Self {
        Self {
            max_body_size: 8 * 1024 * 1024,
            max_in_flight: 256,
            max_queued: 1024,
            max_connections: 2048,
            timeout: Duration::from_secs(60),
            client_timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(300),
            max_buffered: 256 * 1024 * 1024,
            stop_timeout: Duration::from_secs(25),
        }
    }

    /// Sets the largest body of a request, in bytes; 8 MiB by default. A body is buffered, because one that was passed
    /// on piece by piece could not be sent again with the next key.
    pub const fn max_body_size(mut self, bytes: usize) -> Self {
        self.max_body_size = bytes;
        self
    }

    /// Sets how many bytes of requests' bodies may be in memory, of all requests together; 256 MiB by default. A request
    /// whose body does not fit is answered 503.
    pub const fn max_buffered(mut self, bytes: usize) -> Self {
        self.max_buffered = bytes;
        self
    }

    /// Sets how many calls are forwarded at once; 256 by default. The others wait.
    pub const fn max_in_flight(mut self, calls: usize) -> Self {
        self.max_in_flight = calls;
        self
    }

    /// Sets how many calls may wait; 1,024 by default. One more is answered 503 at once.
    pub const fn max_queued(mut self, calls: usize) -> Self {
        self.max_queued = calls;
        self
    }

    /// Sets how many connections may be open; 2,048 by default. For one more, the one that was idle longest is closed
    /// first. If none is idle, the new one is answered 503, or closed at once if 16 are being answered so already.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets how long a whole call may take, from the end of its head to the product's complete answer; 60 s by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long a client may take for a head or a body, may be idle, and may leave an answer unread; 60 s by default.
    pub const fn client_timeout(mut self, timeout: Duration) -> Self {
        self.client_timeout = timeout;
        self
    }

    /// Sets how long a client may take to read a whole answer, as long as it keeps reading; 5 minutes by default.
    pub const fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// Sets how long calls under way may take after the gateway was stopped; 25 s by default, so that it ends by itself
    /// before Kubernetes would kill it.
    pub const fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
