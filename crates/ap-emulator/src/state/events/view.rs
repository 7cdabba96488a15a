//! [`View`]: all events as they were at a time, the seeded and the real ones, oldest first.

use std::ops::{Deref, Range};
use std::sync::{Arc, Weak};

use super::event::Event;
use super::id::Id;
use super::lead::Lead;
use super::seeded::Seeded;

/// All events at a time. An event has a place, which is its number, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) seeded: Seeded,
    pub(crate) real: Vec<Arc<Event>>,
}

/// An event, as it was found.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives as long as it is read, and most are seeded"
)]
#[derive(Debug, Clone)]
pub(crate) enum Found {
    Seeded(Event),
    Real(Arc<Event>),
}

/// An event that may be gone when somebody reads it. It keeps nothing in memory.
#[derive(Debug, Clone)]
pub(crate) enum Reference {
    Seeded(u64),
    Real(Weak<Event>),
}

impl Deref for Found {
    type Target = Event;

    fn deref(&self) -> &Event {
        match self {
            Self::Seeded(event) => event,
            Self::Real(event) => event,
        }
    }
}

/// Reads events one after the other. Those of a lead follow each other, so its lead is made once.
#[derive(Debug)]
pub(crate) struct Reader {
    seeded: Seeded,
    last: Option<(u64, Arc<Lead>)>,
}

impl Reader {
    pub(crate) const fn new(seeded: Seeded) -> Self {
        Self { seeded, last: None }
    }

    fn seeded(&mut self, index: u64) -> Found {
        let lead_index = Seeded::lead_of(index);
        let lead = match self.last.take() {
            Some((known, lead)) if known == lead_index => lead,
            _ => Arc::new(self.seeded.lead(lead_index)),
        };
        let event = self.seeded.event_of(index, &lead);
        self.last = Some((lead_index, lead));
        Found::Seeded(event)
    }

    pub(crate) fn read(&mut self, reference: &Reference) -> Option<Found> {
        match reference {
            Reference::Seeded(index) => Some(self.seeded(*index)),
            Reference::Real(event) => event.upgrade().map(Found::Real),
        }
    }
}

impl View {
    pub(crate) fn len(&self) -> u64 {
        self.seeded.count() + self.real.len() as u64
    }

    fn real_at(&self, place: u64) -> Option<&Arc<Event>> {
        let index = place.checked_sub(self.seeded.count())?;
        self.real.get(usize::try_from(index).ok()?)
    }

    fn id(&self, place: u64) -> Id {
        match self.real_at(place) {
            Some(event) => event.id,
            None => self.seeded.id(place),
        }
    }

    fn created_ms(&self, place: u64) -> i64 {
        match self.real_at(place) {
            Some(event) => event.created_ms,
            None => self.seeded.created_ms(place),
        }
    }

    pub(crate) fn reference(&self, place: u64) -> Reference {
        match self.real_at(place) {
            Some(event) => Reference::Real(Arc::downgrade(event)),
            None => Reference::Seeded(place),
        }
    }

    /// Returns the first place whose event does not have `is_before`, which no later event may have.
    fn first_place(&self, is_before: impl Fn(u64) -> bool) -> u64 {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match is_before(middle) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    pub(crate) fn first_after(&self, id: Id) -> u64 {
        self.first_place(|place| self.id(place) <= id)
    }

    pub(crate) fn first_not_before(&self, id: Id) -> u64 {
        self.first_place(|place| self.id(place) < id)
    }

    /// Returns the places of the events that were created in this time, both ends included.
    pub(crate) fn places(&self, start_ms: i64, end_ms: i64) -> Range<u64> {
        let start = self.first_place(|place| self.created_ms(place) < start_ms);
        start
            ..self
                .first_place(|place| self.created_ms(place) <= end_ms)
                .max(start)
    }

    /// Reads the events at these places, one at a time.
    pub(crate) fn walk(
        &self,
        places: impl Iterator<Item = u64>,
    ) -> impl Iterator<Item = (u64, Found)> {
        let mut reader = Reader::new(self.seeded);
        places.map(move |place| match self.real_at(place) {
            Some(event) => (place, Found::Real(Arc::clone(event))),
            None => (place, reader.seeded(place)),
        })
    }
}
