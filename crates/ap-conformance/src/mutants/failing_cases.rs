//! [`FailingCases`]: the cases that a mutant must fail, listed by hand or matched by a rule.

use std::collections::BTreeSet;

use crate::case::{Call, Case, Range};

/// The cases that a mutant must fail.
///
/// The rule matches some. Then each entry of the list adds cases, or removes them if it starts with `!`.
/// An entry is an id, a family, or a prefix of ids followed by `*`.
#[derive(Clone, Copy)]
pub(super) struct FailingCases {
    rule: fn(&Case) -> bool,
    list: &'static [&'static str],
    /// Cases whose result depends on timing. They are not run.
    uncertain: &'static [&'static str],
}

impl FailingCases {
    pub(super) const NONE: Self = Self::listed(&[]);

    pub(super) const fn listed(list: &'static [&'static str]) -> Self {
        Self {
            rule: |_| false,
            list,
            uncertain: &[],
        }
    }

    pub(super) const fn matching(rule: fn(&Case) -> bool) -> Self {
        Self {
            rule,
            list: &[],
            uncertain: &[],
        }
    }

    pub(super) const fn adding(mut self, list: &'static [&'static str]) -> Self {
        self.list = list;
        self
    }

    pub(super) const fn uncertain(mut self, list: &'static [&'static str]) -> Self {
        self.uncertain = list;
        self
    }

    /// Returns the ids of the cases that must fail.
    ///
    /// Panics if an entry of the list changes nothing, because then it is a mistake.
    pub(super) fn ids(self, cases: &[Case]) -> BTreeSet<&str> {
        let all = || cases.iter().filter(|case| !self.is_uncertain(case));
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
                "{entry} matches no case, or changes nothing"
            );
        }
        ids
    }

    pub(super) fn is_uncertain(self, case: &Case) -> bool {
        self.uncertain.iter().any(|entry| names(entry, case))
    }
}

fn names(entry: &str, case: &Case) -> bool {
    match entry.strip_suffix('*') {
        Some(start) => case.id.starts_with(start),
        None => case.family == entry || case.id == entry,
    }
}

/// The kinds of outcome without a complete response.
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

/// The call may end in one of these kinds.
pub(super) fn expects(call: &Call, kinds: &[&str]) -> bool {
    let expected = call.expect.outcome.all();
    expected.iter().any(|kind| kinds.contains(kind))
}

fn any_call(case: &Case, matches: impl FnMut(&Call) -> bool) -> bool {
    case.calls.iter().any(matches)
}

/// A call must end in one of these kinds.
pub(super) fn ends_in(case: &Case, kinds: &[&str]) -> bool {
    any_call(case, |call| expects(call, kinds))
}

/// A call must end without a complete response.
pub(super) fn fails(case: &Case) -> bool {
    ends_in(case, FAILURES)
}

/// A call with a key must end without a complete response.
pub(super) fn fails_with_a_key(case: &Case) -> bool {
    !case.keys.is_empty() && any_call(case, |call| !call.unsigned && expects(call, FAILURES))
}

/// The most requests that the target may receive, or 0 if the case does not say.
fn requests(case: &Case) -> usize {
    let target = case.listeners.get("target");
    target
        .and_then(|target| target.expect.max_requests())
        .unwrap_or(0)
}

/// The target must receive a request with a key, and the case counts requests.
pub(super) fn is_signed(case: &Case) -> bool {
    requests(case) > 0 && !case.keys.is_empty() && any_call(case, |call| !call.unsigned)
}

/// The target speaks TLS.
pub(super) fn is_tls(case: &Case) -> bool {
    let target = case.listeners.get("target");
    target.is_some_and(|target| target.tls.is_some())
}

/// The transport gets a request with a key.
pub(super) fn is_given_a_key(case: &Case) -> bool {
    !case.keys.is_empty() && any_call(case, |call| !call.unsigned && !expects(call, &["refused"]))
}

/// The case says which request lines the target must get.
pub(super) fn lines(case: &Case) -> &[String] {
    let target = case.listeners.get("target");
    target
        .and_then(|target| target.expect.lines.as_deref())
        .unwrap_or_default()
}

/// A key other than the first must arrive, or is the only one that is accepted.
pub(super) fn needs_the_next_key(case: &Case) -> bool {
    let keys = case.listeners.values().flat_map(|listener| {
        let keys = listener.expect.keys.iter().flatten();
        let accepted = listener
            .accepts
            .iter()
            .flatten()
            .map(|accepted| &accepted.key);
        keys.chain(&listener.expect.last_keys).chain(accepted)
    });
    keys.into_iter().any(|name| name != "first")
}

/// A 401 arrives, whether it rejects a key or not. If the next key is needed, a 401 is the reason, unless
/// the key before was removed, or rejected by a 403.
pub(super) fn gets_a_401(case: &Case) -> bool {
    let arrives = |call: &Call| match call.expect.status {
        Some(status) => status == 401,
        None => expects(call, &["unauthorized"]),
    };
    let others = [
        "rotation/key-removed-unused",
        "replay/product-form-trustedform-403",
    ];
    let next = needs_the_next_key(case) && !others.contains(&case.id.as_str());
    // It does not say which keys must arrive.
    let next = next || case.id == "replay/alternating";
    !case.keys.is_empty() && (any_call(case, arrives) || next)
}

/// The caller must get an error status other than 401.
pub(super) fn gets_an_error_status(case: &Case) -> bool {
    any_call(case, |call| {
        call.expect
            .status
            .is_some_and(|status| status >= 400 && status != 401)
    })
}

/// The caller must get a 200 with a body.
pub(super) fn gets_a_body(case: &Case) -> bool {
    any_call(case, |call| {
        let expect = &call.expect;
        let has_body = expect.body.as_ref().is_some_and(|body| !body.is_empty())
            || expect.body_hex.is_some()
            || expect.body_bytes.is_some_and(|length| length > 0);
        has_body && expects(call, &["response"]) && matches!(expect.status, None | Some(200))
    })
}

/// Several requests must arrive on one connection.
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
    let is_success = |call: &Call| {
        expects(call, &["response"]) && matches!(call.expect.status, None | Some(200))
    };
    let mut before = Vec::new();
    for call in case.calls.iter().filter(|call| call.method == "GET") {
        let target = (&call.path, &call.url);
        if before.contains(&target) {
            return true;
        }
        if is_success(call) {
            before.push(target);
        }
    }
    false
}

/// The length of the first key with the user name and the colon. A generated key has 25 bytes.
pub(super) fn pair_length(case: &Case) -> usize {
    let user = case.user.as_deref().unwrap_or(ap_core::key::DEFAULT_USER);
    let generated = "k".repeat(25);
    let key = case.keys.first().and_then(|name| case.key_texts.get(name));
    let key = key.map_or_else(|| generated.clone(), |text| text.replace('*', &generated));
    user.len() + 1 + key.len()
}
