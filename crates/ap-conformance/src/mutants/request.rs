//! Faults with the rest of a request: method, path, headers, body.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, COOKIE, REFERER};
use http::header::{SET_COOKIE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request};

use super::failing_cases::{FailingCases, lines};
use super::mutant::{Mutant, NO_FAULT};

/// Replaces the path and query of a request.
fn replace_path(request: &mut Request<Bytes>, with: impl FnOnce(&str) -> String) {
    let uri = request.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let origin = format!(
        "{}://{}",
        uri.scheme_str().unwrap(),
        uri.authority().unwrap()
    );
    *request.uri_mut() = format!("{origin}{}", with(path)).parse().unwrap();
}

fn replace_headers(request: &mut Request<Bytes>, with: impl Fn(&str) -> String) {
    for (name, value) in request.headers_mut() {
        if name != AUTHORIZATION {
            *value = HeaderValue::try_from(with(value.to_str().unwrap())).unwrap();
        }
    }
}

/// Decodes what need not be encoded, merges slashes and sorts the query.
fn normalized(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut path = path.replace("%61", "a").replace("%c3%a9", "%C3%A9");
    while path.contains("//") {
        path = path.replace("//", "/");
    }
    if path.len() > 1 {
        path = path.trim_end_matches('/').to_owned();
    }
    let mut query: Vec<_> = query
        .split('&')
        .map(|part| part.replace('+', "%20"))
        .collect();
    query.sort();
    let query = query.join("&");
    if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    }
}

/// Encodes everything except letters, digits and a few signs, so percent signs too.
fn encoded_again(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b if b.is_ascii_alphanumeric() || b"-._/?=&".contains(&b) => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "adds a query parameter against caches",
        request: |_, request| {
            replace_path(request, |path| {
                let mark = if path.contains('?') { '&' } else { '?' };
                format!("{path}{mark}_=1")
            });
        },
        fails: FailingCases::matching(|case| !lines(case).is_empty()),
        ..NO_FAULT
    },
    Mutant {
        name: "decodes the path",
        request: |_, request| {
            replace_path(request, |path| {
                path.replace("%20", "+").replace("%C3%A9", "e")
            });
        },
        fails: FailingCases::listed(&[
            "replay/once-more",
            "url/path-encoded-accent",
            "url/path-encoded-blank",
            "url/path-encoded-query-accent",
            "url/path-encoded-query-blank",
            "url/path-unchanged-encoded-line-end",
            "url/path-unchanged-query-plus",
            "url/whole-sent-query",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "encodes the path twice",
        request: |_, request| replace_path(request, encoded_again),
        fails: FailingCases::listed(&[
            "replay/once-more",
            "url/path-encoded",
            "url/path-unchanged-encoded*",
            "url/path-unchanged-lower-case-hex",
            "url/path-unchanged-sub-delimiters",
            "url/path-unchanged-tilde",
            "url/path-unchanged-query-plus",
            "url/path-unchanged-query-url",
            "url/whole-sent-query",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "normalizes URLs",
        request: |_, request| replace_path(request, normalized),
        fails: FailingCases::listed(&[
            "url/path-unchanged-encoded-letter",
            "url/path-unchanged-lower-case-hex",
            "url/path-unchanged-empty-segments",
            "url/path-unchanged-trailing-slash",
            "url/path-unchanged-query-order",
            "url/path-unchanged-query-empty",
            "url/path-unchanged-query-plus",
            // The query of this case is not sorted.
            "url/whole-sent-query",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "makes every request a GET",
        request: |_, request| *request.method_mut() = Method::GET,
        fails: FailingCases::matching(|case| {
            lines(case).iter().any(|line| !line.starts_with("GET "))
        })
        .adding(&[
            // To HEAD these announce a body that does not come.
            "body/gzip-refusal",
            "framing/no-body-head",
            "limits/no-body-to-head",
            // A GET announces no empty body.
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "sends methods in capitals",
        request: |_, request| {
            let upper = request.method().as_str().to_ascii_uppercase();
            *request.method_mut() = Method::from_bytes(upper.as_bytes()).unwrap();
        },
        fails: FailingCases::listed(&["headers/method-sent-lower-case"]),
        ..NO_FAULT
    },
    Mutant {
        name: "normalizes header values",
        request: |_, request| {
            replace_headers(request, |value| {
                let words: Vec<_> = value.split_ascii_whitespace().collect();
                let tidy = words.join(" ").replace(['"', '%'], "").to_ascii_lowercase();
                tidy.chars().take(1000).collect()
            });
        },
        fails: FailingCases::listed(&[
            "headers/value-verbatim",
            // Its value contains quotes.
            "headers/x-headers-stay",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "joins repeated header lines",
        request: |_, request| {
            let headers = request.headers_mut();
            let names: Vec<HeaderName> = headers.keys().cloned().collect();
            for name in names {
                let all: Vec<_> = headers
                    .get_all(&name)
                    .iter()
                    .map(|v| v.to_str().unwrap())
                    .collect();
                let joined = HeaderValue::from_str(&all.join(", ")).unwrap();
                headers.insert(name, joined);
            }
        },
        fails: FailingCases::listed(&["headers/repeated-in-order"]),
        ..NO_FAULT
    },
    Mutant {
        name: "sets its own Accept and User-Agent",
        request: |_, request| {
            let headers = request.headers_mut();
            headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
            headers.insert(USER_AGENT, HeaderValue::from_static("library/1.0"));
        },
        fails: FailingCases::listed(&["headers/callers-own", "headers/accept-json"]),
        ..NO_FAULT
    },
    Mutant {
        name: "asks for gzip",
        request: |_, request| {
            let gzip = HeaderValue::from_static("gzip");
            request.headers_mut().insert(ACCEPT_ENCODING, gzip);
        },
        fails: FailingCases::listed(&["headers/no-coding-offered"]),
        ..NO_FAULT
    },
    Mutant {
        name: "sends a Referer",
        request: |_, request| {
            let here = HeaderValue::try_from(request.uri().to_string()).unwrap();
            request.headers_mut().insert(REFERER, here);
        },
        fails: FailingCases::listed(&["headers/nothing-added", "redirect/no-referrer"]),
        ..NO_FAULT
    },
    Mutant {
        name: "replaces 127.0.0.1 by localhost",
        request: |_, request| {
            let uri = request.uri().to_string();
            *request.uri_mut() = uri
                .replacen("//127.0.0.1:", "//localhost:", 1)
                .parse()
                .unwrap();
        },
        fails: FailingCases::listed(&["url/host-header"])
            // Another address of localhost may be tried first.
            .uncertain(&["time/connect-stall"]),
        ..NO_FAULT
    },
    Mutant {
        name: "announces an empty body where there is none",
        request: |_, request| {
            if request.body().is_empty() {
                request
                    .headers_mut()
                    .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
        },
        fails: FailingCases::listed(&["headers/no-body-not-announced"]),
        ..NO_FAULT
    },
    Mutant {
        name: "sends no body",
        request: |_, request| *request.body_mut() = Bytes::new(),
        fails: FailingCases::listed(&[
            "authorization/nowhere-else",
            "connections/refused-before-the-body",
            "headers/body-verbatim",
            "headers/method-sent",
            "redirect/method",
            "redirect/other-port",
            "replay/connection-closed-between",
            "replay/large-body",
            "replay/over-tls",
            "replay/product-form-suppressionlist-text",
            "replay/product-form-trustedform-403",
            "replay/once-more-post",
            "replay/once-more-put",
            "replay/once-more-patch",
            "uploads/early-answer-next-call",
            "uploads/early-answer-next-key",
            "uploads/large-over-tls",
            "uploads/length",
            "rotation/in-flight-post",
            "uploads/slow-reader",
            "uploads/text",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "sends no body after its first call",
        request: |call, request| {
            if call.state().calls > 0 {
                *request.body_mut() = Bytes::new();
            }
        },
        fails: FailingCases::listed(&[
            "replay/connection-closed-between",
            "replay/large-body",
            "replay/once-more-post",
            "replay/once-more-put",
            "replay/once-more-patch",
            "replay/over-tls",
            "replay/product-form-suppressionlist-text",
            "replay/product-form-trustedform-403",
            "rotation/in-flight-post",
            "uploads/early-answer-next-key",
            "uploads/large-over-tls",
            "uploads/length",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "stores cookies",
        request: |call, request| {
            for value in call.state().headers.get_all(COOKIE) {
                request.headers_mut().append(COOKIE, value.clone());
            }
        },
        response: |call, _, answer| {
            let answer = answer?;
            for value in answer.headers().get_all(SET_COOKIE) {
                call.state().headers.append(COOKIE, value.clone());
            }
            Ok(answer)
        },
        fails: FailingCases::listed(&[
            "refusal/nothing-sent-back-cookie-200",
            "refusal/nothing-sent-back-cookie-401",
        ]),
        ..NO_FAULT
    },
];
