//! Which connections are served, and which wait. The account page and the control API have connections
//! of their own, so that a person can see what happens while a program uses all others.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::page::ICON_PATH;
use crate::router::CONTROL_ROOT;

/// How many connections may wait, all ports together.
const MAX_WAITING: usize = 384;
/// How many connections of the page and of control calls are served when all others are in use.
const MAX_CONTROL: usize = 32;
/// How long a connection may take to say what it is for, if there is no room to wait.
const HURRY: Duration = Duration::from_secs(1);
/// How much of a request is read to see its path.
const MAX_START: usize = 64;

/// What a connection is for, by its first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Product,
    Control,
}

/// A connection that may be served now.
#[derive(Debug)]
pub(super) struct Admitted {
    /// `true` if it is one of those for the page and control calls, and so serves nothing else.
    pub(super) is_kept_for_control: bool,
    /// The bytes that were read to see the purpose.
    pub(super) start: Bytes,
    /// Held while the connection is served.
    pub(super) permit: OwnedSemaphorePermit,
}

/// The limits that the connections of all ports share.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    product: Arc<Semaphore>,
    control: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Admission {
    pub(super) fn new(max_connections: usize) -> Self {
        let limit =
            |connections: usize| Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Self {
            product: limit(max_connections),
            control: limit(MAX_CONTROL),
            waiting: limit(MAX_WAITING),
        }
    }

    /// Waits until the connection may be served. Returns `None` if it ended or sent nothing in time, or
    /// if too many wait already.
    pub(super) async fn admit(
        &self,
        stream: &mut TcpStream,
        client_timeout: Duration,
    ) -> Option<Admitted> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().ok();
        let time = match place {
            Some(_) => client_timeout,
            None => client_timeout.min(HURRY),
        };
        let (purpose, start) = tokio::time::timeout(time, read_start(stream))
            .await
            .ok()?
            .ok()?;
        let mut permit = Arc::clone(&self.product).try_acquire_owned().ok();
        let is_kept_for_control = permit.is_none() && purpose == Purpose::Control;
        if is_kept_for_control {
            permit = Arc::clone(&self.control).acquire_owned().await.ok();
        } else if permit.is_none() && place.is_some() {
            permit = Arc::clone(&self.product).acquire_owned().await.ok();
        }
        Some(Admitted {
            is_kept_for_control,
            start,
            permit: permit?,
        })
    }
}

async fn read_start(stream: &mut TcpStream) -> io::Result<(Purpose, Bytes)> {
    let mut start = BytesMut::with_capacity(MAX_START);
    loop {
        if stream.read_buf(&mut start).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(purpose) = purpose(&start) {
            return Ok((purpose, start.freeze()));
        }
    }
}

/// Returns `None` if more of the request is needed.
fn purpose(start: &[u8]) -> Option<Purpose> {
    let Some(space) = start.iter().position(|byte| *byte == b' ') else {
        return (start.len() >= MAX_START).then_some(Purpose::Product);
    };
    let path = start.get(space + 1..).unwrap_or_default();
    let roots = [CONTROL_ROOT, ICON_PATH].map(str::as_bytes);
    if roots.iter().any(|root| path.starts_with(root)) {
        Some(Purpose::Control)
    } else if roots.iter().any(|root| root.starts_with(path)) && start.len() < MAX_START {
        None
    } else {
        Some(Purpose::Product)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_START, Purpose, purpose};

    #[test]
    fn the_first_path_shows_what_a_connection_is_for() {
        let (product, control) = (Some(Purpose::Product), Some(Purpose::Control));
        let long = "G".repeat(MAX_START);
        for (start, expected) in [
            ("", None),
            ("GET", None),
            ("GET ", None),
            ("GET /", None),
            ("GET /_emul", None),
            ("GET /fav", None),
            ("GET /_emulator", control),
            ("POST /_emulator/reset HTTP/1.1", control),
            ("GET /favicon.ico", control),
            ("GET /f1", product),
            ("GET /flows", product),
            ("GET x", product),
            ("GET  /_emulator", product),
            ("\r\nGET /flows", product),
            (&long, product),
        ] {
            assert_eq!(purpose(start.as_bytes()), expected, "{start:?}");
        }
    }
}
