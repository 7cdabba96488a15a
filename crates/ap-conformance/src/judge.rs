//! The judge: a pure function of what a case demands, the outcomes of its calls, and what every
//! listener received.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::case::{
    Case, ExpectedRequests, ExpectedResult, Level, Listener, OUTCOMES, Range, unhex,
};
use crate::outcome::Outcome;
use crate::placeholders::Placeholders;
use crate::raw_request::{difference, header_lines, with_lower_case_names};
use crate::secrets::{Secret, excerpt, without_keys};
use crate::server::Record;

/// How many bytes before a difference are shown.
const BEFORE_A_DIFFERENCE: usize = 10;

/// Why a case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What was expected and what was seen, in one line without any part of a key.
    pub message: String,
    /// How much the failure counts, whatever the case is. `None` if it counts as the case says.
    pub level: Option<Level>,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        let level = None;
        Self { message, level }
    }
}

impl Failure {
    /// Creates the failure of a rule that holds in every case: a key was shown, or a call never ended.
    pub(crate) const fn of_every_case(message: String) -> Self {
        let level = Some(Level::Must);
        Self { message, level }
    }

    /// Creates a failure that loses no answer and shows no key.
    const fn lesser(message: String) -> Self {
        let level = Some(Level::Should);
        Self { message, level }
    }
}

/// Judges a run of a case.
///
/// # Errors
///
/// Says what was expected and what was seen, without any part of a key.
pub(crate) fn judge(
    case: &Case,
    placeholders: &Placeholders,
    secrets: &[Secret],
    outcomes: &[Outcome],
    records: &BTreeMap<&str, Record>,
) -> Result<(), Failure> {
    // The rules about keys come first, because a leak is the worst failure.
    check_leaks(case, secrets, outcomes, records).map_err(Failure::of_every_case)?;
    // The kind of an error and the order of keys come last, because they are the least.
    let mut lesser = None;
    for (number, (call, outcome)) in case.each_call().zip(outcomes).enumerate() {
        let in_call = |message| with_call_number(number, case.each_call().count(), message);
        if !call.expect.accepts(&outcome.kind) {
            let message = in_call(unexpected_kind(&call.expect, outcome, secrets));
            if outcome.has_broken_down() {
                return Err(Failure::of_every_case(message));
            }
            if !is_only_of_another_kind(&call.expect, outcome) {
                return Err(message.into());
            }
            lesser.get_or_insert_with(|| format!("{message}; it is an error, but of another kind"));
        }
        check_result(&call.expect, outcome, placeholders, secrets).map_err(in_call)?;
    }
    let none = Listener::default();
    for (name, record) in records {
        let listener = case.listeners.get(*name).unwrap_or(&none);
        if case.is_product(name) {
            let names = check_authorization(case, secrets, record);
            let names = names.map_err(Failure::of_every_case)?;
            if let Some(message) = check_keys(&listener.expect, record, &names)? {
                lesser.get_or_insert(message);
            }
        }
        if record.without_tls && listener.https != Some(false) {
            let message = format!("listener {name}: a request arrived without TLS");
            return Err(Failure::of_every_case(message));
        }
        check_requests(&listener.expect, record, placeholders, secrets)
            .and_then(|()| check_connections(listener, record))
            .map_err(|message| format!("listener {name}: {message}"))?;
    }
    match lesser {
        None => Ok(()),
        Some(message) => Err(Failure::lesser(message)),
    }
}

/// Returns `true` if the call had to end in an error, and ended in another one.
///
/// The caller has no response either way, so no answer was invented and none was lost.
fn is_only_of_another_kind(expect: &ExpectedResult, outcome: &Outcome) -> bool {
    let is_error = |kind: &str| !matches!(kind, "response" | "unauthorized" | "cancelled");
    let expected = expect.outcome.all();
    expected.into_iter().all(is_error)
        && is_error(&outcome.kind)
        && OUTCOMES.contains(&outcome.kind.as_str())
}

/// Says what was expected, and shows what was seen.
fn unexpected_kind(expect: &ExpectedResult, outcome: &Outcome, secrets: &[Secret]) -> String {
    let mut seen = outcome.kind.clone();
    if let Some(status) = outcome.status {
        let _ = write!(seen, " {status} {}", excerpt(&outcome.body, secrets));
    }
    format!("expected {}, saw {seen}", expect.outcome.all().join(" or "))
}

fn with_call_number(number: usize, count: usize, message: String) -> String {
    if count == 1 {
        message
    } else {
        format!("call {}: {message}", number + 1)
    }
}

/// No part of a key reaches a listener that is not a product, an error, a `Debug` or a log.
fn check_leaks(
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
                    "the listener {name} received {what}, which only the target may receive"
                ));
            }
        }
        for outcome in outcomes {
            if let Some(what) = secret.found_in(outcome.text.as_bytes()) {
                return Err(format!("an error's text or a Debug contains {what}"));
            }
            if let Some(what) = secret.found_in(outcome.log.as_bytes()) {
                return Err(format!("a log contains {what}"));
            }
        }
    }
    Ok(())
}

/// The call ends as it must.
fn check_result(
    expect: &ExpectedResult,
    outcome: &Outcome,
    placeholders: &Placeholders,
    secrets: &[Secret],
) -> Result<(), String> {
    for lacks in &expect.text_lacks {
        if outcome.text.contains(&placeholders.fill(lacks)?) {
            return Err(format!(
                "an error's text or a Debug contains {lacks:?}, which it must not repeat"
            ));
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
        let body = placeholders.fill(body)?;
        if body.as_bytes() != outcome.body {
            return Err(different(
                "the body",
                body.as_bytes(),
                &outcome.body,
                secrets,
            ));
        }
    }
    if let Some(hex) = &expect.body_hex {
        let body = unhex(hex);
        if body != outcome.body {
            return Err(different("the body", &body, &outcome.body, secrets));
        }
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
        let value = placeholders.fill(value)?;
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
            let mut seen = outcome.headers.iter();
            let seen = seen.find(|(seen, _)| seen.eq_ignore_ascii_case(name));
            let seen = seen.map_or_else(
                || "none".to_owned(),
                |(_, value)| excerpt(value.as_bytes(), secrets),
            );
            return Err(format!(
                "expected the response's header {name}: {}, saw {seen}",
                excerpt(value.as_bytes(), secrets)
            ));
        }
    }
    Ok(())
}

/// Shows two texts that should be equal, from shortly before the first difference.
fn different(what: &str, expected: &[u8], seen: &[u8], secrets: &[Secret]) -> String {
    let equal = expected
        .iter()
        .zip(seen)
        .take_while(|(one, other)| one == other);
    let at = equal.count();
    let from = at.saturating_sub(BEFORE_A_DIFFERENCE);
    format!(
        "{what} differs at byte {at}: expected {} bytes with {}, saw {} bytes with {}",
        expected.len(),
        excerpt(&expected[from..], secrets),
        seen.len(),
        excerpt(&seen[from..], secrets),
    )
}

/// Every request at a product has exactly one `Authorization`, byte for byte that of one of the
/// client's keys; unsigned calls have none. There are at most as many requests as calls times keys.
///
/// Returns the names of the keys, in the order of the requests.
fn check_authorization(
    case: &Case,
    secrets: &[Secret],
    target: &Record,
) -> Result<Vec<String>, String> {
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
                        "the Authorization of request {} is not that of one of the client's keys",
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
    let most = case.each_call().count() * secrets.len().max(1);
    if target.requests.len() > most {
        return Err(format!(
            "{} requests arrived, and at most {most} may",
            target.requests.len()
        ));
    }
    Ok(names)
}

/// As many keys arrived as must. That they are others of the client's keys is less: no answer is lost by it.
///
/// # Errors
///
/// Too few or too many.
fn check_keys(
    expect: &ExpectedRequests,
    target: &Record,
    names: &[String],
) -> Result<Option<String>, String> {
    if let Some(expected) = &expect.keys
        && *expected != names
    {
        if target.requests.is_empty()
            && let Some(first) = expected.first()
        {
            return Err(format!(
                "no request arrived; expected one with the key {first:?}"
            ));
        }
        let message = format!("expected the keys {expected:?} in this order, saw {names:?}");
        return match expected.len() == names.len() {
            true => Ok(Some(message)),
            false => Err(message),
        };
    }
    let last = &expect.last_keys;
    let is_other = !names.ends_with(last);
    Ok(is_other.then(|| format!("expected the last keys to be {last:?}, saw {names:?}")))
}

/// The requests at a listener are as they must be.
fn check_requests(
    expect: &ExpectedRequests,
    record: &Record,
    placeholders: &Placeholders,
    secrets: &[Secret],
) -> Result<(), String> {
    check_count("connections", expect.connections, record.received.len())?;
    check_count("requests", expect.requests, record.requests.len())?;
    let requests = || record.requests.iter().map(|(_, request)| request);
    if let Some(lines) = &expect.lines {
        let expected: Result<Vec<_>, _> =
            lines.iter().map(|line| placeholders.fill(line)).collect();
        let expected = expected?;
        let seen: Vec<_> = requests()
            .map(|request| {
                let line = request.split(|byte| *byte == b'\r').next();
                let line = without_keys(line.unwrap_or_default(), secrets);
                String::from_utf8_lossy(&line).into_owned()
            })
            .collect();
        if expected != seen {
            return Err(format!(
                "expected the request lines {expected:?}, saw {seen:?}"
            ));
        }
    }
    for request in requests() {
        check_content(
            expect,
            &with_lower_case_names(request),
            placeholders,
            secrets,
        )?;
    }
    if expect.same {
        let first = requests().next().map_or(&[][..], Vec::as_slice);
        for (number, other) in requests().enumerate() {
            if let Some(what) = difference(first, other) {
                let what = without_keys(what.as_bytes(), secrets);
                return Err(format!(
                    "requests 1 and {} differ in more than the Authorization: in {}",
                    number + 1,
                    String::from_utf8_lossy(&what)
                ));
            }
        }
    }
    for unwanted in &expect.lacks {
        let text = placeholders.fill(unwanted)?;
        let contains = |bytes: &[u8]| with_lower_case_names(bytes).contains(&text);
        // Every byte, then every request again, because only there names are in lower case.
        let connection = record.received.iter().position(|bytes| contains(bytes));
        let request = requests().position(|bytes| contains(bytes));
        let place = match (request, connection) {
            (Some(number), _) => format!("request {}", number + 1),
            (None, Some(number)) => format!("connection {}", number + 1),
            (None, None) => continue,
        };
        return Err(format!(
            "{place} contains {unwanted:?}, which it must not receive"
        ));
    }
    Ok(())
}

fn check_count(name: &str, range: Option<Range>, number: usize) -> Result<(), String> {
    match range {
        Some(range) if !range.contains(number) => {
            Err(format!("expected {name}: {range}, saw {number}"))
        }
        _ => Ok(()),
    }
}

fn check_content(
    expect: &ExpectedRequests,
    request: &str,
    placeholders: &Placeholders,
    secrets: &[Secret],
) -> Result<(), String> {
    for wanted in &expect.has {
        let wanted = placeholders.fill(wanted)?;
        if !request.contains(&wanted) {
            let wanted = excerpt(wanted.as_bytes(), secrets);
            return Err(format!("a request lacks {wanted}"));
        }
    }
    for wanted in &expect.once {
        let wanted = placeholders.fill(wanted)?;
        let count = request.matches(&wanted).count();
        if count != 1 {
            let wanted = excerpt(wanted.as_bytes(), secrets);
            return Err(format!(
                "a request contains {wanted} {count} times; expected once"
            ));
        }
    }
    let Some(body) = &expect.body else {
        return Ok(());
    };
    let body = placeholders.fill(body)?;
    let start = request.find("\r\n\r\n").map_or(request.len(), |at| at + 4);
    if request[start..] != body {
        let seen = &request.as_bytes()[start..];
        return Err(different(
            "a request's body",
            body.as_bytes(),
            seen,
            secrets,
        ));
    }
    Ok(())
}

/// The client closed the connections that it must close, and stopped reading a flood.
fn check_connections(listener: &Listener, record: &Record) -> Result<(), String> {
    if let Some(number) = open_connection(listener, record) {
        return Err(format!("the client did not close connection {number}"));
    }
    if let Some(most) = listener.expect.max_bytes
        && record.sent > most
    {
        return Err(format!(
            "the client read {} bytes of a flood; at most {most} are allowed",
            record.sent
        ));
    }
    Ok(())
}

/// Returns the number of the first connection that the client must still close.
pub(crate) fn open_connection(listener: &Listener, record: &Record) -> Option<usize> {
    let mut numbers = listener.expect.hangs_up.iter().copied();
    numbers.find(|number| !record.hung_up.contains(&(number - 1)))
}
