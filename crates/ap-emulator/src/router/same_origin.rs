//! Who may use the account page and the control API, which need no key: programs on this machine, and
//! the page that the same port served. Pages of other sites may not, neither by a cross-origin request
//! nor under a host name of theirs that points to the loopback address.

use axum::body::Body;
use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::{Request, StatusCode};
use serde_json::json;

use crate::Product;
use crate::addresses::Addresses;
use crate::response::{self, Response};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Returns the refusal of a request that may not reach the page and the control API.
pub(super) fn refuse(
    addresses: &Addresses,
    product: Product,
    request: &Request<Body>,
) -> Option<Response> {
    let headers = request.headers();
    let refusal = |status, reason: &str| Some(response::json(status, &json!({ "error": reason })));
    let is_own_host = |name: &str| addresses.is_own_host(product, name);
    let target = request.uri().authority();
    if !all_lines(headers, &HOST, is_own_host)
        || !target.is_none_or(|authority| is_own_host(authority.as_str()))
    {
        let reason = "control calls answer to this port's own address and to localhost only";
        return refusal(StatusCode::MISDIRECTED_REQUEST, reason);
    }
    // With a request that may change something, a browser sends the origin of the page that made it,
    // and how that origin relates to this one. Other programs send neither.
    let is_own_origin = |origin: &str| addresses.is_own_origin(product, origin);
    let is_own_site = |site: &str| matches!(site, "same-origin" | "none");
    let is_from_here = all_lines(headers, &ORIGIN, is_own_origin)
        && all_lines(headers, &SEC_FETCH_SITE, is_own_site);
    if !request.method().is_safe() && !is_from_here {
        let reason = "requests of other origins may not control the emulator";
        return refusal(StatusCode::FORBIDDEN, reason);
    }
    None
}

/// Returns `true` if every line of the header passes, or if there is none.
fn all_lines(headers: &HeaderMap, name: &HeaderName, passes: impl Fn(&str) -> bool) -> bool {
    let mut lines = headers.get_all(name).iter();
    lines.all(|line| line.to_str().is_ok_and(&passes))
}
