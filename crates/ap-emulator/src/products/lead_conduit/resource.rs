//! [`Resource`]: what differs between the resources that can be created, changed and deleted.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::part_ids::{self, Parts};
use crate::example_data::iso_8601;
use crate::json_object::{JsonObject, ParseError};
use crate::state::changes::{Action, Change};
use crate::state::store::{Full, Name, Store};

/// A resource of which clients create items.
pub(super) struct Resource {
    pub(super) name: Name,
    pub(super) path: &'static str,
    /// One item, with its article.
    pub(super) noun: &'static str,
    pub(super) ids: Ids,
    /// The value of each member that a client may leave out, but the vendor's schema requires. The vendor
    /// does not document how it refuses an incomplete item, and an invented refusal would mislead.
    pub(super) defaults: &'static [(&'static str, &'static str)],
    /// The members whose parts get ids, where a client gave none.
    pub(super) parts: &'static [Parts],
    /// Members without which an item is refused. Each is all that the item is about.
    pub(super) needed: &'static [&'static str],
    /// Members that clients cannot set, with their first value.
    pub(super) read_only: &'static [(&'static str, Option<&'static str>)],
    /// The collection of other names of the items.
    pub(super) aliases: Option<Name>,
    /// The collection of the items as they were when they were deployed.
    pub(super) deployed_as: Option<Name>,
    /// The type that changelogs give to the items.
    pub(super) change_type: Option<&'static str>,
    pub(super) deleted: StatusCode,
    /// The vendor sends an empty list as `null`.
    pub(super) is_null_when_empty: bool,
    /// The vendor sends a created or changed item as a list.
    pub(super) is_sent_as_list: bool,
}

/// Where the ids of a resource come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ids {
    /// The service makes them.
    Made,
    /// Clients may choose one with 24 hexadecimal digits.
    MadeOrChosen,
    /// Clients choose a name.
    Named,
    /// There is only one item, with this id.
    Only(&'static str),
}

/// Why a request was refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) reason: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        Self { status, reason }
    }

    pub(super) fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    pub(super) const fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            reason: Cow::Borrowed("not found"),
        }
    }
}

impl From<Full> for Refusal {
    fn from(Full: Full) -> Self {
        let reason = "this emulator cannot store more; delete something";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, reason)
    }
}

/// Parses a request's body, which is one item, or another object that `noun` names.
pub(super) fn parse<'a>(noun: &str, body: &'a [u8]) -> Result<JsonObject<'a>, Refusal> {
    JsonObject::parse(body).map_err(|error| match error {
        ParseError::NotJson => Refusal::bad_request("the request body is not valid JSON"),
        ParseError::NotAnObject => Refusal::bad_request(format!("{noun} is a JSON object")),
    })
}

impl Resource {
    /// Most resources; each names what is different.
    pub(super) const BASE: Self = Self {
        name: Name::Flows,
        path: "",
        noun: "",
        ids: Ids::Made,
        defaults: &[],
        parts: &[],
        needed: &[],
        read_only: &[],
        aliases: None,
        deployed_as: None,
        change_type: None,
        deleted: StatusCode::OK,
        is_null_when_empty: false,
        is_sent_as_list: false,
    };

    /// Returns the id of the item that `key` names.
    pub(super) fn id(&self, store: &Store, key: &str) -> String {
        let alias = self.aliases.and_then(|aliases| store.get(aliases, key));
        let id = alias.and_then(|id| String::from_utf8(id.into()).ok());
        id.unwrap_or_else(|| key.to_owned())
    }

    pub(super) fn get(&self, store: &Store, key: &str) -> Result<Bytes, Refusal> {
        let item = store.get(self.name, &self.id(store, key));
        item.ok_or_else(Refusal::not_found)
    }

    pub(super) fn create(&self, store: &mut Store, body: &[u8]) -> Result<Bytes, Refusal> {
        let mut members = self.parse(body)?;
        let id = self.new_id(store, &members)?;
        if store.contains(self.name, &id) {
            let reason = format!("{} with this id exists already", self.noun);
            return Err(Refusal::new(StatusCode::CONFLICT, reason));
        }
        let now = json_time();
        for (name, value) in self.read_only {
            members.set(name, *value);
        }
        members.insert("created_at", &now);
        let text = self.complete(&format!("\"{id}\""), members, &now);
        self.put(store, &id, Action::Create, None, text)
    }

    /// Replaces an item. Members that the request leaves out are gone, as `PUT` has it.
    pub(super) fn update(
        &self,
        store: &mut Store,
        key: &str,
        body: &[u8],
    ) -> Result<Bytes, Refusal> {
        let id = self.id(store, key);
        let before = self.get_changeable(store, &id)?;
        let old = parse(self.noun, &before)?;
        let mut members = self.parse(body)?;
        for name in self
            .read_only
            .iter()
            .map(|(name, _)| *name)
            .chain(["created_at"])
        {
            members.set(name, old.get(name));
        }
        let now = json_time();
        let text = self.complete(&format!("\"{id}\""), members, &now);
        self.put(store, &id, Action::Update, Some(&before), text)
    }

    /// Sets or removes a member of an item, which clients cannot change by an update.
    pub(super) fn set(
        &self,
        store: &mut Store,
        id: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<Bytes, Refusal> {
        let before = self.get(store, id)?;
        let mut members = parse(self.noun, &before)?;
        let now = json_time();
        members.set(name, value);
        members.insert("updated_at", &now);
        self.put(store, id, Action::Update, Some(&before), members.to_text())
    }

    /// Deletes an item, and returns it as it was.
    pub(super) fn delete(&self, store: &mut Store, key: &str) -> Result<Bytes, Refusal> {
        let id = self.id(store, key);
        let before = self.get_changeable(store, &id)?;
        store.remove(self.name, &id);
        if let Some(deployed) = self.deployed_as {
            store.remove(deployed, &id);
        }
        if let Some(aliases) = self.aliases {
            let list = store.list(aliases);
            for alias in list.iter().filter(|alias| alias.text == id.as_bytes()) {
                store.remove(aliases, &alias.id);
            }
        }
        self.record(store, &id, Action::Delete, None, &before);
        Ok(before)
    }

    fn parse<'a>(&self, body: &'a [u8]) -> Result<JsonObject<'a>, Refusal> {
        let members = parse(self.noun, body)?;
        let is_missing = |name: &&&str| members.get(name).is_none_or(|value| value == "null");
        match self.needed.iter().find(is_missing) {
            Some(name) => Err(Refusal::bad_request(format!(
                "{} needs the member {name}",
                self.noun
            ))),
            None => Ok(members),
        }
    }

    /// Returns an item, unless it is one that every account has.
    fn get_changeable(&self, store: &Store, id: &str) -> Result<Bytes, Refusal> {
        let item = self.get(store, id)?;
        if parse(self.noun, &item)?.get("standard") == Some("true") {
            let reason = format!(
                "{} that is standard cannot be changed or deleted",
                self.noun
            );
            return Err(Refusal::bad_request(reason));
        }
        Ok(item)
    }

    fn new_id(&self, store: &mut Store, members: &JsonObject<'_>) -> Result<String, Refusal> {
        let chosen = match members.get("id") {
            None | Some("null") => None,
            Some(id) => Some(serde_json::from_str::<String>(id).unwrap_or_default()),
        };
        match (self.ids, chosen) {
            (Ids::Only(id), _) => Ok(id.to_owned()),
            (Ids::Made, _) | (Ids::MadeOrChosen, None) => Ok(store.new_id(self.name)),
            (Ids::MadeOrChosen, Some(id)) if is_id(&id) => Ok(id.to_ascii_lowercase()),
            (Ids::MadeOrChosen, _) => Err(Refusal::bad_request("an id has 24 hexadecimal digits")),
            (Ids::Named, Some(id)) if is_name(&id) => Ok(id),
            (Ids::Named, _) => Err(Refusal::bad_request(format!(
                "{} needs an id of letters, digits and underscores, 64 at most",
                self.noun
            ))),
        }
    }

    fn complete(&self, id: &str, requested: JsonObject<'_>, now: &str) -> String {
        let with_ids = self.parts.iter().filter_map(|parts| {
            let list = requested.get(parts.member)?;
            Some((parts.member, part_ids::completed(list, parts.digits)?))
        });
        let lists: Vec<(&str, String)> = with_ids.collect();
        let mut members = requested;
        for (name, value) in self.defaults {
            if members.get(name).is_none() {
                members.insert(name, value);
            }
        }
        for (name, list) in &lists {
            members.insert(name, list);
        }
        members.insert("id", id);
        members.insert("updated_at", now);
        members.to_text()
    }

    pub(super) fn put(
        &self,
        store: &mut Store,
        id: &str,
        action: Action,
        before: Option<&Bytes>,
        text: String,
    ) -> Result<Bytes, Refusal> {
        let after = store.put(self.name, id, text)?;
        self.record(store, id, action, before, &after);
        Ok(after)
    }

    fn record(
        &self,
        store: &mut Store,
        id: &str,
        action: Action,
        before: Option<&Bytes>,
        after: &Bytes,
    ) {
        if let Some(kind) = self.change_type {
            store.record(&Change {
                kind,
                action,
                id,
                before,
                after,
            });
        }
    }
}

/// Returns the time as a JSON string.
pub(super) fn json_time() -> String {
    format!("\"{}\"", iso_8601(Timestamp::now()))
}

fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_name(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(is_fit)
}
