//! Faults with `Location`, and with other headers that name a URL.

use ap_client::transport::{Connect as _, TransportError, TransportErrorKind};
use ap_ureq::UreqTransport;
use bytes::Bytes;
use http::header::{ALT_SVC, AUTHORIZATION, LINK, LOCATION, REFRESH};
use http::{Request, Response, StatusCode, Uri};

use super::failing_cases::FailingCases;
use super::mutant::{Call, Mutant, NO_FAULT, SendResult};

/// The cases that a client fails if it follows redirects.
const FOLLOWED: &[&str] = &[
    "redirect/status",
    "redirect/other-port",
    "redirect/method",
    "redirect/head",
    "redirect/same-origin",
    // The mutants follow plain Locations only.
    "!redirect/same-origin-dot-dot",
    "!redirect/same-origin-relative",
    "redirect/other-host",
    "!redirect/other-host-blank-in-front",
    "!redirect/other-host-decimal",
    "!redirect/other-host-origin-as-user",
    "!redirect/other-host-user-information",
    "redirect/scheme-change",
    "redirect/http-to-https",
    "redirect/chain",
    "redirect/loop",
    "redirect/permanent-is-not-kept",
    "redirect/credentials-of-the-caller",
    "redirect/no-referrer",
    "redirect/unsigned",
    "redirect/documented-body",
    // They follow the first of several; an empty one is the same page.
    "redirect/odd-location-empty",
    "redirect/odd-location-percent",
    "redirect/odd-location-two",
    "redirect/odd-location-two-same-and-other",
];

/// Returns the URL in a plain `Location`.
fn location(request: &Request<Bytes>, response: &Response<Bytes>) -> Option<Uri> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let uri = request.uri();
    let scheme = uri.scheme_str()?;
    let next = if location.contains("://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else {
        format!("{scheme}://{}{location}", uri.authority()?)
    };
    next.parse().ok()
}

/// Follows `Location` at most three times, while the status matches.
fn follow(
    call: &Call<'_>,
    mut request: Request<Bytes>,
    answer: SendResult,
    follows: fn(StatusCode) -> bool,
) -> SendResult {
    let mut answer = answer?;
    for _ in 0..3 {
        if !follows(answer.status()) {
            break;
        }
        let Some(next) = location(&request, &answer) else {
            break;
        };
        *request.uri_mut() = next;
        // On a connection of its own, because the server may be closing the first one.
        let transport = UreqTransport::connect(call.config())?;
        match call.send_with(&transport, &request) {
            Ok(other) => answer = other,
            Err(_) => break,
        }
    }
    Ok(answer)
}

fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection()
}

/// Returns `true` if there is not exactly one `Location` with a plain URL or path.
fn is_unusual(answer: &Response<Bytes>) -> bool {
    let mut locations = answer.headers().get_all(LOCATION).iter();
    let (Some(one), None) = (locations.next(), locations.next()) else {
        return true;
    };
    let is_plain = |text: &str| {
        let url = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"));
        let port = |url: &str| {
            Some(
                url.split('/')
                    .next()?
                    .split(':')
                    .nth(1)?
                    .parse::<u16>()
                    .is_ok(),
            )
        };
        match url {
            Some(url) => port(url).unwrap_or(true),
            None => text.starts_with('/') && !text.contains(['%', ' ', '\\']),
        }
    };
    !one.to_str().is_ok_and(is_plain)
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "follows redirects with the key",
        response: |call, request, answer| follow(call, request, answer, is_redirect),
        fails: FailingCases::listed(FOLLOWED),
        ..NO_FAULT
    },
    Mutant {
        name: "follows redirects without the key",
        response: |call, mut request, answer| {
            request.headers_mut().remove(AUTHORIZATION);
            follow(call, request, answer, is_redirect)
        },
        fails: FailingCases::listed(FOLLOWED),
        ..NO_FAULT
    },
    Mutant {
        name: "follows a Location that is not a redirect",
        response: |call, request, answer| {
            follow(call, request, answer, |status| !is_redirect(status))
        },
        fails: FailingCases::listed(&[
            "redirect/not-a-redirect-200",
            "redirect/not-a-redirect-201",
            "redirect/not-a-redirect-202",
            "redirect/not-a-redirect-403",
            "redirect/not-a-redirect-503",
            "redirect/refused-with-location",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "fetches what Link, Refresh or Alt-Svc names",
        response: |_, _, answer| {
            let answer = answer?;
            for name in [LINK, REFRESH, ALT_SVC] {
                let value = answer
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok());
                let port = value.and_then(|value| {
                    let (_, behind) = value.split_once("127.0.0.1:")?;
                    behind
                        .split(|c: char| !c.is_ascii_digit())
                        .next()?
                        .parse::<u16>()
                        .ok()
                });
                if let Some(port) = port {
                    // Connecting is enough to be seen.
                    let _ = std::net::TcpStream::connect(("127.0.0.1", port));
                }
            }
            Ok(answer)
        },
        fails: FailingCases::listed(&[
            "redirect/not-a-redirect-refresh",
            "redirect/not-a-redirect-link",
            "redirect/not-a-redirect-alt-svc",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "reports an unusual Location as an error",
        response: |_, _, answer| {
            let answer = answer?;
            let redirects = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if redirects && is_unusual(&answer) {
                return Err(TransportError::new(TransportErrorKind::Malformed));
            }
            Ok(answer)
        },
        fails: FailingCases::listed(&[
            "redirect/odd-location",
            "redirect/same-origin-relative",
            "redirect/same-origin-query",
            "redirect/same-origin-dot-dot",
            "redirect/other-host-backslashes",
            "redirect/other-host-blank-in-front",
            "redirect/other-host-user-information",
            "redirect/other-host-origin-as-user",
            "redirect/other-host-upper-case",
            // These have no Location.
            "replay/learns-not-from-302",
            "replay/not-repeated-302",
            "throttling/retry-after-kept-301",
        ]),
        ..NO_FAULT
    },
];
