//! Every documented error status of every endpoint, provoked at the emulator, on both transports.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use ap_api::operations;
use ap_core::{Draft, Endpoint, Error, ErrorKind, Origins, Response, Service};
use ap_emulator::{Emulator, Plan};
use ap_tests::TestClient;
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;

use crate::endpoints::{AnyEndpoint, EXAMPLE_ID, Ids, table};
use crate::error_table::{Body, Cause, Known, LEFT_OUT, Row, documented};
use crate::setup::{clients, name, name_of, operation, rows, without_names};

/// An endpoint with another request. It keeps what was answered.
struct Provoked<'a> {
    draft: Draft,
    endpoint: &'a AnyEndpoint,
    answered: RefCell<Option<Response>>,
}

impl<'a> Provoked<'a> {
    fn new(draft: Draft, endpoint: &'a AnyEndpoint) -> Self {
        Self {
            draft,
            endpoint,
            answered: RefCell::default(),
        }
    }

    /// Calls it. Returns the result, and the response.
    fn call(&self, client: &TestClient) -> (Result<(), Error>, Option<Response>) {
        let result = client.call(self);
        let refused = result.as_ref().err().and_then(Error::response).cloned();
        (result, self.answered.take().or(refused))
    }
}

impl Endpoint for Provoked<'_> {
    type Output = ();

    fn draft(&self) -> Draft {
        self.draft.clone()
    }

    fn decode(&self, response: Response) -> Result<(), Error> {
        self.answered.replace(Some(response.clone()));
        self.endpoint.decode(response)
    }
}

/// Returns what is wrong with the result of a row's call.
fn complain(row: &Row, result: &Result<(), Error>, response: Option<&Response>) -> Option<String> {
    let status = StatusCode::from_u16(row.status).unwrap();
    let expected = match row.cause {
        Cause::WrongKey => ErrorKind::Auth,
        _ => ErrorKind::Status(status),
    };
    match result {
        Ok(()) if !row.is_answer => return Some("it was accepted".to_owned()),
        Err(error) if row.is_answer || error.kind() != expected => return Some(error.to_string()),
        Err(error) if error.status() != Some(status) => return Some(format!("{error:?}")),
        _ => {}
    }
    let Some(response) = response else {
        return Some("there is no response".to_owned());
    };
    let text = response.text().unwrap_or_default();
    let content_type = response.headers().get("content-type");
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    let json = || serde_json::from_str::<Value>(text).unwrap_or_default();
    let is_documented = match row.body {
        Body::Any => true,
        Body::Text(start) => media_type == "text/plain" && text.starts_with(start),
        Body::Json(expected) => {
            media_type == "application/json"
                && json() == serde_json::from_str::<Value>(expected).unwrap()
        }
        Body::Reason(name) => {
            let json = json();
            media_type == "application/json"
                && json[name].is_string()
                && json.as_object().is_some_and(|members| members.len() == 1)
        }
    };
    let is_right = is_documented && response.status() == status;
    (!is_right).then(|| format!("{} {content_type}: {text}", response.status()))
}

/// Runs a test on both transports, each with an emulator of its own.
fn on_both(test: impl Fn(&Emulator, &TestClient, Known) -> String) {
    let mut complaints = String::new();
    for mode in 0..2 {
        let emulator = Emulator::start().unwrap();
        let client = &clients(&emulator.key(), &emulator.origins())[mode];
        complaints += &test(&emulator, client, Known::new(client));
    }
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn the_emulator_answers_with_every_documented_error_status() {
    on_both(|emulator, client, known| {
        let rows = table(&known.ids).into_iter();
        let mut endpoints = BTreeMap::new();
        for (endpoint, _) in rows {
            let name = name_of(&operation(&endpoint.draft()));
            endpoints.entry(name).or_insert(endpoint);
        }
        let others = clients("not-the-key", &emulator.origins());
        let stranger = others.iter().find(|other| other.mode() == client.mode());
        let mut complaints = String::new();
        for row in documented() {
            let endpoint = &endpoints[&row.operation];
            let mut draft = endpoint.draft();
            let mut caller = client;
            match &row.cause {
                Cause::WrongKey => caller = stranger.unwrap(),
                Cause::Plan(plan) => emulator.set_plan(*plan),
                Cause::Fault(fault) => emulator.fault(fault(draft.service().product())),
                Cause::Request(request) => draft = request(&known, draft),
            }
            let (result, response) = Provoked::new(draft, endpoint).call(caller);
            emulator.set_plan(Plan::Paid);
            if let Some(complaint) = complain(&row, &result, response.as_ref()) {
                complaints += &format!(
                    "{}: {} {}: {complaint}\n",
                    client.mode(),
                    row.operation,
                    row.status
                );
            }
        }
        complaints
    });
}

#[test]
fn the_table_has_every_documented_error_status() {
    let promised: BTreeSet<(String, u16)> = operations::ALL
        .iter()
        .flat_map(|operation| {
            operation
                .errors
                .iter()
                .map(|status| (name_of(operation), *status))
        })
        .collect();
    let rows: BTreeSet<_> = documented()
        .into_iter()
        .map(|row| (row.operation, row.status))
        .collect();
    let left_out = LEFT_OUT.map(|(operation, status, _)| (operation.to_owned(), status));
    let left_out = BTreeSet::from(left_out);
    assert!(rows.is_disjoint(&left_out));
    let known: BTreeSet<_> = rows.union(&left_out).cloned().collect();
    assert_eq!(known, promised);
}

#[test]
fn the_endpoints_have_every_error_status_of_the_vendor_s_descriptions() {
    let descriptions = [
        (
            Service::LeadConduit,
            include_str!("../../../xtask/openapi/leadconduit.json"),
        ),
        (
            Service::TrustedForm,
            include_str!("../../../xtask/openapi/trustedform.json"),
        ),
    ];
    let mut compared = 0;
    for (service, text) in descriptions {
        let description: Value = serde_json::from_str(text).unwrap();
        for (name, responses) in description["operations"].as_object().unwrap() {
            let shape = without_names(name);
            let mut all = operations::ALL.iter();
            let own = all.find(|operation| {
                let own_shape = without_names(&name_of(operation));
                operation.service == service && own_shape == shape
            });
            for status in responses.as_object().unwrap().keys() {
                let status: u16 = status.parse().unwrap();
                if status < 400 {
                    continue;
                }
                let errors = own.map(|operation| operation.errors).unwrap_or_default();
                assert!(errors.contains(&status), "{name}: {status}");
                compared += 1;
            }
        }
    }
    assert!(compared > 25, "{compared}");
}

fn request(endpoint: &AnyEndpoint) -> Request<Bytes> {
    endpoint
        .draft()
        .prepare(&Origins::vendor(), None)
        .unwrap()
        .0
}

#[test]
fn what_does_not_exist_is_not_found() {
    on_both(|_, client, _| {
        let mut complaints = String::new();
        for (endpoint, line) in table(&Ids::examples()) {
            let path = request(&endpoint).uri().path().to_owned();
            let is_about_one = [EXAMPLE_ID, "loan_amount_acme"]
                .iter()
                .any(|id| path.contains(id));
            if !is_about_one {
                continue;
            }
            let provoked = Provoked::new(endpoint.draft(), &endpoint);
            let (result, response) = provoked.call(client);
            let body = response
                .as_ref()
                .map(|response| response.text().unwrap_or_default().to_owned());
            let is_right = result.as_ref().is_err_and(Error::is_not_found)
                && body.as_deref() == Some(r#"{"error":"not found"}"#);
            if !is_right {
                complaints += &format!("{}: {line}: {result:?}: {body:?}\n", client.mode());
            }
        }
        complaints
    });
}

#[test]
fn a_body_that_cannot_be_read_is_a_bad_request() {
    on_both(|_, client, known| {
        let mut complaints = String::new();
        for (endpoint, line) in rows(&known.ids) {
            let request = request(&endpoint);
            let is_json = request
                .headers()
                .get("content-type")
                .is_some_and(|value| value == "application/json");
            if !is_json {
                continue;
            }
            // What a later row changes is there after this.
            let _ = client.call(&endpoint);
            let draft = endpoint.draft().body("{\"a\":");
            let (result, response) = Provoked::new(draft, &endpoint).call(client);
            let has_status = result
                .as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::Status(StatusCode::BAD_REQUEST));
            let has_body = response.is_some_and(|response| !response.bytes().is_empty());
            if !has_status || !has_body {
                complaints += &format!("{}: {}: {result:?}\n", client.mode(), name(&line));
            }
        }
        complaints
    });
}
