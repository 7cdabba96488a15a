//! Members of the workspace depend on each other by path and version.

use cargo_metadata::Metadata;
use cargo_metadata::semver::VersionReq;

/// Returns a line for each dependency between members that lacks its version, without which it cannot be published,
/// or its path, without which it would be somebody else's crate.
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
            if dependency.req == VersionReq::STAR {
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
    }
}
