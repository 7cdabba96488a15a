//! The lists of SuppressionList, and the values on them. Of a value only the MD5 is kept.

mod value;

pub(crate) use value::Md5Hash;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::budget::{Budget, Full};
use crate::example_data::lists::{self as examples, iso_8601};

/// The limit for the values of all lists together, and what a value takes: its MD5, its time, and its part of a node
/// of the tree that is half empty.
const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;
const BYTES_OF_A_VALUE: usize = 64;
const _: () = assert!(MAX_VALUE_BYTES / BYTES_OF_A_VALUE >= 1_000_000);
/// The limit for all lists together, without their values, and what a list takes besides its text.
const MAX_LIST_BYTES: usize = 256 * 1024;
const BYTES_OF_A_LIST: usize = 200;

#[derive(Debug)]
pub(crate) struct SuppressionLists {
    lists: Vec<List>,
    list_budget: Budget,
    value_budget: Budget,
}

#[derive(Debug)]
struct List {
    id: String,
    name: String,
    url_name: String,
    /// How long the list keeps a value, in seconds.
    ttl: Option<u64>,
    total_jobs: u64,
    /// When each value was added, in seconds since 1970.
    values: BTreeMap<Md5Hash, i64>,
    /// No value was added before this second.
    oldest: i64,
}

/// The place of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Index(usize);

/// Why a list was not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotCreated {
    NoName,
    /// There is a list with this name, or with the same name in URLs.
    Exists,
    Full,
}

impl SuppressionLists {
    pub(crate) fn with_examples() -> Self {
        Self::with_room_for(MAX_VALUE_BYTES)
    }

    fn with_room_for(value_bytes: usize) -> Self {
        let mut lists = Self {
            lists: Vec::new(),
            list_budget: Budget::new(MAX_LIST_BYTES),
            value_budget: Budget::new(value_bytes),
        };
        for example in examples::LISTS {
            let added_at = (Timestamp::now() - example.age).as_second();
            let values = example.values.iter().filter_map(|text| Md5Hash::of(text));
            let url_name = url_name(example.name);
            lists.lists.push(List {
                id: example.id.to_owned(),
                name: example.name.to_owned(),
                url_name,
                ttl: example.ttl,
                total_jobs: example.total_jobs,
                values: values.map(|value| (value, added_at)).collect(),
                oldest: added_at,
            });
        }
        lists
    }

    /// Returns the lists with these names, joined by `|`, or `None` if one of them does not exist.
    pub(crate) fn find(&self, names: &str) -> Option<Vec<Index>> {
        let find = |name| {
            self.lists
                .iter()
                .position(|list| list.url_name == name)
                .map(Index)
        };
        let mut found = names.split('|').map(find).collect::<Option<Vec<Index>>>()?;
        found.sort_unstable_by_key(|index| index.0);
        found.dedup_by_key(|index| index.0);
        Some(found)
    }

    pub(crate) fn create(&mut self, name: &str, ttl: Option<u64>) -> Result<Value, NotCreated> {
        let url_name = url_name(name);
        if url_name.is_empty() {
            return Err(NotCreated::NoName);
        }
        if self.lists.iter().any(|list| list.url_name == url_name) {
            return Err(NotCreated::Exists);
        }
        let list = List {
            id: self.new_id(),
            name: name.to_owned(),
            url_name,
            ttl,
            total_jobs: 0,
            values: BTreeMap::new(),
            oldest: i64::MAX,
        };
        let shown = list.to_json();
        // By the length of its text, so that a response with all lists is not longer than the limit.
        let bytes = shown.to_string().len() + BYTES_OF_A_LIST;
        self.list_budget
            .take(bytes)
            .map_err(|Full| NotCreated::Full)?;
        self.lists.push(list);
        Ok(shown)
    }

    /// The vendor's ids start with the second of their creation. Lists are never removed, so their number makes an id
    /// unique.
    fn new_id(&self) -> String {
        let seconds = u32::try_from(Timestamp::now().as_second()).unwrap_or(u32::MAX);
        format!("{seconds:08x}{:016x}", self.lists.len())
    }

    /// Returns all lists as they are now.
    pub(crate) fn list_all(&mut self) -> Value {
        self.drop_expired();
        self.lists.iter().map(List::to_json).collect()
    }

    /// Adds values to lists, or nothing if there is no room for all of them. A value that is there already gets the new
    /// time.
    pub(crate) fn add(
        &mut self,
        lists: &[Index],
        mut values: Vec<Md5Hash>,
        added_at: Timestamp,
    ) -> Result<(), Full> {
        self.drop_expired();
        values.sort_unstable();
        values.dedup();
        let new = |list: &List| {
            values
                .iter()
                .filter(|value| !list.values.contains_key(value))
                .count()
        };
        let new: usize = self.at(lists).map(new).sum();
        self.value_budget.take(new * BYTES_OF_A_VALUE)?;
        let added_at = added_at.as_second();
        for Index(index) in lists {
            if let Some(list) = self.lists.get_mut(*index) {
                list.values
                    .extend(values.iter().map(|value| (*value, added_at)));
                list.oldest = list.oldest.min(added_at);
            }
        }
        Ok(())
    }

    /// Removes values from lists, and returns how many of them were on one.
    pub(crate) fn remove(&mut self, lists: &[Index], values: &[Md5Hash]) -> usize {
        self.drop_expired();
        let mut removed = 0;
        for value in values {
            let mut was_there = false;
            for Index(index) in lists {
                let list = self.lists.get_mut(*index);
                if list.is_some_and(|list| list.values.remove(value).is_some()) {
                    self.value_budget.give_back(BYTES_OF_A_VALUE);
                    was_there = true;
                }
            }
            removed += usize::from(was_there);
        }
        removed
    }

    /// Returns, for each of the lists that has the value, its name and its entry.
    pub(crate) fn entries(&mut self, lists: &[Index], value: Md5Hash) -> Vec<(String, Value)> {
        self.drop_expired();
        let entry = |list: &List| {
            let added_at = Timestamp::from_second(*list.values.get(&value)?).ok()?;
            let entry = json!({
                "list_id": list.id,
                "list_url_name": list.url_name,
                "added_at": iso_8601(added_at),
            });
            Some((list.url_name.clone(), entry))
        };
        self.at(lists).filter_map(entry).collect()
    }

    fn at(&self, lists: &[Index]) -> impl Iterator<Item = &List> {
        lists
            .iter()
            .filter_map(|Index(index)| self.lists.get(*index))
    }

    /// Drops the values that are older than their list keeps them.
    fn drop_expired(&mut self) {
        let now = Timestamp::now().as_second();
        for list in &mut self.lists {
            let dropped = list.drop_expired(now);
            self.value_budget.give_back(dropped * BYTES_OF_A_VALUE);
        }
    }
}

impl List {
    /// Returns how many values were dropped.
    fn drop_expired(&mut self, now: i64) -> usize {
        let Some(ttl) = self.ttl else {
            return 0;
        };
        let first_kept = now.saturating_sub_unsigned(ttl);
        if self.oldest >= first_kept {
            return 0;
        }
        let before = self.values.len();
        self.values.retain(|_, added_at| *added_at >= first_kept);
        self.oldest = self.values.values().copied().min().unwrap_or(i64::MAX);
        before - self.values.len()
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "url_name": self.url_name,
            "type": "md5",
            "ttl": self.ttl,
            "count": self.values.len(),
            "total_jobs": self.total_jobs,
        })
    }
}

/// Returns the name in URLs, by the vendor's own rule: lower case, each white space becomes `_`, and everything but
/// letters, digits and `_` is dropped.
fn url_name(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .map(|c| if c.is_whitespace() { '_' } else { c })
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::value::Md5Hash;
    use super::{BYTES_OF_A_VALUE, NotCreated, SuppressionLists, url_name};
    use crate::state::budget::Full;

    fn values(numbers: std::ops::Range<u64>) -> Vec<Md5Hash> {
        numbers
            .filter_map(|number| Md5Hash::of(&number.to_string()))
            .collect()
    }

    #[test]
    fn names_in_urls_follow_the_vendors_rule() {
        for (name, expected) in [
            ("My List", "my_list"),
            ("Bob's List, Unplugged", "bobs_list_unplugged"),
            ("2015-10-12", "20151012"),
            ("\u{fc}\u{2014}", ""),
        ] {
            assert_eq!(url_name(name), expected);
        }
    }

    /// Lists with room for ten values.
    fn small() -> SuppressionLists {
        SuppressionLists::with_room_for(10 * BYTES_OF_A_VALUE)
    }

    #[test]
    fn values_are_added_all_or_not_at_all() {
        let mut lists = small();
        lists.create("Big", None).unwrap();
        lists.create("Other", None).unwrap();
        let (big, both) = (lists.find("big").unwrap(), lists.find("other|big").unwrap());
        let now = Timestamp::now();
        assert_eq!(lists.add(&big, values(0..9), now), Ok(()));
        assert_eq!(lists.add(&big, values(8..11), now), Err(Full));
        assert!(lists.entries(&big, values(9..10)[0]).is_empty());
        assert_eq!(lists.add(&big, values(9..10), now), Ok(()));
        assert_eq!(lists.add(&both, values(0..1), now), Err(Full));
        // What is there can be added again, also several times in one call.
        let again: Vec<Md5Hash> = values(0..9).into_iter().chain(values(0..9)).collect();
        assert_eq!(lists.add(&big, again, now), Ok(()));
        // What is removed makes room.
        assert_eq!(lists.remove(&both, &values(0..2)), 2);
        assert_eq!(lists.remove(&both, &values(0..2)), 0);
        assert_eq!(lists.add(&both, values(0..1), now), Ok(()));
        assert_eq!(lists.entries(&both, values(0..1)[0]).len(), 2);
        assert_eq!(lists.add(&big, values(1..2), now), Err(Full));
    }

    #[test]
    fn values_that_are_too_old_make_room() {
        let mut lists = small();
        lists.create("Short", Some(60)).unwrap();
        let short = lists.find("short").unwrap();
        let now = Timestamp::now();
        let old = now - SignedDuration::from_hours(1);
        for start in (0..100).step_by(10) {
            lists.add(&short, values(start..start + 10), old).unwrap();
        }
        lists.add(&short, values(0..3), now).unwrap();
        assert_eq!(lists.list_all()[2]["count"], 3);
        assert!(lists.entries(&short, values(9..10)[0]).is_empty());
    }

    #[test]
    fn the_number_of_lists_is_bounded_by_their_bytes() {
        let mut lists = SuppressionLists::with_examples();
        assert_eq!(lists.create("\u{fc}", None), Err(NotCreated::NoName));
        assert_eq!(
            lists.create("DO  not call", None).unwrap()["url_name"],
            "do__not_call"
        );
        assert_eq!(lists.create("do NOT call", None), Err(NotCreated::Exists));
        let created =
            (0..).take_while(|number| lists.create(&format!("list {number}"), None).is_ok());
        assert!((600..900).contains(&created.count()));
        assert_eq!(
            lists.create(&"n".repeat(1 << 20), None),
            Err(NotCreated::Full)
        );
    }
}
