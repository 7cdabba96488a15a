//! [`Seeded`]: invented events that nobody stores. Each is computed from its index when it is read.

use std::sync::Arc;

use super::event::{Event, FeedbackDetails, Kind, Outcome, RETENTION_MS, Step};
use super::id::Id;
use super::lead::{Lead, LeadField, Party, Text};
use crate::example_data;

/// What the ids of seeded events and leads have after the second, above their index.
const EVENT_MARK: u64 = 0x5eed << 48;
const LEAD_MARK: u64 = 0x1ead << 48;
const INDEX: u64 = (1 << 48) - 1;

/// What happens to a lead: the events that it has, in their order.
type Course = &'static [(Kind, Outcome)];

const ACCEPTED: Course = &[
    (Kind::Filter, Outcome::Continue),
    (Kind::Recipient, Outcome::Success),
    (Kind::Source, Outcome::Success),
];
const FILTERED: Course = &[
    (Kind::Filter, Outcome::Stop),
    (Kind::Source, Outcome::Failure),
];
const REJECTED: Course = &[
    (Kind::Filter, Outcome::Continue),
    (Kind::Recipient, Outcome::Failure),
    (Kind::Source, Outcome::Failure),
];
const ERRED: Course = &[
    (Kind::Filter, Outcome::Continue),
    (Kind::Recipient, Outcome::Error),
    (Kind::Source, Outcome::Error),
    (Kind::Retry, Outcome::Error),
];
/// With feedback, of which [`Seeded::feedback`] says what it is.
const ANSWERED: Course = &[
    (Kind::Filter, Outcome::Continue),
    (Kind::Recipient, Outcome::Success),
    (Kind::Source, Outcome::Success),
    (Kind::FeedbackSent, Outcome::Success),
    (Kind::FeedbackReceived, Outcome::Success),
];

/// The courses of leads one after the other, again and again.
const COURSES: [Course; 20] = [
    ACCEPTED, ACCEPTED, FILTERED, ACCEPTED, ACCEPTED, REJECTED, ACCEPTED, ANSWERED, ACCEPTED,
    ACCEPTED, FILTERED, ACCEPTED, ERRED, ACCEPTED, ACCEPTED, FILTERED, ACCEPTED, ANSWERED,
    REJECTED, ACCEPTED,
];

/// How many events the first leads of a round have together.
const EVENTS_BEFORE: [u64; COURSES.len() + 1] = {
    let mut before = [0; COURSES.len() + 1];
    let mut lead = 0;
    while lead < COURSES.len() {
        before[lead + 1] = before[lead] + COURSES[lead].len() as u64;
        lead += 1;
    }
    before
};
/// For each event of a round, its lead, and its place among the events of the lead.
static POSITIONS: [(u64, usize); EVENTS_IN_ROUND as usize] = {
    let mut positions = [(0, 0); EVENTS_IN_ROUND as usize];
    let mut lead = 0;
    while lead < COURSES.len() {
        let mut number = 0;
        while number < COURSES[lead].len() {
            positions[EVENTS_BEFORE[lead] as usize + number] = (lead as u64, number);
            number += 1;
        }
        lead += 1;
    }
    positions
};
const LEADS_IN_ROUND: u64 = COURSES.len() as u64;
const EVENTS_IN_ROUND: u64 = EVENTS_BEFORE[COURSES.len()];

const FIRST_NAMES: [&str; 16] = [
    "Alex", "Blake", "Casey", "Dana", "Ellis", "Frankie", "Gray", "Harper", "Indigo", "Jamie",
    "Kelly", "Lee", "Morgan", "Noel", "Parker", "Robin",
];
const LAST_NAMES: [&str; 16] = [
    "Ash", "Birch", "Cedar", "Dale", "Elm", "Field", "Grove", "Hill", "Ivy", "Jasper", "Knoll",
    "Lake", "Meadow", "North", "Oak", "Pine",
];
/// How many fields a lead has at most.
const MAX_FIELDS: usize = 7;
/// City, state, area code and the start of the postal codes.
const CITIES: [(&str, &str, &str, &str); 8] = [
    ("Austin", "TX", "512", "787"),
    ("Dallas", "TX", "214", "752"),
    ("Tulsa", "OK", "918", "741"),
    ("Denver", "CO", "303", "802"),
    ("Phoenix", "AZ", "602", "850"),
    ("Santa Fe", "NM", "505", "875"),
    ("Omaha", "NE", "402", "681"),
    ("Wichita", "KS", "316", "672"),
];
const REJECTIONS: [&str; 4] = [
    "Duplicate lead",
    "Outside of the service area",
    "No capacity today",
    "Duplicate lead",
];

/// Invented events over the time that the vendor keeps them, the last just before `end_ms`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seeded {
    count: u64,
    leads: u64,
    end_ms: i64,
    /// The time from one lead to the next.
    room_ms: i64,
}

impl Seeded {
    /// `now_ms` is rounded down to a second, so that ids of later events are greater.
    pub(crate) fn new(count: u32, now_ms: i64) -> Self {
        let count = u64::from(count);
        let last = count.checked_sub(1);
        let leads = last.map_or(0, |last| position(last).0 + 1);
        Self {
            count,
            leads,
            end_ms: now_ms - now_ms.rem_euclid(1000),
            room_ms: RETENTION_MS / signed(leads.max(1)),
        }
    }

    pub(crate) const fn count(self) -> u64 {
        self.count
    }

    /// How many leads the events are about.
    pub(crate) const fn leads(self) -> u64 {
        self.leads
    }

    pub(crate) fn id(self, index: u64) -> Id {
        Id::new(self.created_ms(index), EVENT_MARK | index)
    }

    pub(crate) fn index_of(self, id: Id) -> Option<u64> {
        let index = id.rest() & INDEX;
        (index < self.count && self.id(index) == id).then_some(index)
    }

    /// Never less than for the index before.
    pub(crate) fn created_ms(self, index: u64) -> i64 {
        let (lead, number) = position(index);
        self.submitted_ms(lead) + self.delay_ms(random(lead, 1), number)
    }

    /// Returns the index of the lead with this id.
    pub(crate) fn lead_index(self, id: Id) -> Option<u64> {
        let index = id.rest() & INDEX;
        let is_it =
            index < self.leads && id == Id::new(self.submitted_ms(index), LEAD_MARK | index);
        is_it.then_some(index)
    }

    pub(crate) fn event(self, index: u64) -> Event {
        let (lead, _) = position(index);
        self.event_of(index, &Arc::new(self.lead(lead)))
    }

    /// Returns the index of the lead that an event is about.
    pub(crate) fn lead_of(index: u64) -> u64 {
        position(index).0
    }

    /// Returns an event whose lead is known.
    pub(crate) fn event_of(self, index: u64, lead: &Arc<Lead>) -> Event {
        let (lead_index, number) = position(index);
        let course = course(lead_index);
        let (kind, outcome) = course[number];
        let random = random(lead_index, 1);
        let created_ms = lead.submitted_ms + self.delay_ms(random, number);
        let is_of_recipient = matches!(kind, Kind::Recipient | Kind::Retry);
        let ms = match kind {
            Kind::Filter => 1 + number_below(random, 4),
            _ => 20 + number_below(random, 380),
        };
        let is_sold = course.contains(&(Kind::Recipient, Outcome::Success));
        let price = |lowest: u32, span: u32| match is_sold {
            true => f64::from(lowest + number_below(random >> 8, span)),
            false => 0.0,
        };
        let has_step = !matches!(kind, Kind::Source);
        Event {
            id: Id::new(created_ms, EVENT_MARK | index),
            kind,
            outcome,
            reason: reason(lead_index, outcome, lead),
            created_ms,
            ms,
            wait_ms: if is_of_recipient { ms - ms / 8 } else { 0 },
            step_count: if outcome == Outcome::Failure && course.len() == 2 {
                1
            } else {
                2
            },
            purchase_price: price(8, 8),
            sale_price: price(20, 15),
            lead: Arc::clone(lead),
            step: has_step.then(|| step(kind)),
            feedback: self.feedback(index, (lead_index, number), kind),
        }
    }

    fn feedback(
        self,
        index: u64,
        (lead, number): (u64, usize),
        kind: Kind,
    ) -> Option<FeedbackDetails> {
        let is_return = (lead % LEADS_IN_ROUND) < LEADS_IN_ROUND / 2;
        matches!(kind, Kind::FeedbackSent | Kind::FeedbackReceived).then(|| FeedbackDetails {
            kind: if is_return { "return" } else { "conversion" },
            reason: if is_return {
                "Wrong number"
            } else {
                "Signed a contract"
            }
            .into(),
            recipient_event: self.id(index - number as u64 + 1),
        })
    }

    /// Returns the index of the lead's first event.
    pub(crate) const fn first_event(lead: u64) -> u64 {
        let round = lead / LEADS_IN_ROUND * EVENTS_IN_ROUND;
        round + EVENTS_BEFORE[(lead % LEADS_IN_ROUND) as usize]
    }

    /// Returns the index of the last event of the lead that is about a recipient, if there is one.
    pub(crate) fn recipient_event(self, lead: u64) -> Option<u64> {
        let is_it = |(kind, _): &(Kind, Outcome)| *kind == Kind::Recipient;
        let number = course(lead).iter().position(is_it)?;
        let index = Self::first_event(lead) + number as u64;
        (index < self.count).then_some(index)
    }

    pub(crate) fn lead(self, index: u64) -> Lead {
        let random = random(index, 2);
        let pick = |shift: u32, len: usize| (random >> shift) as usize % len;
        let first = FIRST_NAMES[pick(0, FIRST_NAMES.len())];
        let last = LAST_NAMES[pick(4, LAST_NAMES.len())];
        let (city, state, area, postal) = CITIES[pick(8, CITIES.len())];
        let number = number_below(random >> 16, 100);
        let is_filtered = course(index).len() == 2;
        // What the example flow filters out.
        let (has_email, has_phone) = match (is_filtered, random >> 40 & 1) {
            (true, 0) => (false, true),
            (true, _) => (true, false),
            (false, _) => (true, true),
        };
        let field = |name: &'static str, normal: Text| LeadField {
            name: name.into(),
            normal,
            raw: None,
            is_valid: true,
        };
        // Leads are made so often that their texts do not grow, and have no formatter.
        let mut fields = Vec::with_capacity(MAX_FIELDS);
        fields.extend([
            field("first_name", first.into()),
            field("last_name", last.into()),
            field("city", city.into()),
            field("state", state.into()),
            field("postal_code", with_digits(&[postal], number).into()),
        ]);
        if has_email {
            let mut normal = [first, ".", last, &index.to_string(), "@example.com"].concat();
            normal.make_ascii_lowercase();
            fields.push(field("email", normal.into()));
        }
        fields.push(match has_phone {
            true => field("phone_1", with_digits(&[area, "55501"], number).into()),
            false => LeadField {
                is_valid: false,
                ..field("phone_1", with_digits(&["55501"], number).into())
            },
        });
        let submitted_ms = self.submitted_ms(index);
        let (flow, source) = match number_below(random >> 44, 20) {
            0..=10 => (example_data::ROOF_FLOW, example_data::SELLER),
            11..=15 => (example_data::ROOF_FLOW, example_data::CALL_CENTRE),
            _ => (example_data::SOLAR_FLOW, example_data::CALL_CENTRE),
        };
        Lead {
            id: Id::new(submitted_ms, LEAD_MARK | index),
            submitted_ms,
            ip: "192.0.2.44".into(),
            flow: party(flow),
            source: party(source),
            fields,
        }
    }

    fn submitted_ms(self, lead: u64) -> i64 {
        let leads = signed(self.leads.max(1));
        let start = self.end_ms - RETENTION_MS;
        let jitter = signed(random(lead, 3)) % (self.room_ms / 2).max(1);
        // The product is at most the retention times ten million, which fits.
        start + RETENTION_MS * signed(lead) / leads + jitter
    }

    /// How long after the submission an event happens. Never less than for the event before. `random` is that of the
    /// lead.
    fn delay_ms(self, random: u64, number: usize) -> i64 {
        let wait = i64::from(number_below(random, 380));
        let delay = match number {
            0 => 4,
            1 => 30 + wait,
            2 => 40 + wait,
            // A retry, or feedback.
            _ => 60_000 + wait * 1000 + signed(number as u64),
        };
        delay.min(self.room_ms / 2)
    }
}

/// When the example happened. Its id begins with this second.
const EXAMPLE_MS: i64 = 0x65e0_f700 * 1000;

pub(crate) fn example_id() -> Id {
    Id::new(EXAMPLE_MS, 1)
}

/// Returns the event that every emulator has under the same id, for documents: that of a recipient that accepted a lead. No
/// list has it.
pub(crate) fn example() -> Event {
    let seeded = Seeded::new(3, EXAMPLE_MS);
    let lead = Lead {
        id: Id::new(EXAMPLE_MS, 2),
        submitted_ms: EXAMPLE_MS,
        flow: party(example_data::ROOF_FLOW),
        source: party(example_data::SELLER),
        ..seeded.lead(0)
    };
    Event {
        id: example_id(),
        created_ms: EXAMPLE_MS,
        ..seeded.event_of(1, &Arc::new(lead))
    }
}

/// Returns the index of the lead that an event is about, and the event's place among those of the lead.
fn position(index: u64) -> (u64, usize) {
    let (lead, number) = POSITIONS[(index % EVENTS_IN_ROUND) as usize];
    (index / EVENTS_IN_ROUND * LEADS_IN_ROUND + lead, number)
}

fn party((id, name): (&'static str, &'static str)) -> Party {
    Party {
        id: id.into(),
        name: name.into(),
    }
}

fn course(lead: u64) -> Course {
    COURSES[(lead % LEADS_IN_ROUND) as usize]
}

fn reason(lead_index: u64, outcome: Outcome, lead: &Lead) -> Text {
    let is_filtered = course(lead_index).len() == 2;
    match outcome {
        Outcome::Stop | Outcome::Failure if is_filtered => match lead.field("email") {
            None => example_data::NO_EMAIL.into(),
            Some(_) => example_data::BAD_PHONE.into(),
        },
        Outcome::Failure => REJECTIONS[random(lead_index, 4) as usize % REJECTIONS.len()].into(),
        Outcome::Error => "The recipient did not respond in time".into(),
        _ => Text::default(),
    }
}

fn step(kind: Kind) -> Step {
    let (id, name) = example_data::BUYER;
    Step {
        id: match kind {
            Kind::Filter => "f1roof",
            _ => "d1roof",
        }
        .into(),
        module_id: example_data::OUTBOUND_MODULE.into(),
        recipient: Party {
            id: id.into(),
            name: name.into(),
        },
    }
}

fn number_below(random: u64, end: u32) -> u32 {
    // It is less than `end`.
    u32::try_from(random % u64::from(end)).unwrap_or_default()
}

/// Returns texts with two digits after them.
fn with_digits(texts: &[&str], number: u32) -> String {
    let len: usize = texts.iter().map(|text| text.len()).sum();
    let mut text = String::with_capacity(len + 2);
    texts.iter().for_each(|part| text.push_str(part));
    for digit in [number / 10 % 10, number % 10] {
        text.extend(char::from_digit(digit, 10));
    }
    text
}

/// Keeps 63 bits.
const fn signed(number: u64) -> i64 {
    (number & u64::MAX >> 1).cast_signed()
}

/// Mixes the index of a lead with the number of a purpose (SplitMix64).
fn random(lead: u64, purpose: u64) -> u64 {
    let mut mixed = (lead * 8 + purpose).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::{EVENTS_IN_ROUND, Seeded, position};

    /// A Friday in 2026.
    const NOW_MS: i64 = 1_795_681_800_500;

    #[test]
    fn each_event_is_found_by_its_id_and_is_later_than_the_one_before() {
        for count in [0, 1, 2, 3, 61, 62, 63, 10_000, 10_000_000] {
            let seeded = Seeded::new(count, NOW_MS);
            let mut last = None;
            let step = (u64::from(count) / 10_000).max(1);
            for index in (0..u64::from(count)).flat_map(|index| {
                let first = index * step;
                [first, first + 1]
            }) {
                if index >= u64::from(count) || last.is_some_and(|(_, before)| index <= before) {
                    continue;
                }
                let event = seeded.event(index);
                assert_eq!(event.id, seeded.id(index));
                assert_eq!(seeded.index_of(event.id), Some(index));
                assert_eq!(event.lead.id, seeded.lead(Seeded::lead_of(index)).id);
                assert!(last.is_none_or(|(id, _)| id < event.id), "{count} {index}");
                assert!(event.created_ms >= event.lead.submitted_ms);
                assert!(
                    (NOW_MS - 500 - super::RETENTION_MS..NOW_MS - 500).contains(&event.created_ms)
                );
                last = Some((event.id, index));
            }
            assert_eq!(seeded.index_of(seeded.id(u64::from(count))), None);
        }
    }

    #[test]
    fn the_first_event_of_a_lead_is_where_its_position_begins() {
        for index in 0..3 * EVENTS_IN_ROUND {
            let (lead, number) = position(index);
            assert_eq!(Seeded::first_event(lead) + number as u64, index);
        }
    }
}
