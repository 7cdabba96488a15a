//! Members of the workspace depend on each other by path and version.

use serde_json::Value;

/// A dependency between members without a version cannot be published; one without a path would be
/// somebody else's crate.
pub(super) fn faults(metadata: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let members = list(&metadata["workspace_members"]);
    let packages = list(&metadata["packages"]);
    let ours = || {
        packages
            .iter()
            .filter(|package| members.contains(&package["id"]))
    };
    let mut faults = Vec::new();
    for package in ours() {
        for dependency in list(&package["dependencies"]) {
            let name = &dependency["name"];
            if !ours().any(|other| other["name"] == *name) {
                continue;
            }
            let (user, name) = (text(&package["name"]), text(name));
            if dependency["path"].is_null() {
                faults.push(format!("{user}: the dependency {name} has no path"));
            }
            if dependency["req"] == "*" {
                faults.push(format!("{user}: the dependency {name} has no version"));
            }
        }
    }
    faults
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::faults;

    #[test]
    fn internal_dependencies_need_a_path_and_a_version() {
        let with = |dependency| {
            faults(&json!({
                "workspace_members": ["a", "b"],
                "packages": [
                    {"id": "a", "name": "a", "dependencies": []},
                    {"id": "b", "name": "b", "dependencies": [dependency]},
                ],
            }))
        };
        assert!(with(json!({"name": "a", "req": "^0.1.0", "path": "/a"})).is_empty());
        assert!(with(json!({"name": "elsewhere", "req": "*"})).is_empty());
        assert_eq!(
            with(json!({"name": "a", "req": "*", "path": "/a"})).len(),
            1
        );
        assert_eq!(
            with(json!({"name": "a", "req": "^0.1.0", "path": null})).len(),
            1
        );
    }
}
