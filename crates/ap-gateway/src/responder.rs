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
use crate::forward::{Call, Forwarder};
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

/// A request whose head was looked at.
pub(crate) struct Received<'a> {
    answered: Answered<'a>,
    action: Action,
    /// The connection ends after the answer.
    closes: bool,
}

/// What is done to answer a request.
enum Action {
    /// The gateway answers by itself, with the reason if that is a refusal.
    Answer(Response<Bytes>, Option<&'static str>),
    FindReadiness,
    Forward(Call),
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
    /// Looks at the head of a request. `framing` is how it says where its body ends.
    ///
    /// Answering is a separate step, so that its future stores only what remains of the request.
    pub(crate) fn receive(
        &self,
        request: Request<Incoming>,
        framing: Framing,
        entrance: Entrance,
    ) -> Received<'_> {
        let mut answered = self.begin(request.method().clone());
        // A body that is not read to its end, or whose end is not known to the scanner, ends the connection. After `CONNECT`
        // a client may send anything.
        let closes = framing != Framing::KnownEnd || request.method() == Method::CONNECT;
        let action = self.decide(request, framing, entrance, &mut answered.service);
        Received {
            answered,
            action: action
                .unwrap_or_else(|refusal| Action::Answer(refusal.response(), Some(refusal.reason))),
            closes,
        }
    }

    fn decide(
        &self,
        request: Request<Incoming>,
        framing: Framing,
        entrance: Entrance,
        found_service: &mut Option<Service>,
    ) -> Result<Action, Refusal> {
        let authorization = guard::check(&request, framing, entrance.port)?;
        let path = request.uri().path();
        let own_page = path.strip_prefix(OWN_ROOT);
        if own_page == Some("health") {
            return own(request.method(), "application/json", r#"{"status":"up"}"#);
        }
        if !authorization.is_some_and(|value| self.forwarder.local_key.is_password_of(value)) {
            return Err(Refusal::wrong_key());
        }
        if let Some(own_page) = own_page {
            return self.own_page(own_page, request.method());
        }
        let target = request.uri().path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let (service, target) = entrance.route.find(target)?;
        *found_service = Some(service);
        let call = self.forwarder.check_head(service, target, request)?;
        Ok(Action::Forward(call))
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

    fn own_page(&self, page: &str, method: &Method) -> Result<Action, Refusal> {
        match page {
            "ready" => {
                check_own(method)?;
                Ok(Action::FindReadiness)
            }
            "metrics" => {
                let (admission, connections) = (&self.admission, self.connections.count());
                let text =
                    self.metrics
                        .text(admission.in_flight(), admission.queued(), connections);
                own(method, metrics::CONTENT_TYPE, text)
            }
            _ => Err(Refusal::no_such_page()),
        }
    }

    async fn forward(
        &self,
        call: &mut Call,
        start: Instant,
        phase: &Phase,
    ) -> Result<Response<Bytes>, Refusal> {
        // Before the call may count as one in flight, so that clients that send slowly keep nobody out.
        self.forwarder.read(call, start, phase).await?;
        let remaining = || self.forwarder.remaining(start);
        let _permit = self.admission.enter(remaining).await?;
        self.forwarder.forward(call, start, &self.metrics).await
    }

    async fn find_readiness(&self) -> Result<Response<Bytes>, Refusal> {
        let found = self.readiness.find(&self.forwarder.client).await;
        let found = found.ok_or_else(Refusal::overloaded)?;
        let status = if found.is_ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let text = json!({ "ready": found.is_ready, "products": found.products });
        Ok(page(status, "application/json", text.to_string()))
    }
}

/// Returns a page of the gateway's own.
fn own(
    method: &Method,
    media_type: &'static str,
    text: impl Into<Bytes>,
) -> Result<Action, Refusal> {
    check_own(method)?;
    let page = page(StatusCode::OK, media_type, text);
    Ok(Action::Answer(page, None))
}

/// Refuses a method that a page of the gateway's own does not have.
fn check_own(method: &Method) -> Result<(), Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Refusal::method()),
    }
}

fn page(status: StatusCode, media_type: &'static str, text: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static(media_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

impl Received<'_> {
    /// Answers the request. `phase` is how far it is.
    pub(crate) async fn respond(&mut self, phase: &Phase) -> Response<Bytes> {
        let (responder, start) = (self.answered.responder, self.answered.start);
        let mut reason = None;
        let refuse = |refusal: Refusal| {
            reason = Some(refusal.reason);
            refusal.response()
        };
        let mut response = match &mut self.action {
            Action::Answer(response, known) => {
                reason = *known;
                std::mem::take(response)
            }
            // It is rare and its future is large, so a call makes no room for it.
            Action::FindReadiness => Box::pin(responder.find_readiness())
                .await
                .unwrap_or_else(refuse),
            Action::Forward(call) => responder
                .forward(call, start, phase)
                .await
                .unwrap_or_else(refuse),
        };
        self.answered.outcome = Some((response.status(), reason));
        if self.closes || !phase.is_whole() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
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
