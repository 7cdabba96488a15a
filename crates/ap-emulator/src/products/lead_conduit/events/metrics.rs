//! The figures of the vendor's charts: medians, funnels, counts.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use axum::extract::State;
use http::Uri;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::spans::{self, Interval, Milliseconds};
use super::stats::timeframe;
use super::tally::{Row, Tally};
use crate::products::lead_conduit::handlers::{self, App};
use crate::products::lead_conduit::query::Query;
use crate::products::lead_conduit::resource::Refusal;
use crate::response::Response;
use crate::rules::{Lookup, Rule, RuleText};
use crate::scalar;
use crate::state::Shared;
use crate::state::events::event::Event;

/// The most different values that a result is computed from.
const MAX_VALUES: usize = 1_000_000;
/// The most different values in a result.
const MAX_SHOWN: usize = 10_000;
const MAX_STEPS: usize = 8;
const NO_FILTER: &str = "a filter is not JSON with operator, property_name and property_value";
const NO_STEP: &str = "a step is not JSON with event_collection, actor_property and filters";

type Members = Map<String, Value>;

/// What the operations have in common.
struct Request {
    whole: Milliseconds,
    parts: Vec<Milliseconds>,
    group_by: Vec<String>,
    rule: Rule,
    target: Option<String>,
}

impl Request {
    fn parse(query: &Query) -> Result<Self, Refusal> {
        let zone = spans::zone(query.get("timezone"))?;
        let whole = spans::timeframe(query.get("timeframe").unwrap_or("today"), &zone)?;
        let interval = query.get("interval").map(Interval::parse).transpose()?;
        Ok(Self {
            whole,
            parts: spans::parts(whole, interval, &zone)?,
            group_by: query.list("group_by"),
            rule: compile(&objects(query.all("filters"), NO_FILTER)?)?,
            target: query.get("target_property").map(str::to_owned),
        })
    }

    fn target(&self) -> Result<&str, Refusal> {
        let target = self.target.as_deref();
        target.ok_or_else(|| Refusal::bad_request("target_property is needed"))
    }

    /// Sums up the events.
    async fn run<T: Default>(
        &self,
        shared: &Shared,
        parts: Vec<Milliseconds>,
        add: impl FnMut(&mut T, &Event) -> Result<(), Refusal>,
    ) -> Result<Vec<Row<T>>, Refusal> {
        let view = shared.lock().events.view();
        let mut tally = Tally::new(parts, self.group_by.clone())?;
        tally.run(&view, self.whole, &self.rule, add).await?;
        Ok(tally.into_rows())
    }

    fn groups<T>(&self, row: &Row<T>) -> Members {
        self.group_by
            .iter()
            .cloned()
            .zip(row.groups.iter().cloned())
            .collect()
    }

    /// Writes the rows of each part together, with its span.
    fn by_part<T>(&self, rows: &[Row<T>], result: impl Fn(&T) -> Value) -> Response {
        let parts = self.parts.iter().map(|part| {
            let rows = rows.iter().filter(|row| row.part == *part);
            let values = rows.map(|row| {
                let mut members = self.groups(row);
                members.insert("result".to_owned(), result(&row.sums));
                Value::Object(members)
            });
            json!({ "value": values.collect::<Vec<_>>(), "timeframe": timeframe(*part) })
        });
        handlers::ok(&json!({ "result": parts.collect::<Vec<_>>() }))
    }
}

/// A filter as the charts have it.
#[derive(Deserialize)]
struct Filter {
    operator: String,
    property_name: String,
    #[serde(default)]
    property_value: Value,
}

/// Parses JSON objects. Each text is one of them, or a list.
fn objects<'a, T: DeserializeOwned>(
    texts: impl Iterator<Item = &'a str>,
    reason: &'static str,
) -> Result<Vec<T>, Refusal> {
    let mut objects = Vec::new();
    for text in texts {
        let more = match text.trim_start().starts_with('[') {
            true => serde_json::from_str::<Vec<T>>(text),
            false => serde_json::from_str(text).map(|object| vec![object]),
        };
        objects.extend(more.map_err(|_| Refusal::bad_request(reason))?);
    }
    Ok(objects)
}

fn compile(filters: &[Filter]) -> Result<Rule, Refusal> {
    let mut rules = Vec::new();
    for filter in filters {
        let is_true = filter.property_value == true;
        let op = match filter.operator.as_str() {
            "eq" => "is equal to",
            "ne" => "is not equal to",
            "lt" => "is less than",
            "lte" => "is less than or equal to",
            "gt" => "is greater than",
            "gte" => "is greater than or equal to",
            "in" => "is included in",
            "contains" => "includes",
            "not_contains" => "does not include",
            "exists" if is_true => "is not blank",
            "exists" => "is blank",
            // The operators of rules do too.
            other => other,
        };
        let rule = json!({ "lhv": filter.property_name, "op": op, "rhv": filter.property_value });
        let rule = serde_json::from_value::<RuleText>(rule);
        rules.push(rule.map_err(|_| Refusal::bad_request("a filter is not valid"))?);
    }
    Rule::compile_all(&rules).map_err(Refusal::bad_request)
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Counts what a result is computed from, for all its rows together.
#[derive(Default)]
struct Budget(usize);

impl Budget {
    fn take(&mut self, most: usize) -> Result<(), Refusal> {
        self.0 += 1;
        match self.0 > most {
            true => Err(Refusal::bad_request(format!(
                "the result needs more than {most} different values; choose a shorter timeframe"
            ))),
            false => Ok(()),
        }
    }
}

pub(super) async fn count(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let request = Request::parse(&Query::parse(&uri)?)?;
    let add = |count: &mut u64, _: &Event| {
        *count += 1;
        Ok(())
    };
    let rows = request.run(&shared, request.parts.clone(), add).await?;
    Ok(request.by_part(&rows, |count| Value::from(*count)))
}

pub(super) async fn count_unique(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let request = Request::parse(&Query::parse(&uri)?)?;
    let target = request.target()?;
    let mut budget = Budget::default();
    let add = |values: &mut HashSet<u64>, event: &Event| match event.get(target) {
        Some(value) if values.insert(hash(&value.text())) => budget.take(MAX_VALUES),
        _ => Ok(()),
    };
    let rows = request.run(&shared, request.parts.clone(), add).await?;
    Ok(request.by_part(&rows, |values| Value::from(values.len())))
}

/// The vendor's result has no parts, so an interval changes nothing.
pub(super) async fn select_unique(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let request = Request::parse(&Query::parse(&uri)?)?;
    let target = request.target()?;
    let mut budget = Budget::default();
    let add = |values: &mut BTreeSet<String>, event: &Event| {
        let Some(value) = event.get(target) else {
            return Ok(());
        };
        let text = value.text();
        if values.contains(&*text) {
            return Ok(());
        }
        values.insert(text.into_owned());
        budget.take(MAX_SHOWN)
    };
    let rows = request.run(&shared, vec![request.whole], add).await?;
    let rows = rows.iter().map(|row| {
        let mut members = request.groups(row);
        // Group values are texts here.
        for value in members.values_mut().filter(|value| value.is_null()) {
            *value = Value::from("");
        }
        members.insert("result".to_owned(), json!(row.sums));
        Value::Object(members)
    });
    Ok(handlers::ok(&json!({ "result": rows.collect::<Vec<_>>() })))
}

pub(super) async fn median(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let query = Query::parse(&uri)?;
    let mut request = Request::parse(&query)?;
    let max_age = query.number("max_age")?.unwrap_or(24 * 60 * 60);
    let max_age = i64::try_from(max_age.saturating_mul(1000)).unwrap_or(i64::MAX);
    let now = Timestamp::now().as_millisecond();
    request.whole = Milliseconds {
        start: now.saturating_sub(max_age),
        end: i64::MAX,
    };
    if request.group_by.is_empty() {
        request.group_by = vec!["type".to_owned(), "module_id".to_owned()];
    }
    let target = request
        .target
        .clone()
        .unwrap_or_else(|| "wait_ms".to_owned());
    let mut budget = Budget::default();
    // How often there is each value, in hundredths.
    let add = |values: &mut BTreeMap<i64, u64>, event: &Event| {
        let number = event
            .get(&target)
            .and_then(|value| value.text().parse::<f64>().ok());
        let Some(number) = number.filter(|number| number.abs() < 1e15) else {
            return Ok(());
        };
        #[allow(clippy::cast_possible_truncation)]
        let hundredths = (number * 100.0).round() as i64;
        let times = values.entry(hundredths).or_default();
        *times += 1;
        match times {
            1 => budget.take(MAX_VALUES),
            _ => Ok(()),
        }
    };
    let rows = request.run(&shared, vec![request.whole], add).await?;
    let rows = rows.iter().filter(|row| !row.sums.is_empty()).map(|row| {
        let mut members = request.groups(row);
        // A filter has no module.
        members.retain(|_, value| !value.is_null());
        members.insert("median".to_owned(), scalar::number(middle(&row.sums)));
        Value::Object(members)
    });
    Ok(handlers::ok(&json!({ "result": rows.collect::<Vec<_>>() })))
}

/// The value in the middle, or the average of the two there.
fn middle(values: &BTreeMap<i64, u64>) -> f64 {
    let count: u64 = values.values().sum();
    let at = |place: u64| {
        let mut before = 0;
        let mut values = values.iter();
        let found = values.find(|(_, times)| {
            before += **times;
            before > place
        });
        #[allow(clippy::cast_precision_loss)]
        found.map_or(0.0, |(hundredths, _)| *hundredths as f64 / 100.0)
    };
    f64::midpoint(at(count.saturating_sub(1) / 2), at(count / 2))
}

#[derive(Deserialize)]
struct Step {
    event_collection: Option<String>,
    actor_property: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
}

/// A step of a funnel that is ready to be applied.
struct FunnelStep {
    kind: Option<String>,
    actor: String,
    rule: Rule,
}

/// Counts the actors that came through the first step, through the first two, and so on.
pub(super) async fn funnel(State(shared): App, uri: Uri) -> Result<Response, Refusal> {
    let query = Query::parse(&uri)?;
    let request = Request::parse(&query)?;
    let echoed: Vec<Members> = objects(query.all("steps"), NO_STEP)?;
    if echoed.len() > MAX_STEPS {
        return Err(Refusal::bad_request(format!(
            "a funnel has at most {MAX_STEPS} steps"
        )));
    }
    let mut steps = Vec::new();
    for step in &echoed {
        let step = serde_json::from_value::<Step>(Value::Object(step.clone()));
        let step = step.map_err(|_| Refusal::bad_request(NO_STEP))?;
        steps.push(FunnelStep {
            // The names of the vendor's collections are not documented.
            kind: step.event_collection.filter(|name| is_kind(name)),
            actor: step
                .actor_property
                .unwrap_or_else(|| "vars.lead.id".to_owned()),
            rule: compile(&step.filters)?,
        });
    }
    let mut budget = Budget::default();
    // For each actor, the steps that it came through, as bits.
    let add = |actors: &mut HashMap<u64, u8>, event: &Event| {
        let lookup: Lookup<'_> = &|name| event.get(name);
        for (number, step) in steps.iter().enumerate() {
            let is_kind = step
                .kind
                .as_ref()
                .is_none_or(|kind| kind == event.kind.name());
            let Some(actor) = event.get(&step.actor).filter(|_| is_kind) else {
                continue;
            };
            if step.rule.passes(lookup) {
                let taken = actors.entry(hash(&actor.text())).or_default();
                if *taken == 0 {
                    budget.take(MAX_VALUES)?;
                }
                *taken |= 1 << number;
            }
        }
        Ok(())
    };
    let rows = request.run(&shared, vec![request.whole], add).await?;
    let mut result = vec![0_u64; steps.len()];
    for taken in rows.iter().flat_map(|row| row.sums.values()) {
        for count in result.iter_mut().take(taken.trailing_ones() as usize) {
            *count += 1;
        }
    }
    Ok(handlers::ok(&json!({ "steps": echoed, "result": result })))
}

fn is_kind(name: &str) -> bool {
    matches!(
        name,
        "source" | "recipient" | "filter" | "feedback-received" | "feedback-sent" | "retry"
    )
}
