//! Faults with errors, logs and `Debug`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use ap_client::transport::TransportError;
use http::StatusCode;

use super::failing_cases::{FailingCases, fails_with_a_key, gets_a_401, is_given_a_key};
use super::mutant::{Mutant, NO_FAULT, authorization};

/// The last lines that were logged. Runs at the same time share it, since each has keys of its own.
static LOG: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// How many lines are kept: more than all runs together log while one call ends.
const LINES: usize = 1000;

fn log(line: String) {
    let mut lines = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    lines.push_back(line);
    if lines.len() > LINES {
        lines.pop_front();
    }
}

/// Returns the last lines, and leaves them there for the other runs.
fn logged() -> String {
    let lines = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "logs the key",
        request: |_, request| {
            if let Some(value) = authorization(request) {
                log(value);
            }
        },
        log: Some(logged),
        fails: FailingCases::matching(is_given_a_key),
        ..NO_FAULT
    },
    Mutant {
        name: "shows rejected keys",
        response: |call, request, answer| {
            let answer = answer?;
            if let (StatusCode::UNAUTHORIZED, Some(value)) =
                (answer.status(), authorization(&request))
            {
                call.state().shown.push_str(&value);
            }
            Ok(answer)
        },
        fails: FailingCases::matching(gets_a_401).adding(&[
            "!authorization/unsigned-refused",
            "!replay/unsigned-is-not-repeated",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "shows the response body",
        response: |call, _, answer| {
            let answer = answer?;
            call.state().shown = String::from_utf8_lossy(answer.body()).into_owned();
            Ok(answer)
        },
        fails: FailingCases::listed(&[
            "diagnostics/key-reflected-in-refusal",
            "diagnostics/second-key-reflected",
            "diagnostics/server-text-bounded",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "shows the text of a 401 unchanged",
        response: |call, _, answer| {
            let answer = answer?;
            let json: Option<serde_json::Value> = serde_json::from_slice(answer.body()).ok();
            let message = json.and_then(|json| Some(json["message"].as_str()?.to_owned()));
            call.state().shown = message.unwrap_or_default();
            Ok(answer)
        },
        fails: FailingCases::listed(&[
            "diagnostics/key-reflected-in-refusal",
            "diagnostics/second-key-reflected",
            "diagnostics/server-text-bounded",
            "diagnostics/server-text-escaped",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "shows the response headers",
        response: |call, _, answer| {
            let answer = answer?;
            call.state().shown = format!("{:?}", answer.headers());
            Ok(answer)
        },
        fails: FailingCases::listed(&[
            "diagnostics/key-reflected-in-refusal",
            "redirect/other-host-key-in-query",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "puts the request into its errors",
        response: |_, request, answer| {
            answer.map_err(|error| {
                let key = authorization(&request);
                TransportError::new(error.kind())
                    .with_source(format!("of {} {key:?}", request.uri()))
            })
        },
        // This answer can also be read.
        fails: FailingCases::matching(fails_with_a_key).adding(&["!framing/two-equal-lengths"]),
        ..NO_FAULT
    },
    Mutant {
        name: "puts the URL into its errors",
        response: |_, request, answer| {
            answer.map_err(|error| {
                TransportError::new(error.kind()).with_source(format!("of {}", request.uri()))
            })
        },
        fails: FailingCases::listed(&[
            "diagnostics/no-url",
            "!diagnostics/no-url-unauthorized",
            "diagnostics/no-url-over-tls",
        ]),
        ..NO_FAULT
    },
];
