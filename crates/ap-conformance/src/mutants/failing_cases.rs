//! Which cases a mutant is about, said by hand: by names, or by what a case is made of.

use std::collections::BTreeSet;

use crate::case::{Call, Case, Range};

/// The cases that a mutant must fail: those that the rule holds for, then those that the list adds or,
/// with a `!` in front, takes out again. An entry is an id, a family, or the beginning of ids with a `*`.
#[derive(Clone, Copy)]
pub(super) struct About {
    pub rule: fn(&Case) -> bool,
    pub list: &'static [&'static str],
    /// Cases that may end either way, because it depends on who is faster. They are not run.
    pub either: &'static [&'static str],
}

impl About {
    pub(super) const NOTHING: Self = Self::these(&[]);

    pub(super) const fn these(list: &'static [&'static str]) -> Self {
        Self {
            rule: |_| false,
            list,
            either: &[],
        }
    }

    pub(super) const fn all(rule: fn(&Case) -> bool) -> Self {
        Self {
            rule,
            list: &[],
            either: &[],
        }
    }

    pub(super) const fn and(mut self, list: &'static [&'static str]) -> Self {
        self.list = list;
        self
    }

    pub(super) const fn either(mut self, list: &'static [&'static str]) -> Self {
        self.either = list;
        self
    }

    /// The ids, of the cases that are run at all. An entry of the list that changes nothing is a mistake.
    pub(super) fn ids(self, cases: &[Case]) -> BTreeSet<&str> {
        let all = || cases.iter().filter(|case| !self.is_either(case));
        let by_rule = all().filter(|case| (self.rule)(case));
        let mut ids: BTreeSet<&str> = by_rule.map(|case| case.id.as_str()).collect();
        for entry in self.list {
            let (name, keep) = match entry.strip_prefix('!') {
                Some(name) => (name, false),
                None => (*entry, true),
            };
            let before = ids.len();
            for case in all().filter(|case| names(name, case)) {
                if keep {
                    ids.insert(&case.id);
                } else {
                    ids.remove(case.id.as_str());
                }
            }
            assert_ne!(
                ids.len(),
                before,
                "{entry} names no case, or makes no difference"
            );
        }
        ids
    }

    pub(super) fn is_either(self, case: &Case) -> bool {
        self.either.iter().any(|entry| names(entry, case))
    }
}

fn names(entry: &str, case: &Case) -> bool {
    match entry.strip_suffix('*') {
        Some(start) => case.id.starts_with(start),
        None => case.family == entry || case.id == entry,
    }
}

/// The kinds of a call that got no complete response, with those of connections that never were.
const FAILURES: &[&str] = &[
    "dns",
    "connect",
    "connect_timeout",
    "proxy",
    "tls",
    "timeout",
    "closed",
    "truncated",
    "malformed",
    "too_large",
];

pub(super) fn expects(call: &Call, kinds: &[&str]) -> bool {
    let expected = call.expect.outcome.all();
    expected.iter().any(|kind| kinds.contains(kind))
}

fn calls(case: &Case, holds: impl FnMut(&Call) -> bool) -> bool {
    case.calls.iter().any(holds)
}

/// A call that must end in one of these ways, whichever of them.
pub(super) fn ends_in(case: &Case, kinds: &[&str]) -> bool {
    calls(case, |call| expects(call, kinds))
}

/// A call that must end without a complete response.
pub(super) fn fails(case: &Case) -> bool {
    ends_in(case, FAILURES)
}

/// A call with a key that must end without a complete response.
pub(super) fn fails_with_a_key(case: &Case) -> bool {
    !case.keys.is_empty() && calls(case, |call| !call.unsigned && expects(call, FAILURES))
}

/// How many requests the target must get at most, where the case says so.
fn requests(case: &Case) -> usize {
    let target = case.listeners.get("target");
    match target.and_then(|target| target.expect.requests) {
        Some(Range::Exactly(most) | Range::Between(_, most)) => most,
        None => 0,
    }
}

/// The case counts the requests of the target, and there must be one with a key.
pub(super) fn is_signed(case: &Case) -> bool {
    requests(case) > 0 && !case.keys.is_empty() && calls(case, |call| !call.unsigned)
}

/// The target speaks TLS.
pub(super) fn is_tls(case: &Case) -> bool {
    let target = case.listeners.get("target");
    target.is_some_and(|target| target.tls.is_some())
}

/// A call with a key goes as far as the transport.
pub(super) fn is_given_a_key(case: &Case) -> bool {
    !case.keys.is_empty() && calls(case, |call| !call.unsigned && !expects(call, &["refused"]))
}

/// The case says which request lines the target must get.
pub(super) fn lines(case: &Case) -> &[String] {
    let target = case.listeners.get("target");
    target
        .and_then(|target| target.expect.lines.as_deref())
        .unwrap_or_default()
}

/// Another key than the first must come.
pub(super) fn needs_the_next_key(case: &Case) -> bool {
    let keys = case.listeners.values().flat_map(|listener| {
        let keys = listener.expect.keys.iter().flatten();
        keys.chain(&listener.expect.last_keys)
    });
    keys.into_iter().any(|name| name != "first")
}

/// A 401 arrives: a refusal of a key, or a response. Where the next key is needed, that is why, unless
/// the one before was taken away.
pub(super) fn gets_a_401(case: &Case) -> bool {
    let arrives = |call: &Call| expects(call, &["unauthorized"]) || call.expect.status == Some(401);
    let next = needs_the_next_key(case) && case.id != "rotation/key-removed-unused";
    !case.keys.is_empty() && (calls(case, arrives) || next)
}

/// A status that is an error, but for 401, must be given to the caller.
pub(super) fn gets_an_error_status(case: &Case) -> bool {
    calls(case, |call| {
        call.expect
            .status
            .is_some_and(|status| status >= 400 && status != 401)
    })
}

/// A 200 with a body must be given to the caller.
pub(super) fn gets_a_body(case: &Case) -> bool {
    calls(case, |call| {
        let expect = &call.expect;
        let has_body = expect.body.as_ref().is_some_and(|body| !body.is_empty())
            || expect.body_hex.is_some()
            || expect.body_bytes.is_some_and(|length| length > 0);
        has_body && expects(call, &["response"]) && matches!(expect.status, None | Some(200))
    })
}

/// Several requests must come on one connection.
pub(super) fn reuses_its_connection(case: &Case) -> bool {
    let one = Some(Range::Exactly(1));
    let several = requests(case) > 1;
    several
        && case
            .listeners
            .values()
            .any(|listener| listener.expect.connections == one)
}

/// The same GET is made again after a 200, and must be sent again.
pub(super) fn asks_again(case: &Case) -> bool {
    let good = |call: &Call| {
        expects(call, &["response"]) && matches!(call.expect.status, None | Some(200))
    };
    let mut before = Vec::new();
    for call in case.calls.iter().filter(|call| call.method == "GET") {
        let where_to = (&call.path, &call.url);
        if before.contains(&where_to) {
            return true;
        }
        if good(call) {
            before.push(where_to);
        }
    }
    false
}

/// How many bytes the pair of user name and first key has. A key that the suite makes has 25.
pub(super) fn pair_length(case: &Case) -> usize {
    let user = case.user.as_deref().unwrap_or(ap_core::DEFAULT_USER);
    let made = "k".repeat(25);
    let key = case.keys.first().and_then(|name| case.key_texts.get(name));
    let key = key.map_or_else(|| made.clone(), |text| text.replace('*', &made));
    user.len() + 1 + key.len()
}
