//! Puts the key of a call in the place of its placeholder, below ureq and above TLS.

use std::ops::Range;

use ap_client::transport::TransportErrorKind;
use memchr::memmem;
use ureq::Error;
use ureq::unversioned::transport::{NextTimeout, Transport as UreqLayer};

use crate::call_context;
use crate::error::ureq_error;

/// Transmits a piece of a request, with the key if its placeholder is in this piece.
///
/// # Errors
///
/// Those of the connection, and [`Unsendable`](TransportErrorKind::Unsendable) for a head that would leave without
/// its key.
pub(crate) fn transmit<T: UreqLayer>(
    connection: &mut T,
    amount: usize,
    timeout: NextTimeout,
) -> Result<(), Error> {
    let place = put_key_into(&mut connection.buffers().output()[..amount])?;
    let sent = connection.transmit_output(amount, timeout);
    // The buffer lives as long as the connection; the key must not.
    if let Some(place) = place {
        connection.buffers().output()[place].fill(0);
    }
    sent
}

/// Puts the key of the current call into a piece of its request, and returns where it is.
fn put_key_into(piece: &mut [u8]) -> Result<Option<Range<usize>>, Error> {
    let place = call_context::with(|call| {
        let Some(key) = &call.unsent_key else {
            return Some(None);
        };
        // ureq never cuts a line in two, so one piece contains the whole placeholder.
        let place = key.put_into(piece);
        if place.is_some() {
            call.unsent_key = None;
            return Some(place);
        }
        // It may be in the next piece, if there is one.
        let is_end_of_head = memmem::find(piece, b"\r\n\r\n").is_some();
        (!is_end_of_head).then_some(None)
    });
    place.flatten().ok_or_else(|| {
        ureq_error(
            TransportErrorKind::Unsendable,
            "the head of the request has no place for its key",
        )
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};
    use ureq::unversioned::transport::{Buffers, LazyBuffers};

    use super::*;
    use crate::call_context::CallContext;
    use crate::hidden_key::HiddenKey;

    const KEY: &str = "Basic eDprZXktb2YtdGhlLXRlc3Q=";

    /// A connection that records what it sends, or fails.
    #[derive(Debug)]
    struct Recorder {
        buffers: LazyBuffers,
        sent: Vec<u8>,
        fails: bool,
    }

    impl UreqLayer for Recorder {
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
        let mut connection = Recorder {
            buffers: LazyBuffers::new(16, 1024),
            sent: Vec::new(),
            fails,
        };
        let is_sent = pieces.iter().all(|piece| {
            let piece = piece.replace("{}", placeholder.to_str().unwrap());
            connection.buffers().output()[..piece.len()].copy_from_slice(piece.as_bytes());
            let timeout = NextTimeout::default();
            transmit(&mut connection, piece.len(), timeout).is_ok()
        });
        let remains = memmem::find(connection.buffers().output(), KEY.as_bytes()).is_some();
        let is_unsent = call.finish().unwrap().unsent_key.is_some();
        let sent = String::from_utf8(connection.sent).unwrap();
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
}
