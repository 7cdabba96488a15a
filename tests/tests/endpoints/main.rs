//! Every endpoint, on both transports: what the emulator answers, a refused key, and answers that are unusual, malformed
//! or errors. The endpoints are those of one table.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../crates/ap-api/tests/common/endpoints.rs"]
mod endpoints;

mod documented_errors;
mod error_table;
mod setup;

use std::collections::BTreeSet;

use ap_core::{
    ApiKey, Draft, Endpoint, Error, ErrorKind, Origin, Origins, Response, Service,
    TransportErrorKind,
};
use ap_emulator::Emulator;
use ap_tests::{ScriptedServer, Settings, TestClient};
use endpoints::{Ids, table};
use http::StatusCode;
use serde_json::{Value, json};
use setup::{Row, clients, name, operation, prepare, rows, without_names};

/// Outputs that are maps, in which an unknown member is an entry.
const MAPS: [&str; 1] = ["GET /flows/ID/fields/usage"];

/// Whose answer says nothing but that it is done, so that its body is not read.
const WITHOUT_OUTPUT: [&str; 3] = [
    "PUT /submission_doc_access_logs/account/ID",
    "PUT /submission_doc_access_logs/flow/ID",
    "PUT /submission_doc_access_logs/flow/ID/source/5fd4371e940df5a34a3888b3",
];

/// Returns what the emulator serves of an operation: its method and path, with `{}` for each parameter.
fn served(client: &TestClient) -> BTreeSet<(String, String)> {
    let draft = Draft::get(Service::LeadConduit, "/_emulator/operations").unsigned();
    let all: Vec<Value> = client.send(draft).unwrap().json().unwrap();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    all.iter()
        .filter(|one| one["served"] == true)
        .map(|one| (text(one, "method"), without_names(&text(one, "path"))))
        .collect()
}

/// Returns what the emulator answers to each row, decoded once already. What it does not serve has no answer.
fn answers(client: &TestClient) -> Vec<Option<Response>> {
    let served = served(client);
    let rows = rows(&prepare(client));
    let mut complaints = String::new();
    let answers = rows.iter().map(|(endpoint, line)| {
        let draft = endpoint.draft();
        let operation = operation(&draft);
        let path = without_names(operation.path);
        let response = client.send(draft).unwrap();
        if !served.contains(&(operation.method.to_owned(), path)) {
            assert_eq!(response.status(), 501, "{}: {line}", client.mode());
            return None;
        }
        if let Err(error) = endpoint.decode(response.clone()) {
            let text = response.text().unwrap_or_default();
            complaints += &format!("{}: {line}: {error}: {text}\n", client.mode());
        }
        Some(response)
    });
    let answers = answers.collect();
    assert!(complaints.is_empty(), "{complaints}");
    answers
}

/// Calls the endpoints on both transports, each with an answer. `complain` says what is wrong with an outcome.
fn check(
    answers: &[(&Row, Vec<u8>)],
    complain: impl Fn(usize, Result<(), Error>) -> Option<String>,
) {
    let mut complaints = String::new();
    for service in Service::ALL {
        let is_own = |(_, (row, _)): &(usize, &(&Row, Vec<u8>))| row.0.draft().service() == service;
        let own: Vec<_> = answers.iter().enumerate().filter(is_own).collect();
        // Both clients make the call.
        let in_turn = own
            .iter()
            .flat_map(|(_, (_, answer))| [answer.clone(), answer.clone()]);
        let server = ScriptedServer::in_turn(in_turn).unwrap();
        let origin = Origin::parse_loopback(&server.url()).unwrap();
        let origins = Origins::vendor().with(service, origin).unwrap();
        let mut settings = Settings::new([ApiKey::parse("placeholder-key").unwrap()], &origins);
        settings.config.max_body_size = MAX_BODY;
        let clients = settings.clients().unwrap();
        for (index, ((endpoint, line), _)) in own {
            for client in &clients {
                if let Some(complaint) = complain(index, client.call(endpoint)) {
                    complaints += &format!("{}: {line}: {complaint}\n", client.mode());
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

/// The largest body that the clients of [`check`] accept.
const MAX_BODY: usize = 1_000_000;

fn answer(status: u16, body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 {status} Any\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// Adds a member to every object.
fn with_unknown_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(with_unknown_members);
            members.insert("not_known_yet".to_owned(), json!({ "a": [1] }));
        }
        Value::Array(items) => items.iter_mut().for_each(with_unknown_members),
        _ => {}
    }
}

/// Makes every list null that is a member.
fn with_null_lists(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for member in members.values_mut() {
                match member {
                    Value::Array(_) => *member = Value::Null,
                    _ => with_null_lists(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(with_null_lists),
        _ => {}
    }
}

#[test]
fn every_endpoint_decodes_what_the_emulator_answers_also_with_unknown_members_and_null_lists() {
    let mut all = Vec::new();
    for mode in 0..2 {
        let emulator = Emulator::start().unwrap();
        let clients = clients(&emulator.key(), &emulator.origins());
        all = answers(&clients[mode]);
    }
    let rows = rows(&Ids::examples());
    let mut unusual = Vec::new();
    for (row, response) in rows.iter().zip(all) {
        let Some(Ok(body)) = response.map(|response| response.json::<Value>()) else {
            continue;
        };
        if !MAPS.contains(&name(&row.1).as_str()) {
            let mut changed = body.clone();
            with_unknown_members(&mut changed);
            unusual.push((row, answer(200, changed.to_string().as_bytes())));
        }
        let mut changed = body.clone();
        with_null_lists(&mut changed);
        unusual.push((row, answer(200, changed.to_string().as_bytes())));
        if body.is_array() {
            unusual.push((row, answer(200, b"null")));
        }
    }
    assert!(unusual.len() > rows.len(), "{}", unusual.len());
    check(&unusual, |index, result| {
        let error = result.err()?;
        let answer = String::from_utf8_lossy(&unusual[index].1);
        Some(format!("{error}: {answer}"))
    });
}

#[test]
fn a_refused_key_is_an_auth_error_of_every_endpoint_that_needs_one() {
    let emulator = Emulator::start().unwrap();
    for client in clients("not-the-key", &emulator.origins()) {
        for (endpoint, line) in table(&Ids::examples()) {
            let is_auth = client.call(&endpoint).is_err_and(|error| error.is_auth());
            let is_signed = !endpoint.draft().is_unsigned();
            assert_eq!(is_auth, is_signed, "{}: {line}", client.mode());
        }
    }
}

#[test]
fn a_malformed_answer_is_an_error_that_keeps_the_body_within_the_limit() {
    let rows = table(&Ids::examples());
    let too_large = vec![b' '; MAX_BODY + 1];
    let bodies = [
        &b"{\"secret-text\":"[..],
        b"<html>secret-text</html>",
        b"",
        &too_large,
    ];
    let mut malformed = Vec::new();
    let is_read = |row: &&Row| !WITHOUT_OUTPUT.contains(&name(&row.1).as_str());
    for row in rows.iter().filter(is_read) {
        malformed.extend(bodies.map(|body| (row, answer(200, body))));
    }
    check(&malformed, |index, result| {
        let body = bodies[index % bodies.len()];
        let Err(error) = result else {
            return Some(format!("a body of {} bytes was accepted", body.len()));
        };
        let text = format!("{error} {error:?}");
        let is_expected = match error.kind() {
            ErrorKind::Transport(TransportErrorKind::TooLarge) => body.len() > MAX_BODY,
            ErrorKind::Decode => error.response().unwrap().bytes() == body,
            _ => false,
        };
        let is_private = text.len() < 1_000 && !text.contains("secret-text");
        (!is_expected || !is_private).then_some(text)
    });
}

#[test]
fn every_documented_error_status_is_an_error_with_that_status() {
    let rows = table(&Ids::examples());
    let mut errors = Vec::new();
    let mut statuses = Vec::new();
    for row in &rows {
        for status in operation(&row.0.draft()).errors {
            errors.push((row, answer(*status, br#"{"error":"a reason"}"#)));
            statuses.push(StatusCode::from_u16(*status).unwrap());
        }
    }
    assert!(errors.len() > 50, "{}", errors.len());
    check(&errors, |index, result| {
        let Err(error) = result else {
            return Some("it was accepted".to_owned());
        };
        let is_expected = error.kind() == ErrorKind::Status(statuses[index])
            && error.status() == Some(statuses[index]);
        (!is_expected).then(|| error.to_string())
    });
}
