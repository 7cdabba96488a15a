//! Members of the workspace depend on each other by path and version, for tests by path at least.

use cargo_metadata::semver::VersionReq;
use cargo_metadata::{DependencyKind, Metadata};

/// Returns a line for each dependency between members that lacks its version, without which it cannot be published,
/// or its path, without which it would be somebody else's crate. Development dependencies need no version: cargo leaves
/// them out of the published package then, so that crates can test each other.
pub(super) fn problems(metadata: &Metadata) -> Vec<String> {
    let members = metadata.workspace_packages();
    let mut problems = Vec::new();
    for package in &members {
        for dependency in &package.dependencies {
            let (user, name) = (&package.name, &dependency.name);
            if !members.iter().any(|member| *member.name == *name) {
                continue;
            }
            if dependency.path.is_none() {
                problems.push(format!("{user}: the dependency {name} has no path"));
            }
            let is_for_tests = dependency.kind == DependencyKind::Development;
            if dependency.req == VersionReq::STAR && !is_for_tests {
                problems.push(format!("{user}: the dependency {name} has no version"));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::problems;
    use crate::repo::sample;

    fn count_with(dependency: Value) -> usize {
        let mut user = sample::package("b");
        user["dependencies"] = json!([dependency]);
        let packages = [sample::package("a"), user];
        problems(&sample::metadata(&["a", "b"], &packages, &json!([]))).len()
    }

    #[test]
    fn internal_dependencies_need_a_path_and_a_version() {
        let dependency = sample::dependency;
        assert_eq!(count_with(dependency("a", "^0.1.0", Some("/a"))), 0);
        assert_eq!(count_with(dependency("elsewhere", "*", None)), 0);
        assert_eq!(count_with(dependency("a", "*", Some("/a"))), 1);
        assert_eq!(count_with(dependency("a", "^0.1.0", None)), 1);
        let mut for_tests = dependency("a", "*", Some("/a"));
        for_tests["kind"] = json!("dev");
        assert_eq!(count_with(for_tests), 0);
    }
}
