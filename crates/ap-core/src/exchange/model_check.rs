//! A model check of the exchange and the ring: every interleaving of a few calls.
//!
//! Calls begin, the server decides, answers arrive late and in any order, the product switches from each key
//! to the next at any moment, and the list of keys is replaced at any moment. The functions under test are
//! the real ones; only the environment around them is modelled.
//!
//! The theorem: let the keys be in the order in which they become valid, each of them in the list from
//! before its switch until after the next one. Then no call fails, none makes more requests than there are
//! keys, and a call that begins when the preferred key is valid makes one. A key that was removed from the
//! list is not sent again.

use std::collections::HashSet;

use http::{Request, StatusCode};

use super::{Account, Answer, Attempt, AuthErrorKind, Call, RejectedKey, Resend, Step};
use crate::credentials::Credentials;
use crate::key::ApiKey;
use crate::keyring::{KeyRing, Preference};
use crate::origin::Origins;
use crate::product::Product;
use crate::unauthorized::{DOCUMENTED_BODY, Unauthorized};

const PRODUCT: Product = Product::TrustedForm;

/// Two answers by which the product rejects a key.
const REJECTIONS: [(StatusCode, &[u8]); 2] = [
    (
        StatusCode::FORBIDDEN,
        br#"{"error":"Invalid Authentication"}"#,
    ),
    (StatusCode::UNAUTHORIZED, DOCUMENTED_BODY),
];

/// The real functions, or with one of their ideas removed by a thin wrapper.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Variant {
    Real,
    /// An answer counts, whatever happened since its request was signed.
    WithoutGeneration,
    /// An acceptance is forgotten.
    WithoutLearning,
    /// A call forgets which keys it has tried.
    SameKeyTwice,
    /// A call continues with the list that it began with.
    FirstListOnly,
    /// The real functions, with lists that have nothing to do with which key is valid.
    AnyList,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CallState {
    NotBegun,
    InFlight(InFlight),
    Over,
}

/// An attempt in flight: everything that distinguishes it from another one. Keys have numbers in the order
/// in which they become valid, lists in the order in which they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct InFlight {
    list: usize,
    seen: Preference,
    key: usize,
    /// One bit for each key that the call has tried.
    tried: u8,
    requests: usize,
    /// The server's decision, once it has looked at the attempt.
    is_accepted: Option<bool>,
    /// The call began with the valid key, and the product has not switched since.
    began_with_valid_key: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    list: usize,
    preference: Preference,
    valid: usize,
    calls: Vec<CallState>,
}

/// How often each part of the theorem was violated.
#[derive(Debug, Default, PartialEq)]
struct Violations {
    failed: usize,
    too_many_requests: usize,
    same_key_twice: usize,
    moved_back: usize,
    late_answer_counted: usize,
    not_learnt: usize,
    needless_second_request: usize,
    other_answer_counted: usize,
    other_product_changed: usize,
    preferred_key_not_kept: usize,
    removed_key_sent: usize,
}

struct Checker<'a> {
    variant: Variant,
    /// The keys of each list, one list after the other.
    lists: &'a [&'a [usize]],
    /// The account with each of the lists.
    accounts: Vec<Account>,
    keys: Vec<ApiKey>,
    /// The same keys, encoded once: that is most of what a rebuilt attempt costs.
    credentials: Vec<Credentials>,
    /// What each call allows.
    resends: &'a [Resend],
    violations: Violations,
}

/// Visits every state that can be reached. Returns how many there are, and the violations.
fn check(variant: Variant, lists: &[&[usize]], resends: &[Resend]) -> (usize, Violations) {
    let last = lists.iter().copied().flatten().max().unwrap();
    let keys: Vec<_> = (0..=*last)
        .map(|number| ApiKey::parse(format!("key-{number}")).unwrap())
        .collect();
    let account = |list: &&[usize]| Account::new(ring(&keys, list), Origins::vendor());
    let mut checker = Checker {
        variant,
        lists,
        accounts: lists.iter().map(account).collect(),
        credentials: keys.iter().cloned().map(Credentials::new).collect(),
        keys,
        resends,
        violations: Violations::default(),
    };
    let first = State {
        list: 0,
        preference: Preference::new(0, 0),
        valid: 0,
        calls: vec![CallState::NotBegun; resends.len()],
    };
    let mut visited = HashSet::from([first.clone()]);
    let mut open = vec![first];
    while let Some(state) = open.pop() {
        for next in checker.successors(&state) {
            if visited.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    (visited.len(), checker.violations)
}

impl Checker<'_> {
    fn successors(&mut self, state: &State) -> Vec<State> {
        let mut all = Vec::new();
        // A key is in the list before the product switches to it, and until after the next switch.
        let is_any = self.variant == Variant::AnyList && state.valid + 1 < self.keys.len();
        if is_any || self.lists[state.list].contains(&(state.valid + 1)) {
            let mut next = state.clone();
            next.valid += 1;
            for call in &mut next.calls {
                if let CallState::InFlight(sent) = call {
                    sent.began_with_valid_key = false;
                }
            }
            all.push(next);
        }
        if let Some(list) = self.lists.get(state.list + 1)
            && (self.variant == Variant::AnyList || list.contains(&state.valid))
        {
            let (list, preference) = (state.list + 1, self.replace(state, list));
            all.push(State {
                list,
                preference,
                ..state.clone()
            });
        }
        for (number, call) in state.calls.iter().enumerate() {
            let mut next = state.clone();
            match *call {
                CallState::NotBegun => next.calls[number] = self.begin(state, number),
                CallState::InFlight(sent) if sent.is_accepted.is_none() => {
                    self.check_other_answers(state, number, sent);
                    let is_accepted = Some(sent.key == state.valid);
                    next.calls[number] = CallState::InFlight(InFlight {
                        is_accepted,
                        ..sent
                    });
                }
                CallState::InFlight(sent) => {
                    (next.calls[number], next.preference) = self.deliver(state, number, sent);
                }
                CallState::Over => continue,
            }
            all.push(next);
        }
        all
    }

    /// Returns the account as it is in a state.
    fn account(&self, state: &State) -> &Account {
        let account = &self.accounts[state.list];
        account.keys().set_preference(PRODUCT, state.preference);
        account
    }

    /// Replaces the list. Returns the preference after that.
    fn replace(&mut self, state: &State, list: &[usize]) -> Preference {
        let before = self.lists[state.list];
        let ring = ring(&self.keys, before);
        ring.set_preference(PRODUCT, state.preference);
        ring.replace(list.iter().map(|key| self.keys[*key].clone()))
            .unwrap();
        let preference = ring.snapshot().preference(PRODUCT);
        let (preferred, kept) = (before[state.preference.index()], list[preference.index()]);
        let expected = if list.contains(&preferred) {
            preferred
        } else {
            list[0]
        };
        self.violations.preferred_key_not_kept += usize::from(kept != expected);
        preference
    }

    fn begin(&self, state: &State, number: usize) -> CallState {
        let url = PRODUCT.main_service().vendor_origin();
        let request = Request::get(url).body(()).unwrap();
        let step = self.account(state).begin(&request, self.resends[number]);
        match step.unwrap() {
            Step::Send(attempt) => {
                let key = self.lists[state.list][attempt.key_index];
                CallState::InFlight(InFlight {
                    list: state.list,
                    seen: attempt.preference_at_start,
                    key,
                    tried: 0,
                    requests: 1,
                    is_accepted: None,
                    began_with_valid_key: key == state.valid,
                })
            }
            other => panic!("a ring with keys begins with one: {other:?}"),
        }
    }

    /// Rebuilds the attempt that the exchange holds. The preference of an older list is the one that the
    /// attempt has seen: the strictest case, since its answer then counts there.
    fn attempt(&self, state: &State, number: usize, sent: InFlight) -> Attempt {
        let account = self.account(state).clone();
        let ring = self.accounts[sent.list].keys();
        if sent.list != state.list {
            ring.set_preference(PRODUCT, sent.seen);
        }
        let tried = self.credentials.iter().enumerate();
        let tried = tried.filter(|(key, _)| sent.tried & 1 << key != 0);
        let rejected = RejectedKey {
            label: None,
            unauthorized: Unauthorized::parse(PRODUCT, DOCUMENTED_BODY),
        };
        Attempt {
            call: Call {
                keys: ring.snapshot(),
                account,
                service: PRODUCT.main_service(),
                resend: self.resends[number],
                rejected: vec![rejected; sent.requests - 1],
                tried: tried.map(|(_, one)| one.clone()).collect(),
                has_needed_key: false,
            },
            preference_at_start: sent.seen,
            key_index: self.lists[sent.list]
                .iter()
                .position(|key| *key == sent.key)
                .unwrap(),
        }
    }

    /// Any answer but a rejection ends the call. All but a success change nothing; after a rejection, a 404
    /// counts like a success. Dropping the attempt changes nothing either.
    fn check_other_answers(&mut self, state: &State, number: usize, sent: InFlight) {
        let success = self.attempt(state, number, sent);
        assert!(matches!(
            success.answered(StatusCode::OK, b""),
            Answer::Final
        ));
        let accepted = self.preference(state);
        let plan: &[u8] = br#"{"error":"not authorized"}"#;
        for (status, body) in [
            (401, plan),
            (403, plan),
            (403, DOCUMENTED_BODY),
            (404, b""),
            (503, b""),
        ] {
            let answer = self
                .attempt(state, number, sent)
                .answered(StatusCode::from_u16(status).unwrap(), body);
            let expected = match status {
                404 if sent.requests > 1 => accepted,
                _ => state.preference,
            };
            if !matches!(answer, Answer::Final) || self.preference(state) != expected {
                self.violations.other_answer_counted += 1;
            }
        }
        drop(self.attempt(state, number, sent));
        let is_changed = self.preference(state) != state.preference;
        self.violations.other_answer_counted += usize::from(is_changed);
    }

    fn preference(&self, state: &State) -> Preference {
        let keys = self.accounts[state.list].keys().snapshot();
        keys.preference(PRODUCT)
    }

    /// Delivers the server's answer. Returns the call and the preference after that.
    fn deliver(&mut self, state: &State, number: usize, sent: InFlight) -> (CallState, Preference) {
        let mut attempt = self.attempt(state, number, sent);
        if self.variant == Variant::WithoutGeneration {
            attempt.preference_at_start = state.preference;
        }
        let mut list = state.list;
        if self.variant == Variant::FirstListOnly {
            list = sent.list;
            attempt.call.account = self.accounts[list].clone();
        }
        let answer = if sent.is_accepted == Some(true) {
            attempt.answered(StatusCode::OK, b"")
        } else {
            // The first two rejections of a call have different forms.
            let (status, body) = REJECTIONS[(sent.requests - 1) % REJECTIONS.len()];
            attempt.answered(status, body)
        };
        if self.variant == Variant::WithoutLearning {
            self.account(state);
        }
        let preference = self.preference(state);
        self.check_preference(state, number, sent, preference);
        let step = match answer {
            Answer::Final => {
                let is_needless = sent.began_with_valid_key && sent.requests > 1;
                self.violations.needless_second_request += usize::from(is_needless);
                return (CallState::Over, preference);
            }
            Answer::Next(step) => step,
        };
        let mut next = match step {
            Step::Send(next) => next,
            Step::Failed(error) if error.kind == AuthErrorKind::ResendNotAllowed => {
                return (CallState::Over, preference);
            }
            Step::NeedKey(_) | Step::Failed(_) => {
                self.violations.failed += 1;
                return (CallState::Over, preference);
            }
        };
        if self.variant == Variant::SameKeyTwice {
            next.call.tried.clear();
            next = match next.call.next() {
                Step::Send(next) => next,
                other => panic!("no key was tried: {other:?}"),
            };
        }
        let tried = sent.tried | 1 << sent.key;
        let key = next.call.keys.credentials()[next.key_index].key();
        let key = self.keys.iter().position(|one| one.is_same(key)).unwrap();
        let is_removed = !self.lists[state.list].contains(&key);
        self.violations.same_key_twice += usize::from(tried & 1 << key != 0);
        self.violations.removed_key_sent += usize::from(is_removed);
        if sent.requests == self.keys.len() {
            self.violations.too_many_requests += 1;
            return (CallState::Over, preference);
        }
        let next = InFlight {
            list,
            seen: next.preference_at_start,
            key,
            tried,
            requests: sent.requests + 1,
            is_accepted: None,
            ..sent
        };
        (CallState::InFlight(next), preference)
    }

    /// Checks what an answer may do to the preference, and what it must do.
    fn check_preference(
        &mut self,
        state: &State,
        number: usize,
        sent: InFlight,
        preference: Preference,
    ) {
        let preferred = |preference: Preference| self.lists[state.list][preference.index()];
        let (before, after) = (preferred(state.preference), preferred(preference));
        let is_changed = preference != state.preference;
        let is_late = sent.list != state.list || sent.seen != state.preference;
        let is_accepted = sent.is_accepted == Some(true);
        let may_change = !is_late && (is_accepted || self.resends[number] == Resend::Never);
        let must_change = is_accepted && !is_late;
        self.violations.moved_back += usize::from(after < before);
        self.violations.late_answer_counted += usize::from(is_changed && !may_change);
        self.violations.not_learnt += usize::from(must_change && after != sent.key);
        let keys = self.accounts[state.list].keys().snapshot();
        self.violations.other_product_changed += Product::ALL
            .into_iter()
            .filter(|product| *product != PRODUCT)
            .filter(|product| keys.preference(*product) != Preference::new(0, 0))
            .count();
    }
}

fn ring(keys: &[ApiKey], list: &[usize]) -> KeyRing {
    KeyRing::new(list.iter().map(|key| keys[*key].clone())).unwrap()
}

/// Two keys, and three, all of them there from the start.
const TWO: &[&[usize]] = &[&[0, 1]];
const THREE: &[&[usize]] = &[&[0, 1, 2]];

/// A reset: the new key is added, then the old one is removed. And two resets in a row.
const RESET: &[&[usize]] = &[&[0], &[0, 1], &[1]];
const RESETS: &[&[usize]] = &[&[0, 1], &[1, 2], &[2]];
const TWO_AT_ONCE: &[&[usize]] = &[&[0], &[0, 1, 2], &[2]];

/// Lists of other keys, and of the same keys in another order.
const OTHER_KEYS: &[&[usize]] = &[&[0, 1], &[2]];
const OTHER_ORDER: &[&[usize]] = &[&[0, 1], &[1, 0], &[2, 0]];

/// Checks the real functions. The exact number of states shows that the model has not shrunk.
#[track_caller]
fn assert_theorem(lists: &[&[usize]], resends: &[Resend], states: usize) {
    let (found, violations) = check(Variant::Real, lists, resends);
    assert_eq!(violations, Violations::default());
    assert_eq!(found, states, "states");
}

#[test]
fn no_call_fails_in_any_interleaving() {
    assert_theorem(TWO, &[Resend::Allowed; 5], 78_882);
    assert_theorem(THREE, &[Resend::Allowed; 4], 64_643);
}

#[test]
fn no_call_fails_while_keys_are_added_and_removed() {
    assert_theorem(RESET, &[Resend::Allowed; 3], 4_943);
    assert_theorem(RESETS, &[Resend::Allowed; 3], 30_926);
    assert_theorem(TWO_AT_ONCE, &[Resend::Allowed; 3], 16_034);
}

#[test]
fn calls_that_cannot_be_sent_again_never_move_the_preference_back() {
    use Resend::{Allowed, Never};
    assert_theorem(TWO, &[Never, Never, Allowed, Allowed], 3_810);
    assert_theorem(THREE, &[Never, Never, Allowed, Never], 8_997);
    assert_theorem(RESET, &[Never, Never, Allowed], 2_855);
}

/// Calls may fail then, but nothing is learnt from a late answer and no removed key is sent.
#[test]
fn any_replacement_of_the_list_is_safe() {
    use Resend::{Allowed, Never};
    for (lists, states) in [(OTHER_KEYS, 6_694), (OTHER_ORDER, 23_247), (RESETS, 33_196)] {
        let (found, violations) = check(Variant::AnyList, lists, &[Allowed, Allowed, Never]);
        let expected = Violations {
            failed: violations.failed,
            moved_back: violations.moved_back,
            needless_second_request: violations.needless_second_request,
            ..Violations::default()
        };
        assert_eq!(violations, expected, "{lists:?}");
        assert_eq!(found, states, "states of {lists:?}");
    }
}

#[test]
fn each_idea_of_the_ring_is_needed() {
    let check = |variant, lists, calls| check(variant, lists, &[Resend::Allowed; 4][..calls]).1;
    let three = check(Variant::WithoutGeneration, THREE, 3);
    assert!(three.moved_back > 0 && three.late_answer_counted > 0);
    for (lists, calls) in [(TWO, 4), (THREE, 3)] {
        assert!(check(Variant::WithoutLearning, lists, calls).not_learnt > 0);
        let twice = check(Variant::SameKeyTwice, lists, calls);
        assert!(twice.same_key_twice > 0 && twice.too_many_requests > 0);
    }
    assert!(check(Variant::FirstListOnly, RESET, 2).failed > 0);
    assert!(check(Variant::FirstListOnly, RESETS, 2).removed_key_sent > 0);
}
