//! Who may use the control calls, which need no key: plain programs on this machine, and the page
//! that the same port served. Not a page of another site, neither by a request across origins nor
//! under a name of its own that was made to point at the loopback address.

use axum::body::Body;
use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::{Request, StatusCode};
use serde_json::json;

use crate::Product;
use crate::addresses::Addresses;
use crate::response::{self, Answer};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The answer to a request that must not reach the control calls of `product`'s port.
pub(crate) fn refuse(
    addresses: &Addresses,
    product: Product,
    request: &Request<Body>,
) -> Option<Answer> {
    let headers = request.headers();
    let refusal = |status, reason: &str| Some(response::json(status, &json!({ "error": reason })));
    let target = request.uri().authority();
    let here = |name: &str| addresses.is_own_host(product, name);
    if !all(headers, &HOST, here) || !target.is_none_or(|name| here(name.as_str())) {
        let reason = "control calls answer to this port's own address and to localhost only";
        return refusal(StatusCode::MISDIRECTED_REQUEST, reason);
    }
    // A browser names the origin whose page makes it send a request that may change something, and
    // says how that origin is related to this one. Other programs send neither.
    let own_origin = |origin: &str| addresses.is_own_origin(product, origin);
    let own_site = |site: &str| matches!(site, "same-origin" | "none");
    let from_here = all(headers, &ORIGIN, own_origin) && all(headers, &SEC_FETCH_SITE, own_site);
    if !request.method().is_safe() && !from_here {
        let reason = "requests of other origins may not control the emulator";
        return refusal(StatusCode::FORBIDDEN, reason);
    }
    None
}

fn all(headers: &HeaderMap, name: &HeaderName, passes: impl Fn(&str) -> bool) -> bool {
    let mut lines = headers.get_all(name).iter();
    lines.all(|line| line.to_str().is_ok_and(&passes))
}
