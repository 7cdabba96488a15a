//! What differs between the products: their routes, their 401, and who needs no key.

mod lead_conduit;
mod list_body;
mod suppression_list;
mod trusted_form;

use std::sync::Arc;
use std::time::Duration;

use ap_core::Service;
use axum::Router;
use http::header::{ETAG, HeaderMap, HeaderName, HeaderValue, VARY};
use http::{Request, StatusCode};

use crate::Product;
use crate::response::{self, Response};
use crate::state::Shared;
use crate::state::plan::Plan;
use crate::state::store::Store;

/// The seconds that a response took, as Rails servers say it.
static X_RUNTIME: HeaderName = HeaderName::from_static("x-runtime");

pub(crate) fn routes(product: Product, shared: &Arc<Shared>) -> Router {
    match product {
        Product::LeadConduit => lead_conduit::routes(Arc::clone(shared)),
        Product::TrustedForm => trusted_form::routes(Arc::clone(shared)),
        Product::SuppressionList => suppression_list::routes(Arc::clone(shared)),
    }
}

/// Returns the service of `product` that has `path`. TrustedForm's two have one port here.
pub(crate) fn service(product: Product, path: &str) -> Service {
    match product {
        Product::TrustedForm if path == trusted_form::ACCOUNT => Service::TrustedFormApp,
        _ => product.main_service(),
    }
}

/// The 401 for a missing or rejected key.
pub(crate) fn unauthorized(service: Service) -> Response {
    let body = match service {
        Service::TrustedForm => r#"{"outcome":"error","reason":"Unauthorized"}"#,
        Service::SuppressionList => r#"{"message":"HTTP Basic: Access denied"}"#,
        // The application's member is known, and its text is not. This one is documented for all products.
        _ => r#"{"error":"authentication failed"}"#,
    };
    let mut response = response::json_text(StatusCode::UNAUTHORIZED, body);
    if service == Service::LeadConduit {
        let etag = HeaderValue::from_static(r#"W/"21-48c58abe""#);
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// Returns `true` if the request needs no key.
pub(crate) fn is_public<B>(product: Product, store: &Store, request: &Request<B>) -> bool {
    product == Product::LeadConduit
        && lead_conduit::is_shared_report(store, request.method(), request.uri().path())
}

/// Returns the refusal of a request that the account's plan does not include.
pub(crate) fn refuse_plan(product: Product, plan: Plan, path: &str) -> Option<Response> {
    match product {
        Product::LeadConduit => lead_conduit::refuse_plan(plan, path),
        Product::TrustedForm => trusted_form::refuse_plan(plan, path),
        Product::SuppressionList => suppression_list::refuse_plan(plan),
    }
}

/// Returns `true` if `product` refuses calls whose `Accept` does not name JSON. The others are known to
/// respond without it; the vendor's own TrustedForm client sends none.
pub(crate) fn demands_accept(product: Product) -> bool {
    product == Product::LeadConduit
}

/// Adds the header lines that `product` puts into every response. `took` is the time of this one.
pub(crate) fn add_headers(product: Product, took: Duration, headers: &mut HeaderMap) {
    match product {
        Product::LeadConduit => {
            let vary = HeaderValue::from_static("Accept, Accept-Encoding");
            headers.insert(VARY, vary);
        }
        Product::TrustedForm => {}
        Product::SuppressionList => {
            let seconds = format!("{:.6}", took.as_secs_f64());
            if let Ok(seconds) = HeaderValue::from_str(&seconds) {
                headers.insert(&X_RUNTIME, seconds);
            }
        }
    }
}
