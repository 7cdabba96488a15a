//! The products: the key that each accepts, its calls, and what it serves.

use std::time::Duration;

use super::template::{count, fill};
use crate::Product;
use crate::addresses::Addresses;
use crate::operations;
use crate::state::EmulatorState;
use crate::state::snapshot::State;

pub(super) fn summary(snapshot: &State) -> String {
    let behind: Vec<Product> = Product::ALL
        .into_iter()
        .filter(|product| snapshot.product(*product).generation != snapshot.generation)
        .collect();
    match behind.as_slice() {
        [] => "All three products accept the current key.".to_owned(),
        [one] => {
            format!("{one} still accepts an older key. Log in to it to bring the current one.")
        }
        [one, two] => format!(
            "{one} and {two} still accept an older key. Log in to each to bring the current one."
        ),
        _ => "No product accepts the current key yet. Log in to each to bring it.".to_owned(),
    }
}

pub(super) fn rows(addresses: &Addresses, snapshot: &State, state: &EmulatorState) -> String {
    Product::ALL
        .map(|product| {
            let since_refusal = state.record(product).since_refusal();
            row(addresses.url(product), snapshot, product, since_refusal)
        })
        .concat()
}

fn row(url: &str, snapshot: &State, product: Product, since_refusal: Option<Duration>) -> String {
    let state = snapshot.product(product);
    let key = state.generation;
    let (class, badge, accepts) = match snapshot.generation - key {
        0 => ("current", "Current key", format!("accepts key {key}")),
        behind => (
            "behind",
            if behind == 1 {
                "Previous key"
            } else {
                "Older key"
            },
            format!("accepts key {key} until you log in"),
        ),
    };
    let refusal = since_refusal.map_or_else(String::new, |since| {
        format!("<p class=\"refusal\">Last refused {}</p>\n", ago(since))
    });
    fill(
        include_str!("product.html"),
        &[
            ("id", product.id()),
            ("name", &product.to_string()),
            ("url", url),
            ("class", class),
            ("badge", badge),
            ("accepts", &accepts),
            ("accepted", &count(state.acceptances, "call")),
            ("refused", &state.refusals.to_string()),
            ("refusal", &refusal),
            ("count", &count(served(product).count() as u64, "operation")),
            ("operations", &served(product).collect::<String>()),
        ],
    )
}

fn served(product: Product) -> impl Iterator<Item = String> {
    operations::of(product)
        .iter()
        .filter(|operation| operation.is_served)
        .map(|operation| {
            format!(
                "<li><code>{} {}</code></li>\n",
                operation.method, operation.path
            )
        })
}

fn ago(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0 => "just now".to_owned(),
        seconds @ 1..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::ago;

    #[test]
    fn a_time_that_has_passed_is_told_in_one_unit() {
        for (milliseconds, expected) in [
            (0, "just now"),
            (999, "just now"),
            (1_000, "1 s ago"),
            (3_999, "3 s ago"),
            (59_999, "59 s ago"),
            (60_000, "1 min ago"),
            (3_599_999, "59 min ago"),
            (3_600_000, "1 h ago"),
            (360_000_000, "100 h ago"),
        ] {
            assert_eq!(ago(Duration::from_millis(milliseconds)), expected);
        }
    }
}
