//! Faults with the environment and with memory.
//!
//! These cases need a process of their own. It is this test program again: a variable tells the test below
//! which mutant and which case to run.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::ToSocketAddrs as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ap_client::transport::{LOCALHOST, TransportError, TransportErrorKind};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde_json::Value;

use super::extent::Extent;
use super::failing_cases::FailingCases;
use super::mutant::{Mutant, MutantTransport, NO_FAULT};
use crate::case::{Case, files};
use crate::memory;
use crate::suite::Suite;

/// The variable that names the mutant and the case to a child process.
const TASK: &str = "MUTANT_AND_CASE";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the files of root certificates that the environment names.
fn roots() -> Vec<PathBuf> {
    let file = variable("SSL_CERT_FILE").map(PathBuf::from);
    let folder = variable("SSL_CERT_DIR").map(|folder| PathBuf::from(folder).join("roots.pem"));
    file.into_iter().chain(folder).collect()
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "uses a proxy from the environment",
        send: |call, request| {
            let names = ["http_proxy", "https_proxy", "all_proxy"];
            let names = names.map(|name| [name.to_owned(), name.to_ascii_uppercase()]);
            // Nobody listens there.
            if names.concat().iter().any(|name| variable(name).is_some()) {
                return Err(TransportError::new(TransportErrorKind::Proxy));
            }
            call.send(request)
        },
        fails: FailingCases::listed(&["environment/proxy*"]),
        ..NO_FAULT
    },
    Mutant {
        name: "obeys NO_PROXY",
        config: |config| {
            if variable("NO_PROXY").is_some() {
                config.proxy = None;
            }
        },
        fails: FailingCases::listed(&["environment/proxy-explicit"]),
        ..NO_FAULT
    },
    Mutant {
        name: "reads a password from .netrc",
        request: |_, request| {
            let home = PathBuf::from(variable("HOME").unwrap_or_default());
            if home.join(".netrc").exists() {
                let found = HeaderValue::from_static("Basic eDp5");
                request.headers_mut().entry(AUTHORIZATION).or_insert(found);
            }
        },
        fails: FailingCases::listed(&["environment/netrc"]),
        ..NO_FAULT
    },
    Mutant {
        name: "needs a home directory",
        send: |call, request| {
            if !PathBuf::from(variable("HOME").unwrap_or_default()).exists() {
                return Err(TransportError::new(TransportErrorKind::Setup));
            }
            call.send(request)
        },
        fails: FailingCases::listed(&["environment/home"]),
        ..NO_FAULT
    },
    Mutant {
        name: "looks up localhost",
        send: |call, request| {
            let address = ("localhost", 443).to_socket_addrs();
            let address = address.ok().and_then(|mut all| all.next());
            // Nobody listens there.
            if address.is_some_and(|address| !LOCALHOST.contains(&address.ip())) {
                return Err(TransportError::new(TransportErrorKind::Connect));
            }
            call.send(request)
        },
        fails: FailingCases::listed(&["environment/localhost"]),
        ..NO_FAULT
    },
    Mutant {
        name: "also trusts roots from the environment",
        config: |config| {
            let pems = roots()
                .into_iter()
                .filter_map(|path| std::fs::read(path).ok());
            config.root_pems.extend(pems.map(Into::into));
        },
        fails: FailingCases::listed(&[
            "environment/certificate-file",
            "environment/certificate-folder",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "trusts only roots from the environment",
        config: |config| {
            if !roots().is_empty() {
                let pems = roots()
                    .into_iter()
                    .filter_map(|path| std::fs::read(path).ok());
                config.root_pems = pems.map(Into::into).collect();
                config.mozilla_roots = true;
            }
        },
        fails: FailingCases::listed(&[
            "environment/certificate-file",
            "environment/certificate-folder",
            "environment/no-certificates",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "writes the secrets of TLS to SSLKEYLOGFILE",
        send: |call, request| {
            if let Some(path) = variable("SSLKEYLOGFILE") {
                let file = std::fs::OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(path);
                file.and_then(|mut file| file.write_all(b"CLIENT_RANDOM\n"))
                    .unwrap();
            }
            call.send(request)
        },
        fails: FailingCases::listed(&["environment/key-log"]),
        ..NO_FAULT
    },
    Mutant {
        name: "allocates a whole body before it reports that it is too large",
        response: |_, _, answer| {
            if answer
                .as_ref()
                .is_err_and(|error| error.kind() == TransportErrorKind::TooLarge)
            {
                drop(std::hint::black_box(vec![1_u8; 200 * 1024 * 1024]));
            }
            answer
        },
        fails: FailingCases::listed(&[
            "limits/announced",
            "limits/empty-lines-flood",
            "limits/endless-chunks",
            "limits/endless-header",
            "limits/endless-headers",
            "limits/endless-reason",
            "limits/interim-count-101",
            "limits/interim-flood",
            "limits/interim-size",
            "limits/one-byte-chunks",
        ]),
        ..NO_FAULT
    },
];

/// Returns the cases that run in a process of their own.
fn cases() -> Vec<Case> {
    let mut cases = files::builtin().to_vec();
    cases.retain(|case| case.needs_environment() || memory::is_large(case));
    cases
}

#[test]
fn every_mutant_in_its_own_process_fails_exactly_its_listed_cases() {
    if let Some(task) = variable(TASK) {
        let (name, id) = task.split_once('|').unwrap();
        let mutant = *MUTANTS.iter().find(|mutant| mutant.name == name).unwrap();
        let suite = Suite::builtin()
            .only(id)
            .unwrap()
            .with_environment()
            .memory_meter(memory::peak_memory);
        let report = suite.check(move |config| MutantTransport::new(mutant, config));
        println!("\n{TASK} {}", report.to_detailed_json());
        return;
    }
    let cases = cases();
    let pairs: Vec<_> = MUTANTS
        .iter()
        .flat_map(|mutant| {
            let chosen = chosen_cases(&cases, mutant).into_iter();
            chosen.map(move |(case, must_fail)| (mutant, case, must_fail))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((mutant, case, must_fail)) =
                    pairs.get(next.fetch_add(1, Ordering::SeqCst))
                {
                    let Some((state, reason)) = run_in_own_process(mutant, case) else {
                        continue;
                    };
                    let is_for_memory = !is_memory_case(case) || reason.contains("memory grew");
                    if (state == "failed") != *must_fail || *must_fail && !is_for_memory {
                        let (name, id) = (mutant.name, &case.id);
                        let complaint =
                            format!("a transport that {name}: {id}: {state}: {reason}\n");
                        complaints.lock().unwrap().push_str(&complaint);
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{complaints}");
}

fn is_memory_case(case: &Case) -> bool {
    !case.needs_environment()
}

/// Returns the cases that a mutant runs on, and which of them it must fail: those about memory, or those about the
/// environment. A normal run has only two of those that it must pass.
fn chosen_cases<'a>(cases: &'a [Case], mutant: &Mutant) -> Vec<(&'a Case, bool)> {
    let must_fail = mutant.fails.ids(cases);
    let is_memory_mutant = must_fail.iter().any(|id| id.starts_with("limits/"));
    let max_passing = match Extent::from_environment() {
        Extent::Normal => 2,
        _ => usize::MAX,
    };
    let mut passing = 0;
    let mut chosen = Vec::new();
    for case in cases
        .iter()
        .filter(|case| is_memory_case(case) == is_memory_mutant)
    {
        let must_fail = must_fail.contains(case.id.as_str());
        passing += usize::from(!must_fail);
        if must_fail || passing <= max_passing {
            chosen.push((case, must_fail));
        }
    }
    chosen
}

/// Runs a mutant on a case in a process of its own. Returns the state and the reason, or `None` if this machine cannot
/// run it.
fn run_in_own_process(mutant: &Mutant, case: &Case) -> Option<(String, String)> {
    let home = tempfile::tempdir().unwrap();
    let suite = Suite::builtin().only(&case.id).unwrap();
    let program = std::env::current_exe().unwrap();
    let command = suite.list().next().unwrap();
    let command = command.command(&program, home.path()).unwrap();
    let mut command = command?;
    let output = command
        .args(["--exact", "--nocapture"])
        .arg("mutants::own_process::every_mutant_in_its_own_process_fails_exactly_its_listed_cases")
        .env(TASK, format!("{}|{}", mutant.name, case.id))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix(TASK));
    let json: Value = line.unwrap_or_default().parse().unwrap();
    let text = |member: &str| json["cases"][0][member].as_str().unwrap().to_owned();
    Some((text("outcome"), text("reason")))
}

#[test]
fn every_case_about_the_environment_is_failed_by_a_mutant() {
    let cases = cases();
    let lists = MUTANTS.iter().flat_map(|mutant| mutant.fails.ids(&cases));
    let named: BTreeSet<&str> = lists.collect();
    let left: Vec<_> = cases
        .iter()
        .filter(|case| case.needs_environment() && !named.contains(case.id.as_str()))
        .map(|case| &case.id)
        .collect();
    assert!(left.is_empty(), "no mutant fails {left:#?}");
}
