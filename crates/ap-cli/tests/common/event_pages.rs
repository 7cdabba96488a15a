//! A server's pages of events.

use super::counting::{Answer, Request};

/// How many events a page of the test's server has.
pub(crate) const PAGE: usize = 10;

pub(crate) fn id(number: usize) -> String {
    format!("{number:024x}")
}

pub(crate) fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let query = request.line.split(' ').nth(1)?.split_once('?')?.1;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(found, value)| (found == name).then_some(value))
}

/// Answers as the product does, for events 1 to `count`.
pub(crate) fn page(request: &Request, count: usize) -> Answer {
    let after =
        parameter(request, "after_id").map_or(0, |id| usize::from_str_radix(id, 16).unwrap());
    let events = (after + 1..=count).take(PAGE).map(|number| {
        format!(
            "{{\"id\":\"{}\",\n \"type\":\"source\",\"ms\":1.50,\"unknown\":{{\"b\":1,\"a\":2}},\"vars\":{{\"lead\":{{\"email\":\"a,b\"}}}}}}",
            id(number)
        )
    });
    (
        200,
        "",
        format!("[{}]", events.collect::<Vec<_>>().join(",")),
    )
}
