//! Compares the `rust-version` that each dependency declares with the one that we state.
//!
//! A dependency of a published crate must not declare more. What only our own tests and tools need may.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::semver::Version;
use cargo_metadata::{DependencyKind, Metadata, PackageId};

use super::report::Report;
use crate::repo;

/// Compares the declared versions of every dependency of every member.
pub(super) fn compare(metadata: &Metadata) -> Report {
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p)).collect();
    let edges = edges(metadata);
    let mut report = Report::default();
    let mut compared = BTreeSet::new();

    for member in metadata.workspace_packages() {
        let Some(stated) = &member.rust_version else {
            report
                .problems
                .push(format!("{} states no rust-version", member.name));
            continue;
        };
        let linked = reachable(&member.id, &edges, false);
        for id in reachable(&member.id, &edges, true) {
            let Some(package) = packages.get(id) else {
                continue;
            };
            let Some(needed) = &package.rust_version else {
                continue;
            };
            compared.insert(id);
            if needed <= stated {
                continue;
            }
            let line = format!(
                "{} {} declares Rust {}, and {} states {}",
                package.name,
                package.version,
                short(needed),
                member.name,
                short(stated),
            );
            if !repo::is_published(member) {
                report
                    .notes
                    .push(format!("{line}: allowed, {} is not published", member.name));
            } else if !linked.contains(id) {
                report
                    .notes
                    .push(format!("{line}: allowed, only its tests use it"));
            } else {
                report.problems.push(line);
            }
        }
    }
    report.notes.push(format!(
        "compared only: the rust-version that {} of {} packages declare",
        compared.len(),
        packages.len()
    ));
    report
}

/// The dependencies of each package; `true` marks those that are for more than tests.
type Edges<'a> = BTreeMap<&'a PackageId, Vec<(&'a PackageId, bool)>>;

fn edges(metadata: &Metadata) -> Edges<'_> {
    metadata
        .resolve
        .iter()
        .flat_map(|resolve| &resolve.nodes)
        .map(|node| {
            let to = node.deps.iter().map(|dependency| {
                let is_linked = dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind != DependencyKind::Development);
                (&dependency.pkg, is_linked)
            });
            (&node.id, to.collect())
        })
        .collect()
}

/// Returns everything below a package, with or without what its own tests need. What the tests of a dependency
/// need is never included: cargo does not build it.
fn reachable<'a>(
    from: &'a PackageId,
    edges: &Edges<'a>,
    with_tests: bool,
) -> BTreeSet<&'a PackageId> {
    let mut seen = BTreeSet::new();
    let mut open = vec![(from, with_tests)];
    while let Some((id, with_tests)) = open.pop() {
        for &(to, is_linked) in edges.get(id).into_iter().flatten() {
            if (is_linked || with_tests) && seen.insert(to) {
                open.push((to, false));
            }
        }
    }
    seen
}

/// Formats a version as manifests write it: 1.88, or 1.88.1.
pub(super) fn short(version: &Version) -> String {
    if version.patch == 0 {
        format!("{}.{}", version.major, version.minor)
    } else {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::report::Report;
    use super::compare;
    use crate::repo::sample;

    fn package(name: &str, rust: &str) -> Value {
        let mut package = sample::package(name);
        package["rust_version"] = rust.into();
        package
    }

    /// Compares a workspace where `ours` needs `a`, which needs `b`; the tests of `ours` need `t`.
    fn report(a: &str, b: &str, t: &str, publish: Value) -> Report {
        let mut ours = package("ours", "1.88");
        ours["publish"] = publish;
        compare(&sample::metadata(
            &["ours"],
            &[ours, package("a", a), package("b", b), package("t", t)],
            &json!([
                {"id": "ours", "dependencies": [], "deps": [
                    {"name": "a", "pkg": "a", "dep_kinds": [{"kind": null}]},
                    {"name": "t", "pkg": "t", "dep_kinds": [{"kind": "dev"}]},
                ]},
                {"id": "a", "dependencies": [], "deps": [
                    {"name": "b", "pkg": "b", "dep_kinds": [{"kind": "build"}]},
                ]},
            ]),
        ))
    }

    #[test]
    fn a_dependency_that_declares_more_is_named() {
        let problems = |a, b, t| report(a, b, t, Value::Null).problems;
        assert!(problems("1.88", "1.85.1", "1.99").is_empty());
        assert_eq!(
            report("1.88", "1.85.1", "1.99", Value::Null).notes,
            [
                "t 1.0.0 declares Rust 1.99, and ours states 1.88: allowed, only its tests use it",
                "compared only: the rust-version that 3 of 4 packages declare",
            ]
        );
        assert_eq!(
            problems("1.88.1", "1.0", "1.0"),
            ["a 1.0.0 declares Rust 1.88.1, and ours states 1.88"]
        );
        assert_eq!(
            problems("1.5", "1.100", "1.0"),
            ["b 1.0.0 declares Rust 1.100, and ours states 1.88"]
        );
    }

    #[test]
    fn a_crate_that_is_not_published_may_need_more() {
        let report = report("1.99", "1.0", "1.99", json!([]));
        assert!(report.problems.is_empty());
        assert_eq!(report.notes.len(), 3, "{report:?}");
    }
}
