//! [`Store`]: all collections of LeadConduit and the account, in one [`Room`].

use std::collections::{BTreeMap, HashSet, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;

use super::changes::Change;
use super::collection::{Collection, List};
use super::room::Room;
use crate::example_data;

/// The name of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Changelogs,
    Credentials,
    Entities,
    Fields,
    Flows,
    /// The flows as they were when they were deployed last. Leads go through these.
    DeployedFlows,
    /// The logs of access to submission docs that clients hid. Their texts are empty.
    HiddenAccessLogs,
    /// The ids of invited entities, by those of their invitations.
    Invitations,
    /// The ids of invitations, by who was invited to be what.
    Invited,
    Onboards,
    Reports,
    /// The ids of shared reports, by their tokens.
    ReportTokens,
    Routers,
    UserSettings,
}

/// How many changelogs are kept. After that, each new one drops the oldest.
const MAX_CHANGES: usize = 500;

/// There is no room for one more text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// All collections, and the room for their texts.
#[derive(Debug)]
pub(crate) struct Store {
    room: Room,
    collections: BTreeMap<Name, Collection>,
    ids: u64,
    /// The changelogs, oldest first.
    changes: VecDeque<Changed>,
}

/// The item that a changelog is about.
#[derive(Debug)]
struct Changed {
    changelog: String,
    kind: &'static str,
    id: String,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            room: Room::new(),
            collections: BTreeMap::new(),
            ids: 0,
            changes: VecDeque::new(),
        }
    }

    pub(crate) fn with_examples() -> Self {
        let mut store = Self::new();
        let fields = example_data::fields();
        let fields = fields.as_array().map(Vec::as_slice).unwrap_or_default();
        let flows = example_data::flows();
        for (name, items) in [
            (Name::Flows, &flows[..]),
            (Name::DeployedFlows, &flows),
            (Name::Fields, fields),
            (Name::Entities, &example_data::entities()),
            (Name::Credentials, &example_data::credentials()),
            (Name::Reports, &example_data::reports()),
            (Name::Routers, &example_data::routers()),
            (Name::Onboards, &example_data::onboards()),
        ] {
            for item in items {
                let id = item["id"].as_str().unwrap_or_default();
                // The room is empty, and the examples are small.
                let _ = store.put(name, id, item.to_string());
                if let Some(token) = item["token"].as_str().filter(|_| name == Name::Reports) {
                    let _ = store.put(Name::ReportTokens, token, id.to_owned());
                }
            }
        }
        store
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

    /// Adds an item at the end, or replaces the text of the item with this id where it is. If there is no
    /// room, the oldest changelogs make some.
    pub(crate) fn put(&mut self, name: Name, id: &str, text: String) -> Result<Bytes, Full> {
        while !self.room.has(text.len()) && self.drop_oldest_change() {}
        let text = self.room.keep(text).ok_or(Full)?;
        let collection = self.collections.entry(name).or_default();
        collection.put(id, text.clone());
        Ok(text)
    }

    /// Puts the item of one collection into another too, as it is now. They share its text.
    pub(crate) fn share(&mut self, from: Name, id: &str, to: Name) {
        if let Some(text) = self.get(from, id) {
            self.collections.entry(to).or_default().put(id, text);
        }
    }

    /// Adds a changelog, if there is room for it when older ones are gone.
    pub(crate) fn record(&mut self, change: &Change<'_>) {
        if self.changes.len() == MAX_CHANGES {
            self.drop_oldest_change();
        }
        let changelog = self.new_id(Name::Changelogs);
        let text = change.to_text(&changelog);
        if self.put(Name::Changelogs, &changelog, text).is_ok() {
            self.changes.push_back(Changed {
                changelog,
                kind: change.kind,
                id: change.id.to_owned(),
            });
        }
    }

    /// Returns the changelogs of an item.
    pub(crate) fn changes_of(&self, kind: &str, id: &str) -> List {
        let of_item = |changed: &&Changed| changed.kind == kind && changed.id == id;
        let changes = self.changes.iter().filter(of_item);
        let ids: HashSet<&str> = changes.map(|changed| &*changed.changelog).collect();
        self.list(Name::Changelogs)
            .filtered(|item| ids.contains(&*item.id))
    }

    /// Returns `false` if there is none.
    fn drop_oldest_change(&mut self) -> bool {
        let oldest = self.changes.pop_front();
        oldest.is_some_and(|oldest| self.remove(Name::Changelogs, &oldest.changelog).is_some())
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
