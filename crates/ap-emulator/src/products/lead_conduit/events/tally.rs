//! [`Tally`]: one pass over events, which sums up something for each part of a span and each group.

use std::collections::HashMap;

use serde_json::Value;

use super::list::TURN;
use super::spans::Milliseconds;
use crate::products::lead_conduit::resource::Refusal;
use crate::rules::{Lookup, Rule};
use crate::scalar::Scalar;
use crate::state::events::event::Event;
use crate::state::events::view::View;

/// The most rows of one result.
const MAX_ROWS: usize = 10_000;
/// What a group shows of a longer value, in characters.
const MAX_VALUE: usize = 256;

/// Sums for each part of a span and each group.
#[derive(Debug)]
pub(super) struct Tally<T> {
    parts: Vec<Milliseconds>,
    group_by: Vec<String>,
    /// For each part, the groups by their values.
    groups: Vec<HashMap<String, Row<T>>>,
    rows: usize,
    key: String,
}

/// The sums of one part and one group.
#[derive(Debug)]
pub(super) struct Row<T> {
    pub(super) part: Milliseconds,
    /// Their values, in the order in which they were asked for.
    pub(super) groups: Vec<Value>,
    pub(super) sums: T,
}

impl<T: Default> Tally<T> {
    pub(super) fn new(parts: Vec<Milliseconds>, group_by: Vec<String>) -> Result<Self, Refusal> {
        let mut tally = Self {
            groups: parts.iter().map(|_| HashMap::new()).collect(),
            parts,
            group_by,
            rows: 0,
            key: String::new(),
        };
        // Without groups, each part has its row even if there is no event.
        if tally.group_by.is_empty() {
            for part in 0..tally.parts.len() {
                tally.row(part, Vec::new)?;
            }
        }
        Ok(tally)
    }

    /// Calls `add` with the sums of each event that passes. Other requests have their turn meanwhile.
    pub(super) async fn run(
        &mut self,
        view: &View,
        whole: Milliseconds,
        rule: &Rule,
        mut add: impl FnMut(&mut T, &Event) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut seen = 0;
        for (_, event) in view.walk(view.places(whole.start, whole.end)) {
            self.add(&event, rule, &mut add)?;
            seen += 1;
            if seen % TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    pub(super) fn add(
        &mut self,
        event: &Event,
        rule: &Rule,
        add: &mut impl FnMut(&mut T, &Event) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let lookup: Lookup<'_> = &|name| event.get(name);
        let part = self
            .parts
            .partition_point(|part| part.end < event.created_ms);
        let is_in = self
            .parts
            .get(part)
            .is_some_and(|part| part.start <= event.created_ms);
        if !is_in || !rule.passes(lookup) {
            return Ok(());
        }
        self.key.clear();
        for name in &self.group_by {
            if let Some(value) = event.get(name) {
                self.key.push_str(&value.text());
            }
            self.key.push('\0');
        }
        let group_by = std::mem::take(&mut self.group_by);
        let sums = self.row(part, || {
            group_by.iter().map(|name| shown(event.get(name))).collect()
        });
        let added = sums.and_then(|sums| add(sums, event));
        self.group_by = group_by;
        added
    }

    /// Returns the sums of the group with the current key.
    fn row(&mut self, part: usize, groups: impl FnOnce() -> Vec<Value>) -> Result<&mut T, Refusal> {
        let refusal = || {
            Refusal::bad_request(format!(
                "the result has more than {MAX_ROWS} rows; choose fewer groups or intervals"
            ))
        };
        let (Some(in_part), Some(span)) = (self.groups.get_mut(part), self.parts.get(part)) else {
            return Err(refusal());
        };
        if !in_part.contains_key(&self.key) {
            if self.rows == MAX_ROWS {
                return Err(refusal());
            }
            self.rows += 1;
            let row = Row {
                part: *span,
                groups: groups(),
                sums: T::default(),
            };
            in_part.insert(self.key.clone(), row);
        }
        let row = in_part.get_mut(&self.key);
        row.map(|row| &mut row.sums).ok_or_else(refusal)
    }

    /// Returns the rows, sorted by time and by their groups.
    pub(super) fn into_rows(self) -> Vec<Row<T>> {
        let parts = self.groups.into_iter();
        let rows = parts.flat_map(|groups| {
            let mut rows: Vec<_> = groups.into_iter().collect();
            rows.sort_by(|(one, _), (other, _)| one.cmp(other));
            rows
        });
        rows.map(|(_, row)| row).collect()
    }
}

fn shown(value: Option<Scalar<'_>>) -> Value {
    match value {
        Some(Scalar::Text(text)) if text.len() > MAX_VALUE => {
            text.chars().take(MAX_VALUE).collect::<String>().into()
        }
        Some(value) => value.to_json(),
        None => Value::Null,
    }
}
