//! [`Conversation`]: what happened on the connections of a listener, in order, to show it to a person.

use std::time::{Duration, Instant};

/// How many bytes of one piece are kept.
const KEPT: usize = 4096;

/// How many events are kept. A flood or a drip has more than anybody reads.
const EVENTS: usize = 1000;

/// Pieces that follow each other faster than this are one piece.
const ONE_PIECE: Duration = Duration::from_millis(2);

/// What happened on the connections of a listener, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversation {
    pub events: Vec<Event>,
}

/// Something that happened on a connection.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub at: Instant,
    /// The number of the connection, from 0.
    pub connection: usize,
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Opened,
    Received(Piece),
    Sent(Piece),
    /// TLS records of one kind, one after another.
    Tls(Direction, TlsRecords),
    ClientClosed,
    /// The listener ended the connection, in these words.
    Ended(&'static str),
    /// The connection failed, for example in the TLS handshake.
    Failed(String),
}

/// The direction of bytes, as the listener sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Received,
    Sent,
}

/// TLS records of one kind.
#[derive(Clone, Debug)]
pub(crate) struct TlsRecords {
    /// What they are, in words.
    pub kind: String,
    pub count: usize,
    /// The length of all of them, with their headers.
    pub length: usize,
}

/// Bytes that were received or sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Piece {
    /// The first of them.
    pub start: Vec<u8>,
    pub length: usize,
}

impl Piece {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut piece = Self::default();
        piece.append(bytes, bytes.len());
        piece
    }

    /// Adds bytes, of which some may not be kept.
    pub(crate) fn append(&mut self, bytes: &[u8], length: usize) {
        // Only what follows directly on what was kept.
        if self.start.len() == self.length {
            let room = KEPT.saturating_sub(self.start.len()).min(bytes.len());
            self.start.extend_from_slice(&bytes[..room]);
        }
        self.length += length;
    }
}

impl Conversation {
    pub(super) fn add(&mut self, connection: usize, what: What) {
        let at = Instant::now();
        let is_full = self.events.len() >= EVENTS;
        if let Some(last) = self.events.last_mut()
            && last.connection == connection
            && (is_full || at.duration_since(last.at) < ONE_PIECE)
            && merge(&mut last.what, &what)
        {
            return;
        }
        if !is_full {
            self.events.push(Event {
                at,
                connection,
                what,
            });
        }
    }
}

/// Adds a piece to the last one of the same direction, or TLS records to those of the same kind. Returns `false` if the last
/// is another.
pub(crate) fn merge(last: &mut What, next: &What) -> bool {
    match (last, next) {
        (What::Received(last), What::Received(next)) | (What::Sent(last), What::Sent(next)) => {
            last.append(&next.start, next.length);
            true
        }
        (What::Tls(one, last), What::Tls(other, next))
            if one == other && last.kind == next.kind =>
        {
            last.count += next.count;
            last.length += next.length;
            true
        }
        _ => false,
    }
}
