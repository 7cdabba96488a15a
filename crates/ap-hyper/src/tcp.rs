//! [`Tcp`]: a TCP connection that can still be read when the other side has stopped reading, and how it is made.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::progress::Progress;

/// How long an attempt to connect may take before the next address is tried too (RFC 8305 section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A TCP connection.
///
/// A server can reject a key before it has read the body, and end the connection. hyper then fails to write, and
/// would not read the answer any more. So after such a failure what is written is dropped, and reading goes on: the
/// answer comes, or the end of the connection.
#[derive(Debug)]
pub(crate) struct Tcp {
    stream: TcpStream,
    progress: Arc<Progress>,
    cannot_write: bool,
}

impl Tcp {
    /// Connects to the first of these addresses that answers.
    pub(crate) async fn connect(
        addresses: Vec<SocketAddr>,
        progress: Arc<Progress>,
    ) -> io::Result<Self> {
        let stream = match *addresses.as_slice() {
            [address] => TcpStream::connect(address).await?,
            _ => connect_to_first(in_turns(addresses)).await?,
        };
        // Without it, a small request waits for the acknowledgement of the one before. It is only about speed.
        let _ = stream.set_nodelay(true);
        Ok(Self {
            stream,
            progress,
            cannot_write: false,
        })
    }

    /// Passes on how many bytes were written: all of them if nobody reads them any more.
    fn written(&mut self, written: io::Result<usize>, all: usize) -> Poll<io::Result<usize>> {
        match written {
            Ok(_) => self.progress.write(),
            Err(error) if is_end(&error) => {
                self.progress.cannot_write();
                self.cannot_write = true;
                return Poll::Ready(Ok(all));
            }
            Err(_) => {}
        }
        Poll::Ready(written)
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}

/// Sorts addresses so that IPv6 and IPv4 take turns, beginning with the family of the first one (RFC 8305 section 4).
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().map(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| Some(address.is_ipv6()) == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    std::iter::from_fn(|| Some([one.next(), other.next()]))
        .take_while(|pair| pair.iter().any(Option::is_some))
        .flatten()
        .flatten()
        .collect()
}

/// Tries addresses until one answers. The others are given up then.
async fn connect_to_first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut addresses = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = addresses.next() {
            attempts.spawn(TcpStream::connect(address));
        }
        let has_more = addresses.len() > 0;
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => last = error,
                Some(Err(error)) => last = error.into(),
                None if has_more => {}
                None => return Err(last),
            },
            () = sleep(ATTEMPT_DELAY), if has_more => {}
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cannot_write {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.written(written, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = || parts.iter().map(|part| part.len()).sum();
        if self.cannot_write {
            return Poll::Ready(Ok(all()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts));
        self.written(written, all())
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        let parse = |part: &str| part.parse().unwrap();
        text.split_whitespace().map(parse).collect()
    }

    #[test]
    fn families_take_turns_and_the_first_one_stays_first() {
        for (given, expected) in [
            ("", ""),
            ("127.0.0.1:1", "127.0.0.1:1"),
            (
                "[::1]:1 [::1]:2 127.0.0.1:1 127.0.0.1:2 127.0.0.1:3",
                "[::1]:1 127.0.0.1:1 [::1]:2 127.0.0.1:2 127.0.0.1:3",
            ),
            ("127.0.0.1:1 [::1]:1 [::1]:2", "127.0.0.1:1 [::1]:1 [::1]:2"),
        ] {
            assert_eq!(in_turns(addresses(given)), addresses(expected), "{given}");
        }
    }

    #[tokio::test]
    async fn the_first_address_that_answers_is_used_whatever_the_others_do() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        // A port that was free a moment ago, and one that never answers: its queue is not there.
        let closed = {
            let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap()
        };
        for addresses in [
            vec![closed, open],
            vec![closed, closed, open],
            vec![open, closed],
        ] {
            let stream = connect_to_first(addresses.clone()).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), open, "{addresses:?}");
        }
        for none in [vec![], vec![closed, closed]] {
            assert!(connect_to_first(none).await.is_err());
        }
    }
}
