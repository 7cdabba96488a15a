//! Faults with connections: not reusing them, and sending a request again.

use ap_client::transport::{Connect as _, TransportError, TransportErrorKind};
use ap_ureq::UreqTransport;
use bytes::Bytes;
use http::Request;

use super::failing_cases::{FailingCases, ends_in, gets_a_401, reuses_its_connection};
use super::mutant::{Call, Mutant, NO_FAULT, SendResult, has_kind};

/// Sends a request, and once more if the result matches.
fn repeat_if(
    call: &Call<'_>,
    request: &Request<Bytes>,
    matches: fn(&SendResult) -> bool,
) -> SendResult {
    let answer = call.send(request);
    if matches(&answer) {
        call.send(request)
    } else {
        answer
    }
}

fn has_status(answer: &SendResult, matches: fn(u16) -> bool) -> bool {
    answer
        .as_ref()
        .is_ok_and(|answer| matches(answer.status().as_u16()))
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "opens a connection for every request",
        send: |call, request| call.send_with(&UreqTransport::connect(call.config())?, request),
        fails: FailingCases::matching(reuses_its_connection),
        ..NO_FAULT
    },
    Mutant {
        name: "reports an error when an upload is answered early",
        response: |_, request, answer| {
            if request.body().len() > 1_000_000 && has_status(&answer, |status| status >= 400) {
                return Err(TransportError::new(TransportErrorKind::Closed));
            }
            answer
        },
        fails: FailingCases::listed(&[
            "uploads/early-answer*",
            "uploads/early-refusal-1-mib",
            "uploads/early-refusal-4-mib",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "repeats a request after a 401",
        send: |call, request| {
            repeat_if(call, request, |answer| {
                has_status(answer, |status| status == 401)
            })
        },
        // The repeated request may be accepted.
        fails: FailingCases::matching(gets_a_401)
            .adding(&["!replay/alternating"])
            .uncertain(&[
                "refusal/early",
                // The number of requests depends on how many calls start before the login.
                "rotation/in-flight*",
            ]),
        ..NO_FAULT
    },
    Mutant {
        name: "repeats a request after a 429 or 5xx",
        send: |call, request| {
            repeat_if(call, request, |answer| {
                has_status(answer, |status| status == 429 || status >= 500)
            })
        },
        fails: FailingCases::listed(&[
            "connections/kept-alive-500",
            "redirect/not-a-redirect-503",
            "refusal/other-status-429",
            "refusal/other-status-500",
            "refusal/other-status-502",
            "refusal/other-status-503",
            "refusal/other-status-511",
            "body/with-error-500",
            "replay/learns-not-from-429",
            "replay/learns-not-from-500",
            "replay/learns-not-from-503",
            "replay/not-repeated-429",
            "replay/not-repeated-500",
            "replay/not-repeated-503",
            "throttling/retry-after",
            "throttling/retry-after-kept-503",
            "throttling/retry-after-twice",
            "throttling/server-error",
            // These are not 5xx.
            "!throttling/server-error-408",
            "!throttling/server-error-425",
            "throttling/server-error-get",
            "throttling/then-fine",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "repeats a request after a 408, 421 or 425",
        send: |call, request| {
            repeat_if(call, request, |answer| {
                has_status(answer, |status| matches!(status, 408 | 421 | 425))
            })
        },
        fails: FailingCases::listed(&[
            "refusal/other-status-408",
            "refusal/other-status-421",
            "refusal/other-status-425",
            "replay/not-repeated-408",
            "throttling/misdirected",
            "throttling/server-error-408",
            "throttling/server-error-425",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "repeats a request that was not answered",
        send: |call, request| {
            let kinds = &[
                TransportErrorKind::Closed,
                TransportErrorKind::Truncated,
                TransportErrorKind::Malformed,
            ];
            let answer = call.send(request);
            if has_kind(&answer, kinds) {
                call.send(request)
            } else {
                answer
            }
        },
        fails: FailingCases::matching(|case| ends_in(case, &["closed", "truncated", "malformed"]))
            .adding(&[
                // These listeners read no request.
                "!tls/tls-server",
                "!connections/answer-before-the-request",
                // This answer can also be read.
                "!framing/two-equal-lengths",
            ]),
        ..NO_FAULT
    },
];
