//! What differs between the products: their routes, their 401, and who needs no key.

mod lead_conduit;
mod suppression_list;
mod trusted_form;

use std::sync::Arc;

use axum::Router;
use http::header::{ETAG, HeaderMap, HeaderValue, VARY};
use http::{Request, StatusCode};

use crate::Product;
use crate::response::{self, Response};
use crate::state::Shared;
use crate::state::plan::Plan;

pub(crate) fn routes(product: Product, shared: &Arc<Shared>) -> Router {
    match product {
        Product::LeadConduit => lead_conduit::routes(Arc::clone(shared)),
        Product::TrustedForm => trusted_form::routes(),
        Product::SuppressionList => suppression_list::routes(),
    }
}

/// The 401 for a missing or rejected key.
pub(crate) fn unauthorized(product: Product) -> Response {
    let body = match product {
        Product::LeadConduit => r#"{"error":"authentication failed"}"#,
        Product::TrustedForm => r#"{"outcome":"error","reason":"Unauthorized"}"#,
        Product::SuppressionList => r#"{"message":"HTTP Basic: Access denied"}"#,
    };
    let mut response = response::json_text(StatusCode::UNAUTHORIZED, body);
    if product == Product::LeadConduit {
        let etag = HeaderValue::from_static(r#"W/"21-48c58abe""#);
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// Returns `true` if the request needs no key.
pub(crate) fn is_public<B>(product: Product, request: &Request<B>) -> bool {
    product == Product::LeadConduit
        && lead_conduit::is_shared_report(request.method(), request.uri().path())
}

/// Returns the refusal of a request that the account's plan does not include.
pub(crate) fn refuse_plan(product: Product, plan: Plan, path: &str) -> Option<Response> {
    match product {
        Product::LeadConduit => lead_conduit::refuse_plan(plan, path),
        Product::TrustedForm | Product::SuppressionList => None,
    }
}

/// Adds the header lines that `product` puts into every response.
pub(crate) fn add_headers(product: Product, headers: &mut HeaderMap) {
    if product == Product::LeadConduit {
        let vary = HeaderValue::from_static("Accept, Accept-Encoding");
        headers.insert(VARY, vary);
    }
}
