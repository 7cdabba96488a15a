//! Which media types a client accepts. The API serves only clients that name JSON in `Accept`; `*/*`
//! is not enough.

use http::HeaderMap;
use http::header::ACCEPT;

pub(crate) fn accepts_json(headers: &HeaderMap) -> bool {
    names(headers, |kind| {
        matches!(kind, "application/json" | "text/json") || kind.ends_with("+json")
    })
}

/// Statistics alone are also served as CSV.
pub(crate) fn accepts_csv(headers: &HeaderMap) -> bool {
    names(headers, |kind| kind == "text/csv")
}

/// Only browsers name HTML, and only when they load a page.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    names(headers, |kind| kind == "text/html")
}

fn names(headers: &HeaderMap, is_wanted: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|range| {
            let mut parts = range.split(';');
            let kind = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            is_wanted(&kind) && !parts.any(is_zero_weight)
        })
}

fn is_zero_weight(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>() == Ok(0.0)
    })
}
