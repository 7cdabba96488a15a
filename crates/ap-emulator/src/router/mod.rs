//! The checks that every request passes before it reaches a route, in their order.

mod accept;
mod credentials;
mod host;
mod same_origin;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use self::credentials::Credentials;
use self::host::Host;
use crate::fault::{self, Aborted, Fault, Kind};
use crate::response::{self, RequestFacts, Response};
use crate::state::Shared;
use crate::{Product, control, page, products};

/// How the head of a request says where its body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Servers could disagree about the end of the request, so it is refused.
    Ambiguous,
    /// A valid request; the next one starts right after it.
    KnownEnd,
    /// A valid request. Its end was not looked for, so the connection closes after it.
    UnknownEnd,
}

/// Routes the requests to the port of one product.
#[derive(Clone)]
pub(crate) struct ProductRouter {
    product: Product,
    shared: Arc<Shared>,
    product_routes: Router,
    control_routes: Router,
}

impl ProductRouter {
    pub(crate) fn new(product: Product, shared: Arc<Shared>) -> Self {
        let control_routes =
            page::routes(Arc::clone(&shared)).merge(control::routes(Arc::clone(&shared)));
        Self {
            product,
            product_routes: with_fallbacks(product, products::routes(product, &shared)),
            control_routes: with_fallbacks(product, control_routes),
            shared,
        }
    }

    pub(crate) async fn respond(
        &self,
        request: Request<Body>,
        framing: Framing,
    ) -> Result<Response, Aborted> {
        let facts = RequestFacts::new(&request, framing == Framing::KnownEnd);
        let mut response = match self.refuse_message(&request, framing) {
            Some(refusal) => refusal,
            None if is_control_path(request.uri().path()) => self.respond_control(request).await,
            None => self.respond_product(request, facts).await?,
        };
        products::add_headers(self.product, response.headers_mut());
        Ok(response::finish(response, facts))
    }

    fn refuse_message(&self, request: &Request<Body>, framing: Framing) -> Option<Response> {
        if framing == Framing::Ambiguous {
            let reason = "the framing of the request is ambiguous";
            let refusal = response::error(self.product, StatusCode::BAD_REQUEST, reason);
            return Some(response::closing(refusal));
        }
        let (status, reason) = match host::check(request) {
            Host::Loopback => return None,
            Host::Malformed => (StatusCode::BAD_REQUEST, "exactly one Host header is needed"),
            Host::Foreign => (
                StatusCode::MISDIRECTED_REQUEST,
                "this emulator answers to loopback names only",
            ),
        };
        Some(response::error(self.product, status, reason))
    }

    /// Serves the account page and the control API.
    async fn respond_control(&self, request: Request<Body>) -> Response {
        let addresses = &self.shared.addresses;
        let mut response = match same_origin::refuse(addresses, self.product, &request) {
            Some(refusal) => refusal,
            None => {
                let is_form = is_form(&request);
                let response = run(self.product, &self.control_routes, request).await;
                match response.status() {
                    StatusCode::OK if is_form => page::redirect(StatusCode::SEE_OTHER),
                    _ => response,
                }
            }
        };
        page::add_security_headers(response.headers_mut());
        response
    }

    async fn respond_product(
        &self,
        request: Request<Body>,
        facts: RequestFacts,
    ) -> Result<Response, Aborted> {
        let fault = self.count_request();
        if let Some(fault) = fault {
            match fault.kind {
                Kind::Close => return Err(Aborted),
                Kind::Delay => tokio::time::sleep(fault.wait).await,
                _ => {}
            }
        }
        if let Some(response) = fault.and_then(Fault::response) {
            return Ok(response);
        }
        let response = match self.refuse_client(&request) {
            Some(refusal) => refusal,
            None => run(self.product, &self.product_routes, request).await,
        };
        if fault.is_some_and(|fault| fault.kind == Kind::Cut) {
            return fault::cut(response, facts).await;
        }
        Ok(response)
    }

    /// Counts a request and returns the fault that it meets, if any.
    fn count_request(&self) -> Option<Fault> {
        let mut state = self.shared.lock();
        let record = state.product(self.product);
        record.requests += 1;
        record.faults.pop()
    }

    fn refuse_client(&self, request: &Request<Body>) -> Option<Response> {
        if let Some(refusal) = self.refuse_credentials(request) {
            return Some(refusal);
        }
        if !accept::accepts_json(request.headers()) {
            let body = r#"{"error":"misconfigured csrf: check Accept header is set properly"}"#;
            return Some(response::json_text(StatusCode::FORBIDDEN, body));
        }
        let plan = self.shared.lock().plan;
        products::refuse_plan(self.product, plan, request.uri().path())
    }

    fn refuse_credentials(&self, request: &Request<Body>) -> Option<Response> {
        let mut state = self.shared.lock();
        let accepted = state.account.accepted_by(self.product);
        let refusal = match credentials::check(request.headers(), accepted) {
            Credentials::Accepted => {
                state.count_acceptance(self.product);
                return None;
            }
            Credentials::Rejected if products::is_public(self.product, request) => return None,
            Credentials::Rejected => products::unauthorized(self.product),
            Credentials::Ambiguous => {
                let reason = "more than one Authorization header";
                response::error(self.product, StatusCode::BAD_REQUEST, reason)
            }
        };
        state.count_refusal(self.product);
        Some(refusal)
    }
}

fn is_control_path(path: &str) -> bool {
    path == page::ICON_PATH
        || path
            .strip_prefix("/_emulator")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns `true` if a browser sent a form without the page's script, and so expects a page.
fn is_form(request: &Request<Body>) -> bool {
    request.method() == Method::POST && accept::accepts_html(request.headers())
}

fn with_fallbacks(product: Product, routes: Router) -> Router {
    let not_found = move || async move { response::not_found(product) };
    let wrong_method = move || async move {
        let reason = "method not allowed";
        response::error(product, StatusCode::METHOD_NOT_ALLOWED, reason)
    };
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
}

async fn run(product: Product, routes: &Router, request: Request<Body>) -> Response {
    // `OPTIONS *` and `CONNECT` have no path, and axum's router expects one.
    if !request.uri().path().starts_with('/') {
        return response::not_found(product);
    }
    let response = match TowerToHyperService::new(routes.clone()).call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    // axum's router refuses a path that is not UTF-8, and does so in plain text.
    if response.status().is_client_error() && !is_json(&response) {
        return response::error(product, response.status(), "bad request");
    }
    response
}

fn is_json(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}
