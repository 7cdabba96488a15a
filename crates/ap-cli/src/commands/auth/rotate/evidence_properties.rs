//! Properties of [`Evidence`]: whatever the products answer, no key is lost, and the command ends.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::evidence::{Answer, Decision, Evidence};

const EVERY: Duration = Duration::from_secs(10);
const PRODUCTS: usize = 3;

/// Enough checks in a row to prove something.
const NEEDED: usize = 3;

/// A key of the account: the smaller, the older.
type Key = u8;
const OLD: Key = 0;
const NEW: Key = 1;

/// A run of the command: the keys file, and what was seen.
struct Run {
    /// The file, as a person put it: the last is meant to be the newest.
    keys: Vec<Key>,
    entered: Option<Key>,
    evidence: Evidence,
    now: Duration,
    /// What each product showed in each check: the key that it accepted.
    seen: Vec<[Seen; PRODUCTS]>,
    has_ended: bool,
}

/// What a check showed, with a key instead of its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Key(Key),
    Other(Answer),
}

impl Run {
    fn new(keys: &[Key], entered: Option<Key>) -> Self {
        let index = entered.and_then(|entered| keys.iter().position(|key| *key == entered));
        Self {
            keys: keys.to_vec(),
            entered,
            evidence: Evidence::new(keys.len(), index, EVERY),
            now: Duration::ZERO,
            seen: Vec::new(),
            has_ended: false,
        }
    }

    /// Makes a check, and does what is decided. Checks each decision against everything that was seen.
    fn check(&mut self, seen: [Seen; PRODUCTS]) {
        self.seen.push(seen);
        let answers = seen.map(|seen| match seen {
            Seen::Key(key) => match self.keys.iter().position(|other| *other == key) {
                Some(index) => Answer::Accepts(index),
                None => Answer::AcceptsNone {
                    may_be_unsubscribed: false,
                },
            },
            Seen::Other(answer) => answer,
        });
        self.evidence.add(self.now, &answers);
        self.now += EVERY;
        match self.evidence.decide() {
            Decision::Wait => {}
            Decision::End => self.has_ended = true,
            Decision::Remove(old) => {
                self.assert_all_accept(*self.keys.last().unwrap());
                let mut index = 0;
                self.keys.retain(|key| {
                    let is_removed = old.contains(&index);
                    index += 1;
                    assert!(!is_removed || Some(*key) != self.entered, "entered");
                    !is_removed
                });
                self.has_ended = true;
            }
            Decision::MakeNewest(newest) => {
                self.assert_all_accept(self.keys[newest]);
                let key = self.keys.remove(newest);
                self.keys.push(key);
                self.evidence.make_newest(newest);
            }
        }
    }

    /// Asserts that each product that the account has accepted this key, and nothing else, in the last checks.
    fn assert_all_accept(&self, key: Key) {
        assert!(self.seen.len() >= NEEDED, "{:?}", self.seen);
        let last = &self.seen[self.seen.len() - NEEDED..];
        for product in 0..PRODUCTS {
            let answers = last.iter().map(|seen| seen[product]);
            let is_absent = |seen| {
                matches!(
                    seen,
                    Seen::Other(Answer::NotSubscribed | Answer::AcceptsNone { .. })
                )
            };
            assert!(
                answers.clone().all(|seen| seen == Seen::Key(key))
                    || answers.clone().all(is_absent),
                "product {product} did not accept {key}: {:?}",
                self.seen
            );
        }
    }
}

/// An account whose products have servers that switch to the new key one after another, and never back.
#[derive(Clone, Debug)]
struct Account {
    servers: [Vec<Key>; PRODUCTS],
}

impl Account {
    fn new(servers: [usize; PRODUCTS]) -> Self {
        Self {
            servers: servers.map(|count| vec![OLD; count]),
        }
    }

    fn switch(&mut self, product: usize) {
        if let Some(server) = self.servers[product].iter_mut().find(|key| **key == OLD) {
            *server = NEW;
        }
    }
}

fn answer() -> impl Strategy<Value = Seen> {
    let unclear = |is_transient| Seen::Other(Answer::Unclear { is_transient });
    let none = |may_be_unsubscribed| {
        Seen::Other(Answer::AcceptsNone {
            may_be_unsubscribed,
        })
    };
    prop_oneof![
        6 => select(vec![Seen::Key(OLD), Seen::Key(NEW), Seen::Key(2)]),
        1 => select(vec![unclear(true), unclear(false), none(true), none(false), Seen::Other(Answer::NotSubscribed)]),
    ]
}

/// Answers that often come several times in a row.
fn answers() -> impl Strategy<Value = Vec<[Seen; PRODUCTS]>> {
    let repeated = ([answer(), answer(), answer()], 1..5_usize);
    vec(repeated, 1..20).prop_map(|parts| {
        let parts = parts.into_iter();
        parts.flat_map(|(seen, times)| vec![seen; times]).collect()
    })
}

/// A check of the products: who switches before it, which server of each product answers, and if it is unclear.
type Step = (Option<usize>, [Index; PRODUCTS], [bool; PRODUCTS]);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let is_unclear = || prop::bool::weighted(0.1);
    let step = (
        prop::option::weighted(0.3, 0..PRODUCTS),
        [any::<Index>(), any::<Index>(), any::<Index>()],
        [is_unclear(), is_unclear(), is_unclear()],
    );
    vec(step, 0..40)
}

/// More than enough checks for a run to end after all products have switched: to notice a wrong order, and to be
/// sure of the right one.
const CHECKS_TO_END: usize = 3 * NEEDED;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// `Run::check` asserts what every decision needs.
    #[test]
    fn whatever_is_answered_keys_are_removed_on_evidence_and_the_entered_one_never(
        answers in answers(),
        keys in Just(vec![OLD, NEW, 2]).prop_shuffle(),
        count in 2..=3_usize,
        is_entered in any::<bool>(),
    ) {
        let keys = &keys[..count];
        let entered = is_entered.then(|| keys[count - 1]);
        let mut run = Run::new(keys, entered);
        for seen in answers {
            run.check(seen);
            prop_assert!(!run.keys.is_empty());
            prop_assert!(entered.is_none_or(|entered| run.keys.contains(&entered)));
            if run.has_ended {
                break;
            }
            prop_assert_eq!(run.keys.len(), count, "nothing is removed before the end");
        }
    }

    /// Any server may answer each check, as often in a row as chance has it.
    #[test]
    fn while_servers_switch_in_any_order_the_new_key_is_never_lost_and_the_command_ends(
        servers in [1..5_usize, 1..5_usize, 1..5_usize],
        steps in steps(),
    ) {
        let mut account = Account::new(servers);
        let mut run = Run::new(&[OLD, NEW], Some(NEW));
        for (switching, answering, is_unclear) in steps {
            switching.into_iter().for_each(|product| account.switch(product));
            let mut seen = [Seen::Other(Answer::Unclear { is_transient: true }); PRODUCTS];
            for product in 0..PRODUCTS {
                if !is_unclear[product] {
                    seen[product] = Seen::Key(*answering[product].get(&account.servers[product]));
                }
            }
            run.check(seen);
            prop_assert!(run.keys.contains(&NEW), "{:?}", run.seen);
            if run.has_ended {
                return Ok(());
            }
        }
        for _ in 0..CHECKS_TO_END {
            run.check([Seen::Key(NEW); PRODUCTS]);
            prop_assert!(run.keys.contains(&NEW), "{:?}", run.seen);
            if run.has_ended {
                prop_assert_eq!(&run.keys, &[NEW]);
                return Ok(());
            }
        }
        prop_assert!(false, "it did not end: {:?}", run.seen);
    }

    /// Nobody entered a key in this run, and the file may have the wrong order. The servers answer in turn, so that
    /// three answers in a row come from all of them.
    #[test]
    fn a_run_that_resumes_corrects_the_order_loses_no_key_and_ends(
        servers in [1..=3_usize, 1..=3_usize, 1..=3_usize],
        order in select(vec![[OLD, NEW], [NEW, OLD]]),
        switching in vec(prop::option::weighted(0.3, 0..PRODUCTS), 0..40),
    ) {
        let mut account = Account::new(servers);
        let mut run = Run::new(&order, None);
        let mut ask = |account: &Account, check: usize| {
            let answering = |product: usize| {
                let servers = &account.servers[product];
                Seen::Key(servers[check % servers.len()])
            };
            run.check([answering(0), answering(1), answering(2)]);
            (run.keys.clone(), run.has_ended)
        };
        // With the wrong order, a product must have switched already: if all accept the key that is meant to be the
        // newest, nothing shows that it is not.
        let mut check = 0;
        if order == [NEW, OLD] {
            (0..servers[0]).for_each(|_| account.switch(0));
        }
        for _ in 0..NEEDED {
            let (keys, has_ended) = ask(&account, check);
            prop_assert!(!has_ended && keys == order);
            check += 1;
        }
        for product in switching {
            product.into_iter().for_each(|product| account.switch(product));
            let (keys, has_ended) = ask(&account, check);
            prop_assert!(keys.contains(&NEW));
            let needs_old = account.servers.iter().flatten().any(|key| *key == OLD);
            prop_assert!(keys.contains(&OLD) || !needs_old);
            if has_ended {
                prop_assert_eq!(&keys, &[NEW]);
                return Ok(());
            }
            check += 1;
        }
        (0..PRODUCTS).for_each(|product| (0..3).for_each(|_| account.switch(product)));
        for _ in 0..CHECKS_TO_END {
            let (keys, has_ended) = ask(&account, check);
            if has_ended {
                prop_assert_eq!(&keys, &[NEW]);
                return Ok(());
            }
            check += 1;
        }
        prop_assert!(false, "it did not end");
    }
}

/// What was seen when the new key was deleted: LeadConduit's servers switch one after another.
#[test]
fn one_answer_of_another_server_changes_no_order_and_removes_nothing() {
    let mut run = Run::new(&[OLD, NEW], Some(NEW));
    run.check([Seen::Key(NEW), Seen::Key(OLD), Seen::Key(OLD)]);
    for _ in 0..10 {
        run.check([Seen::Key(OLD); PRODUCTS]);
        assert_eq!((&run.keys[..], run.has_ended), (&[OLD, NEW][..], false));
    }
    for _ in 0..NEEDED {
        assert!(!run.has_ended);
        run.check([Seen::Key(NEW); PRODUCTS]);
    }
    assert_eq!((&run.keys[..], run.has_ended), (&[NEW][..], true));
}

#[test]
fn a_check_that_comes_too_early_proves_nothing_more() {
    let mut evidence = Evidence::new(2, None, EVERY);
    for at in [0, 4, 9, 12, 13] {
        evidence.add(Duration::from_secs(at), &[Answer::Accepts(1)]);
        assert_eq!(evidence.decide(), Decision::Wait, "{at}");
    }
    evidence.add(Duration::from_secs(22), &[Answer::Accepts(1)]);
    assert_eq!(evidence.decide(), Decision::Remove(vec![0]));
}
