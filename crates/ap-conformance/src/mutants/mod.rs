//! The suite's own test: transports and a client that are broken on purpose.
//!
//! Each mutant has one fault, and a list of the cases that it must fail. The test checks that it fails
//! exactly those.
//!
//! Running every mutant on every case takes most of an hour, so a normal run is smaller:
//!
//! - Each case runs on the mutant that targets it, which is the one that fails the fewest other cases. So
//!   every case is seen to fail.
//! - Each mutant runs on one case of every family that it must fail.
//! - Each mutant runs on one case of every twelfth of the other families, except those that are slow.
//!
//! `MUTANTS=more` in the environment is for continuous integration: a second case of every family that a mutant
//! must fail, unless it must fail most of all cases, and a third of the other families. `MUTANTS=all` runs every
//! mutant on every case. `MUTANT=TEXT` runs only the mutants whose name contains the text.

mod authorization;
mod cancel;
mod connection;
mod diagnostics;
mod extent;
mod failing_cases;
mod limits;
mod mutant;
mod own_process;
mod proxy;
mod redirect;
mod request;
mod response;
mod tls;
mod unchecked_client;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ap_client::transport::{TransportError, TransportErrorKind};
use bytes::Bytes;
use http::Response;

use crate::case::{Capability, Case, files};
use crate::report::{CaseReport, CaseState, Report};
use crate::suite::Suite;

use extent::Extent;
use failing_cases::FailingCases;
use mutant::{Mutant, MutantTransport, NO_FAULT};

/// A mutant that fails more than a third of all cases targets none of them.
const TARGET_SHARE: usize = 3;

/// How many parts run at a time.
const THREADS: usize = 24;

/// How many cases of a mutant run one after another. The parts of a mutant run at the same time.
const PART: usize = 10;

#[derive(Clone, Copy)]
enum Mutation {
    Transport(Mutant),
    Async(cancel::AsyncFault),
    /// A client that sends every request unchecked.
    UncheckedClient,
}

impl Mutation {
    fn all() -> Vec<Self> {
        let transports = [
            // The slowest are first.
            connection::MUTANTS,
            limits::MUTANTS,
            tls::MUTANTS,
            proxy::MUTANTS,
            authorization::MUTANTS,
            request::MUTANTS,
            response::MUTANTS,
            redirect::MUTANTS,
            diagnostics::MUTANTS,
        ];
        let transports = transports.into_iter().flatten().copied();
        let mut all: Vec<_> = transports.map(Self::Transport).collect();
        all.extend(cancel::AsyncFault::ALL.map(Self::Async));
        all.push(Self::UncheckedClient);
        all
    }

    fn name(self) -> &'static str {
        match self {
            Self::Transport(mutant) => mutant.name,
            Self::Async(fault) => fault.name(),
            Self::UncheckedClient => "sends every request unchecked",
        }
    }

    fn failing_cases(self) -> FailingCases {
        match self {
            Self::Transport(mutant) => mutant.fails,
            Self::Async(fault) => fault.fails(),
            Self::UncheckedClient => unchecked_client::FAILS,
        }
    }

    /// Returns the ids of the cases that it must fail, without those that it skips.
    fn must_fail(self, cases: &[Case]) -> BTreeSet<&str> {
        let mut ids = self.failing_cases().ids(cases);
        if !matches!(self, Self::Async(_)) {
            let is_skipped = |case: &&Case| case.needs.contains(&Capability::Cancellation);
            for case in cases.iter().filter(is_skipped) {
                ids.remove(case.id.as_str());
            }
        }
        ids
    }

    /// Splits the cases that it runs on into parts that can run at the same time.
    fn parts(self, ids: BTreeSet<String>) -> Vec<BTreeSet<String>> {
        let count = ids.len().div_ceil(PART);
        spread(ids, count)
    }

    fn run(self, suite: &Suite) -> Report {
        match self {
            Self::Transport(mutant) => {
                let suite = match mutant.log {
                    Some(log) => suite.clone().log(log),
                    None => suite.clone(),
                };
                suite.check(move |config| MutantTransport::new(mutant, config))
            }
            Self::Async(fault) => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(
                    suite.check_async(move |config| cancel::AsyncMutant::new(fault, config)),
                )
            }
            Self::UncheckedClient => unchecked_client::check(suite),
        }
    }
}

/// Splits ids into parts. The cases of a family, which take about the same time, go to different parts.
fn spread(ids: BTreeSet<String>, count: usize) -> Vec<BTreeSet<String>> {
    let mut parts = vec![BTreeSet::new(); count];
    for (at, id) in ids.into_iter().enumerate() {
        parts[at % count].insert(id);
    }
    parts
}

/// Returns the cases that run in this process.
fn cases() -> Vec<Case> {
    let mut cases = files::builtin().to_vec();
    cases.retain(|case| !case.needs_environment());
    cases
}

/// Returns every case that a mutant targets, with the name of that mutant.
fn targets(cases: &[Case], mutations: &[Mutation]) -> BTreeMap<String, &'static str> {
    let mut lists: Vec<_> = mutations
        .iter()
        .map(|mutation| (mutation.name(), mutation.must_fail(cases)))
        .collect();
    lists.sort_by_key(|(_, ids)| ids.len());
    let find = |case: &Case| {
        let contains = |(_, ids): &&(_, BTreeSet<&str>)| ids.contains(case.id.as_str());
        let (name, ids) = lists.iter().find(contains)?;
        (ids.len() * TARGET_SHARE <= cases.len()).then_some((case.id.clone(), *name))
    };
    cases.iter().filter_map(find).collect()
}

/// Returns the ids of the cases that a mutant runs on.
fn chosen_cases(
    cases: &[Case],
    mutation: Mutation,
    targets: &BTreeMap<String, &'static str>,
) -> BTreeSet<String> {
    let failing = mutation.failing_cases();
    let must_fail = mutation.must_fail(cases);
    let extent = Extent::from_environment();
    let fails_most = must_fail.len() * TARGET_SHARE > cases.len();
    let (variants, step) = match extent {
        Extent::Normal => (1, 12),
        _ if fails_most => (1, 3),
        _ => (2, 3),
    };
    let mut seen: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let mut kept = BTreeSet::new();
    for case in cases.iter().filter(|case| !failing.is_uncertain(case)) {
        let fails = must_fail.contains(case.id.as_str());
        let seen = seen.entry((&case.family, fails)).or_default();
        *seen += 1;
        let keep = if fails {
            *seen <= variants || targets.get(&case.id) == Some(&mutation.name())
        } else {
            // By the length of the names, so that different mutants run on different families.
            let is_sampled = (mutation.name().len() + case.family.len()).is_multiple_of(step);
            *seen == 1 && is_sampled && !is_slow(case)
        };
        if extent == Extent::All || keep {
            kept.insert(case.id.clone());
        }
    }
    kept
}

/// Returns `true` if a case is slow when it passes: it has a sweep, waits for a deadline, or moves many
/// bytes.
fn is_slow(case: &Case) -> bool {
    case.sweep.is_some()
        || case.settings.timeout_ms.is_some()
        || case.settings.connect_timeout_ms.is_some()
        || case
            .calls
            .iter()
            .any(|call| call.body_bytes > Some(1_000_000))
}

#[test]
fn every_mutant_fails_exactly_its_listed_cases() {
    let cases = cases();
    let mutations = Mutation::all();
    let targets = targets(&cases, &mutations);
    let filter = std::env::var("MUTANT").unwrap_or_default();
    let chosen = |mutation: &Mutation| chosen_cases(&cases, *mutation, &targets);
    let named = mutations
        .iter()
        .filter(|mutation| mutation.name().contains(&filter));
    let parts: Vec<_> = named
        .flat_map(|mutation| {
            let part = |ids| (*mutation, ids);
            mutation.parts(chosen(mutation)).into_iter().map(part)
        })
        .collect();
    let suspects: Mutex<Vec<(Mutation, BTreeSet<String>)>> = Mutex::default();
    let next = AtomicUsize::new(0);
    // Runs mostly wait, so there are more threads than processors.
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((mutation, ids)) = parts.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let ids = differences(&cases, *mutation, ids).into_keys().collect();
                    suspects.lock().unwrap().push((*mutation, ids));
                }
            });
        }
    });
    // A loaded machine can change results that depend on time, so the suspects run again, one by one.
    let mut complaints = String::new();
    for (mutation, ids) in suspects.into_inner().unwrap() {
        for (id, difference) in differences(&cases, mutation, &ids) {
            complaints.push_str(&format!(
                "a transport that {}: {id}: {difference}\n",
                mutation.name()
            ));
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

/// Runs a mutant on these cases. Returns the cases whose result differs from its list.
fn differences(
    cases: &[Case],
    mutation: Mutation,
    ids: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let must_fail = mutation.must_fail(cases);
    let report = mutation.run(&Suite::builtin().retain(|case| ids.contains(&case.id)));
    let difference = |case: &CaseReport| {
        let failed = case.state() == CaseState::Failed;
        match (must_fail.contains(case.id()), failed) {
            (true, false) => Some("must fail, but passed".to_owned()),
            (false, true) => Some(format!("must pass, but failed: {}", case.reason())),
            _ => None,
        }
    };
    report
        .cases()
        .iter()
        .filter_map(|case| Some((case.id().to_owned(), difference(case)?)))
        .collect()
}

#[test]
fn every_case_is_the_target_of_a_mutant() {
    let cases = cases();
    let mutations = Mutation::all();
    assert_eq!(mutations.len(), 82);
    let names: BTreeSet<_> = mutations.iter().map(|mutation| mutation.name()).collect();
    assert_eq!(
        names.len(),
        mutations.len(),
        "two mutants have the same name"
    );
    let targets = targets(&cases, &mutations);
    let left: Vec<_> = cases
        .iter()
        .map(|case| &case.id)
        .filter(|id| !targets.contains_key(*id))
        .collect();
    assert!(left.is_empty(), "no mutant targets {left:#?}");
}

#[test]
fn a_transport_that_sends_nothing_or_always_fails_passes_no_case_that_expects_a_response() {
    let empty = Mutant {
        send: |_, _| Ok(Response::new(Bytes::new())),
        ..NO_FAULT
    };
    let failure = Mutant {
        send: |_, _| Err(TransportError::new(TransportErrorKind::Other)),
        ..NO_FAULT
    };
    // The other cases say nothing here.
    let expects_response = |case: &Case| {
        let last = case.calls.last().unwrap().expect.outcome.all();
        last.iter()
            .any(|kind| ["response", "unauthorized"].contains(kind))
    };
    let cases = cases().into_iter().filter(expects_response);
    let ids: BTreeSet<_> = cases.map(|case| case.id).collect();
    std::thread::scope(|scope| {
        for (name, mutant) in [("sends nothing", empty), ("always fails", failure)] {
            for ids in spread(ids.clone(), 16) {
                scope.spawn(move || {
                    let report = Suite::builtin()
                        .retain(|case| ids.contains(&case.id))
                        .check(move |config| MutantTransport::new(mutant, config));
                    for case in report.cases() {
                        let has_passed = case.state() == CaseState::Passed;
                        assert!(!has_passed, "a transport that {name} passes {}", case.id());
                    }
                });
            }
        }
    });
}
