//! `cargo xtask msrv`: no dependency of a published crate declares that it needs a newer Rust than
//! the workspace states. What only our own tests and tools need may, and is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use serde_json::Value;

use crate::{none, repo, verdict};

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    none(arguments)?;
    let report = judge(&repo::metadata()?)?;
    for note in &report.notes {
        println!("msrv: {note}");
    }
    Ok(verdict("msrv", &report.faults))
}

#[derive(Debug, Default)]
struct Report {
    faults: Vec<String>,
    notes: Vec<String>,
}

type Version = (u32, u32, u32);

fn judge(metadata: &Value) -> Result<Report, String> {
    let members: BTreeSet<&str> = strings(&metadata["workspace_members"]).collect();
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let edges = edges(metadata);
    let mut report = Report::default();

    for member in &members {
        let package = packages.get(member).ok_or("a member has no package")?;
        let name = package["name"].as_str().unwrap_or_default();
        let Some(stated) = version(&package["rust_version"]) else {
            report.faults.push(format!("{name} states no rust-version"));
            continue;
        };
        // `publish` is an empty list where publishing is off.
        let published = package["publish"]
            .as_array()
            .is_none_or(|places| !places.is_empty());
        let ships = reachable(member, &edges, false);
        for id in reachable(member, &edges, true) {
            let package = packages.get(id).copied().unwrap_or(&Value::Null);
            let Some(needed) = version(&package["rust_version"]).filter(|v| *v > stated) else {
                continue;
            };
            let line = format!(
                "{} {} needs Rust {}, and {name} states {}",
                package["name"].as_str().unwrap_or_default(),
                package["version"].as_str().unwrap_or_default(),
                text(needed),
                text(stated),
            );
            if !published {
                report
                    .notes
                    .push(format!("{line}: allowed, {name} is not published"));
            } else if !ships.contains(id) {
                report
                    .notes
                    .push(format!("{line}: allowed, only its tests use it"));
            } else {
                report.faults.push(line);
            }
        }
    }
    Ok(report)
}

/// From a package to what it depends on, and whether that is for more than its tests.
fn edges(metadata: &Value) -> BTreeMap<&str, Vec<(&str, bool)>> {
    list(&metadata["resolve"]["nodes"])
        .filter_map(|node| {
            let to = list(&node["deps"]).filter_map(|dep| {
                let ships =
                    list(&dep["dep_kinds"]).any(|kind| kind["kind"].as_str() != Some("dev"));
                Some((dep["pkg"].as_str()?, ships))
            });
            Some((node["id"].as_str()?, to.collect()))
        })
        .collect()
}

/// Everything below a package, with or without what its own tests need. What the tests of its
/// dependencies need, cargo never takes.
fn reachable<'a>(
    from: &'a str,
    edges: &BTreeMap<&'a str, Vec<(&'a str, bool)>>,
    with_tests: bool,
) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next = vec![(from, with_tests)];
    while let Some((id, with_tests)) = next.pop() {
        for &(to, ships) in edges.get(id).into_iter().flatten() {
            if (ships || with_tests) && seen.insert(to) {
                next.push((to, false));
            }
        }
    }
    seen
}

fn version(value: &Value) -> Option<Version> {
    let mut parts = value.as_str()?.split('.').map(|part| part.parse().ok());
    let major = parts.next()??;
    let minor = parts.next().flatten().unwrap_or(0);
    Some((major, minor, parts.next().flatten().unwrap_or(0)))
}

fn text((major, minor, patch): Version) -> String {
    if patch == 0 {
        format!("{major}.{minor}")
    } else {
        format!("{major}.{minor}.{patch}")
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{judge, version};

    fn package(name: &str, rust: &str) -> Value {
        json!({"id": name, "name": name, "version": "1.0.0", "rust_version": rust})
    }

    /// `ours` needs `a`, which needs `b`; its tests need `t`.
    fn metadata(a: &str, b: &str, t: &str, publish: Value) -> Value {
        let mut ours = package("ours", "1.88");
        ours["publish"] = publish;
        json!({
            "workspace_members": ["ours"],
            "packages": [ours, package("a", a), package("b", b), package("t", t)],
            "resolve": {"nodes": [
                {"id": "ours", "deps": [
                    {"pkg": "a", "dep_kinds": [{"kind": null}]},
                    {"pkg": "t", "dep_kinds": [{"kind": "dev"}]},
                ]},
                {"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": "build"}]}]},
            ]},
        })
    }

    #[test]
    fn a_dependency_that_needs_more_is_named() {
        let report = |a, b, t| judge(&metadata(a, b, t, Value::Null)).unwrap();
        let faults = |a, b, t| report(a, b, t).faults;
        assert!(faults("1.88", "1.85.1", "1.99").is_empty());
        assert_eq!(
            report("1.88", "1.85.1", "1.99").notes.len(),
            1,
            "a test's need is told"
        );
        assert_eq!(
            faults("1.88.1", "1.0", "1.0"),
            ["a 1.0.0 needs Rust 1.88.1, and ours states 1.88"]
        );
        assert_eq!(
            faults("1.5", "1.100", "1.0"),
            ["b 1.0.0 needs Rust 1.100, and ours states 1.88"]
        );
    }

    #[test]
    fn what_is_not_published_may_need_more() {
        let report = judge(&metadata("1.99", "1.0", "1.99", json!([]))).unwrap();
        assert!(report.faults.is_empty());
        assert_eq!(report.notes.len(), 2, "{report:?}");
    }

    #[test]
    fn versions_are_numbers() {
        assert!(version(&json!("1.100")) > version(&json!("1.88.3")));
        assert_eq!(version(&Value::Null), None);
    }
}
