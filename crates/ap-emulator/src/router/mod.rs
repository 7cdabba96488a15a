//! What every request passes, in this order, before a product's own routes see it.

use std::sync::Arc;

use axum::body::Body;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, VARY};
use http::{Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use crate::error::Dropped;
use crate::fault::{self, Fault, Kind};
use crate::listener::head_scanner::Head;
use crate::products::{lead_conduit, suppression_list, trusted_form};
use crate::response::{self, Answer, Asked};
use crate::state::Shared;
use crate::{Product, control, page};

pub(crate) mod accept;
mod credentials;
mod host;
mod same_origin;

/// One product's listener as the requests see it.
#[derive(Clone)]
pub(crate) struct Router {
    product: Product,
    shared: Arc<Shared>,
    routes: axum::Router,
    control: axum::Router,
}

impl Router {
    pub(crate) fn new(product: Product, shared: Arc<Shared>) -> Self {
        let routes = match product {
            Product::LeadConduit => lead_conduit::routes(Arc::clone(&shared)),
            Product::TrustedForm => trusted_form::routes(),
            Product::SuppressionList => suppression_list::routes(),
        };
        let routes = with_fallbacks(product, routes);
        let control = with_fallbacks(product, control::routes(&shared));
        Self {
            product,
            shared,
            routes,
            control,
        }
    }

    pub(crate) async fn answer(
        &self,
        request: Request<Body>,
        head: Head,
    ) -> Result<Answer, Dropped> {
        let asked = Asked::of(&request, head.next_is_known);
        let mut answer = match self.refuse_message(&request, head) {
            Some(refusal) => refusal,
            None if control::owns(request.uri().path()) => self.control(request).await,
            None => self.product_answer(request, asked).await?,
        };
        if self.product == Product::LeadConduit {
            let vary = HeaderValue::from_static("Accept, Accept-Encoding");
            answer.headers_mut().insert(VARY, vary);
        }
        Ok(response::finish(answer, asked))
    }

    fn refuse_message(&self, request: &Request<Body>, head: Head) -> Option<Answer> {
        let refuse = |status, reason| response::error(self.product, status, reason);
        if !head.well_formed {
            let reason = "the framing of the request is ambiguous";
            return Some(response::closing(refuse(StatusCode::BAD_REQUEST, reason)));
        }
        match host::judge(request) {
            host::Verdict::Loopback => None,
            host::Verdict::Malformed => Some(refuse(
                StatusCode::BAD_REQUEST,
                "exactly one Host header is needed",
            )),
            host::Verdict::Foreign => Some(refuse(
                StatusCode::MISDIRECTED_REQUEST,
                "this emulator answers to loopback names only",
            )),
        }
    }

    async fn control(&self, request: Request<Body>) -> Answer {
        let (addresses, product) = (&self.shared.addresses, self.product);
        let mut answer = match same_origin::refuse(addresses, product, &request) {
            Some(refusal) => refusal,
            None => {
                let from_form = page::is_form(&request);
                let answer = run(product, &self.control, request).await;
                match answer.status() {
                    StatusCode::OK if from_form => page::redirect(StatusCode::SEE_OTHER),
                    _ => answer,
                }
            }
        };
        page::protect(answer.headers_mut());
        answer
    }

    async fn product_answer(
        &self,
        request: Request<Body>,
        asked: Asked,
    ) -> Result<Answer, Dropped> {
        let fault = self.count_request();
        match fault.map(|fault| fault.kind) {
            Some(Kind::Close) => return Err(Dropped),
            Some(Kind::Delay) => {
                tokio::time::sleep(fault.map(|fault| fault.wait).unwrap_or_default()).await;
            }
            _ => {}
        }
        if let Some(stand_in) = fault.and_then(Fault::stand_in) {
            return Ok(stand_in);
        }
        let answer = match self.refuse_client(&request) {
            Some(refusal) => refusal,
            None => run(self.product, &self.routes, request).await,
        };
        if fault.is_some_and(|fault| fault.kind == Kind::Cut) {
            return fault::cut(answer, asked).await;
        }
        Ok(answer)
    }

    fn count_request(&self) -> Option<Fault> {
        let mut world = self.shared.world();
        let side = world.side(self.product);
        side.requests += 1;
        side.faults.next()
    }

    fn refuse_client(&self, request: &Request<Body>) -> Option<Answer> {
        if let Some(refusal) = self.refuse_credentials(request) {
            return Some(refusal);
        }
        if !accept::wants_json(request.headers()) {
            let body = r#"{"error":"misconfigured csrf: check Accept header is set properly"}"#;
            return Some(response::text(StatusCode::FORBIDDEN, body));
        }
        if self.product == Product::LeadConduit {
            let plan = self.shared.world().plan;
            return lead_conduit::refuse_plan(plan, request.uri().path());
        }
        None
    }

    fn refuse_credentials(&self, request: &Request<Body>) -> Option<Answer> {
        let mut world = self.shared.world();
        let verdict = credentials::judge(request.headers(), world.account.taken_by(self.product));
        let open = self.product == Product::LeadConduit
            && lead_conduit::is_open(request.method(), request.uri().path());
        let refusal = match verdict {
            credentials::Verdict::Accepted => {
                world.count_acceptance(self.product);
                return None;
            }
            credentials::Verdict::Refused if open => return None,
            credentials::Verdict::Refused => unauthorized(self.product),
            credentials::Verdict::Ambiguous => response::error(
                self.product,
                StatusCode::BAD_REQUEST,
                "more than one Authorization header",
            ),
        };
        world.count_refusal(self.product);
        Some(refusal)
    }
}

fn unauthorized(product: Product) -> Answer {
    let body = match product {
        Product::LeadConduit => r#"{"error":"authentication failed"}"#,
        Product::TrustedForm => r#"{"outcome":"error","reason":"Unauthorized"}"#,
        Product::SuppressionList => r#"{"message":"HTTP Basic: Access denied"}"#,
    };
    let mut answer = response::text(StatusCode::UNAUTHORIZED, body);
    if product == Product::LeadConduit {
        answer
            .headers_mut()
            .insert(ETAG, HeaderValue::from_static(r#"W/"21-48c58abe""#));
    }
    answer
}

fn with_fallbacks(product: Product, routes: axum::Router) -> axum::Router {
    let missing = move || async move { not_found(product) };
    let wrong = move || async move {
        response::error(
            product,
            StatusCode::METHOD_NOT_ALLOWED,
            "method not allowed",
        )
    };
    routes.fallback(missing).method_not_allowed_fallback(wrong)
}

pub(crate) fn not_found(product: Product) -> Answer {
    response::error(product, StatusCode::NOT_FOUND, "not found")
}

async fn run(product: Product, routes: &axum::Router, request: Request<Body>) -> Answer {
    // `OPTIONS *` and `CONNECT` name no path at all, which the router does not expect.
    if !request.uri().path().starts_with('/') {
        return not_found(product);
    }
    let answer = match TowerToHyperService::new(routes.clone()).call(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    // The router refuses a path that is no UTF-8 in plain text.
    if answer.status().is_client_error() && !is_json(&answer) {
        return response::error(product, answer.status(), "bad request");
    }
    answer
}

fn is_json(answer: &Answer) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}
