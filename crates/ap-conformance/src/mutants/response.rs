//! What can go wrong with a response on its way to the caller, and with what is not one.

use ap_core::{ErrorKind, TransportError};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};

use super::failing_cases::{
    About, asks_again, ends_in, fails, gets_a_401, gets_a_body, gets_an_error_status,
};
use super::mutant::{Answer, Broken, SOUND};

const DOCUMENTED: &[u8] = b"{\"error\":\"authentication failed\"}";

fn with_body(answer: Answer, body: impl FnOnce(&Response<Bytes>) -> Option<Vec<u8>>) -> Answer {
    let mut answer = answer?;
    if let Some(body) = body(&answer) {
        *answer.body_mut() = body.into();
    }
    Ok(answer)
}

/// An empty success in the place of errors of some kinds.
fn empty(answer: Answer, kinds: &[ErrorKind]) -> Answer {
    match answer {
        Err(error) if kinds.contains(&error.kind()) => Ok(Response::new(Bytes::new())),
        answer => answer,
    }
}

pub(super) const MUTANTS: &[Broken] = &[
    Broken {
        name: "takes a refusal for an error of its own",
        answer: |_, _, answer| match answer {
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                Err(TransportError::new(ErrorKind::Other))
            }
            answer => answer,
        },
        fails: About::all(gets_a_401),
        ..SOUND
    },
    Broken {
        name: "takes the status of an error for an error of its own",
        answer: |_, _, answer| match answer {
            Ok(answer)
                if answer.status().as_u16() >= 400
                    && answer.status() != StatusCode::UNAUTHORIZED =>
            {
                Err(TransportError::new(ErrorKind::Other))
            }
            answer => answer,
        },
        fails: About::all(gets_an_error_status),
        ..SOUND
    },
    Broken {
        name: "takes every 401 for a refusal",
        answer: |_, _, answer| {
            with_body(answer, |answer| {
                (answer.status() == StatusCode::UNAUTHORIZED).then(|| DOCUMENTED.to_vec())
            })
        },
        fails: About::these(&[
            "body/gzip-refusal",
            "refusal/other-body",
            "refusal/other-bytes",
            "refusal/large-body",
            "refusal/documented-then-a-flood",
            "refusal/challenge-other-body",
            "refusal/to-head",
            "refusal/form-of-another-product",
            "replay/second-of-other-form",
            "replay/not-repeated-other-text",
            "replay/not-repeated-opaque",
            // They are refusals, and the caller must see their own words.
            "diagnostics/key-reflected-in-refusal",
            "refusal/same-in-other-words",
            "refusal/product-form",
            "!refusal/product-form-trustedform-documented",
            "!refusal/product-form-suppressionlist-documented",
        ]),
        ..SOUND
    },
    Broken {
        name: "takes 403 and 407 for 401",
        answer: |_, _, answer| {
            let mut answer = answer?;
            if matches!(answer.status().as_u16(), 403 | 407) {
                *answer.status_mut() = StatusCode::UNAUTHORIZED;
            }
            Ok(answer)
        },
        fails: About::these(&[
            "body/with-error-403",
            "redirect/not-a-redirect-403",
            "refusal/other-status-403",
            "refusal/other-status-407",
            "replay/learns-not-from-403",
            "replay/learns-not-from-407",
            "replay/not-repeated-403",
            "replay/not-repeated-407",
        ]),
        ..SOUND
    },
    Broken {
        name: "keeps the last of repeated header lines",
        answer: |_, _, answer| {
            let mut answer = answer?;
            let mut last = HeaderMap::new();
            for (name, value) in answer.headers() {
                last.insert(name.clone(), value.clone());
            }
            *answer.headers_mut() = last;
            Ok(answer)
        },
        fails: About::these(&[
            "headers/repeated-in-response",
            "throttling/retry-after-twice",
        ]),
        ..SOUND
    },
    Broken {
        name: "gives no headers",
        answer: |_, _, answer| {
            let mut answer = answer?;
            answer.headers_mut().clear();
            Ok(answer)
        },
        fails: About::all(|case| {
            case.calls
                .iter()
                .any(|call| !call.expect.headers.is_empty())
        }),
        ..SOUND
    },
    Broken {
        name: "loses the last byte of a body",
        answer: |_, _, answer| {
            with_body(answer, |answer| {
                let length = answer.body().len().checked_sub(1)?;
                (answer.status() == StatusCode::OK).then(|| answer.body()[..length].to_vec())
            })
        },
        fails: About::all(gets_a_body),
        ..SOUND
    },
    Broken {
        name: "cuts bodies after 100 bytes",
        answer: |_, _, answer| {
            with_body(answer, |answer| {
                Some(answer.body().get(..101)?[..100].to_vec())
            })
        },
        fails: About::these(&[
            "body/every-byte",
            "body/large",
            "diagnostics/key-reflected-in-refusal-base64",
            "diagnostics/server-text-bounded",
            "limits/body-at-the-limit",
            "limits/chunked-body-at-the-limit",
            "refusal/documented-then-a-flood",
            "refusal/large-body",
        ]),
        ..SOUND
    },
    Broken {
        name: "gives bodies as text",
        answer: |_, _, answer| {
            with_body(answer, |answer| {
                Some(
                    String::from_utf8_lossy(answer.body())
                        .into_owned()
                        .into_bytes(),
                )
            })
        },
        fails: About::these(&[
            "body/every-byte",
            "body/gzip",
            "refusal/other-bytes",
            // NUL is a character.
            "!refusal/other-bytes-nul-bytes",
        ]),
        ..SOUND
    },
    Broken {
        name: "converts bodies from the charset that they are said to have",
        answer: |_, _, answer| {
            with_body(answer, |answer| {
                let kind = answer.headers().get(CONTENT_TYPE)?.to_str().ok()?;
                let (_, charset) = kind.split_once("charset=")?;
                let text: String = answer.body().iter().copied().map(char::from).collect();
                (charset != "utf-8").then(|| text.into_bytes())
            })
        },
        fails: About::these(&["body/charset"]),
        ..SOUND
    },
    Broken {
        name: "drops the byte order mark",
        answer: |_, _, answer| {
            with_body(answer, |answer| {
                answer
                    .body()
                    .strip_prefix("\u{feff}".as_bytes())
                    .map(<[u8]>::to_vec)
            })
        },
        fails: About::these(&["body/byte-order-mark", "refusal/same-in-other-words-bom"]),
        ..SOUND
    },
    Broken {
        name: "decodes a gzip that it did not ask for, and fails",
        answer: |_, _, answer| match answer {
            Ok(answer)
                if answer
                    .headers()
                    .get(CONTENT_ENCODING)
                    .is_some_and(|coding| {
                        coding.to_str().is_ok_and(|coding| coding.contains("gzip"))
                    }) =>
            {
                Err(TransportError::new(ErrorKind::Malformed))
            }
            answer => answer,
        },
        fails: About::these(&[
            "body/gzip",
            "body/coding-two",
            "body/coding-gzip-but-plain",
            "body/gzip-empty",
            "body/gzip-refusal",
        ]),
        ..SOUND
    },
    Broken {
        name: "keeps answers, and gives them again",
        send: |call, request| {
            let key = format!("{} {}", request.method(), request.uri());
            if let Some(kept) = call.memory().answers.get(&key) {
                return Ok(kept.clone());
            }
            let answer = call.once(request)?;
            if answer.status() == StatusCode::OK && request.method() == http::Method::GET {
                call.memory().answers.insert(key, answer.clone());
            }
            Ok(answer)
        },
        fails: About::all(asks_again),
        ..SOUND
    },
    Broken {
        name: "says of no error what it is",
        answer: |_, _, answer| answer.map_err(|_| TransportError::new(ErrorKind::Other)),
        fails: About::all(fails),
        ..SOUND
    },
    Broken {
        name: "takes a response that broke off for an empty one",
        answer: |_, _, answer| empty(answer, &[ErrorKind::Closed, ErrorKind::Truncated]),
        fails: About::these(&[
            "connections/not-sent-twice",
            "diagnostics/key-reflected-cut-body",
            "diagnostics/no-url-closed",
            "diagnostics/no-url-reset",
            "diagnostics/no-url-truncated",
            "framing/chunks-cut",
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
        ..SOUND
    },
    Broken {
        name: "takes a response that is not sound for an empty one",
        answer: |_, _, answer| empty(answer, &[ErrorKind::Malformed]),
        fails: About::these(&[
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
            "framing/chunk-overrun",
            "framing/chunk-size",
            "framing/frames-of-http-2",
            "framing/length-and-chunks",
            "framing/old-version-with-chunks",
            "framing/status",
            "framing/switching-protocols",
            "framing/transfer-coding",
            "framing/version",
            "framing/version-1-2",
            "limits/endless-trailers",
            "replay/failure-not-repeated-garbage",
            "tls/tls-server",
        ]),
        ..SOUND
    },
    Broken {
        name: "takes what is too large for an empty response",
        answer: |_, _, answer| empty(answer, &[ErrorKind::TooLarge]),
        fails: About::all(|case| {
            let too_large = |call: &crate::case::Call| call.expect.outcome.all() == ["too_large"];
            case.calls.iter().any(too_large)
        }),
        ..SOUND
    },
    Broken {
        name: "takes what is late for an empty response",
        answer: |_, _, answer| empty(answer, &[ErrorKind::Timeout, ErrorKind::ConnectTimeout]),
        fails: About::all(|case| ends_in(case, &["timeout", "connect_timeout"])),
        ..SOUND
    },
    Broken {
        name: "panics when TLS fails",
        answer: |_, _, answer| {
            let failed = matches!(&answer, Err(error) if error.kind() == ErrorKind::Tls);
            assert!(!failed, "a mutant's panic");
            answer
        },
        // Not where the failure may also be one of connecting.
        fails: About::all(|case| ends_in(case, &["tls"])).and(&["!tls/handshake-ends"]),
        ..SOUND
    },
];
