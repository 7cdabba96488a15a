//! Faults with the header that carries the key.

use ap_ureq::UreqTransport;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderValue, Request};

use super::failing_cases::{FailingCases, is_signed, is_tls, needs_the_next_key, pair_length};
use super::mutant::{Call, Mutant, NO_FAULT, authorization};

/// Replaces the value of the `Authorization`, if there is one.
fn replace(request: &mut Request<Bytes>, with: impl FnOnce(String) -> String) {
    if let Some(value) = authorization(request) {
        let value = HeaderValue::try_from(with(value)).unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

/// Replaces the user name and the key in the `Authorization`.
fn replace_pair(request: &mut Request<Bytes>, with: impl FnOnce(&str, &str) -> String) {
    replace(request, |value| {
        let pair = STANDARD.decode(value.trim_start_matches("Basic ")).unwrap();
        let pair = String::from_utf8(pair).unwrap();
        let (user, key) = pair.split_once(':').unwrap();
        format!("Basic {}", STANDARD.encode(with(user, key)))
    });
}

fn remember(call: &Call<'_>, request: &Request<Bytes>) {
    if let Some(value) = request.headers().get(AUTHORIZATION) {
        let mut state = call.state();
        state.headers.entry(AUTHORIZATION).or_insert(value.clone());
    }
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "leaves the key out",
        request: |_, request| {
            request.headers_mut().remove(AUTHORIZATION);
        },
        fails: FailingCases::matching(is_signed).adding(&["refusal/early"]),
        ..NO_FAULT
    },
    Mutant {
        name: "sends the key twice",
        // Our own transport would send one key only, so this mutant uses another agent.
        send: |call, request| {
            let key = request.headers().get(AUTHORIZATION);
            let (Some(key), Some("http")) = (key, request.uri().scheme_str()) else {
                return call.send(request);
            };
            let mut request = request.clone();
            request.headers_mut().append(AUTHORIZATION, key.clone());
            let agent = ap_ureq::ureq::Agent::new_with_defaults();
            call.send_with(&UreqTransport::from_agent(agent, call.config()), &request)
        },
        fails: FailingCases::matching(|case| is_signed(case) && !is_tls(case))
            .adding(&["refusal/early"]),
        ..NO_FAULT
    },
    Mutant {
        name: "cuts the key short",
        request: |_, request| {
            replace_pair(request, |user, key| {
                format!("{user}:{}", &key[..key.len() - 1])
            });
        },
        fails: FailingCases::matching(is_signed).adding(&["refusal/early"]),
        ..NO_FAULT
    },
    Mutant {
        name: "sends its first key forever",
        request: |call, request| {
            remember(call, request);
            let first = call.state().headers.get(AUTHORIZATION).cloned();
            if let (true, Some(first)) = (request.headers().contains_key(AUTHORIZATION), first) {
                request.headers_mut().insert(AUTHORIZATION, first);
            }
        },
        fails: FailingCases::matching(needs_the_next_key),
        ..NO_FAULT
    },
    Mutant {
        name: "adds the last key to calls without a key",
        request: |call, request| {
            remember(call, request);
            if let Some(last) = call.state().headers.get(AUTHORIZATION) {
                request
                    .headers_mut()
                    .entry(AUTHORIZATION)
                    .or_insert(last.clone());
            }
        },
        fails: FailingCases::listed(&["authorization/unsigned-after-signed"]),
        ..NO_FAULT
    },
    Mutant {
        name: "adds a password of its own to calls without a key",
        request: |_, request| {
            let found = HeaderValue::from_static("Basic eDp5");
            request.headers_mut().entry(AUTHORIZATION).or_insert(found);
        },
        fails: FailingCases::listed(&[
            "authorization/unsigned-carries-none",
            "authorization/unsigned-after-signed",
            "authorization/unsigned-refused",
            "redirect/unsigned",
            "replay/unsigned-is-not-repeated",
            "replay/no-key",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "puts the key into a cookie too",
        request: |_, request| {
            if let Some(value) = authorization(request) {
                let cookie = HeaderValue::try_from(format!("auth={value}")).unwrap();
                request.headers_mut().append(COOKIE, cookie);
            }
        },
        fails: FailingCases::listed(&[
            "authorization/nowhere-else",
            "headers/nothing-added",
            "refusal/nothing-sent-back",
            // Its requests may differ in the Authorization only, and have two keys.
            "replay/once-more",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "always sends the default user name",
        request: |_, request| {
            replace_pair(request, |_, key| {
                format!("{}:{key}", ap_core::key::DEFAULT_USER)
            });
        },
        fails: FailingCases::listed(&["authorization/user-name"]),
        ..NO_FAULT
    },
    Mutant {
        name: "sends keys in lower case",
        request: |_, request| {
            replace_pair(request, |user, key| {
                format!("{user}:{}", key.to_ascii_lowercase())
            });
        },
        fails: FailingCases::listed(&[
            "authorization/key-alphabet-upper-case",
            // The key contains $HOME.
            "authorization/key-alphabet-dollar",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "removes everything but letters and digits from a key",
        request: |_, request| {
            replace_pair(request, |user, key| {
                let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
                format!("{user}:{key}")
            });
        },
        fails: FailingCases::listed(&[
            "authorization/key-alphabet",
            "!authorization/key-alphabet-upper-case",
            // Its keys contain hyphens.
            "replay/equal-keys",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "pads all base64 with one equals sign",
        request: |_, request| {
            replace(request, |value| format!("{}=", value.trim_end_matches('=')));
        },
        fails: FailingCases::matching(|case| is_signed(case) && pair_length(case) % 3 != 2),
        ..NO_FAULT
    },
    Mutant {
        name: "cuts base64 after 76 characters",
        request: |_, request| {
            replace(request, |value| {
                value.chars().take("Basic ".len() + 76).collect()
            });
        },
        fails: FailingCases::matching(|case| is_signed(case) && pair_length(case) > 76 / 4 * 3),
        ..NO_FAULT
    },
];
