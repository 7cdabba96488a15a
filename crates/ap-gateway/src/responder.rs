//! [`Responder`]: from a request to its answer.

use std::time::{Duration, Instant};

use ap_client::ap_core::Service;
use ap_listener::Framing;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;

use crate::access::{Access, OnAccess};
use crate::admission::Admission;
use crate::connections::Connections;
use crate::forward::Forwarder;
use crate::guard;
use crate::metrics::{self, Metrics};
use crate::phase::Phase;
use crate::ready::Readiness;
use crate::refusal::Refusal;
use crate::route::Route;

/// Below this path everything is the gateway's own.
const OWN_ROOT: &str = "/_gateway/";

/// What the connections of a gateway share.
pub(crate) struct Responder {
    pub(crate) forwarder: Forwarder,
    pub(crate) admission: Admission,
    pub(crate) metrics: Metrics,
    pub(crate) readiness: Readiness,
    pub(crate) on_access: Option<OnAccess>,
    pub(crate) connections: std::sync::Arc<Connections>,
}

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrance {
    pub(crate) route: Route,
    /// The listener's port, if it has one.
    pub(crate) port: Option<u16>,
}

/// Counts an answer when it is there, or when its client hung up before.
struct Answered<'a> {
    responder: &'a Responder,
    start: Instant,
    method: Method,
    service: Option<Service>,
    outcome: Option<(StatusCode, Option<&'static str>)>,
}

/// The status in the access log of a call whose client hung up before its answer.
const CLIENT_GONE: u16 = 499;
/// The method of a request whose head was not read.
const UNKNOWN_METHOD: &[u8] = b"-";

impl Responder {
    /// Answers a request. `framing` is how its head says where its body ends, and `phase` how far it is.
    pub(crate) async fn respond(
        &self,
        request: Request<Incoming>,
        framing: Framing,
        entrance: Entrance,
        phase: &Phase,
    ) -> Response<Bytes> {
        let mut answered = self.begin(request.method().clone());
        // A body that is not read to its end, or whose end is not known to the scanner, ends the connection. After `CONNECT`
        // a client may send anything.
        let closes = framing != Framing::KnownEnd || request.method() == Method::CONNECT;
        let outcome = self
            .answer(request, framing, entrance, phase, &mut answered)
            .await;
        let (mut response, reason) = match outcome {
            Ok(response) => (response, None),
            Err(refusal) => (refusal.response(), Some(refusal.reason)),
        };
        answered.outcome = Some((response.status(), reason));
        if closes || !phase.is_whole() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        framing: Framing,
        entrance: Entrance,
        phase: &Phase,
        answered: &mut Answered<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        let authorization = guard::check(&request, framing, entrance.port)?;
        let path = request.uri().path();
        let is_own = path.starts_with(OWN_ROOT);
        if is_own && path == "/_gateway/health" {
            return own(
                &request,
                StatusCode::OK,
                "application/json",
                r#"{"status":"up"}"#,
            );
        }
        if !authorization.is_some_and(|value| self.forwarder.local_key.is_password_of(value)) {
            return Err(Refusal::wrong_key());
        }
        if is_own {
            // It is rare and its future is large, so a call makes no room for it.
            return Box::pin(self.own_page(&request)).await;
        }
        let target = request.uri().path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let (service, target) = entrance.route.find(target)?;
        answered.service = Some(service);
        let (head, body) = request.into_parts();
        self.forwarder.check_head(&target, &head, &body)?;
        let start = answered.start;
        // Before the call may count as one in flight, so that clients that send slowly keep nobody out.
        let body = self.forwarder.read(body, start, phase).await?;
        let remaining = || self.forwarder.remaining(start);
        let _permit = self.admission.enter(remaining).await?;
        let metrics = &self.metrics;
        let call = self
            .forwarder
            .forward(service, target, head, body, start, metrics);
        call.await
    }

    /// Counts an answer to a request whose method is not known, because its head was not read.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        let unknown = Method::from_bytes(UNKNOWN_METHOD).unwrap_or_default();
        let mut answered = self.begin(unknown);
        answered.outcome = Some((refusal.status, Some(refusal.reason)));
    }

    fn begin(&self, method: Method) -> Answered<'_> {
        Answered {
            responder: self,
            start: Instant::now(),
            method,
            service: None,
            outcome: None,
        }
    }

    async fn own_page(&self, request: &Request<Incoming>) -> Result<Response<Bytes>, Refusal> {
        match request.uri().path() {
            "/_gateway/ready" => {
                let found = self.readiness.find(&self.forwarder.client).await;
                let found = found.ok_or_else(Refusal::overloaded)?;
                let status = if found.is_ready {
                    StatusCode::OK
                } else {
                    StatusCode::SERVICE_UNAVAILABLE
                };
                let text = json!({ "ready": found.is_ready, "products": found.products });
                own(request, status, "application/json", text.to_string())
            }
            "/_gateway/metrics" => {
                let (admission, connections) = (&self.admission, self.connections.count());
                let text =
                    self.metrics
                        .text(admission.in_flight(), admission.queued(), connections);
                own(request, StatusCode::OK, metrics::CONTENT_TYPE, text)
            }
            _ => Err(Refusal::no_such_page()),
        }
    }
}

/// Returns a page of the gateway's own.
fn own(
    request: &Request<Incoming>,
    status: StatusCode,
    media_type: &'static str,
    text: impl Into<Bytes>,
) -> Result<Response<Bytes>, Refusal> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::method());
    }
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static(media_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

impl Answered<'_> {
    fn report(&self) {
        let elapsed: Duration = self.start.elapsed();
        let gone = StatusCode::from_u16(CLIENT_GONE).unwrap_or(StatusCode::BAD_REQUEST);
        let (status, refusal) = self.outcome.unwrap_or((gone, Some("client_gone")));
        let metrics = &self.responder.metrics;
        match (refusal, self.service) {
            (Some(reason), _) => metrics.refused(reason),
            (None, Some(service)) => metrics.called(service, status, elapsed),
            (None, None) => {}
        }
        if let Some(on_access) = &self.responder.on_access {
            on_access(&Access {
                method: self.method.clone(),
                service: self.service,
                status,
                refusal,
                elapsed,
            });
        }
    }
}

impl Drop for Answered<'_> {
    fn drop(&mut self) {
        self.report();
    }
}
