//! The events of LeadConduit: the seeded ones, which are computed, and those of real submissions, pings and
//! feedback, which are kept until newer ones need their room.

pub(crate) mod event;
pub(crate) mod id;
pub(crate) mod lead;
mod members;
pub(crate) mod seeded;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use self::event::{Event, Kind};
use self::id::Id;
use self::seeded::Seeded;
use self::view::{Found, View};

/// The limit for all real events together. The oldest go first.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Returns seeded events that end at a whole hour, so that emulators which start soon after each other have the same: a
/// program that starts one for each command finds what the command before has listed.
fn seeded_until(count: u32, now_ms: i64) -> Seeded {
    const HOUR_MS: i64 = 3_600_000;
    Seeded::new(count, now_ms - now_ms.rem_euclid(HOUR_MS))
}

/// All events.
#[derive(Debug)]
pub(crate) struct Events {
    seeded: Seeded,
    /// Oldest first.
    real: VecDeque<Arc<Event>>,
    /// Only counted.
    pings: VecDeque<Arc<Event>>,
    bytes: usize,
    ids: u64,
    last_ms: i64,
}

impl Events {
    /// `seeded` is the number of seeded events.
    pub(crate) fn new(seeded: u32) -> Self {
        let now_ms = Timestamp::now().as_millisecond();
        Self {
            seeded: seeded_until(seeded, now_ms),
            real: VecDeque::new(),
            pings: VecDeque::new(),
            bytes: 0,
            ids: 0,
            last_ms: now_ms,
        }
    }

    pub(crate) const fn seeded(&self) -> Seeded {
        self.seeded
    }

    /// Returns the time, which never goes back.
    pub(crate) fn now_ms(&mut self) -> i64 {
        self.last_ms = self.last_ms.max(Timestamp::now().as_millisecond());
        self.last_ms
    }

    /// Returns a new id of the time `created_ms`, greater than all before.
    pub(crate) fn new_id(&mut self, created_ms: i64) -> Id {
        self.ids += 1;
        Id::new(created_ms, self.ids)
    }

    /// Adds an event, and drops the oldest ones if there is no room for it.
    pub(crate) fn push(&mut self, event: Event) {
        self.bytes += event.bytes();
        match event.kind {
            Kind::Ping => self.pings.push_back(Arc::new(event)),
            _ => self.real.push_back(Arc::new(event)),
        }
        while self.bytes > MAX_BYTES {
            let oldest = match (self.real.front(), self.pings.front()) {
                (Some(event), Some(ping)) if ping.id < event.id => self.pings.pop_front(),
                (None, _) => self.pings.pop_front(),
                (Some(_), _) => self.real.pop_front(),
            };
            let Some(oldest) = oldest else {
                return;
            };
            self.bytes -= oldest.bytes();
        }
    }

    pub(crate) fn view(&self) -> View {
        View {
            seeded: self.seeded,
            real: self.real.iter().cloned().collect(),
        }
    }

    pub(crate) fn find(&self, id: Id) -> Option<Found> {
        if let Some(index) = self.seeded.index_of(id) {
            return Some(Found::Seeded(self.seeded.event(index)));
        }
        if id == seeded::example_id() {
            return Some(Found::Seeded(seeded::example()));
        }
        let index = self.real.binary_search_by_key(&id, |event| event.id).ok()?;
        self.real.get(index).cloned().map(Found::Real)
    }

    pub(crate) fn pings(&self) -> Vec<Arc<Event>> {
        self.pings.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::event::{Event, Kind, Outcome};
    use super::id::Id;
    use super::lead::{Lead, LeadField, Party};
    use super::{Events, MAX_BYTES};

    fn push(events: &mut Events, kind: Kind, length: usize) {
        let created_ms = events.now_ms();
        let party = Party {
            id: "1".into(),
            name: "One".into(),
        };
        let lead = Lead {
            id: events.new_id(created_ms),
            submitted_ms: created_ms,
            ip: "127.0.0.1".into(),
            flow: party.clone(),
            source: party,
            fields: vec![LeadField {
                name: "email".into(),
                normal: "n".repeat(length).into(),
                raw: None,
                is_valid: true,
            }],
        };
        let id = events.new_id(created_ms);
        events.push(Event::new(
            id,
            created_ms,
            Arc::new(lead),
            kind,
            Outcome::Success,
        ));
    }

    #[test]
    fn emulators_of_the_same_hour_have_the_same_events() {
        const HOUR_MS: i64 = 3_600_000;
        let hour = 498_800 * HOUR_MS;
        let ids = |now_ms| {
            let seeded = super::seeded_until(100, now_ms);
            let ids = (0..100).map(|index| seeded.id(index));
            ids.collect::<Vec<_>>()
        };
        let all = ids(hour);
        assert_eq!(all, ids(hour + 1));
        assert_eq!(all, ids(hour + HOUR_MS - 1));
        assert_ne!(all, ids(hour - 1));
        assert_ne!(all, ids(hour + HOUR_MS));
        let last = super::seeded_until(100, hour).created_ms(99);
        assert!(last < hour, "no event is of the future");
    }

    #[test]
    fn the_example_is_found_and_in_no_list() {
        let events = Events::new(100);
        let id = Id::parse("65e0f7000000000000000001").unwrap();
        let event = events.find(id).unwrap();
        assert_eq!((event.id, event.kind), (id, Kind::Recipient));
        assert_eq!(event.outcome, Outcome::Success);
        assert_eq!(events.seeded().index_of(id), None);
        assert!(Events::new(0).find(id).is_some());
    }

    #[test]
    fn the_oldest_events_make_room_for_the_newest() {
        let mut events = Events::new(0);
        let mut kinds = [Kind::Source, Kind::Ping, Kind::Source].into_iter().cycle();
        for _ in 0..100 {
            let kind = kinds.next().unwrap();
            push(&mut events, kind, 1_000_000);
        }
        let view = events.view();
        assert!(events.bytes <= MAX_BYTES);
        assert_eq!(view.real.len() + events.pings().len(), 33);
        let oldest = view.real[0].id.min(events.pings()[0].id);
        push(&mut events, Kind::Source, 1_000_000);
        let view = events.view();
        assert!(view.real[0].id.min(events.pings()[0].id) > oldest);
        assert!(view.real.is_sorted_by_key(|event| event.id));
    }
}
