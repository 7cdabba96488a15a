//! The API answers only clients that name JSON in `Accept`; `*/*` is not enough.

use http::HeaderMap;
use http::header::ACCEPT;

pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(names_json)
}

fn names_json(range: &str) -> bool {
    let mut parts = range.split(';');
    let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json =
        matches!(name.as_str(), "application/json" | "text/json") || name.ends_with("+json");
    is_json && !parts.any(is_zero_weight)
}

fn is_zero_weight(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>() == Ok(0.0)
    })
}
