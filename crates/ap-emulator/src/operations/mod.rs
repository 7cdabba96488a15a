//! The operations of the vendor's APIs: one table of their names, methods and paths, and which of them
//! this emulator serves. Names are those of the vendor's API descriptions where it has one.

mod lead_conduit;
mod suppression_list;
mod trusted_form;

use serde_json::{Value, json};

use crate::Product;

/// An operation that is documented, or known from the vendor's own clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    /// With its parameters in braces, as in an API description.
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) is_served: bool,
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Callers with the account's key.
    Key,
    /// Everybody: no key is needed, nor an `Accept` that names JSON.
    Open,
}

const fn served(method: &'static str, path: &'static str, name: &'static str) -> Operation {
    Operation {
        is_served: true,
        ..unserved(method, path, name)
    }
}

const fn unserved(method: &'static str, path: &'static str, name: &'static str) -> Operation {
    Operation {
        name,
        method,
        path,
        access: Access::Key,
        is_served: false,
    }
}

const fn open(method: &'static str, path: &'static str, name: &'static str) -> Operation {
    Operation {
        access: Access::Open,
        ..unserved(method, path, name)
    }
}

const fn served_open(method: &'static str, path: &'static str, name: &'static str) -> Operation {
    Operation {
        is_served: true,
        ..open(method, path, name)
    }
}

/// Returns the operations of `product`.
pub(crate) const fn of(product: Product) -> &'static [Operation] {
    match product {
        Product::LeadConduit => lead_conduit::OPERATIONS,
        Product::TrustedForm => trusted_form::OPERATIONS,
        Product::SuppressionList => suppression_list::OPERATIONS,
    }
}

/// Returns the operation that a request is for. `HEAD` is part of each `GET`.
pub(crate) fn find(product: Product, method: &str, path: &str) -> Option<&'static Operation> {
    let method = if method == "HEAD" { "GET" } else { method };
    let candidates = of(product)
        .iter()
        .filter(|operation| operation.method == method && is_match(operation.path, path));
    // `/events/stats` is not the event `stats`.
    candidates.min_by_key(|operation| operation.path.matches('{').count())
}

/// Returns `true` if everybody may call `path` and it is served, whatever the method.
pub(crate) fn is_open(product: Product, path: &str) -> bool {
    of(product).iter().any(|operation| {
        operation.access == Access::Open && operation.is_served && is_match(operation.path, path)
    })
}

fn is_match(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let is_same = template.split('/').all(|expected| {
        segments.next().is_some_and(|segment| {
            segment == expected || (expected.starts_with('{') && !segment.is_empty())
        })
    });
    is_same && segments.next().is_none()
}

/// Returns every operation of every product, for programs.
pub(crate) fn to_json() -> Value {
    let rows = Product::ALL.into_iter().flat_map(|product| {
        of(product).iter().map(move |operation| {
            json!({
                "product": product.id(),
                "name": operation.name,
                "method": operation.method,
                "path": operation.path,
                "served": operation.is_served,
            })
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{find, of};
    use crate::Product;

    #[test]
    fn every_operation_is_found_by_its_own_path_and_has_its_own_name() {
        for product in Product::ALL {
            let mut names = BTreeSet::new();
            for operation in of(product) {
                let path: String = operation
                    .path
                    .split('/')
                    .map(|segment| {
                        if segment.starts_with('{') {
                            "x1"
                        } else {
                            segment
                        }
                    })
                    .collect::<Vec<_>>()
                    .join("/");
                assert_eq!(find(product, operation.method, &path), Some(operation));
                assert!(names.insert(operation.name), "{}", operation.name);
            }
        }
    }

    #[test]
    fn only_whole_paths_match() {
        let name = |method, path| find(Product::LeadConduit, method, path).map(|found| found.name);
        for (method, path, expected) in [
            ("GET", "/flows", Some("listFlows")),
            ("HEAD", "/flows", Some("listFlows")),
            ("GET", "/flows/1", Some("getFlow")),
            ("GET", "/events/stats", Some("eventStatistics")),
            ("GET", "/events/stat", Some("getEvent")),
            ("POST", "/reports/preview", Some("previewReport")),
            ("GET", "/reports/x/meta", Some("getReportMeta")),
            ("GET", "/flows/", None),
            ("GET", "/flows//fields", None),
            ("GET", "/flows/1/", None),
            ("GET", "/Flows", None),
            ("GET", "/", None),
            ("GET", "*", None),
            ("GET", "", None),
            ("get", "/flows", None),
            ("PATCH", "/flows/1", None),
        ] {
            assert_eq!(name(method, path), expected, "{method} {path}");
        }
    }
}
