//! The suite's own test: transports and a client that are broken on purpose. Each must fail exactly the
//! cases that are about what it does wrong, which are written beside it.
//!
//! A mutant is run on all cases that it must fail, and on one case of every other family (a case's
//! variants differ by a text or two). With `MUTANTS=all` in the environment it is run on all cases.

mod table;
mod unchecked;
mod wrappers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::case::Case;
use crate::report::{CaseState, Report};
use crate::suite::Suite;

use table::{MUTANTS, Mutation};
use wrappers::{Mutant, Wrong};

/// The ids that a list of families and ids names; one that begins with `!` is taken out again.
fn named<'a>(cases: &'a [Case], list: &[&str]) -> BTreeSet<&'a str> {
    let is = |case: &Case, entry: &str| case.family == entry || case.id == entry;
    let mut ids = BTreeSet::new();
    for entry in list {
        let (entry, keep) = entry
            .strip_prefix('!')
            .map_or((*entry, true), |entry| (entry, false));
        let matching = cases
            .iter()
            .filter(|case| is(case, entry))
            .map(|case| case.id.as_str());
        let before = ids.len();
        for id in matching {
            if keep {
                ids.insert(id)
            } else {
                ids.remove(id)
            };
        }
        assert_ne!(
            ids.len(),
            before,
            "{entry} names no case, or one that is named already"
        );
    }
    ids
}

/// All cases that must fail, and one of every other family.
fn thinned(cases: &[Case], must_fail: &BTreeSet<&str>) -> BTreeSet<String> {
    let all = std::env::var_os("MUTANTS").is_some_and(|value| value == "all");
    let mut families = BTreeSet::new();
    cases
        .iter()
        .filter(|case| {
            all || must_fail.contains(case.id.as_str())
                || case.sweep.is_none() && families.insert(case.family.as_str())
        })
        .map(|case| case.id.clone())
        .collect()
}

fn run(mutation: Mutation, ids: &BTreeSet<String>) -> Report {
    let suite = Suite::builtin().retain(|case| ids.contains(&case.id));
    match mutation {
        Mutation::Transport(wrong) => suite.check(move |settings| Mutant::new(wrong, settings)),
        Mutation::UncheckedClient => unchecked::check(&suite),
    }
}

fn failed(report: &Report) -> BTreeSet<&str> {
    report
        .cases()
        .iter()
        .filter(|case| case.state() == CaseState::Failed)
        .map(|case| case.id())
        .collect()
}

#[test]
fn every_mutant_fails_exactly_the_cases_that_are_about_it() {
    let cases = crate::builtin::cases();
    let complaints: Mutex<Vec<String>> = Mutex::default();
    let next = AtomicUsize::new(0);
    // Most of a run is waiting, so more of them than there are processors go on at once.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((mutation, list)) = MUTANTS.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let expected = named(&cases, list);
                    let report = run(*mutation, &thinned(&cases, &expected));
                    let seen = failed(&report);
                    let reasons: BTreeMap<_, _> =
                        report.cases().iter().map(|case| (case.id(), case.reason())).collect();
                    let missed: Vec<_> = expected.difference(&seen).collect();
                    let extra: Vec<_> = seen
                        .difference(&expected)
                        .map(|id| format!("{id}: {}", reasons[id]))
                        .collect();
                    if !missed.is_empty() || !extra.is_empty() {
                        complaints.lock().unwrap().push(format!(
                            "{mutation:?}\n  should have failed: {missed:#?}\n  failed besides: {extra:#?}"
                        ));
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_transport_that_does_nothing_and_one_that_always_fails_pass_no_case_that_expects_an_answer() {
    for wrong in [Wrong::DoesNothing, Wrong::AlwaysFails] {
        let report = Suite::builtin().check(move |settings| Mutant::new(wrong, settings));
        let cases = crate::builtin::cases();
        for entry in report
            .cases()
            .iter()
            .filter(|case| case.state() == CaseState::Passed)
        {
            let case = cases.iter().find(|case| case.id == entry.id()).unwrap();
            let last = case.calls.last().unwrap();
            let answers = ["response", "unauthorized"];
            assert!(
                !last
                    .expect
                    .outcome
                    .all()
                    .iter()
                    .any(|kind| answers.contains(kind)),
                "{wrong:?} passes {}",
                case.id
            );
        }
    }
}
