//! [`BodyPieces`]: the body of a response that comes in pieces.

use ap_core::{TransportError, TransportErrorKind};
use bytes::{Bytes, BytesMut};

use super::config::TransportConfig;
use super::framing::body_capacity;

/// Puts the body of a response together, for libraries that give it piece by piece.
///
/// Most bodies come in one piece, which is not copied.
///
/// ```
/// use ap_client::transport::{BodyPieces, TransportConfig, TransportErrorKind};
///
/// let config = TransportConfig::new().max_body_size(6);
/// let mut body = BodyPieces::new(&config, Some(5));
/// body.push("wh".into())?;
/// body.push("ole".into())?;
/// assert_eq!(body.finish(), "whole");
///
/// let mut body = BodyPieces::new(&config, None);
/// let error = body.push("too large".into()).unwrap_err();
/// assert_eq!(error.kind(), TransportErrorKind::TooLarge);
/// # Ok::<(), ap_client::transport::TransportError>(())
/// ```
#[derive(Debug)]
pub struct BodyPieces {
    first: Bytes,
    /// All pieces, if there are several.
    whole: BytesMut,
    size: usize,
    max_size: usize,
    announced: Option<u64>,
}

impl BodyPieces {
    /// Creates an empty body. `announced` is its length in bytes as the response's head says it.
    #[must_use]
    pub fn new(config: &TransportConfig, announced: Option<u64>) -> Self {
        Self {
            first: Bytes::new(),
            whole: BytesMut::new(),
            size: 0,
            max_size: config.max_body_size,
            announced,
        }
    }

    /// Adds the next piece.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](TransportErrorKind::TooLarge) if the body is now larger than the settings allow.
    pub fn push(&mut self, piece: Bytes) -> Result<(), TransportError> {
        self.size = self.size.saturating_add(piece.len());
        if self.size > self.max_size {
            return Err(TransportError::new(TransportErrorKind::TooLarge));
        }
        if self.first.is_empty() {
            self.first = piece;
            return Ok(());
        }
        if self.whole.is_empty() {
            self.whole.reserve(body_capacity(self.announced));
            self.whole.extend_from_slice(&self.first);
        }
        self.whole.extend_from_slice(&piece);
        Ok(())
    }

    /// Returns the body. Whether it is complete is the library's to say.
    #[must_use]
    pub fn finish(self) -> Bytes {
        if self.whole.is_empty() {
            self.first
        } else {
            self.whole.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(pieces: &[&'static str]) -> Result<Bytes, TransportErrorKind> {
        let mut body = BodyPieces::new(&TransportConfig::new().max_body_size(4), Some(4));
        for piece in pieces {
            body.push(Bytes::from_static(piece.as_bytes()))
                .map_err(|error| error.kind())?;
        }
        Ok(body.finish())
    }

    #[test]
    fn pieces_are_put_together_up_to_the_limit() {
        for (pieces, whole) in [
            (&[][..], ""),
            (&["four"], "four"),
            (&["", "f", "", "our"], "four"),
            (&["f", "o", "u", "r", ""], "four"),
        ] {
            assert_eq!(body(pieces).unwrap(), whole, "{pieces:?}");
        }
        for pieces in [&["fives"][..], &["four", "s"], &["f", "ives"]] {
            assert_eq!(body(pieces), Err(TransportErrorKind::TooLarge));
        }
    }

    #[test]
    fn one_piece_is_not_copied() {
        let piece = Bytes::from(b"piece".to_vec());
        let mut body = BodyPieces::new(&TransportConfig::new(), None);
        body.push(piece.clone()).unwrap();
        assert_eq!(body.finish().as_ptr(), piece.as_ptr());
    }
}
