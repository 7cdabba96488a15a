//! `--paginate`: a call for each page. In memory is one page at a time.

use std::borrow::Cow;

use activeprospect::api::leadconduit::leads::SEARCH_CEILING;
use activeprospect::http::{HeaderMap, Method};
use activeprospect::{Draft, Response, Service};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Args, failure, without_secrets};
use crate::call;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::json_layout::{Layout, Style};
use crate::output::{self, Printed};
use crate::session::Session;

/// The parameter that says how many items a page has at most.
const LIMIT: &str = "limit";

/// How the pages of an answer follow each other.
pub(super) struct Paging {
    kind: Kind,
    /// The path and the query, encoded, without the cursor and the limit.
    base: String,
    /// How many items a page has at most.
    limit: u64,
    /// The first page that was asked for.
    first: Option<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    /// `GET /events`: the next page begins after the last event. The parameter is this.
    Events(&'static str),
    /// `GET /search/leads`: the next page begins at the number of the next lead.
    Search,
}

impl Kind {
    const fn cursor(self) -> &'static str {
        match self {
            Self::Events(name) => name,
            Self::Search => "from",
        }
    }

    /// The most items of a page, which is asked for if the query has no limit.
    const fn max_limit(self) -> u64 {
        match self {
            Self::Events(_) => 1000,
            Self::Search => 100,
        }
    }
}

impl Paging {
    /// Returns how a draft's pages follow each other; `None` if its answer has no pages.
    pub(super) fn of(session: &Session, draft: &Draft) -> Result<Option<Self>, Failure> {
        if *draft.method() != Method::GET {
            return Err(Failure::usage(
                "--paginate is for GET, and this is another method",
                "leave --paginate out, or add -X GET",
            ));
        }
        let (request, _) = draft.clone().prepare(session.client.origins(), None)?;
        let uri = request.uri();
        let pairs: Vec<&str> = uri.query().unwrap_or_default().split('&').collect();
        let value = |name: &str| {
            let pair = pairs.iter().find(|pair| name_of(pair) == name)?;
            let value = pair.split_once('=').map_or("", |(_, value)| value);
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let is_lcx = draft.service() == Service::LeadConduit;
        let kind = match uri.path().trim_end_matches('/') {
            "/events" if is_lcx => Kind::Events(match value("sort").as_deref() {
                Some("asc") => "after_id",
                _ => "before_id",
            }),
            "/search/leads" if is_lcx => Kind::Search,
            _ => return Ok(None),
        };
        let limit = match value(LIMIT) {
            None => kind.max_limit(),
            Some(limit) => limit
                .parse()
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or_else(|| {
                    Failure::usage(
                        "the limit in the query is not a number above 0",
                        "correct it, or leave it out",
                    )
                })?,
        };
        let is_kept = |pair: &&str| {
            let name = name_of(pair);
            !pair.is_empty() && name != kind.cursor() && name != LIMIT
        };
        let kept: Vec<_> = pairs.iter().copied().filter(is_kept).collect();
        let path = uri.path();
        Ok(Some(Self {
            kind,
            base: match kept.is_empty() {
                true => path.to_owned(),
                false => format!("{path}?{}", kept.join("&")),
            },
            // A page that the product made shorter than it was asked for would look like the last one.
            limit: limit.min(kind.max_limit()),
            first: value(kind.cursor()),
        }))
    }

    /// Returns the draft of one page.
    fn draft(&self, cursor: Option<&str>) -> Draft {
        let limit = self.limit_at(cursor).to_string();
        let draft = Draft::get(Service::LeadConduit, self.base.clone());
        let draft = draft.query(&[(LIMIT, &*limit)]);
        match cursor {
            Some(cursor) => draft.query(&[(self.kind.cursor(), cursor)]),
            None => draft,
        }
    }

    /// Returns how many items a page is asked for. The last one before the end of every search is shorter.
    fn limit_at(&self, cursor: Option<&str>) -> u64 {
        match self.kind {
            Kind::Events(_) => self.limit,
            // A page beyond the end is asked for as it was given, and refused.
            Kind::Search => match u64::from(SEARCH_CEILING).saturating_sub(offset(cursor)) {
                0 => self.limit,
                rest => self.limit.min(rest),
            },
        }
    }

    /// Returns the cursor of the page after one; `None` if that was the last.
    fn next(&self, cursor: Option<&str>, page: &Page<'_>) -> Result<Option<String>, Failure> {
        let count = page.items.len() as u64;
        let is_short = count < self.limit_at(cursor);
        if is_short && page.total.is_none() || count == 0 {
            return Ok(None);
        }
        match self.kind {
            Kind::Events(_) => {
                let Some(last) = page.items.last() else {
                    return Ok(None);
                };
                #[derive(Deserialize)]
                struct HasId {
                    id: String,
                }
                let last: Result<HasId, _> = serde_json::from_str(last.get());
                match last {
                    Ok(last) if Some(last.id.as_str()) != cursor => Ok(Some(last.id)),
                    Ok(_) => Err(no_next_page("the next page is the same one again")),
                    Err(_) => Err(no_next_page("the last event of a page has no id")),
                }
            }
            Kind::Search => {
                let next = offset(cursor).saturating_add(count);
                let end = page.total.unwrap_or(u64::MAX).min(SEARCH_CEILING.into());
                Ok((next < end).then(|| next.to_string()))
            }
        }
    }
}

/// Returns the number of the first lead of a page of a search.
fn offset(cursor: Option<&str>) -> u64 {
    cursor.map_or(Ok(0), str::parse).unwrap_or_default()
}

fn no_next_page(why: &str) -> Failure {
    Failure::new(
        ExitCode::Other,
        why,
        "what is printed is not complete; change the query, so that each event has its id",
    )
}

/// Returns the name of a pair in a query.
fn name_of(pair: &str) -> Cow<'_, str> {
    let name = pair.split('=').next().unwrap_or_default();
    percent_decode_str(name).decode_utf8_lossy()
}

/// The items of one page, as the product wrote them.
struct Page<'a> {
    items: Vec<&'a RawValue>,
    total: Option<u64>,
}

fn parse(kind: Kind, text: &[u8]) -> Result<Page<'_>, Failure> {
    #[derive(Deserialize)]
    struct Found<'a> {
        #[serde(borrow)]
        hits: Vec<&'a RawValue>,
        total: Option<u64>,
    }
    let page = match kind {
        Kind::Events(_) => serde_json::from_slice(text).map(|items| Page { items, total: None }),
        Kind::Search => serde_json::from_slice(text).map(|found: Found<'_>| Page {
            items: found.hits,
            total: found.total,
        }),
    };
    page.map_err(|_| {
        Failure::new(
            ExitCode::Other,
            "a page is not a list of items",
            "see it as it is without --paginate",
        )
    })
}

/// Makes a call for each page, and prints the items of all pages as one list, or what a filter makes of each page.
pub(super) fn run(
    paging: &Paging,
    headers: &HeaderMap,
    args: &Args,
    session: &Session,
) -> Result<Printed, Failure> {
    let mut printer = Printer::new();
    let mut cursor = paging.first.clone();
    loop {
        let mut draft = paging.draft(cursor.as_deref()).headers(headers.clone());
        if args.no_auth {
            draft = draft.unsigned();
        }
        let response = call::send(session, draft).and_then(Response::error_for_status);
        let response = response.map_err(|error| failure(error, args, session))?;
        let body = response.bytes();
        // The original has the ids; what is printed has no secrets.
        let next = paging.next(cursor.as_deref(), &parse(paging.kind, body)?)?;
        let known = session.secrets.now();
        let secrets = (!args.show_secrets).then_some(&*known);
        let shown = without_secrets(body, secrets);
        let printed = match args.jq {
            Some(filter) => filter.print(shown.into_owned(), session.timeout(), secrets)?,
            None => printer.print(&parse(paging.kind, &shown)?.items)?,
        };
        if printed.is_reader_gone() {
            return Ok(printed);
        }
        match next {
            Some(next) => cursor = Some(next),
            None if args.jq.is_some() => return Ok(Printed::All),
            None => return printer.finish(),
        }
    }
}

/// Prints one list, part by part.
struct Printer {
    layout: Option<Layout>,
    is_begun: bool,
}

impl Printer {
    fn new() -> Self {
        Self {
            layout: Style::of_stdout().layout(),
            is_begun: false,
        }
    }

    fn print(&mut self, items: &[&RawValue]) -> Result<Printed, Failure> {
        let mut parts = Vec::with_capacity(2 * items.len() + 1);
        if !self.is_begun && items.is_empty() {
            parts.push("[");
        }
        for item in items {
            parts.push(if self.is_begun { "," } else { "[" });
            parts.push(item.get());
            self.is_begun = true;
        }
        self.is_begun = true;
        self.write(&parts)
    }

    fn finish(mut self) -> Result<Printed, Failure> {
        if let Some(mut layout) = self.layout.take() {
            layout.push("]");
            return output::print_shown(&layout.finish());
        }
        output::print_shown(b"]\n")
    }

    fn write(&mut self, parts: &[&str]) -> Result<Printed, Failure> {
        match &mut self.layout {
            None => output::print_pieces(parts),
            Some(layout) => {
                for part in parts {
                    layout.push(part);
                }
                output::print_shown(&layout.take())
            }
        }
    }
}
