//! Events: the list by cursor, and one event by its id.

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Path, State};
use http::Uri;
use jiff::Timestamp;
use serde::Deserialize;

use super::rendered_list;
use crate::products::lead_conduit::handlers::{self, App, Failure};
use crate::products::lead_conduit::query::{Query, time};
use crate::products::lead_conduit::resource::Refusal;
use crate::response::Response;
use crate::rules::{Lookup, Rule, RuleText};
use crate::state::events::id::Id;
use crate::state::events::text::EventWriter;
use crate::state::events::view::{Reader, Reference, View};
use crate::state::{EmulatorState, Shared};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// After this many events, other requests have their turn.
pub(super) const TURN: u64 = 1024;

/// Which events a client wants.
#[derive(Debug)]
struct Wanted {
    after: Option<Id>,
    before: Option<Id>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    rules: Rule,
    shown: Shown,
    limit: usize,
    is_oldest_first: bool,
}

/// Which members of events a client wants.
#[derive(Debug, Clone)]
enum Shown {
    All,
    Only(Vec<String>),
    AllBut(Vec<String>),
}

/// The parameters in a body.
#[derive(Debug, Default, Deserialize)]
struct EventQuery {
    after_id: Option<String>,
    before_id: Option<String>,
    start: Option<String>,
    end: Option<String>,
    rules: Option<Vec<RuleText>>,
    include: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
    limit: Option<u64>,
    sort: Option<String>,
}

pub(super) async fn list(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let wanted = parse_query(&uri)?.parse()?;
    Ok(respond(&shared, wanted).await)
}

pub(super) async fn list_by_body(State(shared): App, body: Body) -> Result<Response, Failure> {
    let parse = |_: &mut EmulatorState, body: &[u8]| parse_body(body)?.parse();
    let wanted = handlers::change(&shared, body, parse).await?;
    Ok(respond(&shared, wanted).await)
}

pub(super) async fn event(State(shared): App, Path(id): Path<String>) -> Result<Response, Refusal> {
    let found = Id::parse(&id).and_then(|id| shared.lock().events.find(id));
    let event = found.ok_or_else(Refusal::not_found)?;
    Ok(handlers::text(event.to_json().into()))
}

fn parse_query(uri: &Uri) -> Result<EventQuery, Refusal> {
    let query = Query::parse(uri)?;
    let text = |name: &str| query.get(name).map(str::to_owned);
    let rules = query.get("rules").map(serde_json::from_str).transpose();
    let list = |name: &str| Some(query.list(name)).filter(|list| !list.is_empty());
    Ok(EventQuery {
        after_id: text("after_id"),
        before_id: text("before_id"),
        start: text("start"),
        end: text("end"),
        rules: rules.map_err(|_| Refusal::bad_request("rules is not a JSON array of rules"))?,
        include: list("include"),
        exclude: list("exclude"),
        limit: query.number("limit")?,
        sort: text("sort"),
    })
}

fn parse_body(body: &[u8]) -> Result<EventQuery, Refusal> {
    if body.is_empty() {
        return Ok(EventQuery::default());
    }
    let reason = "the request body is not a JSON object of these parameters";
    serde_json::from_slice(body).map_err(|_| Refusal::bad_request(reason))
}

impl EventQuery {
    fn parse(self) -> Result<Wanted, Refusal> {
        let id = |name: &str, text: Option<String>| {
            let id = text.map(|text| Id::parse(&text).ok_or(()));
            let id = id.transpose();
            id.map_err(|()| {
                Refusal::bad_request(format!("{name} does not have 24 hexadecimal digits"))
            })
        };
        let moment = |name: &str, text: Option<String>| {
            let moment = text.map(|text| time(name, &text));
            moment.transpose()
        };
        let rules = Rule::compile_all(self.rules.as_deref().unwrap_or_default());
        let shown = match (self.include, self.exclude) {
            (None, None) => Shown::All,
            (Some(names), None) => Shown::Only(names),
            (None, Some(names)) => Shown::AllBut(names),
            (Some(_), Some(_)) => {
                return Err(Refusal::bad_request(
                    "include and exclude cannot be used together",
                ));
            }
        };
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT as u64);
        let limit = usize::try_from(limit).ok();
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let is_oldest_first = match self.sort.as_deref() {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(Refusal::bad_request("sort is not asc or desc")),
        };
        Ok(Wanted {
            after: id("after_id", self.after_id)?,
            before: id("before_id", self.before_id)?,
            start: moment("start", self.start)?,
            end: moment("end", self.end)?,
            rules: rules.map_err(Refusal::bad_request)?,
            shown,
            limit: limit.ok_or_else(|| Refusal::bad_request("limit is not from 1 to 1000"))?,
            is_oldest_first,
        })
    }
}

impl Wanted {
    fn places(&self, view: &View) -> Range<u64> {
        let ms = |time: Option<Timestamp>| time.map(Timestamp::as_millisecond);
        let start_ms = ms(self.start).unwrap_or(i64::MIN);
        let places = view.places(start_ms, ms(self.end).unwrap_or(i64::MAX));
        let first = self.after.map_or(0, |id| view.first_after(id));
        let end = self.before.map_or(u64::MAX, |id| view.first_not_before(id));
        places.start.max(first)..places.end.min(end)
    }
}

impl Shown {
    fn shows(&self, member: &str) -> bool {
        let is_named = |names: &[String]| {
            names.iter().any(|name| {
                let below = member.strip_prefix(name.as_str());
                below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
            })
        };
        match self {
            Self::All => true,
            Self::Only(names) => is_named(names),
            Self::AllBut(names) => !is_named(names),
        }
    }
}

async fn respond(shared: &Shared, wanted: Wanted) -> Response {
    let view = shared.lock().events.view();
    let places = wanted.places(&view);
    let places: Box<dyn Iterator<Item = u64> + Send> = match wanted.is_oldest_first {
        true => Box::new(places),
        false => Box::new(places.rev()),
    };
    let references = match wanted.rules.is_empty() {
        true => places
            .take(wanted.limit)
            .map(|place| view.reference(place))
            .collect(),
        false => passing(&view, places, &wanted).await,
    };
    let (mut reader, shown) = (Reader::new(view.seeded), wanted.shown);
    drop(view);
    let mut writer = EventWriter::new(move |member: &str| shown.shows(member));
    rendered_list::response("[".to_owned(), references, "]", move |reference, text| {
        writer.write(&*reader.read(reference)?, text);
        Some(())
    })
    .await
}

/// Returns the first events that pass the rules.
async fn passing(
    view: &View,
    places: impl Iterator<Item = u64>,
    wanted: &Wanted,
) -> Vec<Reference> {
    let mut references = Vec::new();
    let mut seen = 0;
    for (place, event) in view.walk(places) {
        let lookup: Lookup<'_> = &|name| event.get(name);
        if wanted.rules.passes(lookup) {
            references.push(view.reference(place));
        }
        if references.len() == wanted.limit {
            break;
        }
        seen += 1;
        if seen % TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
    references
}
