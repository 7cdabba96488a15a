//! What can go wrong with the header that carries the key.

use ap_ureq::UreqTransport;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderValue, Request};

use super::failing_cases::{About, is_signed, is_tls, needs_the_next_key, pair_length};
use super::mutant::{Broken, Call, SOUND, authorization};

/// Puts another value in the place of the `Authorization`, if there is one.
fn replace(request: &mut Request<Bytes>, with: impl FnOnce(String) -> String) {
    if let Some(value) = authorization(request) {
        let value = HeaderValue::try_from(with(value)).unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

/// Puts another user name and key into the pair.
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
        let mut memory = call.memory();
        memory.headers.entry(AUTHORIZATION).or_insert(value.clone());
    }
}

pub(super) const MUTANTS: &[Broken] = &[
    Broken {
        name: "leaves the key out",
        request: |_, request| {
            request.headers_mut().remove(AUTHORIZATION);
        },
        fails: About::all(is_signed).and(&["refusal/early"]),
        ..SOUND
    },
    Broken {
        name: "sends the key twice",
        // Our own agent would put the key in once, so this one has another.
        send: |call, request| {
            let key = request.headers().get(AUTHORIZATION);
            let (Some(key), Some("http")) = (key, request.uri().scheme_str()) else {
                return call.once(request);
            };
            let mut request = request.clone();
            request.headers_mut().append(AUTHORIZATION, key.clone());
            let agent = ap_ureq::ureq::Agent::new_with_defaults();
            call.by(&UreqTransport::from_agent(agent, call.settings()), &request)
        },
        fails: About::all(|case| is_signed(case) && !is_tls(case))
            .and(&["refusal/early"])
            // Which of its two times the other agent names is its own affair.
            .either(&["time/connect-stall-deadline"]),
        ..SOUND
    },
    Broken {
        name: "cuts the key short",
        request: |_, request| {
            replace_pair(request, |user, key| {
                format!("{user}:{}", &key[..key.len() - 1])
            });
        },
        fails: About::all(is_signed).and(&["refusal/early"]),
        ..SOUND
    },
    Broken {
        name: "sends the key that it was first given for ever",
        request: |call, request| {
            remember(call, request);
            let first = call.memory().headers.get(AUTHORIZATION).cloned();
            if let (true, Some(first)) = (request.headers().contains_key(AUTHORIZATION), first) {
                request.headers_mut().insert(AUTHORIZATION, first);
            }
        },
        fails: About::all(needs_the_next_key),
        ..SOUND
    },
    Broken {
        name: "puts the last key on calls without one",
        request: |call, request| {
            remember(call, request);
            if let Some(last) = call.memory().headers.get(AUTHORIZATION) {
                request
                    .headers_mut()
                    .entry(AUTHORIZATION)
                    .or_insert(last.clone());
            }
        },
        fails: About::these(&["authorization/unsigned-after-signed"]),
        ..SOUND
    },
    Broken {
        name: "finds a pair of its own for calls without a key",
        request: |_, request| {
            let found = HeaderValue::from_static("Basic eDp5");
            request.headers_mut().entry(AUTHORIZATION).or_insert(found);
        },
        fails: About::these(&[
            "authorization/unsigned-carries-none",
            "authorization/unsigned-after-signed",
            "authorization/unsigned-refused",
            "redirect/unsigned",
            "replay/unsigned-is-not-repeated",
            "replay/no-key",
        ]),
        ..SOUND
    },
    Broken {
        name: "puts the key into a cookie too",
        request: |_, request| {
            if let Some(value) = authorization(request) {
                let cookie = HeaderValue::try_from(format!("auth={value}")).unwrap();
                request.headers_mut().append(COOKIE, cookie);
            }
        },
        fails: About::these(&[
            "authorization/nowhere-else",
            "headers/nothing-added",
            "refusal/nothing-sent-back",
            // Their requests must be the same but for the Authorization, and have two keys.
            "replay/once-more",
            "replay/large-body",
            "replay/over-tls",
            "replay/both-refused",
            "replay/failure-of-the-second",
        ]),
        ..SOUND
    },
    Broken {
        name: "has one user name for everybody",
        request: |_, request| {
            replace_pair(request, |_, key| format!("{}:{key}", ap_core::DEFAULT_USER));
        },
        fails: About::these(&["authorization/user-name"]),
        ..SOUND
    },
    Broken {
        name: "takes keys for lower case",
        request: |_, request| {
            replace_pair(request, |user, key| {
                format!("{user}:{}", key.to_ascii_lowercase())
            });
        },
        fails: About::these(&[
            "authorization/key-alphabet-upper-case",
            // It has $HOME.
            "authorization/key-alphabet-dollar",
        ]),
        ..SOUND
    },
    Broken {
        name: "keeps letters and digits of a key alone",
        request: |_, request| {
            replace_pair(request, |user, key| {
                let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
                format!("{user}:{key}")
            });
        },
        fails: About::these(&[
            "authorization/key-alphabet",
            "!authorization/key-alphabet-upper-case",
            // Its keys have hyphens.
            "replay/equal-keys",
        ]),
        ..SOUND
    },
    Broken {
        name: "pads every pair with one sign",
        request: |_, request| {
            replace(request, |value| format!("{}=", value.trim_end_matches('=')));
        },
        fails: About::all(|case| is_signed(case) && pair_length(case) % 3 != 2),
        ..SOUND
    },
    Broken {
        name: "breaks base64 off after 76 letters",
        request: |_, request| {
            replace(request, |value| {
                value.chars().take("Basic ".len() + 76).collect()
            });
        },
        fails: About::all(|case| is_signed(case) && pair_length(case) > 76 / 4 * 3),
        ..SOUND
    },
];
