//! What can go wrong with the environment and with memory. Such a case needs a process of its own, which
//! is this test program once more: the test below finds in its variables what it is to run.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use ap_core::{ErrorKind, TransportError};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde_json::Value;

use super::failing_cases::About;
use super::mutant::{Broken, Mutant, SOUND};
use crate::case::{Case, Need};
use crate::memory;
use crate::suite::Suite;

/// Names the mutant and the case to a process that is made for them.
const TASK: &str = "MUTANT_ALONE";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The files that the environment names for root certificates.
fn roots() -> Vec<PathBuf> {
    let file = variable("SSL_CERT_FILE").map(PathBuf::from);
    let folder = variable("SSL_CERT_DIR").map(|folder| PathBuf::from(folder).join("roots.pem"));
    file.into_iter().chain(folder).collect()
}

pub(super) const MUTANTS: &[Broken] = &[
    Broken {
        name: "goes by any proxy that the environment names",
        send: |call, request| {
            let names = ["http_proxy", "https_proxy", "all_proxy"];
            let names = names.map(|name| [name.to_owned(), name.to_ascii_uppercase()]);
            // Nobody listens at any of them.
            if names.concat().iter().any(|name| variable(name).is_some()) {
                return Err(TransportError::new(ErrorKind::Proxy));
            }
            call.once(request)
        },
        fails: About::these(&["environment/proxy*"]),
        ..SOUND
    },
    Broken {
        name: "goes around its proxy where the environment says so",
        settings: |settings| {
            if variable("NO_PROXY").is_some() {
                settings.proxy = None;
            }
        },
        fails: About::these(&["environment/proxy-explicit"]),
        ..SOUND
    },
    Broken {
        name: "takes a password from .netrc",
        request: |_, request| {
            let home = PathBuf::from(variable("HOME").unwrap_or_default());
            if home.join(".netrc").exists() {
                let found = HeaderValue::from_static("Basic eDp5");
                request.headers_mut().entry(AUTHORIZATION).or_insert(found);
            }
        },
        fails: About::these(&["environment/netrc"]),
        ..SOUND
    },
    Broken {
        name: "needs a home directory",
        send: |call, request| {
            if !PathBuf::from(variable("HOME").unwrap_or_default()).exists() {
                return Err(TransportError::new(ErrorKind::Setup));
            }
            call.once(request)
        },
        fails: About::these(&["environment/home"]),
        ..SOUND
    },
    Broken {
        name: "trusts what the environment names besides",
        settings: |settings| {
            let pems = roots()
                .into_iter()
                .filter_map(|path| std::fs::read(path).ok());
            settings.root_pems.extend(pems.map(Into::into));
        },
        fails: About::these(&[
            "environment/certificate-file",
            "environment/certificate-folder",
        ]),
        ..SOUND
    },
    Broken {
        name: "trusts what the environment names and nobody else",
        settings: |settings| {
            if !roots().is_empty() {
                let pems = roots()
                    .into_iter()
                    .filter_map(|path| std::fs::read(path).ok());
                settings.root_pems = pems.map(Into::into).collect();
                settings.mozilla_roots = true;
            }
        },
        fails: About::these(&[
            "environment/certificate-file",
            "environment/certificate-folder",
            "environment/no-certificates",
        ]),
        ..SOUND
    },
    Broken {
        name: "writes down the secrets of TLS",
        send: |call, request| {
            if let Some(path) = variable("SSLKEYLOGFILE") {
                let file = std::fs::OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(path);
                file.and_then(|mut file| file.write_all(b"CLIENT_RANDOM\n"))
                    .unwrap();
            }
            call.once(request)
        },
        fails: About::these(&["environment/key-log"]),
        ..SOUND
    },
    Broken {
        name: "makes room for all of a body before it says that it is too large",
        answer: |_, _, answer| {
            if answer
                .as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::TooLarge)
            {
                drop(std::hint::black_box(vec![1_u8; 200 * 1024 * 1024]));
            }
            answer
        },
        fails: About::these(&[
            "limits/announced",
            "limits/endless-chunks",
            "limits/endless-header",
            "limits/endless-headers",
            "limits/endless-reason",
            "limits/interim-count-101",
            "limits/interim-flood",
            "limits/interim-size",
            "limits/one-byte-chunks",
        ]),
        ..SOUND
    },
];

/// The cases that are run in a process of their own.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = crate::case::files::cases();
    cases.retain(|case| case.needs.contains(&Need::Env) || memory::is_large(case));
    cases
}

#[test]
fn mutants_in_processes_of_their_own_fail_exactly_the_cases_that_are_about_them() {
    if let Some(task) = variable(TASK) {
        let (name, id) = task.split_once('|').unwrap();
        let broken = *MUTANTS.iter().find(|broken| broken.name == name).unwrap();
        let suite = Suite::builtin()
            .only(id)
            .unwrap()
            .in_environment()
            .metered(memory::peak_memory);
        let report = suite.check(move |settings| Mutant::new(broken, settings));
        println!("\n{TASK} {}", report.to_detailed_json());
        return;
    }
    let cases = cases();
    let about_memory = |case: &Case| !case.needs.contains(&Need::Env);
    let mut complaints = Vec::new();
    for broken in MUTANTS {
        let must_fail = broken.fails.ids(&cases);
        for case in &cases {
            let of_memory = must_fail.iter().any(|id| id.starts_with("limits/"));
            // Whoever is about the environment is not about memory.
            if about_memory(case) != of_memory {
                continue;
            }
            let (state, reason) = alone(broken, case);
            let failed = state == "failed";
            if failed != must_fail.contains(case.id.as_str()) {
                complaints.push(format!(
                    "a transport that {}: {}: {state}: {reason}",
                    broken.name, case.id
                ));
            }
            if failed && of_memory && !reason.contains("memory grew") {
                complaints.push(format!("{}: not for its memory: {reason}", case.id));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What a mutant comes to with a case, in a process of its own.
fn alone(broken: &Broken, case: &Case) -> (String, String) {
    let home = tempfile::tempdir().unwrap();
    let suite = Suite::builtin().only(&case.id).unwrap();
    let variables = suite
        .list()
        .next()
        .unwrap()
        .environment(home.path().to_str().unwrap());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("mutants::own_process::mutants_in_processes_of_their_own_fail_exactly_the_cases_that_are_about_them")
        .env_clear()
        .envs(variables)
        .env(TASK, format!("{}|{}", broken.name, case.id))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix(TASK));
    let json: Value = line.unwrap_or_default().parse().unwrap();
    let text = |member: &str| json["cases"][0][member].as_str().unwrap().to_owned();
    (text("outcome"), text("reason"))
}

#[test]
fn every_case_about_the_environment_is_what_some_mutant_is_about() {
    let cases = cases();
    let lists = MUTANTS.iter().flat_map(|broken| broken.fails.ids(&cases));
    let named: BTreeSet<&str> = lists.collect();
    let left: Vec<_> = cases
        .iter()
        .filter(|case| case.needs.contains(&Need::Env) && !named.contains(case.id.as_str()))
        .map(|case| &case.id)
        .collect();
    assert!(left.is_empty(), "no mutant is about {left:#?}");
}
