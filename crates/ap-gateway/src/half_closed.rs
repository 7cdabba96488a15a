//! [`HalfClosed`]: a client that sends nothing more, and may wait for its answer or be gone.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Sleep, sleep};

/// How often the connection is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// An answer before the answer, which clients skip (RFC 9110 section 15.2). If nobody is there to read it, the system
/// learns that.
const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A client that has closed its sending half. TCP does not say if it has closed the other half too, until something is
/// written to it.
#[derive(Debug, Default)]
pub(crate) struct HalfClosed {
    next: Option<Pin<Box<Sleep>>>,
    is_asked: bool,
}

impl HalfClosed {
    /// Returns the error of a client that is gone. `can_ask` says that it understands an interim answer, and that nothing
    /// else is being written.
    pub(crate) fn poll_gone<S: AsyncWrite + Unpin>(
        &mut self,
        mut stream: Pin<&mut S>,
        can_ask: bool,
        context: &mut Context<'_>,
    ) -> Poll<io::Error> {
        loop {
            if let Some(next) = &mut self.next {
                ready!(next.as_mut().poll(context));
                // Most answers are there before, so that few clients get to see it.
                if can_ask
                    && !self.is_asked
                    && let Poll::Ready(written) = stream.as_mut().poll_write(context, INTERIM)
                {
                    self.is_asked = true;
                    match written {
                        Ok(length) if length == INTERIM.len() => {}
                        // The rest would have to be written before anything else.
                        Ok(_) => return Poll::Ready(io::ErrorKind::WriteZero.into()),
                        Err(error) => return Poll::Ready(error),
                    }
                }
            }
            // To write nothing fails too, if the system knows that nobody is there.
            if let Poll::Ready(Err(error)) = stream.as_mut().poll_write(context, &[]) {
                return Poll::Ready(error);
            }
            self.next = Some(Box::pin(sleep(INTERVAL)));
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn a_client_that_is_gone_from_a_unix_socket_is_noticed_at_once() {
        for hangs_up in [false, true] {
            let (mut stream, mut client) = UnixStream::pair().unwrap();
            stream.writable().await.unwrap();
            client.shutdown().await.unwrap();
            let kept = (!hangs_up).then_some(client);
            let mut half_closed = HalfClosed::default();
            let gone = poll_fn(|context| {
                Poll::Ready(half_closed.poll_gone(Pin::new(&mut stream), true, context))
            });
            assert_eq!(gone.await.is_ready(), hangs_up);
            assert!(!half_closed.is_asked);
            drop(kept);
        }
    }
}
