//! The judge: a pure function of what a case demands, what came of its calls, and what every listener
//! saw.

use std::collections::BTreeMap;

use crate::case::{Case, Expect, Listener};
use crate::outcome::Outcome;
use crate::placeholders::Template;
use crate::secrets::Secret;
use crate::server::Record;
use crate::server::script;

/// # Errors
///
/// Why the case failed: what was expected, and what was seen, without any part of a key.
pub(crate) fn judge(
    case: &Case,
    template: &Template,
    secrets: &[Secret],
    outcomes: &[Outcome],
    records: &BTreeMap<&str, Record>,
) -> Result<(), String> {
    // The global rules come first: a leak is worse than whatever else went wrong.
    no_key_elsewhere(case, secrets, outcomes, records)?;
    for (number, (call, outcome)) in case.each_call().zip(outcomes).enumerate() {
        expected(&call.expect, outcome, template)
            .map_err(|what| of_call(number, case.each_call().count(), &what))?;
    }
    let none = Listener::default();
    for (name, record) in records {
        let listener = case.listeners.get(*name).unwrap_or(&none);
        if case.is_product(name) {
            authorizations(case, secrets, record, listener)?;
        }
        seen(listener, record, template).map_err(|what| format!("listener {name}: {what}"))?;
    }
    Ok(())
}

fn of_call(number: usize, count: usize, what: &str) -> String {
    if count == 1 {
        what.to_owned()
    } else {
        format!("call {}: {what}", number + 1)
    }
}

fn no_key_elsewhere(
    case: &Case,
    secrets: &[Secret],
    outcomes: &[Outcome],
    records: &BTreeMap<&str, Record>,
) -> Result<(), String> {
    for secret in secrets {
        for (name, record) in records.iter().filter(|(name, _)| !case.is_product(name)) {
            if let Some(what) = record
                .received
                .iter()
                .find_map(|bytes| secret.found_in(bytes))
            {
                return Err(format!(
                    "the listener {name} received {what}, which is for the target alone"
                ));
            }
        }
        for outcome in outcomes {
            if let Some(what) = secret.found_in(outcome.text.as_bytes()) {
                return Err(format!("an error's text or a Debug holds {what}"));
            }
            if let Some(what) = secret.found_in(outcome.log.as_bytes()) {
                return Err(format!("a log holds {what}"));
            }
        }
    }
    Ok(())
}

fn expected(expect: &Expect, outcome: &Outcome, template: &Template) -> Result<(), String> {
    let right = expect.outcome.all();
    if !right.contains(&outcome.kind.as_str()) {
        let status = outcome
            .status
            .map_or(String::new(), |status| format!(" with status {status}"));
        return Err(format!(
            "expected {}, saw {}{status}",
            right.join(" or "),
            outcome.kind
        ));
    }
    for lacks in &expect.text_lacks {
        let lacks = template.fill(lacks)?;
        if outcome.text.contains(&lacks) {
            return Err("an error's text repeats what it must not".to_owned());
        }
    }
    let Some(status) = outcome.status else {
        return Ok(());
    };
    if let Some(expected) = expect.status
        && expected != status
    {
        return Err(format!("expected status {expected}, saw {status}"));
    }
    if let Some(body) = &expect.body {
        let body = template.fill(body)?;
        if body.as_bytes() != outcome.body {
            return Err(format!(
                "expected a body of {} bytes, saw {} bytes that differ from byte {} on",
                body.len(),
                outcome.body.len(),
                body.bytes()
                    .zip(&outcome.body)
                    .take_while(|(a, b)| a == *b)
                    .count(),
            ));
        }
    }
    if let Some(hex) = &expect.body_hex
        && script::unhex(hex) != outcome.body
    {
        return Err(format!(
            "expected another body than the {} bytes that came",
            outcome.body.len()
        ));
    }
    if let Some(length) = expect.body_bytes
        && length != outcome.body.len()
    {
        return Err(format!(
            "expected a body of {length} bytes, saw {}",
            outcome.body.len()
        ));
    }
    for (name, value) in &expect.headers {
        let value = template.fill(value)?;
        let wanted = expect
            .headers
            .iter()
            .filter(|other| other.0 == *name && other.1 == value);
        let found = outcome
            .headers
            .iter()
            .filter(|(seen, text)| seen.eq_ignore_ascii_case(name) && *text == value)
            .count();
        if found < wanted.count().max(1) {
            return Err(format!(
                "the response's header line {name:?} is missing or changed"
            ));
        }
    }
    Ok(())
}

/// Every request at the target has exactly one `Authorization`, byte for byte that of a key of the
/// client; unsigned calls have none. And there are no more requests than calls times keys.
fn authorizations(
    case: &Case,
    secrets: &[Secret],
    target: &Record,
    listener: &Listener,
) -> Result<(), String> {
    let may_be_unsigned = case.calls.iter().any(|call| call.unsigned);
    let mut names = Vec::new();
    for (number, (_, request)) in target.requests.iter().enumerate() {
        let lines = header_lines(request, "authorization");
        match lines.as_slice() {
            [] if may_be_unsigned => {}
            [] => return Err(format!("request {} has no Authorization", number + 1)),
            [line] => {
                let known = secrets
                    .iter()
                    .find(|secret| secret.authorization() == *line);
                let known = known.ok_or_else(|| {
                    format!(
                        "the Authorization of request {} is not that of a key of the client",
                        number + 1
                    )
                })?;
                names.push(known.name.clone());
            }
            more => {
                return Err(format!(
                    "request {} has {} Authorization lines",
                    number + 1,
                    more.len()
                ));
            }
        }
    }
    if case.calls.iter().all(|call| call.unsigned) && !names.is_empty() {
        return Err("an unsigned call carried a key".to_owned());
    }
    if let Some(expected) = &listener.expect.keys
        && *expected != names
    {
        return Err(format!(
            "expected the keys {expected:?} in this order, saw {names:?}"
        ));
    }
    let last = &listener.expect.last_keys;
    if !names.ends_with(last) {
        return Err(format!(
            "expected the keys {last:?} at the end, saw {names:?}"
        ));
    }
    let most = case.each_call().count() * secrets.len().max(1);
    if target.requests.len() > most {
        return Err(format!(
            "{} requests came, at most {most} may",
            target.requests.len()
        ));
    }
    Ok(())
}

fn seen(listener: &Listener, record: &Record, template: &Template) -> Result<(), String> {
    let expect = &listener.expect;
    let bound = |what: &str, range: Option<crate::case::Range>, number: usize| match range {
        Some(range) if !range.holds(number) => {
            Err(format!("expected {range} {what}, saw {number}"))
        }
        _ => Ok(()),
    };
    bound("connections", expect.connections, record.received.len())?;
    bound("requests", expect.requests, record.requests.len())?;
    if let Some(lines) = &expect.lines {
        let expected: Result<Vec<_>, _> = lines.iter().map(|line| template.fill(line)).collect();
        let expected = expected?;
        let seen: Vec<_> = record
            .requests
            .iter()
            .map(|(_, request)| {
                let text = String::from_utf8_lossy(request);
                text.lines().next().unwrap_or_default().to_owned()
            })
            .collect();
        if expected != seen {
            return Err(format!(
                "expected the request lines {expected:?}, saw {seen:?}"
            ));
        }
    }
    for (_, request) in &record.requests {
        let text = normal(request);
        for wanted in &expect.has {
            let wanted = template.fill(wanted)?;
            if !text.contains(&wanted) {
                return Err(format!("a request lacks {wanted:?}"));
            }
        }
        if let Some(body) = &expect.body {
            let body = template.fill(body)?;
            let end = text.find("\r\n\r\n").map_or(text.len(), |at| at + 4);
            if text[end..] != body {
                return Err(format!(
                    "expected a request body of {} bytes, saw another of {}",
                    body.len(),
                    text.len() - end
                ));
            }
        }
    }
    if expect.same {
        let mut all = record.requests.iter().map(|(_, one)| unsigned(one));
        let first = all.next().unwrap_or_default();
        if all.any(|other| other != first) {
            return Err("its requests differ in more than the Authorization".to_owned());
        }
    }
    for unwanted in &expect.lacks {
        let unwanted = template.fill(unwanted)?;
        // Every byte, and every request again with its names in lower case.
        let requests = record.requests.iter().map(|(_, request)| request);
        if record
            .received
            .iter()
            .chain(requests)
            .any(|bytes| normal(bytes).contains(&unwanted))
        {
            return Err("it received what it must not".to_owned());
        }
    }
    if let Some(number) = left_open(listener, record) {
        return Err(format!("the client did not hang up connection {number}"));
    }
    if let Some(most) = expect.max_bytes
        && record.sent > most
    {
        return Err(format!(
            "the client took {} bytes of a flood, at most {most} may",
            record.sent
        ));
    }
    Ok(())
}

/// The first connection that the client should have hung up and did not.
pub(crate) fn left_open(listener: &Listener, record: &Record) -> Option<usize> {
    let mut numbers = listener.expect.hangs_up.iter().copied();
    numbers.find(|number| !record.hung_up.contains(&(number - 1)))
}

/// A request without its `Authorization`, everything else as it came.
fn unsigned(request: &[u8]) -> Vec<u8> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = request.split_at(end.unwrap_or(request.len()));
    let name = b"authorization:";
    let mut kept: Vec<&[u8]> = head
        .split(|byte| *byte == b'\n')
        .filter(|line| {
            !line
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        })
        .collect();
    kept.push(body);
    kept.join(&b'\n')
}

/// A request with its header names in lower case.
fn normal(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut normal = String::new();
    for (number, line) in head.split("\r\n").enumerate() {
        match line.split_once(':') {
            Some((name, value)) if number > 0 => {
                normal.push_str(&format!("{}:{value}\r\n", name.to_ascii_lowercase()));
            }
            _ => normal.push_str(&format!("{line}\r\n")),
        }
    }
    if text.contains("\r\n\r\n") {
        normal + "\r\n" + body
    } else {
        normal
    }
}

pub(crate) fn header_lines(request: &[u8], wanted: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}
