//! Searching leads by the words in their fields.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use axum::extract::State;
use http::Uri;
use serde_json::{Map, Value, json};

use super::list::TURN;
use super::rendered_list;
use crate::products::lead_conduit::handlers::App;
use crate::products::lead_conduit::query::Query;
use crate::products::lead_conduit::resource::Refusal;
use crate::response::Response;
use crate::scalar::write_json;
use crate::state::Shared;
use crate::state::events::event::{Event, Kind};
use crate::state::events::id::Id;
use crate::state::events::lead::{Lead, LeadField, iso_8601};
use crate::state::events::seeded::Seeded;
use crate::state::events::view::{Reader, Reference, View};

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;
/// How many leads can be found over all pages.
const CEILING: usize = 1000;
/// The fields that a result shows, and that it can be sorted by.
const SHOWN: [&str; 10] = [
    "first_name",
    "last_name",
    "email",
    "phone_1",
    "phone_2",
    "address_1",
    "city",
    "state",
    "postal_code",
    "reference",
];

struct Search {
    terms: Vec<Term>,
    order: Order,
    is_descending: bool,
    from: usize,
    limit: usize,
}

/// What is looked for: the beginning of a word, or a phrase.
enum Term {
    Single(String),
    Phrase(String),
}

enum Order {
    Relevance,
    Submitted,
    Field(&'static str),
}

/// A lead that was found.
struct Match {
    key: Key,
    id: Id,
    lead: FoundLead,
    latest: Option<Reference>,
}

enum FoundLead {
    Seeded(u64),
    Real(Weak<Lead>),
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// How many terms are whole words.
    Relevance(usize),
    Submitted(i64),
    /// `None` is the least.
    Field(Option<String>),
}

pub(super) async fn search(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let search = Search::parse(&Query::parse(&uri)?)?;
    Ok(respond(&shared, search).await)
}

impl Search {
    fn parse(query: &Query) -> Result<Self, Refusal> {
        let order = match query.get("sort_by") {
            None => Order::Relevance,
            Some("submission_timestamp" | "lead_id") => Order::Submitted,
            Some(name) => match SHOWN.iter().find(|shown| **shown == name) {
                Some(name) => Order::Field(name),
                None => {
                    return Err(Refusal::bad_request(
                        "sort_by is not one of the fields that are documented",
                    ));
                }
            },
        };
        let is_descending = match query.get("sort_dir") {
            None => matches!(order, Order::Relevance),
            Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Refusal::bad_request("sort_dir is not asc or desc")),
        };
        let number = |name: &str, default: usize| {
            let number = query.number(name)?;
            Ok::<_, Refusal>(number.map_or(default, |number| {
                usize::try_from(number).unwrap_or(usize::MAX)
            }))
        };
        let limit = number("limit", DEFAULT_LIMIT)?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Refusal::bad_request("limit is not from 1 to 100"));
        }
        Ok(Self {
            terms: terms(query.get("query").unwrap_or_default()),
            order,
            is_descending,
            from: number("from", 0)?,
            limit,
        })
    }

    /// Returns how the lead is sorted, if it has all terms.
    fn key(&self, lead: &Lead) -> Option<Key> {
        let mut whole_words = 0;
        for term in &self.terms {
            let mut is_found = false;
            for field in &lead.fields {
                if let Some(is_whole) = term.find(&field.normal) {
                    is_found = true;
                    whole_words += usize::from(is_whole);
                }
            }
            if !is_found {
                return None;
            }
        }
        Some(match self.order {
            Order::Relevance => Key::Relevance(whole_words),
            Order::Submitted => Key::Submitted(lead.submitted_ms),
            Order::Field(name) => Key::Field(lead.text(name).map(str::to_lowercase)),
        })
    }

    /// Equal leads are in the order of their ids, the newest first if they are sorted by relevance.
    fn compare(&self, one: &Match, other: &Match) -> Ordering {
        let order = one.key.cmp(&other.key).then(one.id.cmp(&other.id));
        match self.is_descending {
            true => order.reverse(),
            false => order,
        }
    }

    /// Keeps what can be shown.
    fn cut(&self, matches: &mut Vec<Match>) {
        matches.sort_by(|one, other| self.compare(one, other));
        matches.truncate(CEILING);
    }
}

/// Splits at spaces. What is in double quotes is one phrase.
fn terms(query: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    for (number, part) in query.to_lowercase().split('"').enumerate() {
        let is_quoted = number % 2 == 1;
        match is_quoted {
            true if !part.trim().is_empty() => terms.push(Term::Phrase(part.trim().to_owned())),
            true => {}
            false => terms.extend(
                part.split_whitespace()
                    .map(|word| Term::Single(word.to_owned())),
            ),
        }
    }
    terms
}

impl Term {
    fn text(&self) -> &str {
        match self {
            Self::Single(text) | Self::Phrase(text) => text,
        }
    }

    /// Returns where the term begins in a value: where a word does.
    fn place(&self, value: &str) -> Option<usize> {
        let term = self.text();
        let mut is_start = true;
        for (place, char) in value.char_indices() {
            if is_start && starts_with(value.get(place..)?, term) {
                return Some(place);
            }
            is_start = !char.is_alphanumeric();
        }
        None
    }

    /// Returns `Some` if the value has the term, with `true` if it ends where a word does.
    fn find(&self, value: &str) -> Option<bool> {
        let rest = value.get(self.place(value)?..)?;
        let next = rest.chars().nth(self.text().chars().count());
        let is_whole = next.is_none_or(|next| !next.is_alphanumeric());
        match self {
            Self::Single(_) => Some(is_whole),
            Self::Phrase(_) => is_whole.then_some(true),
        }
    }
}

/// `start` is in lower case.
fn starts_with(text: &str, start: &str) -> bool {
    let mut chars = text.chars().flat_map(char::to_lowercase);
    start.chars().all(|char| chars.next() == Some(char))
}

async fn respond(shared: &Shared, search: Search) -> Response {
    let view = shared.lock().events.view();
    let seeded = view.seeded;
    let (mut matches, mut total) = (Vec::new(), 0_u64);
    let add = |matches: &mut Vec<Match>, found: Match| {
        matches.push(found);
        if matches.len() >= 4 * CEILING {
            search.cut(matches);
        }
    };
    for index in 0..seeded.leads() {
        let lead = seeded.lead(index);
        if let Some(key) = search.key(&lead) {
            total += 1;
            let latest = seeded.recipient_event(index).map(Reference::Seeded);
            let found = Match {
                key,
                id: lead.id,
                lead: FoundLead::Seeded(index),
                latest,
            };
            add(&mut matches, found);
        }
        if index % TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
    for (lead, latest) in real_leads(&view) {
        if let Some(key) = search.key(lead) {
            total += 1;
            let found = Match {
                key,
                id: lead.id,
                lead: FoundLead::Real(Arc::downgrade(lead)),
                latest: latest.map(|event| Reference::Real(Arc::downgrade(event))),
            };
            add(&mut matches, found);
        }
    }
    drop(view);
    search.cut(&mut matches);
    let end = search.from.saturating_add(search.limit).min(matches.len());
    let page: Vec<Match> = matches.drain(search.from.min(end)..end).collect();
    // `total` comes after the hits, as in the vendor's description.
    let head = format!("{{\"total\":{total},\"hits\":[");
    let terms = search.terms;
    rendered_list::response(head, page, "]}", move |found, text| {
        write_hit(found, seeded, &terms, text)
    })
    .await
}

/// Returns each lead with its last event of a recipient, which is the kind of event that the vendor
/// documents for results.
fn real_leads(view: &View) -> impl Iterator<Item = (&Arc<Lead>, Option<&Arc<Event>>)> {
    let mut leads: HashMap<Id, (&Arc<Lead>, Option<&Arc<Event>>)> = HashMap::new();
    for event in &view.real {
        // Feedback can be about a seeded lead, which is found as such.
        if view.seeded.lead_index(event.lead.id).is_some() {
            continue;
        }
        let lead = leads.entry(event.lead.id).or_insert((&event.lead, None));
        if event.kind == Kind::Recipient {
            lead.1 = Some(event);
        }
    }
    leads.into_values()
}

/// Appends a hit to a text, or returns `None` if its lead is gone.
fn write_hit(found: &Match, seeded: Seeded, terms: &[Term], text: &mut Vec<u8>) -> Option<()> {
    let lead = match &found.lead {
        FoundLead::Seeded(index) => Arc::new(seeded.lead(*index)),
        FoundLead::Real(lead) => lead.upgrade()?,
    };
    let mut hit = Map::new();
    let mut add = |name: &str, value: Value| hit.insert(name.to_owned(), value);
    add("lead_id", lead.id.to_string().into());
    add("flow_id", json!(lead.flow.id));
    add("flow_name", json!(lead.flow.name));
    add("source_id", json!(lead.source.id));
    add("source_name", json!(lead.source.name));
    for name in SHOWN {
        if let Some(text) = lead.text(name) {
            add(name, text.into());
        }
    }
    add(
        "submission_timestamp",
        iso_8601(lead.submitted_ms).to_json(),
    );
    let marked = lead.fields.iter().filter_map(|field| {
        let marked = terms.iter().find_map(|term| mark(term, field))?;
        Some((field.name.to_string(), json!([marked])))
    });
    add("highlight", Value::Object(marked.collect()));
    write_json(&hit, text);
    if let Some(latest) = &found.latest {
        text.pop();
        text.extend_from_slice(b",\"latest_event\":");
        text.extend(Reader::new(seeded).read(latest)?.to_json());
        text.push(b'}');
    }
    Some(())
}

/// Returns the value of a field with the found text in `<em>`.
fn mark(term: &Term, field: &LeadField) -> Option<String> {
    term.find(&field.normal)?;
    let start = term.place(&field.normal)?;
    let (before, rest) = field.normal.split_at_checked(start)?;
    let length = term.text().chars().count();
    let end = rest
        .char_indices()
        .nth(length)
        .map_or(rest.len(), |(end, _)| end);
    let (text, after) = rest.split_at_checked(end)?;
    Some(format!("{before}<em>{text}</em>{after}"))
}

#[cfg(test)]
mod tests {
    use super::terms;

    #[test]
    fn words_are_found_by_their_beginnings_and_phrases_as_a_whole() {
        for (query, value, expected) in [
            ("sam", "Samantha", Some(false)),
            ("SAM", "sam", Some(true)),
            ("sam", "Uncle Sam", Some(true)),
            ("mantha", "Samantha", None),
            ("example", "ann@example.com", Some(true)),
            ("\"santa fe\"", "Santa Fe", Some(true)),
            ("\"santa f\"", "Santa Fe", None),
            ("\"fe santa\"", "Santa Fe", None),
            ("ÖL", "Ölberg", Some(false)),
        ] {
            let terms = terms(query);
            assert_eq!(terms.len(), 1, "{query}");
            assert_eq!(terms[0].find(value), expected, "{query} {value}");
        }
        assert_eq!(terms(" a \"b c\" d\"\" ").len(), 3);
    }
}
