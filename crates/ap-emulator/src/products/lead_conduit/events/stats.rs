//! Statistics: counts and sums over events, as JSON or CSV.

use std::collections::HashSet;

use axum::extract::State;
use http::{HeaderMap, StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::spans::{self, Interval, Milliseconds};
use super::tally::{Row, Tally};
use crate::accept;
use crate::products::lead_conduit::handlers::{self, App};
use crate::products::lead_conduit::query::Query;
use crate::products::lead_conduit::resource::Refusal;
use crate::response::{self, Response};
use crate::rules::Rule;
use crate::scalar;
use crate::state::Shared;
use crate::state::events::event::{Event, Kind, Outcome};
use crate::state::events::id::Id;
use crate::state::events::lead::iso_8601;

/// What is counted: the beginnings of the names of columns.
const COUNTED: [&str; 8] = [
    "source",
    "recipient",
    "return-received",
    "return-sent",
    "conversion-received",
    "conversion-sent",
    "ping",
    "filter",
];
/// The ends of their names. A filter's success is to continue, its failure to stop.
const OUTCOMES: [&str; 4] = ["submitted", "success", "failure", "error"];
const SUMS: [&str; 8] = [
    "ping-success-rate",
    "ping-win-rate",
    "cost",
    "revenue",
    "profit",
    "cost-per-conversion-received-success",
    "avg-cost-per-lead",
    "avg-revenue-per-lead",
];

/// The counts and sums of one row.
#[derive(Debug, Default)]
struct Totals {
    counts: [[u64; 4]; 8],
    /// The lead that was counted last. Seeded events of a lead follow each other.
    last: [[Option<Id>; 4]; 8],
    /// Leads of real events, to which feedback can come later.
    seen: HashSet<(usize, usize, Id)>,
    cost: f64,
    revenue: f64,
}

struct Request {
    kinds: Vec<String>,
    rule: Rule,
    whole: Milliseconds,
    columns: Vec<String>,
    group_by: Vec<String>,
    has_parts: bool,
    by_lead: bool,
}

pub(super) async fn stats(
    State(shared): App,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let query = Query::parse(&uri)?;
    let (request, tally) = parse(&query)?;
    let rows = request.rows(&shared, tally).await?;
    let wants_csv = accept::accepts_csv(&headers) && !accept::accepts_json(&headers);
    Ok(match wants_csv {
        true => response::with_type(
            StatusCode::OK,
            "text/csv; charset=utf-8",
            to_csv(&request, &rows),
        ),
        false => handlers::ok(&to_json(&request, &rows)),
    })
}

/// Returns the rows of a report: one for each group, or one for all events that pass.
pub(in crate::products::lead_conduit) async fn report(
    shared: &Shared,
    span: [Timestamp; 2],
    columns: Vec<String>,
    group_by: Vec<String>,
    rule: Rule,
) -> Result<Value, Refusal> {
    let [start, end] = span.map(Timestamp::as_millisecond);
    let whole = Milliseconds { start, end };
    let tally = Tally::new(vec![whole], group_by.clone())?;
    let request = Request {
        kinds: Vec::new(),
        rule,
        whole,
        columns,
        group_by,
        has_parts: false,
        by_lead: true,
    };
    let rows = request.rows(shared, tally).await?;
    Ok(to_json(&request, &rows))
}

impl Request {
    async fn rows(
        &self,
        shared: &Shared,
        mut tally: Tally<Totals>,
    ) -> Result<Vec<Row<Totals>>, Refusal> {
        let (view, pings, seeded) = {
            let state = shared.lock();
            (
                state.events.view(),
                state.events.pings(),
                state.events.seeded(),
            )
        };
        let mut add = |totals: &mut Totals, event: &Event| {
            let is_wanted =
                self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == event.kind.name());
            if is_wanted {
                let is_seeded = seeded.index_of(event.id).is_some();
                totals.add(event, self.by_lead, is_seeded);
            }
            Ok(())
        };
        tally.run(&view, self.whole, &self.rule, &mut add).await?;
        for ping in pings {
            tally.add(&ping, &self.rule, &mut add)?;
        }
        Ok(tally.into_rows())
    }
}

fn parse(query: &Query) -> Result<(Request, Tally<Totals>), Refusal> {
    let zone = spans::zone(query.get("timezone"))?;
    let today = spans::today(&zone)?;
    let ms = |time: Option<Timestamp>| time.map(Timestamp::as_millisecond);
    let whole = Milliseconds {
        start: ms(query.time("start")?).unwrap_or(today.start),
        end: ms(query.time("end")?).unwrap_or(today.end),
    };
    let interval = query.get("interval").map(Interval::parse).transpose()?;
    let mut kinds = query.list("type");
    let known = [
        "source",
        "recipient",
        "filter",
        "feedback-received",
        "feedback-sent",
        "ping",
    ];
    if kinds.iter().any(|kind| !known.contains(&kind.as_str())) {
        return Err(Refusal::bad_request(
            "type is not one of source, recipient, filter, feedback-received, feedback-sent",
        ));
    }
    let mut columns = query.list("column");
    if columns.iter().any(|column| !is_column(column)) {
        return Err(Refusal::bad_request(
            "a column is not one of those that are documented",
        ));
    }
    if columns.is_empty() {
        if kinds.is_empty() {
            kinds.push("source".to_owned());
        }
        let outcomes = query.list("outcome");
        columns = default_columns(&kinds, &outcomes)?;
    }
    let by_lead = match query.get("by_lead") {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(Refusal::bad_request("by_lead is not true or false")),
    };
    let group_by = query.list("group_by");
    let parts = spans::parts(whole, interval, &zone)?;
    let request = Request {
        kinds,
        rule: query.rules("rule")?,
        whole,
        columns,
        group_by: group_by.clone(),
        has_parts: interval.is_some(),
        by_lead,
    };
    Ok((request, Tally::new(parts, group_by)?))
}

fn is_column(name: &str) -> bool {
    SUMS.contains(&name) || place(name).is_some()
}

/// Returns where a count is in [`Totals`].
fn place(column: &str) -> Option<(usize, usize)> {
    let (counted, outcome) = column.rsplit_once('-')?;
    let counted = COUNTED.iter().position(|own| *own == counted)?;
    let outcome = OUTCOMES.iter().position(|own| *own == outcome)?;
    Some((counted, outcome))
}

fn default_columns(kinds: &[String], outcomes: &[String]) -> Result<Vec<String>, Refusal> {
    let all = ["success", "failure", "error"].map(str::to_owned);
    let outcomes = if outcomes.is_empty() {
        &all[..]
    } else {
        outcomes
    };
    let counted = kinds.iter().flat_map(|kind| match kind.as_str() {
        "feedback-received" => vec!["return-received", "conversion-received"],
        "feedback-sent" => vec!["return-sent", "conversion-sent"],
        kind => vec![kind],
    });
    let columns: Vec<String> = counted
        .flat_map(|counted| {
            outcomes
                .iter()
                .map(move |outcome| format!("{counted}-{outcome}"))
        })
        .collect();
    match columns.iter().all(|column| is_column(column)) {
        true => Ok(columns),
        false => Err(Refusal::bad_request(
            "outcome is not one of success, failure, error",
        )),
    }
}

impl Totals {
    fn add(&mut self, event: &Event, by_lead: bool, is_seeded: bool) {
        let said = event.feedback.as_ref().map(|feedback| feedback.kind);
        let counted = match (event.kind, said) {
            (Kind::Source, _) => 0,
            (Kind::Recipient, _) if event.outcome != Outcome::Skip => 1,
            (Kind::FeedbackReceived, Some("return")) => 2,
            (Kind::FeedbackSent, Some("return")) => 3,
            (Kind::FeedbackReceived, _) => 4,
            (Kind::FeedbackSent, _) => 5,
            (Kind::Ping, _) => 6,
            (Kind::Filter, _) => 7,
            (Kind::Recipient | Kind::Retry, _) => return,
        };
        let outcome = match event.outcome {
            Outcome::Success | Outcome::Continue => 1,
            Outcome::Failure | Outcome::Stop => 2,
            Outcome::Error | Outcome::Skip => 3,
        };
        for outcome in [0, outcome] {
            let is_repeated = by_lead && !self.is_first(counted, outcome, event.lead.id, is_seeded);
            if !is_repeated {
                self.counts[counted][outcome] += 1;
            }
        }
        match (event.kind, event.outcome) {
            (Kind::Source, Outcome::Success) => self.cost += event.purchase_price,
            (Kind::Recipient, Outcome::Success) => self.revenue += event.sale_price,
            _ => {}
        }
    }

    fn is_first(&mut self, counted: usize, outcome: usize, lead: Id, is_seeded: bool) -> bool {
        if is_seeded {
            return self.last[counted][outcome].replace(lead) != Some(lead);
        }
        self.seen.insert((counted, outcome, lead))
    }

    fn column(&self, name: &str) -> Value {
        let count = |name: &str| match place(name) {
            Some((counted, outcome)) => self.counts[counted][outcome],
            None => 0,
        };
        #[allow(clippy::cast_precision_loss)]
        let ratio = |amount: f64, count: u64| match count {
            0 => 0.0,
            count => amount / count as f64,
        };
        #[allow(clippy::cast_precision_loss)]
        let percent = |part: u64, whole: u64| ratio(100.0 * part as f64, whole).min(100.0);
        scalar::number(match name {
            "ping-success-rate" => percent(count("ping-success"), count("ping-submitted")),
            "ping-win-rate" => percent(count("source-submitted"), count("ping-submitted")),
            "cost" => self.cost,
            "revenue" => self.revenue,
            "profit" => self.revenue - self.cost,
            "cost-per-conversion-received-success" => {
                ratio(self.cost, count("conversion-received-success"))
            }
            "avg-cost-per-lead" => {
                let good = count("source-success").saturating_sub(count("return-sent-success"));
                ratio(self.cost, good)
            }
            "avg-revenue-per-lead" => {
                let returned = count("return-received-success");
                ratio(
                    self.revenue,
                    count("recipient-success").saturating_sub(returned),
                )
            }
            name => return Value::from(count(name)),
        })
    }
}

fn to_json(request: &Request, rows: &[Row<Totals>]) -> Value {
    rows.iter().map(|row| row_to_json(request, row)).collect()
}

fn row_to_json(request: &Request, row: &Row<Totals>) -> Value {
    let mut members = Map::new();
    if request.has_parts {
        members.insert("timeframe".to_owned(), timeframe(row.part));
    }
    let groups = request
        .group_by
        .iter()
        .cloned()
        .zip(row.groups.iter().cloned());
    members.extend(groups);
    let columns = request.columns.iter();
    members.extend(columns.map(|column| (column.clone(), row.sums.column(column))));
    Value::Object(members)
}

/// The start of a part and of the next one.
pub(super) fn timeframe(part: Milliseconds) -> Value {
    json!({
        "start": iso_8601(part.start).to_json(),
        "end": iso_8601(part.end + 1).to_json(),
    })
}

fn to_csv(request: &Request, rows: &[Row<Totals>]) -> String {
    let mut csv = String::new();
    let parts: &[&str] = if request.has_parts {
        &["timeframe.start", "timeframe.end"]
    } else {
        &[]
    };
    let names = parts.iter().copied();
    let names = names.chain(request.group_by.iter().map(String::as_str));
    let names = names.chain(request.columns.iter().map(String::as_str));
    add_line(&mut csv, names);
    for row in rows {
        let part = [row.part.start, row.part.end + 1].map(|ms| iso_8601(ms).text().into_owned());
        let columns = request.columns.iter().map(|column| row.sums.column(column));
        let values = row
            .groups
            .iter()
            .cloned()
            .chain(columns)
            .map(|value| match value {
                Value::Null => String::new(),
                Value::String(text) => text,
                value => value.to_string(),
            });
        let part = part.into_iter().take(parts.len());
        let values: Vec<String> = part.chain(values).collect();
        add_line(&mut csv, values.iter().map(String::as_str));
    }
    csv
}

/// As RFC 4180 has it.
fn add_line<'a>(csv: &mut String, values: impl Iterator<Item = &'a str>) {
    let quoted = values.map(|value| match value.contains(['"', ',', '\r', '\n']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    });
    csv.push_str(&quoted.collect::<Vec<_>>().join(","));
    csv.push_str("\r\n");
}
