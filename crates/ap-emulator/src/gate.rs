//! What every request passes, in this order, before a product's own routes see it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, VARY};
use http::{Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use crate::answer::{self, Answer, Asked};
use crate::error::Dropped;
use crate::fault::{self, Fault, Kind};
use crate::wire::Head;
use crate::world::Shared;
use crate::{
    Product, accept, auth, control, host, lead_conduit, own_page, page, suppression_list,
    trusted_form,
};

/// One product's listener as the requests see it.
#[derive(Clone)]
pub(crate) struct Gate {
    product: Product,
    shared: Arc<Shared>,
    routes: Router,
    control: Router,
}

impl Gate {
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
        Ok(answer::finish(answer, asked))
    }

    fn refuse_message(&self, request: &Request<Body>, head: Head) -> Option<Answer> {
        let refuse = |status, reason| answer::error(self.product, status, reason);
        if !head.well_formed {
            let reason = "the framing of the request is ambiguous";
            return Some(answer::closing(refuse(StatusCode::BAD_REQUEST, reason)));
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
        let mut answer = match own_page::refuse(addresses, product, &request) {
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
            return Some(answer::text(StatusCode::FORBIDDEN, body));
        }
        if self.product == Product::LeadConduit {
            let plan = self.shared.world().plan;
            return lead_conduit::refuse_plan(plan, request.uri().path());
        }
        None
    }

    fn refuse_credentials(&self, request: &Request<Body>) -> Option<Answer> {
        let mut world = self.shared.world();
        let verdict = auth::judge(request.headers(), world.account.taken_by(self.product));
        let open = self.product == Product::LeadConduit
            && lead_conduit::is_open(request.method(), request.uri().path());
        let refusal = match verdict {
            auth::Verdict::Accepted => {
                world.count_acceptance(self.product);
                return None;
            }
            auth::Verdict::Refused if open => return None,
            auth::Verdict::Refused => unauthorized(self.product),
            auth::Verdict::Ambiguous => answer::error(
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
    let mut answer = answer::text(StatusCode::UNAUTHORIZED, body);
    if product == Product::LeadConduit {
        answer
            .headers_mut()
            .insert(ETAG, HeaderValue::from_static(r#"W/"21-48c58abe""#));
    }
    answer
}

fn with_fallbacks(product: Product, routes: Router) -> Router {
    let missing = move || async move { not_found(product) };
    let wrong = move || async move {
        answer::error(
            product,
            StatusCode::METHOD_NOT_ALLOWED,
            "method not allowed",
        )
    };
    routes.fallback(missing).method_not_allowed_fallback(wrong)
}

pub(crate) fn not_found(product: Product) -> Answer {
    answer::error(product, StatusCode::NOT_FOUND, "not found")
}

async fn run(product: Product, routes: &Router, request: Request<Body>) -> Answer {
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
        return answer::error(product, answer.status(), "bad request");
    }
    answer
}

fn is_json(answer: &Answer) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}
