//! The suite's own test: transports and a client that are broken on purpose. Each must fail exactly the
//! cases that are about what it does wrong, which are written by hand beside it.
//!
//! A run of every mutant on every case takes most of an hour, so it is thinned. Each case is run on the
//! mutant that is most about it (the one that fails the fewest cases besides), so every case is seen to
//! fail; and each mutant is run on two cases of every family that it must fail (on one, if that is most of
//! all), and on one case of a third of the other families, unless that one sweeps or waits (a family's variants differ by a text or two).
//! With `MUTANTS=all` in the environment every mutant is run on every case; `MUTANT=TEXT` runs those
//! alone whose name holds the text.

mod authorization;
mod cancel;
mod connection;
mod diagnostics;
mod failing_cases;
mod mutant;
mod own_process;
mod redirect;
mod request;
mod response;
mod unchecked_client;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ap_core::{ErrorKind, TransportError};
use bytes::Bytes;
use http::Response;

use crate::case::{Case, Need};
use crate::report::{CaseReport, CaseState, Report};
use crate::suite::Suite;

use failing_cases::About;
use mutant::{Broken, Mutant, SOUND};

/// A case that more than a third of all fail for the same fault is not what that fault is about.
const NOT_ABOUT: usize = 3;

#[derive(Clone, Copy)]
enum Mutation {
    Transport(Broken),
    Async(cancel::Wrong),
    /// A client that sends whatever it is told.
    UncheckedClient,
}

impl Mutation {
    fn all() -> Vec<Self> {
        let transports = [
            // Those that wait the longest are here, so it goes first.
            connection::MUTANTS,
            authorization::MUTANTS,
            request::MUTANTS,
            response::MUTANTS,
            redirect::MUTANTS,
            diagnostics::MUTANTS,
        ];
        let transports = transports.into_iter().flatten().copied();
        let mut all: Vec<_> = transports.map(Self::Transport).collect();
        all.extend(cancel::Wrong::ALL.map(Self::Async));
        all.push(Self::UncheckedClient);
        all
    }

    fn name(self) -> &'static str {
        match self {
            Self::Transport(broken) => broken.name,
            Self::Async(wrong) => wrong.name(),
            Self::UncheckedClient => "sends whatever it is told",
        }
    }

    fn about(self) -> About {
        match self {
            Self::Transport(broken) => broken.fails,
            Self::Async(wrong) => wrong.fails(),
            Self::UncheckedClient => unchecked_client::FAILS,
        }
    }

    /// Its cases that must fail, without those that it is not run on.
    fn must_fail(self, cases: &[Case]) -> BTreeSet<&str> {
        let mut ids = self.about().ids(cases);
        if !matches!(self, Self::Async(_)) {
            let dropped = |case: &&Case| case.needs.contains(&Need::Async);
            for case in cases.iter().filter(dropped) {
                ids.remove(case.id.as_str());
            }
        }
        ids
    }

    fn run(self, suite: &Suite) -> Report {
        match self {
            Self::Transport(broken) => {
                let suite = match broken.log {
                    Some(log) => suite.clone().listening_to(log),
                    None => suite.clone(),
                };
                suite.check(move |settings| Mutant::new(broken, settings))
            }
            Self::Async(wrong) => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(
                    suite.check_async(move |settings| cancel::AsyncMutant::new(wrong, settings)),
                )
            }
            Self::UncheckedClient => unchecked_client::check(suite),
        }
    }
}

/// The cases of the mutants that are transports within this process.
fn cases() -> Vec<Case> {
    let mut cases = crate::case::files::cases();
    cases.retain(|case| !case.needs.contains(&Need::Env));
    cases
}

/// Every case that is run, with the mutant that is most about it.
fn most_about(cases: &[Case], mutations: &[Mutation]) -> BTreeMap<String, &'static str> {
    let mut lists: Vec<_> = mutations
        .iter()
        .map(|mutation| (mutation.name(), mutation.must_fail(cases)))
        .collect();
    lists.sort_by_key(|(_, ids)| ids.len());
    let find = |case: &Case| {
        let fit = |(_, ids): &&(_, BTreeSet<&str>)| ids.contains(case.id.as_str());
        let (name, ids) = lists.iter().find(fit)?;
        (ids.len() * NOT_ABOUT <= cases.len()).then_some((case.id.clone(), *name))
    };
    cases.iter().filter_map(find).collect()
}

/// The cases that a mutant is run on.
fn thinned(
    cases: &[Case],
    mutation: Mutation,
    most_about: &BTreeMap<String, &'static str>,
) -> BTreeSet<String> {
    let about = mutation.about();
    let must_fail = mutation.must_fail(cases);
    let all = std::env::var_os("MUTANTS").is_some_and(|value| value == "all");
    let variants = if must_fail.len() * NOT_ABOUT > cases.len() {
        1
    } else {
        2
    };
    let mut seen: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let mut kept = BTreeSet::new();
    for case in cases.iter().filter(|case| !about.is_either(case)) {
        let fails = must_fail.contains(case.id.as_str());
        let seen = seen.entry((&case.family, fails)).or_default();
        *seen += 1;
        let keep = if fails {
            *seen <= variants || most_about.get(&case.id) == Some(&mutation.name())
        } else {
            // By the name's length, so that another third is looked at for another mutant.
            let turn = (mutation.name().len() + case.family.len()).is_multiple_of(3);
            *seen == 1 && turn && !waits(case)
        };
        if all || keep {
            kept.insert(case.id.clone());
        }
    }
    kept
}

/// Whether a case takes long when it passes: it sweeps, waits for a deadline, or moves a lot.
fn waits(case: &Case) -> bool {
    case.sweep.is_some()
        || case.settings.timeout_ms.is_some()
        || case.settings.connect_timeout_ms.is_some()
        || case
            .calls
            .iter()
            .any(|call| call.body_bytes > Some(1_000_000))
}

#[test]
fn every_mutant_fails_exactly_the_cases_that_are_about_it() {
    let cases = cases();
    let mutations = Mutation::all();
    let most_about = most_about(&cases, &mutations);
    let chosen = std::env::var("MUTANT").unwrap_or_default();
    let doubts: Mutex<Vec<(Mutation, BTreeSet<String>)>> = Mutex::default();
    let next = AtomicUsize::new(0);
    // Most of a run is waiting, so more of them than there are processors go on at once.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(mutation) = mutations.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if mutation.name().contains(&chosen) {
                        let ids = thinned(&cases, *mutation, &most_about);
                        let faults = faults(&cases, *mutation, &ids).into_keys().collect();
                        doubts.lock().unwrap().push((*mutation, faults));
                    }
                }
            });
        }
    });
    // What depends on time can go wrong in such a crowd: what is in doubt is run again, alone.
    let mut complaints = String::new();
    for (mutation, ids) in doubts.into_inner().unwrap() {
        for (id, fault) in faults(&cases, mutation, &ids) {
            complaints.push_str(&format!(
                "a transport that {}: {id}: {fault}\n",
                mutation.name()
            ));
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

/// Where a run of a mutant on these cases is not as its list says.
fn faults(cases: &[Case], mutation: Mutation, ids: &BTreeSet<String>) -> BTreeMap<String, String> {
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let must_fail = mutation.must_fail(cases);
    let report = mutation.run(&Suite::builtin().retain(|case| ids.contains(&case.id)));
    let fault = |case: &CaseReport| {
        let failed = case.state() == CaseState::Failed;
        match (must_fail.contains(case.id()), failed) {
            (true, false) => Some("must fail and did not".to_owned()),
            (false, true) => Some(format!("must not fail and did: {}", case.reason())),
            _ => None,
        }
    };
    let faults = report
        .cases()
        .iter()
        .filter_map(|case| Some((case.id().to_owned(), fault(case)?)));
    faults.collect()
}

#[test]
fn every_case_is_what_some_mutant_is_about() {
    let cases = cases();
    let mutations = Mutation::all();
    assert!(mutations.len() >= 25);
    let names: BTreeSet<_> = mutations.iter().map(|mutation| mutation.name()).collect();
    assert_eq!(
        names.len(),
        mutations.len(),
        "two mutants have the same name"
    );
    let most_about = most_about(&cases, &mutations);
    let left: Vec<_> = cases
        .iter()
        .map(|case| &case.id)
        .filter(|id| !most_about.contains_key(*id))
        .collect();
    assert!(left.is_empty(), "no mutant is about {left:#?}");
}

#[test]
fn a_transport_that_does_nothing_and_one_that_always_fails_pass_no_case_that_expects_an_answer() {
    let nothing = Broken {
        send: |_, _| Ok(Response::new(Bytes::new())),
        ..SOUND
    };
    let failure = Broken {
        send: |_, _| Err(TransportError::new(ErrorKind::Other)),
        ..SOUND
    };
    for (name, broken) in [("does nothing", nothing), ("always fails", failure)] {
        let report = Suite::builtin().check(move |settings| Mutant::new(broken, settings));
        let cases = crate::case::files::cases();
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
                "a transport that {name} passes {}",
                case.id
            );
        }
    }
}
