//! The changes: each reset and login, with the calls until the next one.

use std::fmt::Write;

use jiff::Timestamp;

use super::template::fill;
use crate::Product;
use crate::state::history::{CallCounts, Change, Event, History};

pub(super) fn rows(history: &History) -> String {
    let mut rows = String::new();
    let mut until = "since then";
    for change in history.newest_first() {
        rows += &fill(
            include_str!("change.html"),
            &[
                ("number", &change.number.to_string()),
                ("at", &change.at.as_second().to_string()),
                ("time", &time_of_day(change.at)),
                ("what", &sentence(change)),
                ("calls", &call_counts(change, until)),
            ],
        );
        until = "until the next change";
    }
    rows
}

fn sentence(change: &Change) -> String {
    let now = change.generation;
    match change.event {
        Event::Start => "The emulator started. Every product accepts key 1.".to_owned(),
        Event::Reset => {
            format!("The key was reset: key {now} is current. No product accepts it yet.")
        }
        Event::Login { product, previous } if previous == now => {
            format!("Logged in to {product}, which already accepted key {now}.")
        }
        Event::Login { product, previous } => {
            format!("Logged in to {product}. It now accepts key {now} and rejects key {previous}.")
        }
    }
}

fn call_counts(change: &Change, until: &str) -> String {
    let mut text = String::new();
    for product in Product::ALL {
        let CallCounts { accepted, refused } = change.calls(product);
        let counts = match (accepted, refused) {
            (0, 0) => continue,
            (_, 0) => format!("{accepted} accepted"),
            (0, _) => refusals(refused),
            _ => format!("{accepted} accepted, {}", refusals(refused)),
        };
        let separator = if text.is_empty() { "" } else { "; " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{product} {counts}");
    }
    if text.is_empty() {
        format!("No calls {until}.")
    } else {
        format!("Calls {until}: {text}.")
    }
}

fn refusals(number: u64) -> String {
    format!("<strong class=\"refused\">{number} refused</strong>")
}

fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}
