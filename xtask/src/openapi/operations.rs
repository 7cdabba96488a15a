//! The operations that the emulator knows, and that the three lists of operations are the same.

use std::collections::BTreeSet;

use ap_api::operations::{ALL, LEFT_OUT};
use ap_client::ap_core::Service;
use ap_client::{Blocking, Client};
use ap_emulator::Product;
use serde_json::Value;

use super::description::Description;
use super::exceptions::{self, Exceptions};

/// An operation of the emulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) product: Product,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) is_served: bool,
}

impl Served {
    /// Returns the operation as the lists of exceptions write it.
    pub(crate) fn name(&self) -> String {
        exceptions::name(self.product, &self.method, &self.path)
    }

    /// Returns the operation as descriptions write it.
    pub(crate) fn described(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Asks an emulator for its operations.
pub(crate) fn of_emulator(client: &Client<Blocking>) -> Result<Vec<Served>, String> {
    let request = client.get(Service::LeadConduit, "/_emulator/operations");
    let response = request
        .unsigned()
        .send()
        .map_err(|error| error.to_string())?;
    let rows: Vec<Value> = response.json().map_err(|error| error.to_string())?;
    rows.iter()
        .map(|row| {
            Some(Served {
                product: row["product"].as_str()?.parse().ok()?,
                method: row["method"].as_str()?.to_owned(),
                path: row["path"].as_str()?.to_owned(),
                is_served: row["served"].as_bool()?,
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(|| {
            "the emulator's list of operations has another form than expected".to_owned()
        })
}

/// Returns the operation that a call is for. A path with fewer parameters comes first, as in the emulator.
pub(crate) fn find<'a>(
    operations: &'a [Served],
    product: Product,
    method: &str,
    path: &str,
) -> Option<&'a Served> {
    let candidates = operations.iter().filter(|operation| {
        operation.product == product
            && operation.method == method
            && is_match(&operation.path, path)
    });
    candidates.min_by_key(|operation| operation.path.matches('{').count())
}

fn is_match(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(expected, segment)| expected == segment || expected.starts_with('{'))
}

/// Returns how the lists of operations differ: that of the endpoints, that of the emulator, and the descriptions.
pub(crate) fn differences(
    emulator: &[Served],
    descriptions: &[Description],
    exceptions: &Exceptions,
) -> Vec<String> {
    let emulator: BTreeSet<String> = emulator.iter().map(Served::name).collect();
    let endpoints: BTreeSet<String> = ALL
        .iter()
        .map(|operation| exceptions::name(operation.product(), operation.method, operation.path))
        .chain(
            LEFT_OUT.iter().map(|operation| {
                exceptions::name(operation.product, operation.method, operation.path)
            }),
        )
        .collect();
    let described: BTreeSet<String> = descriptions
        .iter()
        .flat_map(|description| {
            let product = description.product.id();
            description
                .operations()
                .map(move |operation| format!("{product} {operation}"))
        })
        .collect();
    let groups = exceptions.undescribed.iter();
    let undescribed: BTreeSet<String> = groups.flat_map(|group| group.operations.clone()).collect();
    let known: BTreeSet<String> = described.union(&undescribed).cloned().collect();

    let mut problems = Vec::new();
    let mut compare = |missing: Vec<&String>, problem: &str| {
        problems.extend(
            missing
                .into_iter()
                .map(|operation| format!("{operation} {problem}")),
        );
    };
    compare(
        emulator.difference(&endpoints).collect(),
        "is in the emulator's list, and neither an endpoint of ap-api nor in its list of left-out ones",
    );
    compare(
        endpoints.difference(&emulator).collect(),
        "is an endpoint of ap-api or a left-out one, and not in the emulator's list",
    );
    compare(
        known.difference(&endpoints).collect(),
        "is in a description or in the list of undescribed ones, and not in the lists of ap-api",
    );
    compare(
        endpoints.difference(&known).collect(),
        "is in no description; add it to the undescribed ones in the exceptions, with the reason",
    );
    compare(
        described.intersection(&undescribed).collect(),
        "is in a description; remove it from the undescribed ones in the exceptions",
    );
    problems
}

#[cfg(test)]
mod tests {
    use ap_emulator::{Emulator, Product};

    use super::super::client;
    use super::super::description::Description;
    use super::super::exceptions::Exceptions;
    use super::{Served, differences, find, of_emulator};

    #[test]
    fn endpoints_emulator_and_descriptions_have_the_same_operations() {
        let emulator = Emulator::start().unwrap();
        let served = of_emulator(&client(&emulator).unwrap()).unwrap();
        let descriptions = Description::all().unwrap();
        let exceptions = Exceptions::read().unwrap();
        let problems = differences(&served, &descriptions, &exceptions);
        assert!(problems.is_empty(), "{problems:#?}");

        // That the comparison can fail.
        let differ = differences(&served[1..], &descriptions, &exceptions);
        assert_eq!(differ.len(), 1, "{differ:?}");
        let differ = differences(&served, &descriptions[..1], &exceptions);
        assert_eq!(differ.len(), 1, "{differ:?}");
        let differ = differences(&served, &descriptions, &Exceptions::default());
        assert!(differ.len() > 20, "{differ:?}");
        let mut renamed = served;
        renamed[1].path.push_str("/more");
        assert_eq!(differences(&renamed, &descriptions, &exceptions).len(), 2);
    }

    #[test]
    fn a_call_is_for_the_operation_with_the_fewest_parameters() {
        let operation = |path: &str| Served {
            product: Product::LeadConduit,
            method: "GET".to_owned(),
            path: path.to_owned(),
            is_served: true,
        };
        let operations = [
            operation("/events/{id}"),
            operation("/events/stats"),
            operation("/{a}/b/c"),
        ];
        let found = |path| {
            find(&operations, Product::LeadConduit, "GET", path).map(|found| found.path.as_str())
        };
        assert_eq!(found("/events/stats"), Some("/events/stats"));
        assert_eq!(found("/events/1"), Some("/events/{id}"));
        assert_eq!(found("/x/b/c"), Some("/{a}/b/c"));
        assert_eq!(found("/events"), None);
        assert!(find(&operations, Product::TrustedForm, "GET", "/events/1").is_none());
    }
}
