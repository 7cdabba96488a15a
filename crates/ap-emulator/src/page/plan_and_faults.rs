//! The account's plan, and the faults that the next requests meet.

use std::fmt::Write;

use super::template::count;
use crate::Product;
use crate::fault::{Fault, Kind};
use crate::state::EmulatorState;
use crate::state::plan::Plan;

/// How many faults of a product the page lists. The others it counts.
const MAX_LISTED: usize = 5;

pub(super) const fn plan(plan: Plan) -> &'static str {
    match plan {
        Plan::Free => {
            "Free: LeadConduit refuses /flows, /fields, /leads and /search/leads, even with the accepted key, and TrustedForm refuses all operations but match lead."
        }
        Plan::Paid => "Paid: no call is refused because of the plan.",
        Plan::Unpaid => "Unpaid: TrustedForm's certificates and SuppressionList refuse every call.",
    }
}

/// Returns the faults that are still to come, as a list with an item for each product that has some.
pub(super) fn queued(state: &EmulatorState) -> String {
    let mut items = String::new();
    for product in Product::ALL {
        let faults = &state.record(product).faults;
        let listed: Vec<String> = faults.iter().take(MAX_LISTED).map(describe).collect();
        if listed.is_empty() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = write!(items, "<li>{product}: {}", listed.join(", then "));
        let others = faults.len() - listed.len();
        if others > 0 {
            let _ = write!(items, ", and {}", count(others as u64, "more fault"));
        }
        items += "</li>\n";
    }
    if items.is_empty() {
        "<p>No faults are queued.</p>".to_owned()
    } else {
        format!("<ul>\n{items}</ul>")
    }
}

fn describe(fault: &Fault) -> String {
    let wait = match fault.kind {
        Kind::Delay => format!(" of {} ms", fault.wait.as_millis()),
        _ => String::new(),
    };
    let requests = count(fault.count.into(), "request");
    format!("{}{wait} ({requests})", short_name(fault.kind))
}

pub(super) fn product_options() -> String {
    let option = |product: Product| option(product.id(), &product.to_string());
    Product::ALL.map(option).concat()
}

pub(super) fn kind_options() -> String {
    Kind::ALL
        .map(|kind| {
            option(
                kind.name(),
                &format!("{}{}", short_name(kind), effect(kind)),
            )
        })
        .concat()
}

fn option(value: &str, text: &str) -> String {
    format!("<option value=\"{value}\">{text}</option>\n")
}

const fn short_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Delay => "delay",
        Kind::TooManyRequests => "429 Too Many Requests",
        Kind::InternalError => "500 Internal Server Error",
        Kind::BadGateway => "502 Bad Gateway",
        Kind::Unavailable => "503 Service Unavailable",
        Kind::GatewayTimeout => "504 Gateway Timeout",
        Kind::Cut => "cut",
        Kind::Close => "close",
    }
}

/// Says what a fault does if its name does not.
const fn effect(kind: Kind) -> &'static str {
    match kind {
        Kind::Delay => " of the usual response",
        Kind::Cut => " in the middle of the body",
        Kind::Close => " without a response",
        Kind::TooManyRequests
        | Kind::InternalError
        | Kind::BadGateway
        | Kind::Unavailable
        | Kind::GatewayTimeout => "",
    }
}
