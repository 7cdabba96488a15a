//! The checks that every request passes before it reaches a route, in their order.

mod same_origin;

use std::sync::Arc;
use std::time::Instant;

use ap_core::Service as VendorService;
use ap_listener::{Framing, Host};
use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use crate::content_type;
use crate::credentials::{self, Credentials};
use crate::fault::{self, Aborted, Fault, Kind};
use crate::operations::{self, Access, Operation};
use crate::response::{self, PlainText, RequestFacts, Response};
use crate::state::Shared;
use crate::{Product, accept, control, page, products};

/// The path below which everything is the emulator's own.
pub(crate) const CONTROL_ROOT: &str = "/_emulator";

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
            product_routes: products::routes(product, &shared),
            control_routes: with_fallbacks(product, control_routes),
            shared,
        }
    }

    pub(crate) async fn respond(
        &self,
        request: Request<Body>,
        framing: Framing,
        can_continue: bool,
    ) -> Result<Response, Aborted> {
        let begun = Instant::now();
        let facts = RequestFacts::new(&request, can_continue);
        let mut response = match self.refuse_message(&request, framing) {
            Some(refusal) => refusal,
            None if is_control_path(request.uri().path()) => self.respond_control(request).await,
            None => self.respond_product(request, facts).await?,
        };
        products::add_headers(self.product, begun.elapsed(), response.headers_mut());
        Ok(response::finish(response, facts))
    }

    fn refuse_message(&self, request: &Request<Body>, framing: Framing) -> Option<Response> {
        let service = products::service(self.product, request.uri().path());
        if framing == Framing::Ambiguous {
            let reason = "the framing of the request is ambiguous";
            let refusal = response::error(service, StatusCode::BAD_REQUEST, reason);
            return Some(response::closing(refusal));
        }
        let (status, reason) = match Host::of(request) {
            Host::Loopback => return None,
            Host::Malformed => (StatusCode::BAD_REQUEST, "exactly one Host header is needed"),
            Host::Foreign => (
                StatusCode::MISDIRECTED_REQUEST,
                "this emulator answers to loopback names only",
            ),
        };
        Some(response::error(service, status, reason))
    }

    /// Serves the account page and the control API.
    async fn respond_control(&self, request: Request<Body>) -> Response {
        let addresses = &self.shared.addresses;
        let mut response = match same_origin::refuse(addresses, self.product, &request) {
            Some(refusal) => refusal,
            None => {
                let is_form = is_form(&request);
                let service = self.product.main_service();
                let response = run(service, &self.control_routes, request).await;
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
        let service = products::service(self.product, request.uri().path());
        let fault = self.count_request();
        if let Some(fault) = fault {
            match fault.kind {
                Kind::Close => return Err(Aborted),
                Kind::Delay => tokio::time::sleep(fault.wait).await,
                _ => {}
            }
        }
        if let Some(response) = fault.and_then(|fault| fault.response(service)) {
            return Ok(response);
        }
        let response = match self.refuse_client(&request) {
            Some(refusal) => refusal,
            None => run(service, &self.product_routes, request).await,
        };
        if fault.is_some_and(|fault| fault.kind == Kind::Cut) {
            return Ok(fault::cut(response, facts));
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
        let path = request.uri().path();
        let operation = operations::find(self.product, request.method().as_str(), path);
        let is_open = match operation {
            Some(operation) => operation.access == Access::Open,
            None => operations::is_open(self.product, path),
        };
        if !is_open {
            if let Some(refusal) = self.refuse_credentials(request) {
                return Some(refusal);
            }
            let has_csv = operation.is_some_and(|operation| operation.name == "eventStatistics")
                && accept::accepts_csv(request.headers());
            if products::demands_accept(self.product)
                && !has_csv
                && !accept::accepts_json(request.headers())
            {
                let body = r#"{"error":"misconfigured csrf: check Accept header is set properly"}"#;
                return Some(response::json_text(StatusCode::FORBIDDEN, body));
            }
            let plan = self.shared.lock().plan;
            if let Some(refusal) = products::refuse_plan(self.product, plan, path) {
                return Some(refusal);
            }
        }
        // The vendor's handlers there refuse other methods themselves.
        if operation.is_none() && is_open {
            return None;
        }
        self.refuse_unserved(operation, path)
    }

    /// Nobody can tell what the vendor would respond here, so the response does not look like one of
    /// the vendor's.
    fn refuse_unserved(&self, operation: Option<&Operation>, path: &str) -> Option<Response> {
        let list = format!("{}operations", self.shared.addresses.control_url());
        let reason = match operation {
            Some(operation) if operation.is_served => return None,
            Some(Operation {
                name, method, path, ..
            }) => format!(
                "this emulator does not serve {name} ({method} {path}); {list} says what it serves"
            ),
            None => format!(
                "{} has no operation with this method and path that this emulator knows; {list} lists them",
                self.product
            ),
        };
        let service = products::service(self.product, path);
        Some(response::error(
            service,
            StatusCode::NOT_IMPLEMENTED,
            &reason,
        ))
    }

    fn refuse_credentials(&self, request: &Request<Body>) -> Option<Response> {
        let service = products::service(self.product, request.uri().path());
        let mut state = self.shared.lock();
        let accepted = state.account.accepted_by(self.product);
        let refusal = match credentials::check(request.headers(), accepted) {
            Credentials::Accepted => {
                state.count_acceptance(self.product);
                return None;
            }
            Credentials::Rejected if products::is_public(self.product, &state.store, request) => {
                return None;
            }
            Credentials::Rejected => products::unauthorized(service),
            Credentials::Ambiguous => {
                let reason = "more than one Authorization header";
                response::error(service, StatusCode::BAD_REQUEST, reason)
            }
        };
        state.count_refusal(self.product);
        Some(refusal)
    }
}

pub(crate) fn is_control_path(path: &str) -> bool {
    path == page::ICON_PATH
        || path
            .strip_prefix(CONTROL_ROOT)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns `true` if a browser sent a form without the page's script, and so expects a page.
fn is_form(request: &Request<Body>) -> bool {
    request.method() == Method::POST && accept::accepts_html(request.headers())
}

fn with_fallbacks(product: Product, routes: Router) -> Router {
    let service = product.main_service();
    let not_found = move || async move { response::not_found(service) };
    let wrong_method = move || async move {
        let reason = "method not allowed";
        response::error(service, StatusCode::METHOD_NOT_ALLOWED, reason)
    };
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
}

async fn run(service: VendorService, routes: &Router, request: Request<Body>) -> Response {
    let response = match TowerToHyperService::new(routes.clone()).call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    // axum's router refuses a path that is not UTF-8, and does so in plain text.
    let is_intended = response.extensions().get::<PlainText>().is_some();
    if response.status().is_client_error()
        && !content_type::is_json(response.headers())
        && !is_intended
    {
        return response::error(service, response.status(), "bad request");
    }
    response
}
