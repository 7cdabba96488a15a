//! [`Room`]: the limit for the bytes of everything that clients create, all collections together, so that
//! a client in a loop cannot fill the memory.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The limit for everything together.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// What a text takes besides itself: its id, its place in the list and in the index, and allocations.
const BYTES_BESIDES: usize = 256;

/// The room that is left.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

/// A part of the room. Dropping it gives the part back.
pub(crate) type Share = OwnedSemaphorePermit;

impl Room {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_BYTES)))
    }

    /// Takes room for something of this length, or returns `None` if there is not enough.
    pub(crate) fn take(&self, length: usize) -> Option<Share> {
        let bytes = u32::try_from(length.saturating_add(BYTES_BESIDES)).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(bytes).ok()
    }

    /// Returns `true` if there is room for something of this length.
    pub(crate) fn has(&self, length: usize) -> bool {
        self.0.available_permits() >= length.saturating_add(BYTES_BESIDES)
    }

    /// Returns `text` as shared bytes, or `None` if there is no room for it. The room is free again when
    /// the last clone is dropped, so that responses which clients do not read count too.
    pub(crate) fn keep(&self, text: String) -> Option<Bytes> {
        let share = self.take(text.len())?;
        Some(Bytes::from_owner(Kept {
            // Without the capacity that the text does not need.
            text: text.into_boxed_str(),
            _share: share,
        }))
    }
}

struct Kept {
    text: Box<str>,
    _share: Share,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_BESIDES, MAX_BYTES, Room};

    #[test]
    fn room_is_free_again_when_the_last_reader_is_gone() {
        let room = Room::new();
        let most = MAX_BYTES - BYTES_BESIDES;
        let text = room.keep("n".repeat(most)).unwrap();
        let part = text.slice(1..2);
        drop(text);
        assert!(room.keep(String::new()).is_none());
        drop(part);
        assert!(room.take(most + 1).is_none());
        assert!(room.take(most).is_some());
    }
}
