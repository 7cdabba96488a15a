//! [`Room`]: how many bytes of responses are in memory.

use std::sync::Arc;

use ap_client::transport::{TransportError, TransportErrorKind};
use bytes::Bytes;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in units of this size.
const UNIT: u64 = 1024;

/// How many bytes of responses' bodies may be in memory, of all calls together.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    units: Arc<Semaphore>,
    /// The one response that may exceed it.
    exceeding: Arc<Mutex<()>>,
}

/// The room of one response. Dropping it gives it back.
#[derive(Debug, Default)]
pub(crate) struct Reserved {
    size: u64,
    permit: Option<OwnedSemaphorePermit>,
    exceeding: Option<OwnedMutexGuard<()>>,
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let units = (bytes as u64).div_ceil(UNIT);
        let units = usize::try_from(units).unwrap_or(usize::MAX);
        Self {
            units: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            exceeding: Arc::default(),
        }
    }

    /// Reserves room for a response of this size, if there is some now. Returns `false` if there is not.
    pub(crate) fn try_reserve(
        &self,
        reserved: &mut Reserved,
        size: u64,
    ) -> Result<bool, TransportError> {
        let missing = reserved.missing(size)?;
        if missing > 0 {
            match Arc::clone(&self.units).try_acquire_many_owned(missing) {
                Ok(more) => reserved.add(more),
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Waits until there is room for a response of this size.
    pub(crate) async fn reserve(
        &self,
        reserved: &mut Reserved,
        size: u64,
    ) -> Result<(), TransportError> {
        let missing = reserved.missing(size)?;
        tokio::select! {
            biased;
            Ok(more) = Arc::clone(&self.units).acquire_many_owned(missing) => reserved.add(more),
            exceeding = Arc::clone(&self.exceeding).lock_owned() => {
                reserved.exceeding = Some(exceeding);
            }
        }
        Ok(())
    }
}

impl Reserved {
    /// Returns how many units are missing for a response of this size.
    fn missing(&mut self, size: u64) -> Result<u32, TransportError> {
        self.size = self.size.max(size);
        if self.exceeding.is_some() {
            return Ok(0);
        }
        let present = self.permit.as_ref();
        let present = present.map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = self.size.div_ceil(UNIT).saturating_sub(present as u64);
        u32::try_from(missing).map_err(|_| TransportError::new(TransportErrorKind::TooLarge))
    }

    fn add(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
    }

    /// Returns a body that gives this back when the last part of it is dropped.
    pub(crate) fn keep_with(self, body: Bytes) -> Bytes {
        if self.permit.is_none() && self.exceeding.is_none() {
            return body;
        }
        Bytes::from_owner(Kept {
            body,
            _reserved: self,
        })
    }
}

/// A body with its room.
struct Kept {
    body: Bytes,
    _reserved: Reserved,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_gives_its_room_back_when_its_last_part_is_dropped() {
        let room = Room::new(4 * 1024);
        let mut reserved = Reserved::default();
        room.reserve(&mut reserved, 3).await.unwrap();
        let body = reserved.keep_with(Bytes::from_static(b"abc"));
        let part = body.slice(1..2);
        assert_eq!(body, "abc");
        drop(body);
        assert_eq!(room.units.available_permits(), 3);
        drop(part);
        assert_eq!(room.units.available_permits(), 4);
    }

    #[tokio::test]
    async fn one_response_exceeds_the_room_and_the_next_one_waits() {
        let room = Room::new(4 * 1024);
        let mut responses: Vec<_> = (0..4).map(|_| Reserved::default()).collect();
        room.reserve(&mut responses[0], 3000).await.unwrap();
        room.reserve(&mut responses[0], 3072).await.unwrap();
        room.reserve(&mut responses[1], 1).await.unwrap();
        // The third one exceeds the room, however large it becomes.
        room.reserve(&mut responses[2], 1).await.unwrap();
        room.reserve(&mut responses[2], 1 << 40).await.unwrap();
        tokio::select! {
            biased;
            _ = room.reserve(&mut responses[3], 1) => panic!("there is no room"),
            () = std::future::ready(()) => {}
        }
        drop(responses.remove(2));
        room.reserve(&mut responses[2], 9000).await.unwrap();
        drop(responses);
        assert_eq!(room.units.available_permits(), 4);
        assert!(room.exceeding.try_lock().is_ok());
    }
}
