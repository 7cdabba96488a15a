//! Reports. Anyone who has the token of a shared report can read it and run it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use http::Uri;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::events;
use super::fields::short;
use super::handlers::{self, App, Failure};
use super::query::Query;
use super::resource::{Refusal, Resource, parse};
use crate::example_data;
use crate::json_object::{JsonObject, elements};
use crate::response::Response;
use crate::rules::{Rule, RuleText};
use crate::state::Shared;
use crate::state::random;
use crate::state::store::{Name, Store};

/// The most flows, and the most entities, that the description of a report names.
const MAX_NAMES: usize = 100;
/// The most columns of a report that is run.
const MAX_COLUMNS: usize = 100;

const REPORTS: Resource = Resource {
    name: Name::Reports,
    path: "/reports",
    noun: "a report",
    defaults: &[
        ("name", "\"Untitled report\""),
        ("columns", "[]"),
        ("rules", "[]"),
        ("group_by", "[]"),
    ],
    read_only: &[("token", None)],
    aliases: Some(Name::ReportTokens),
    change_type: Some("report"),
    ..Resource::BASE
};

pub(super) fn routes() -> Router<Arc<Shared>> {
    handlers::routes(&REPORTS)
        .route("/reports/preview", post(preview))
        .route("/reports/{id}/run", get(run))
        .route("/reports/{id}/meta", get(meta))
        .route("/reports/{id}/share", put(share))
        .route("/reports/{id}/unshare", put(unshare))
}

/// Returns the token that the report has, or makes one.
async fn share(State(shared): App, Path(key): Path<String>) -> Result<Response, Refusal> {
    let store = &mut shared.lock().store;
    let id = REPORTS.id(store, &key);
    let report = REPORTS.get(store, &id)?;
    let token = match token(&report) {
        Some(token) => token,
        None => {
            let token = random::hex::<16>();
            store.put(Name::ReportTokens, &token, id.clone())?;
            REPORTS.set(store, &id, "token", Some(&format!("\"{token}\"")))?;
            token
        }
    };
    Ok(handlers::ok(&json!({ "token": token })))
}

async fn unshare(State(shared): App, Path(key): Path<String>) -> Result<Response, Refusal> {
    let store = &mut shared.lock().store;
    let id = REPORTS.id(store, &key);
    if let Some(token) = token(&REPORTS.get(store, &id)?) {
        REPORTS.set(store, &id, "token", None)?;
        store.remove(Name::ReportTokens, &token);
    }
    Ok(handlers::ok(&json!({ "token": null })))
}

fn token(report: &[u8]) -> Option<String> {
    let members = JsonObject::parse(report).ok()?;
    serde_json::from_str(members.get("token")?).ok()
}

async fn run(State(shared): App, Path(key): Path<String>, uri: Uri) -> Result<Response, Refusal> {
    let report = REPORTS.get(&shared.lock().store, &key)?;
    let counted = Counted::parse(&report, &Query::parse(&uri)?)?;
    Ok(handlers::ok(&counted.rows(&shared).await?))
}

async fn preview(State(shared): App, uri: Uri, body: Body) -> Result<Response, Failure> {
    let counted = handlers::change(&shared, body, |_, body| {
        Counted::parse(body, &Query::parse(&uri)?)
    });
    let rows = counted.await?.rows(&shared).await;
    rows.map(|rows| handlers::ok(&rows))
        .map_err(Failure::Refusal)
}

/// What a report counts. Its columns and groups have the names of the statistics of events.
struct Counted {
    span: [Timestamp; 2],
    columns: Vec<String>,
    group_by: Vec<String>,
    rule: Rule,
}

impl Counted {
    fn parse(report: &[u8], query: &Query) -> Result<Self, Refusal> {
        let needed = |name| {
            let missing = || Refusal::bad_request(format!("the parameter {name} is missing"));
            query.time(name)?.ok_or_else(missing)
        };
        let members = parse(REPORTS.noun, report)?;
        let list = |name| elements(members.get(name).unwrap_or_default());
        let rules: Result<Vec<RuleText>, _> = list("rules").map(serde_json::from_str).collect();
        let rules =
            rules.map_err(|_| Refusal::bad_request("a rule of the report is not a rule"))?;
        let groups = list("group_by").map(serde_json::from_str).take(MAX_COLUMNS);
        let columns = list("columns").flat_map(column_names);
        Ok(Self {
            span: [needed("start")?, needed("end")?],
            columns: columns.take(MAX_COLUMNS).collect(),
            group_by: groups
                .collect::<Result<_, _>>()
                .map_err(|_| Refusal::bad_request("a group of the report is not a name"))?,
            rule: Rule::compile_all(&rules).map_err(Refusal::bad_request)?,
        })
    }

    async fn rows(self, shared: &Shared) -> Result<Value, Refusal> {
        if self.columns.is_empty() {
            return Ok(json!([]));
        }
        events::report(shared, self.span, self.columns, self.group_by, self.rule).await
    }
}

/// A column is its name, or an object with a member for each name.
fn column_names(column: &str) -> Vec<String> {
    match serde_json::from_str(column) {
        Ok(name) => vec![name],
        Err(_) => {
            let members = JsonObject::parse(column.as_bytes()).unwrap_or_default();
            members
                .names()
                .take(MAX_COLUMNS)
                .map(str::to_owned)
                .collect()
        }
    }
}

/// What a shared report is about.
async fn meta(State(shared): App, Path(key): Path<String>) -> Result<Response, Refusal> {
    let (token, flows, entities) = {
        let store = &shared.lock().store;
        let token = token(&REPORTS.get(store, &key)?);
        (
            token,
            names(store, Name::Flows),
            names(store, Name::Entities),
        )
    };
    Ok(handlers::ok(&json!({
        "token": token.ok_or_else(Refusal::not_found)?,
        "account_name": example_data::ACCOUNT_NAME,
        "vars": [],
        "flows": flows,
        "entities": entities,
    })))
}

fn names(store: &Store, name: Name) -> Vec<Value> {
    let list = store.list(name);
    let named = list.iter().take(MAX_NAMES).map(|item| {
        let members = JsonObject::parse(&item.text).unwrap_or_default();
        json!({ "id": &*item.id, "name": short(&members, "name") })
    });
    named.collect()
}
