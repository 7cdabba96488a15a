//! [`Collection`]: texts by id, in the order of their creation; and [`List`], what it contained at a time.
//!
//! A list costs its reader two pointers, however long it is. When the collection changes while somebody
//! reads, only the changed chunk and the list of chunks are copied, and no text.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

/// The most items in one chunk.
const CHUNK: usize = 64;

/// The most items in a list that was filtered. Unlike a whole list, it is a copy.
const MAX_FILTERED: usize = 1000;

/// Texts by id, in the order of their creation.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    list: List,
    /// The number of each item. Later items have higher numbers.
    numbers: HashMap<Arc<str>, u64>,
    created: u64,
}

/// What a collection contained when the list was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct List {
    /// None of them is empty.
    chunks: Arc<Vec<Arc<Vec<Item>>>>,
    len: usize,
    text_bytes: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Item {
    number: u64,
    pub(crate) id: Arc<str>,
    pub(crate) text: Bytes,
}

impl Collection {
    /// Returns the text of an item.
    pub(crate) fn get(&self, id: &str) -> Option<Bytes> {
        let (chunk, index) = self.list.find(*self.numbers.get(id)?)?;
        Some(self.list.item(chunk, index)?.text.clone())
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.numbers.contains_key(id)
    }

    /// Returns all items, as they are now. Later changes do not change the list.
    pub(crate) fn list(&self) -> List {
        self.list.clone()
    }

    /// Adds an item at the end, or replaces the text of the item with this id where it is.
    pub(crate) fn put(&mut self, id: &str, text: Bytes) {
        let place = self.numbers.get(id);
        if let Some((chunk, index)) = place.and_then(|number| self.list.find(*number)) {
            self.list.replace(chunk, index, text);
            return;
        }
        let id: Arc<str> = id.into();
        self.numbers.insert(Arc::clone(&id), self.created);
        self.list.push(Item {
            number: self.created,
            id,
            text,
        });
        self.created += 1;
    }

    /// Removes an item and returns its text.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Bytes> {
        let number = self.numbers.remove(id)?;
        let (chunk, index) = self.list.find(number)?;
        self.list.remove(chunk, index)
    }
}

impl List {
    /// Returns a list of one text.
    pub(crate) fn of_one(text: Bytes) -> Self {
        let mut list = Self::default();
        list.push(Item {
            number: 0,
            id: "".into(),
            text,
        });
        list
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The length of all texts together.
    pub(crate) const fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// Returns the items that `is_wanted` selects, the first thousand at most.
    pub(crate) fn filtered(&self, mut is_wanted: impl FnMut(&Item) -> bool) -> Self {
        let mut list = Self::default();
        for item in self
            .iter()
            .filter(|item| is_wanted(item))
            .take(MAX_FILTERED)
        {
            list.push(item.clone());
        }
        list
    }

    /// Returns the item at an index of a chunk.
    pub(crate) fn item(&self, chunk: usize, index: usize) -> Option<&Item> {
        self.chunks.get(chunk)?.get(index)
    }

    fn find(&self, number: u64) -> Option<(usize, usize)> {
        let is_before =
            |chunk: &Arc<Vec<Item>>| chunk.first().is_some_and(|item| item.number <= number);
        let chunk = self.chunks.partition_point(is_before).checked_sub(1)?;
        let items = self.chunks.get(chunk)?;
        let index = items.binary_search_by_key(&number, |item| item.number);
        Some((chunk, index.ok()?))
    }

    fn push(&mut self, item: Item) {
        self.len += 1;
        self.text_bytes += item.text.len();
        let chunks = Arc::make_mut(&mut self.chunks);
        match chunks.last_mut() {
            Some(last) if last.len() < CHUNK => Arc::make_mut(last).push(item),
            _ => chunks.push(Arc::new(vec![item])),
        }
    }

    fn replace(&mut self, chunk: usize, index: usize, text: Bytes) {
        let chunks = Arc::make_mut(&mut self.chunks);
        let items = chunks.get_mut(chunk).map(Arc::make_mut);
        if let Some(item) = items.and_then(|items| items.get_mut(index)) {
            self.text_bytes = self.text_bytes - item.text.len() + text.len();
            item.text = text;
        }
    }

    fn remove(&mut self, chunk: usize, index: usize) -> Option<Bytes> {
        let chunks = Arc::make_mut(&mut self.chunks);
        let items = Arc::make_mut(chunks.get_mut(chunk)?);
        let Item { text, .. } = (index < items.len()).then(|| items.remove(index))?;
        self.len -= 1;
        self.text_bytes -= text.len();
        if items.is_empty() {
            chunks.remove(chunk);
        } else {
            merge_small(chunks, chunk);
        }
        Some(text)
    }
}

/// Merges the chunk with a neighbour if both are small. Many small chunks would cost more than few large ones.
fn merge_small(chunks: &mut Vec<Arc<Vec<Item>>>, chunk: usize) {
    for left in [chunk.saturating_sub(1), chunk] {
        if let Some([one, two]) = chunks.get_mut(left..left + 2)
            && one.len() + two.len() <= CHUNK / 2
        {
            Arc::make_mut(one).extend(two.iter().cloned());
            chunks.remove(left + 1);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{CHUNK, Collection, List};

    fn ids(list: &List) -> Vec<usize> {
        list.iter().map(|item| item.id.parse().unwrap()).collect()
    }

    fn filled(items: usize) -> Collection {
        let mut collection = Collection::default();
        for id in 0..items {
            let text = id.to_string();
            collection.put(&text, text.clone().into());
        }
        collection
    }

    #[test]
    fn items_keep_their_order_through_every_change() {
        // Removes all but each `step`-th item, forwards and backwards.
        for (items, step, is_reversed) in [
            (1, 1, false),
            (CHUNK, 1, true),
            (CHUNK + 1, 1, false),
            (5 * CHUNK, 7, false),
            (5 * CHUNK, 7, true),
            (5 * CHUNK, CHUNK, false),
            (5 * CHUNK, 9 * CHUNK, true),
        ] {
            let mut collection = filled(items);
            let before = collection.list();
            let mut removed: Vec<usize> = (0..items).filter(|id| id % step != 0).collect();
            if is_reversed {
                removed.reverse();
            }
            for id in &removed {
                let id = id.to_string();
                assert_eq!(collection.remove(&id), Some(Bytes::from(id.clone())));
                assert_eq!((collection.remove(&id), collection.get(&id)), (None, None));
            }
            let kept: Vec<usize> = (0..items).step_by(step).collect();
            for id in &kept {
                collection.put(&id.to_string(), "new".into());
                assert_eq!(collection.get(&id.to_string()).unwrap(), "new");
            }
            let list = collection.list();
            assert_eq!(ids(&list), kept);
            assert_eq!(
                (list.len(), list.text_bytes()),
                (kept.len(), 3 * kept.len())
            );
            assert!(list.chunks.iter().all(|chunk| !chunk.is_empty()));
            let small = |pair: &[_]| matches!(pair, [a, b] if a < &(CHUNK / 8) && b < &(CHUNK / 8));
            let sizes: Vec<usize> = list.chunks.iter().map(|chunk| chunk.len()).collect();
            assert!(!sizes.windows(2).any(small), "{sizes:?}");
            // The list of before is as it was.
            assert_eq!(ids(&before), (0..items).collect::<Vec<_>>());
            assert!(before.iter().all(|item| item.text == item.id.as_bytes()));
        }
    }

    #[test]
    fn a_removed_item_comes_back_at_the_end() {
        let mut collection = filled(3);
        collection.remove("1");
        collection.put("1", "again".into());
        assert_eq!(ids(&collection.list()), [0, 2, 1]);
        let some = collection.list().filtered(|item| &*item.id != "2");
        assert_eq!((ids(&some), some.text_bytes()), (vec![0, 1], 6));
    }
}
