//! [`Store`]: all collections of LeadConduit and the account, in one [`Room`].

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::collection::{Collection, List};
use super::room::Room;

/// The name of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Flows,
}

/// There is no room for one more text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// All collections, and the room for their texts.
#[derive(Debug)]
pub(crate) struct Store {
    room: Room,
    collections: BTreeMap<Name, Collection>,
    ids: u64,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            room: Room::new(),
            collections: BTreeMap::new(),
            ids: 0,
        }
    }

    /// Returns the room, for what is not in a collection.
    pub(crate) const fn room(&self) -> &Room {
        &self.room
    }

    pub(crate) fn get(&self, name: Name, id: &str) -> Option<Bytes> {
        self.collections.get(&name)?.get(id)
    }

    pub(crate) fn contains(&self, name: Name, id: &str) -> bool {
        let collection = self.collections.get(&name);
        collection.is_some_and(|collection| collection.contains(id))
    }

    /// Returns a collection as it is now. Later changes do not change the list.
    pub(crate) fn list(&self, name: Name) -> List {
        let collection = self.collections.get(&name);
        collection.map_or_else(List::default, Collection::list)
    }

    /// Adds an item at the end, or replaces the text of the item with this id where it is.
    pub(crate) fn put(&mut self, name: Name, id: &str, text: String) -> Result<Bytes, Full> {
        let text = self.room.keep(text).ok_or(Full)?;
        let collection = self.collections.entry(name).or_default();
        collection.put(id, text.clone());
        Ok(text)
    }

    pub(crate) fn remove(&mut self, name: Name, id: &str) -> Option<Bytes> {
        self.collections.get_mut(&name)?.remove(id)
    }

    /// Returns an id that no item of `name` has. The vendor's ids start with the second of their
    /// creation, so they sort by age.
    pub(crate) fn new_id(&mut self, name: Name) -> String {
        let seconds = u32::try_from(Timestamp::now().as_second()).unwrap_or(u32::MAX);
        loop {
            let id = format!("{seconds:08x}{:016x}", self.ids);
            self.ids += 1;
            if !self.contains(name, &id) {
                return id;
            }
        }
    }
}
