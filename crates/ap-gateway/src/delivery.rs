//! Answers on their way to the client: until one is written out, its connection is busy and its memory counts. What
//! the server would write or do on its own is kept from it, and a call ends if its client is gone.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::half_closed::HalfClosed;
use crate::head_timer::HeadTimer;
use crate::phase::Phase;

/// What the answers of a connection hold until they are written out.
pub(crate) struct Unwritten<T>(Arc<Shared<T>>);

struct Shared<T> {
    held: Mutex<Vec<T>>,
    phase: Phase,
    /// The client speaks HTTP/1.1, in which an interim answer may come before the answer.
    has_interim_answers: AtomicBool,
}

impl<T> Unwritten<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            held: Mutex::default(),
            phase: Phase::default(),
            has_interim_answers: AtomicBool::new(false),
        }))
    }

    /// Notes that a call begins.
    pub(crate) fn begin<B: Body>(&self, request: &Request<B>) {
        let is_new = request.version() == Version::HTTP_11;
        self.0.has_interim_answers.store(is_new, Ordering::Relaxed);
        self.0.phase.begin(!request.body().is_end_stream());
    }

    /// Returns how far the call is.
    pub(crate) fn phase(&self) -> &Phase {
        &self.0.phase
    }

    /// Returns the body of an answer. `held` is dropped when all of it was written.
    pub(crate) fn answer(&self, body: Bytes, held: T) -> Answer<T> {
        Answer {
            body: Full::new(body),
            held: Some(held),
            unwritten: self.clone(),
        }
    }

    /// Drops what is held. Nothing more is written.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Unwritten<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The body of an answer.
pub(crate) struct Answer<T> {
    body: Full<Bytes>,
    held: Option<T>,
    unwritten: Unwritten<T>,
}

impl<T: Unpin> Body for Answer<T> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<T> Drop for Answer<T> {
    /// The server has taken all of the answer, and will write it.
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.unwritten.lock().push(held);
            self.unwritten.0.phase.answer();
        }
    }
}

/// A client's connection, which knows when what was written has left, and gives it a time.
pub(crate) struct DeliveryStream<S, T> {
    stream: S,
    unwritten: Unwritten<T>,
    write_timeout: Duration,
    /// Runs from when the client did not take all of an answer at once until it has.
    end: Option<Pin<Box<Sleep>>>,
    head_timer: HeadTimer,
    /// A byte of the next request, which came before the answer.
    ahead: Option<u8>,
    /// The client sends nothing more.
    half_closed: Option<HalfClosed>,
    /// The server refused a head on its own.
    has_refused: bool,
    /// Something of the next head was read.
    has_begun: bool,
    /// The time of a head was over before it was complete.
    is_late: bool,
}

impl<S, T> DeliveryStream<S, T> {
    pub(crate) const fn new(
        stream: S,
        unwritten: Unwritten<T>,
        head_timer: HeadTimer,
        write_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            unwritten,
            write_timeout,
            end: None,
            head_timer,
            ahead: None,
            half_closed: None,
            has_refused: false,
            has_begun: false,
            is_late: false,
        }
    }

    /// Returns the connection.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    /// Returns `true` if the server refused a head on its own. Nothing was written of that answer, which says nothing.
    pub(crate) const fn has_refused(&self) -> bool {
        self.has_refused
    }

    /// Returns `true` if the connection ended because a head did not arrive in time. An idle one ends without a word.
    pub(crate) const fn is_late(&self) -> bool {
        self.is_late
    }

    /// Returns `true` if the server writes without a call to answer, which it only does to refuse a head.
    fn is_refusing(&mut self) -> bool {
        let is_refusing = self.unwritten.0.phase.is_none();
        self.has_refused |= is_refusing;
        is_refusing
    }

    /// Returns what a write returned, unless the time is over.
    fn in_time(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let write_timeout = self.write_timeout;
        if written.is_pending() {
            self.end
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(write_timeout)));
        }
        let is_over = self
            .end
            .as_mut()
            .is_some_and(|end| end.as_mut().poll(context).is_ready());
        if is_over {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, T> DeliveryStream<S, T> {
    /// Returns the error of a client that is gone while its call is served.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if self.ahead.is_some() {
            return Poll::Pending;
        }
        let half_closed = match &mut self.half_closed {
            Some(half_closed) => half_closed,
            None => {
                let mut byte = [0];
                let mut buffer = ReadBuf::new(&mut byte);
                let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
                if let Err(error) = read {
                    return Poll::Ready(error);
                }
                self.ahead = buffer.filled().first().copied();
                if self.ahead.is_some() {
                    return Poll::Pending;
                }
                self.half_closed.insert(HalfClosed::default())
            }
        };
        let can_ask = self.unwritten.0.has_interim_answers.load(Ordering::Relaxed);
        half_closed.poll_gone(Pin::new(&mut self.stream), can_ask, context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, T> AsyncRead for DeliveryStream<S, T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = buffer.remaining();
        if room > 0
            && let Some(byte) = this.ahead.take()
        {
            buffer.put_slice(&[byte]);
            return Poll::Ready(Ok(()));
        }
        let phase = &this.unwritten.0.phase;
        if this.half_closed.is_none() {
            let read = Pin::new(&mut this.stream).poll_read(context, buffer);
            if read.is_pending() && phase.is_none() {
                ready!(this.head_timer.poll_over(context));
                this.is_late = this.has_begun;
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            ready!(read)?;
            if buffer.remaining() < room || room == 0 {
                this.has_begun |= phase.is_none();
                return Poll::Ready(Ok(()));
            }
            this.half_closed = Some(HalfClosed::default());
        }
        // The server would end the call, or drop what it has not written yet, if it knew that the client sends nothing more.
        if phase.is_whole() || phase.is_answered() {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, T> AsyncWrite for DeliveryStream<S, T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_refusing() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_refusing() {
            return Poll::Ready(Ok(bytes.iter().map(|piece| piece.len()).sum()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.in_time(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The server flushes when it has written everything that it has, and each time that it waits for the answer.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.end = None;
        if self.unwritten.0.phase.is_answered() {
            self.unwritten.clear();
            self.unwritten.0.phase.write_out();
            self.head_timer.restart();
            self.has_begun = false;
        } else if self.unwritten.0.phase.is_whole()
            && let Poll::Ready(gone) = self.poll_gone(context)
        {
            return Poll::Ready(Err(gone));
        }
        Poll::Ready(Ok(()))
    }

    /// Does nothing. The server has flushed, and the connection is closed after its client was told why, if it has to be.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
