//! What can go wrong with what a client says.

use std::sync::{Mutex, PoisonError};

use ap_core::TransportError;
use http::StatusCode;

use super::failing_cases::{About, fails_with_a_key, gets_a_401, is_given_a_key};
use super::mutant::{Broken, SOUND, authorization};

static LOG: Mutex<String> = Mutex::new(String::new());

/// What was logged. Only one mutant logs, so whatever is there is its own.
fn take_log() -> String {
    std::mem::take(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(super) const MUTANTS: &[Broken] = &[
    Broken {
        name: "logs the key",
        request: |_, request| {
            if let Some(value) = authorization(request) {
                LOG.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&value);
            }
        },
        log: Some(take_log),
        fails: About::all(is_given_a_key),
        ..SOUND
    },
    Broken {
        name: "shows keys that were refused",
        answer: |call, request, answer| {
            let answer = answer?;
            if let (StatusCode::UNAUTHORIZED, Some(value)) =
                (answer.status(), authorization(&request))
            {
                call.memory().shown.push_str(&value);
            }
            Ok(answer)
        },
        fails: About::all(gets_a_401).and(&[
            "!authorization/unsigned-refused",
            "!replay/unsigned-is-not-repeated",
        ]),
        ..SOUND
    },
    Broken {
        name: "shows the body that it got",
        answer: |call, _, answer| {
            let answer = answer?;
            call.memory().shown = String::from_utf8_lossy(answer.body()).into_owned();
            Ok(answer)
        },
        fails: About::these(&[
            "diagnostics/key-reflected-in-refusal",
            "diagnostics/second-key-reflected",
            "diagnostics/server-text-bounded",
        ]),
        ..SOUND
    },
    Broken {
        name: "shows the text of a refusal as it came",
        answer: |call, _, answer| {
            let answer = answer?;
            let json: Option<serde_json::Value> = serde_json::from_slice(answer.body()).ok();
            let message = json.and_then(|json| Some(json["message"].as_str()?.to_owned()));
            call.memory().shown = message.unwrap_or_default();
            Ok(answer)
        },
        fails: About::these(&[
            "diagnostics/key-reflected-in-refusal",
            "diagnostics/second-key-reflected",
            "diagnostics/server-text-bounded",
            "diagnostics/server-text-escaped",
        ]),
        ..SOUND
    },
    Broken {
        name: "shows the headers that it got",
        answer: |call, _, answer| {
            let answer = answer?;
            call.memory().shown = format!("{:?}", answer.headers());
            Ok(answer)
        },
        fails: About::these(&[
            "diagnostics/key-reflected-in-refusal",
            "redirect/other-host-key-in-query",
        ]),
        ..SOUND
    },
    Broken {
        name: "puts the request into its errors",
        answer: |_, request, answer| {
            answer.map_err(|error| {
                let key = authorization(&request);
                TransportError::new(error.kind())
                    .with_source(format!("of {} {key:?}", request.uri()))
            })
        },
        fails: About::all(fails_with_a_key),
        ..SOUND
    },
    Broken {
        name: "puts the URL into its errors",
        answer: |_, request, answer| {
            answer.map_err(|error| {
                TransportError::new(error.kind()).with_source(format!("of {}", request.uri()))
            })
        },
        fails: About::these(&[
            "diagnostics/no-url",
            "!diagnostics/no-url-unauthorized",
            "diagnostics/no-url-over-tls",
        ]),
        ..SOUND
    },
];
