//! Events: the list by cursor, and one event by its id.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use http::{StatusCode, Uri};
use jiff::Timestamp;
use serde::Deserialize;

use super::query::{Query, bad_request, time};
use super::{SERVICE, rendered_list};
use crate::request_body;
use crate::response::{self, Response};
use crate::rules::{Lookup, Rule, RuleText};
use crate::state::Shared;
use crate::state::events::id::Id;
use crate::state::events::view::View;

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

pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let wanted = parse_query(&uri).and_then(EventQuery::parse);
    match wanted {
        Ok(wanted) => respond(&shared, wanted).await,
        Err(refusal) => refusal,
    }
}

pub(super) async fn list_by_body(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let wanted = parse_body(&shared, body).await;
    match wanted.and_then(EventQuery::parse) {
        Ok(wanted) => respond(&shared, wanted).await,
        Err(refusal) => refusal,
    }
}

pub(super) async fn event(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let found = Id::parse(&id).and_then(|id| shared.lock().events.find(id));
    match found {
        Some(event) => response::json(StatusCode::OK, &event.to_json(|_| true)),
        None => response::not_found(SERVICE),
    }
}

fn parse_query(uri: &Uri) -> Result<EventQuery, Response> {
    let query = Query::parse(uri)?;
    let text = |name: &str| query.get(name).map(str::to_owned);
    let rules = query.get("rules").map(serde_json::from_str).transpose();
    let list = |name: &str| Some(query.list(name)).filter(|list| !list.is_empty());
    Ok(EventQuery {
        after_id: text("after_id"),
        before_id: text("before_id"),
        start: text("start"),
        end: text("end"),
        rules: rules.map_err(|_| bad_request("rules is not a JSON array of rules"))?,
        include: list("include"),
        exclude: list("exclude"),
        limit: query.number("limit")?,
        sort: text("sort"),
    })
}

async fn parse_body(shared: &Shared, body: Body) -> Result<EventQuery, Response> {
    let room = &shared.body_room;
    let held = request_body::read_held(SERVICE, body, shared.client_timeout, room).await?;
    if held.as_bytes().is_empty() {
        return Ok(EventQuery::default());
    }
    let query = serde_json::from_slice(held.as_bytes());
    query.map_err(|_| bad_request("the request body is not a JSON object of these parameters"))
}

impl EventQuery {
    fn parse(self) -> Result<Wanted, Response> {
        let id = |name: &str, text: Option<String>| {
            let id = text.map(|text| Id::parse(&text).ok_or(()));
            let id = id.transpose();
            id.map_err(|()| bad_request(&format!("{name} does not have 24 hexadecimal digits")))
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
                return Err(bad_request("include and exclude cannot be used together"));
            }
        };
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT as u64);
        let limit = usize::try_from(limit).ok();
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let is_oldest_first = match self.sort.as_deref() {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(bad_request("sort is not asc or desc")),
        };
        Ok(Wanted {
            after: id("after_id", self.after_id)?,
            before: id("before_id", self.before_id)?,
            start: moment("start", self.start)?,
            end: moment("end", self.end)?,
            rules: rules.map_err(|reason| bad_request(&reason))?,
            shown,
            limit: limit.ok_or_else(|| bad_request("limit is not from 1 to 1000"))?,
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
    let (seeded, shown) = (view.seeded, wanted.shown);
    drop(view);
    rendered_list::response("[".to_owned(), references, "]", move |reference| {
        let event = reference.read(seeded)?;
        Some(event.to_json(|member| shown.shows(member)).to_string())
    })
    .await
}
