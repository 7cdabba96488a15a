//! Faults with responses and errors on their way to the caller.

use ap_client::transport::{TransportError, TransportErrorKind};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};

use super::failing_cases::{
    FailingCases, asks_again, ends_in, fails, gets_a_401, gets_a_body, gets_an_error_status,
};
use super::mutant::{Mutant, NO_FAULT, SendResult};

const DOCUMENTED: &[u8] = b"{\"error\":\"authentication failed\"}";

fn with_body(
    answer: SendResult,
    body: impl FnOnce(&Response<Bytes>) -> Option<Vec<u8>>,
) -> SendResult {
    let mut answer = answer?;
    if let Some(body) = body(&answer) {
        *answer.body_mut() = body.into();
    }
    Ok(answer)
}

/// Returns an empty success instead of errors of these kinds.
fn empty(answer: SendResult, kinds: &[TransportErrorKind]) -> SendResult {
    match answer {
        Err(error) if kinds.contains(&error.kind()) => Ok(Response::new(Bytes::new())),
        answer => answer,
    }
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "reports a rejected key as a transport error",
        response: |_, _, answer| match answer {
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                Err(TransportError::new(TransportErrorKind::Other))
            }
            answer => answer,
        },
        fails: FailingCases::matching(gets_a_401),
        ..NO_FAULT
    },
    Mutant {
        name: "reports an error status as a transport error",
        response: |_, _, answer| match answer {
            Ok(answer)
                if answer.status().as_u16() >= 400
                    && answer.status() != StatusCode::UNAUTHORIZED =>
            {
                Err(TransportError::new(TransportErrorKind::Other))
            }
            answer => answer,
        },
        fails: FailingCases::matching(gets_an_error_status)
            .adding(&["replay/product-form-trustedform-403"]),
        ..NO_FAULT
    },
    Mutant {
        name: "treats every 401 as a rejected key",
        response: |_, _, answer| {
            with_body(answer, |answer| {
                (answer.status() == StatusCode::UNAUTHORIZED).then(|| DOCUMENTED.to_vec())
            })
        },
        fails: FailingCases::listed(&[
            "body/gzip-refusal",
            "refusal/compressed",
            "refusal/other-body",
            "refusal/other-bytes",
            "refusal/large-body",
            "refusal/documented-then-a-flood",
            "refusal/challenge-other-body",
            "refusal/to-head",
            "refusal/form-of-another-product",
            "!refusal/form-of-another-product-trustedform-403*",
            "refusal/form-in-another-status-trustedform-403-as-401",
            "refusal/other-text",
            "replay/second-of-other-form",
            "replay/not-repeated-other-text",
            "replay/not-repeated-opaque",
            // These reject a key, and the caller must see their own text.
            "refusal/same-in-other-words",
            "refusal/product-form",
            "!refusal/product-form-trustedform-403",
            "!refusal/product-form-trustedform-documented",
            "!refusal/product-form-suppressionlist-documented",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "treats 403 and 407 as 401",
        response: |_, _, answer| {
            let mut answer = answer?;
            if matches!(answer.status().as_u16(), 403 | 407) {
                *answer.status_mut() = StatusCode::UNAUTHORIZED;
            }
            Ok(answer)
        },
        fails: FailingCases::listed(&[
            "body/with-error-403",
            "connections/refused-before-the-body-403",
            "redirect/not-a-redirect-403",
            "refusal/form-in-another-status",
            "!refusal/form-in-another-status-trustedform-403-as-401",
            "refusal/form-of-another-product-trustedform-403*",
            "refusal/other-403",
            "refusal/other-status-403",
            "refusal/other-status-407",
            "refusal/product-form-trustedform-403",
            "replay/learns-not-from-403",
            "replay/learns-not-from-407",
            "replay/not-repeated-403",
            "replay/not-repeated-407",
            "replay/product-form-trustedform-403",
            "throttling/retry-after-kept-403",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "keeps only the last of repeated header lines",
        response: |_, _, answer| {
            let mut answer = answer?;
            let mut last = HeaderMap::new();
            for (name, value) in answer.headers() {
                last.insert(name.clone(), value.clone());
            }
            *answer.headers_mut() = last;
            Ok(answer)
        },
        fails: FailingCases::listed(&[
            "headers/repeated-in-response",
            "throttling/retry-after-twice",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "returns no headers",
        response: |_, _, answer| {
            let mut answer = answer?;
            answer.headers_mut().clear();
            Ok(answer)
        },
        fails: FailingCases::matching(|case| {
            case.calls
                .iter()
                .any(|call| !call.expect.headers.is_empty())
        }),
        ..NO_FAULT
    },
    Mutant {
        name: "loses the last byte of a body",
        response: |_, _, answer| {
            with_body(answer, |answer| {
                let length = answer.body().len().checked_sub(1)?;
                (answer.status() == StatusCode::OK).then(|| answer.body()[..length].to_vec())
            })
        },
        fails: FailingCases::matching(gets_a_body),
        ..NO_FAULT
    },
    Mutant {
        name: "cuts bodies after 100 bytes",
        response: |_, _, answer| {
            with_body(answer, |answer| {
                Some(answer.body().get(..101)?[..100].to_vec())
            })
        },
        fails: FailingCases::listed(&[
            "body/every-byte",
            "body/large",
            "diagnostics/key-reflected-in-refusal-base64",
            "diagnostics/server-text-bounded",
            "limits/body-at-the-limit",
            "limits/chunked-body-at-the-limit",
            "refusal/documented-then-a-flood",
            "refusal/large-body",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "returns bodies as text",
        response: |_, _, answer| {
            with_body(answer, |answer| {
                Some(
                    String::from_utf8_lossy(answer.body())
                        .into_owned()
                        .into_bytes(),
                )
            })
        },
        fails: FailingCases::listed(&[
            "body/every-byte",
            "body/gzip",
            "refusal/compressed",
            "refusal/other-bytes",
            // NUL is a character.
            "!refusal/other-bytes-nul-bytes",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "converts bodies from their declared charset",
        response: |_, _, answer| {
            with_body(answer, |answer| {
                let kind = answer.headers().get(CONTENT_TYPE)?.to_str().ok()?;
                let (_, charset) = kind.split_once("charset=")?;
                let text: String = answer.body().iter().copied().map(char::from).collect();
                (charset != "utf-8").then(|| text.into_bytes())
            })
        },
        fails: FailingCases::listed(&["body/charset"]),
        ..NO_FAULT
    },
    Mutant {
        name: "drops the byte order mark",
        response: |_, _, answer| {
            with_body(answer, |answer| {
                answer
                    .body()
                    .strip_prefix("\u{feff}".as_bytes())
                    .map(<[u8]>::to_vec)
            })
        },
        fails: FailingCases::listed(&["body/byte-order-mark", "refusal/same-in-other-words-bom"]),
        ..NO_FAULT
    },
    Mutant {
        name: "decodes gzip that it did not ask for, and fails",
        response: |_, _, answer| match answer {
            Ok(answer)
                if answer
                    .headers()
                    .get(CONTENT_ENCODING)
                    .is_some_and(|coding| {
                        coding.to_str().is_ok_and(|coding| coding.contains("gzip"))
                    }) =>
            {
                Err(TransportError::new(TransportErrorKind::Malformed))
            }
            answer => answer,
        },
        fails: FailingCases::listed(&[
            "body/gzip",
            "body/coding-two",
            "body/coding-gzip-but-plain",
            "body/gzip-empty",
            "body/gzip-refusal",
            "refusal/compressed",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "caches responses",
        send: |call, request| {
            let key = format!("{} {}", request.method(), request.uri());
            if let Some(kept) = call.state().responses.get(&key) {
                return Ok(kept.clone());
            }
            let answer = call.send(request)?;
            if answer.status() == StatusCode::OK && request.method() == http::Method::GET {
                call.state().responses.insert(key, answer.clone());
            }
            Ok(answer)
        },
        // The transport below has no response to keep there.
        fails: FailingCases::matching(asks_again).adding(&["!framing/length-and-chunks"]),
        ..NO_FAULT
    },
    Mutant {
        name: "reports every error as `other`",
        response: |_, _, answer| answer.map_err(|_| TransportError::new(TransportErrorKind::Other)),
        // This answer can also be read.
        fails: FailingCases::matching(fails).adding(&["!framing/two-equal-lengths"]),
        ..NO_FAULT
    },
    Mutant {
        name: "returns an empty response when a response breaks off",
        response: |_, _, answer| {
            empty(
                answer,
                &[TransportErrorKind::Closed, TransportErrorKind::Truncated],
            )
        },
        fails: FailingCases::listed(&[
            "connections/not-sent-twice",
            "diagnostics/key-reflected-cut-body",
            "diagnostics/no-url-closed",
            "diagnostics/no-url-reset",
            "diagnostics/no-url-truncated",
            "framing/chunks-cut",
            "framing/chunks-cut-after",
            "framing/close-delimited",
            "framing/cut-fin*",
            "framing/cut-rst*",
            "framing/ends-before-the-answer",
            "framing/interim-and-no-more",
            "framing/short-body",
            "framing/short-refusal",
            "redirect/cut-body",
            "redirect/unfinished-head",
            "!redirect/unfinished-head-silence",
            "replay/failure-not-repeated",
            "!replay/failure-not-repeated-timeout",
            "!replay/failure-not-repeated-body-late",
            "!replay/failure-not-repeated-garbage",
            "replay/failure-of-the-second",
            "!replay/failure-of-the-second-timeout",
            "tls/cut",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "returns an empty response when a response is not valid HTTP",
        response: |_, _, answer| empty(answer, &[TransportErrorKind::Malformed]),
        fails: FailingCases::listed(&[
            "connections/answer-before-the-request",
            "diagnostics/key-reflected",
            "!diagnostics/key-reflected-cut-body",
            "!diagnostics/key-reflected-large-body",
            "diagnostics/malformed-not-repeated",
            "diagnostics/no-url-malformed",
            "framing/bad-head",
            "framing/bad-length",
            "framing/bad-reason",
            "framing/chunk-extension-flood",
            "framing/chunk-line-end",
            "framing/chunk-overrun",
            "framing/chunk-size",
            "framing/folded-coding",
            "framing/frames-of-http-2",
            "framing/interim-odd",
            "framing/length-and-chunks",
            "framing/old-version-with-chunks",
            "framing/status",
            "framing/status-line",
            "framing/switching-protocols",
            "framing/transfer-coding",
            "framing/version",
            "framing/version-1-2",
            "limits/endless-trailers",
            "replay/failure-not-repeated-garbage",
            "tls/tls-server",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "returns an empty response when a response is too large",
        response: |_, _, answer| empty(answer, &[TransportErrorKind::TooLarge]),
        fails: FailingCases::matching(|case| {
            let too_large = |call: &crate::case::Call| call.expect.outcome.all() == ["too_large"];
            case.calls.iter().any(too_large)
        }),
        ..NO_FAULT
    },
    Mutant {
        name: "returns an empty response when a call times out",
        response: |_, _, answer| {
            empty(
                answer,
                &[
                    TransportErrorKind::Timeout,
                    TransportErrorKind::ConnectTimeout,
                ],
            )
        },
        fails: FailingCases::matching(|case| ends_in(case, &["timeout", "connect_timeout"])),
        ..NO_FAULT
    },
    Mutant {
        name: "panics when TLS fails",
        response: |_, _, answer| {
            let failed = matches!(&answer, Err(error) if error.kind() == TransportErrorKind::Tls);
            assert!(!failed, "a mutant's panic");
            answer
        },
        // This one may also end as `connect`.
        fails: FailingCases::matching(|case| ends_in(case, &["tls"]))
            .adding(&["!tls/handshake-ends"]),
        ..NO_FAULT
    },
];
