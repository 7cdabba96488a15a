//! Keeps the key out of ureq, because ureq logs every byte of a request at the level `trace`. ureq gets
//! a placeholder of the same length, and [`KeyInjector`] puts the key in its place below ureq.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ap_core::{ErrorKind, TransportError};
use http::HeaderValue;
use memchr::{memchr_iter, memmem};
use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use crate::call_context;
use crate::error::refuse;

/// The byte that a placeholder begins with: rare in a head, so that the search is short.
const FIRST_BYTE: u8 = b'~';

/// How many bytes of a placeholder are its own. A longer one repeats them.
const MARK_LENGTH: usize = 21;

/// The shortest value that can be hidden: with fewer bytes, a placeholder could be guessed.
const SHORTEST: usize = 10;

/// A key, and the placeholder that ureq sends in its stead.
pub(crate) struct HiddenKey {
    value: HeaderValue,
    mark: [u8; MARK_LENGTH],
}

impl HiddenKey {
    /// Hides a header value behind a placeholder that nobody can guess and no other call has.
    ///
    /// # Errors
    ///
    /// [`Unsendable`](ErrorKind::Unsendable) for a value that is too short for that.
    pub(crate) fn new(value: &HeaderValue) -> Result<(Self, HeaderValue), TransportError> {
        if value.len() < SHORTEST {
            return Err(TransportError::new(ErrorKind::Unsendable)
                .with_source("the Authorization header is too short to be kept out of logs"));
        }
        let mark = new_mark();
        let text: Vec<u8> = mark.iter().copied().cycle().take(value.len()).collect();
        let mut placeholder = HeaderValue::try_from(text)
            .map_err(|error| TransportError::new(ErrorKind::Unsendable).with_source(error))?;
        placeholder.set_sensitive(true);
        let value = value.clone();
        Ok((Self { value, mark }, placeholder))
    }

    /// Puts the key in the place of its placeholder, and returns where that is.
    fn put_into(&self, output: &mut [u8]) -> Option<Range<usize>> {
        let key = self.value.as_bytes();
        let mark = &self.mark[..key.len().min(MARK_LENGTH)];
        let start = memchr_iter(FIRST_BYTE, output).find(|&at| output[at..].starts_with(mark))?;
        let place = start..start + key.len();
        output.get_mut(place.clone())?.copy_from_slice(key);
        Some(place)
    }
}

/// Returns the bytes by which a placeholder is found.
fn new_mark() -> [u8; MARK_LENGTH] {
    static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut mark = [FIRST_BYTE; MARK_LENGTH];
    for (half, digits) in mark[1..].chunks_mut(10).enumerate() {
        let mut bits = SECRET.hash_one((call, half));
        for digit in digits {
            *digit = DIGITS[(bits & 63) as usize];
            bits >>= 6;
        }
    }
    mark
}

/// A connection above TLS that writes the key of the current call where its placeholder is.
#[derive(Debug)]
pub(crate) struct KeyInjector<In>(pub(crate) In);

impl<In: Transport> KeyInjector<In> {
    /// Puts the key of the current call into a piece of its request, and returns where it is.
    fn inject(&mut self, amount: usize) -> Result<Option<Range<usize>>, Error> {
        let output = &mut self.0.buffers().output()[..amount];
        let place = call_context::with(|call| {
            let Some(key) = &call.unsent_key else {
                return Some(None);
            };
            // ureq never cuts a line in two, so one piece contains the whole placeholder.
            let place = key.put_into(output);
            if place.is_some() {
                call.unsent_key = None;
                return Some(place);
            }
            // It may be in the next piece, if there is one.
            let is_end_of_head = memmem::find(output, b"\r\n\r\n").is_some();
            (!is_end_of_head).then_some(None)
        });
        place.flatten().ok_or_else(|| {
            refuse(
                ErrorKind::Unsendable,
                "the head of the request has no place for its key",
            )
        })
    }
}

impl<In: Transport> Transport for KeyInjector<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let place = self.inject(amount)?;
        let sent = self.0.transmit_output(amount, timeout);
        // The buffer lives as long as the connection; the key must not.
        if let Some(place) = place {
            self.0.buffers().output()[place].fill(0);
        }
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use ureq::unversioned::transport::LazyBuffers;

    use super::*;
    use crate::call_context::CallContext;

    const KEY: &str = "Basic eDprZXktb2YtdGhlLXRlc3Q=";

    /// A connection that records what it sends, or fails.
    #[derive(Debug)]
    struct Recorder {
        buffers: LazyBuffers,
        sent: Vec<u8>,
        fails: bool,
    }

    impl Transport for Recorder {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }
        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            if self.fails {
                return Err(Error::ConnectionFailed);
            }
            self.sent
                .extend_from_slice(&self.buffers.output()[..amount]);
            Ok(())
        }
        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            Ok(false)
        }
        fn is_open(&mut self) -> bool {
            true
        }
    }

    /// Sends pieces, in which `{}` stands for the placeholder. Returns whether that worked, what was
    /// sent, whether the key is still to be sent, and whether the buffer contains it.
    fn send(pieces: &[&str], fails: bool) -> (bool, String, bool, bool) {
        let (hidden, placeholder) = HiddenKey::new(&HeaderValue::from_static(KEY)).unwrap();
        assert_eq!(placeholder.len(), KEY.len());
        let call = CallContext::new(None, Method::GET, Some(hidden)).enter();
        let mut injector = KeyInjector(Recorder {
            buffers: LazyBuffers::new(16, 1024),
            sent: Vec::new(),
            fails,
        });
        let is_sent = pieces.iter().all(|piece| {
            let piece = piece.replace("{}", placeholder.to_str().unwrap());
            injector.buffers().output()[..piece.len()].copy_from_slice(piece.as_bytes());
            let timeout = NextTimeout::default();
            injector.transmit_output(piece.len(), timeout).is_ok()
        });
        let remains = memmem::find(injector.buffers().output(), KEY.as_bytes()).is_some();
        let is_unsent = call.finish().unwrap().unsent_key.is_some();
        let sent = String::from_utf8(injector.0.sent).unwrap();
        (is_sent, sent, is_unsent, remains)
    }

    #[test]
    fn the_key_is_put_where_its_placeholder_is() {
        for pieces in [
            &["GET / HTTP/1.1\r\nauthorization: {}\r\n\r\n"][..],
            &["GET /~ HTTP/1.1\r\nAUTHORIZATION:{}\r\n\r\n", "body"],
            &[
                "GET / HTTP/1.1\r\n",
                "a: ~~~~~~~\r\n",
                "b: {}\r\n",
                "c: d\r\n\r\n",
            ],
        ] {
            let expected = pieces.concat().replace("{}", KEY);
            assert_eq!(send(pieces, false), (true, expected, false, false));
        }
    }

    #[test]
    fn a_head_without_its_placeholder_is_not_sent() {
        for piece in [
            "GET / HTTP/1.1\r\nauthorization: ****\r\n\r\n",
            "POST / HTTP/1.1\r\n\r\nbody",
        ] {
            assert_eq!(send(&[piece], false), (false, String::new(), true, false));
        }
    }

    #[test]
    fn nothing_of_the_key_is_left_after_a_send_that_failed() {
        let pieces = ["GET / HTTP/1.1\r\nauthorization: {}\r\n\r\n"];
        assert_eq!(send(&pieces, true), (false, String::new(), false, false));
    }

    #[test]
    fn two_placeholders_of_the_same_key_differ() {
        let placeholder = || HiddenKey::new(&HeaderValue::from_static(KEY)).unwrap().1;
        assert_ne!(placeholder(), placeholder());
        assert!(placeholder().is_sensitive());
    }
}
