//! [`UreqTransport`]: one round trip through an agent.

use std::fmt;
use std::io::Read as _;
use std::time::{Duration, Instant};

use ap_client::transport::{
    Connect, Deadline, TransportErrorKind, Moment, TransportConfig, Transport, TransportError,
    announces_empty_body, check_head, is_loopback, body_capacity,
};
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};
use ureq::{Agent, AsSendBody, Body, Error, SendBody};

use crate::agent::{self, Agents};
use crate::call::Call;
use crate::convert::{body_error, send_error};
use crate::veil::veil;

/// A blocking transport over a [`ureq::Agent`]. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct UreqTransport {
    library: Library,
    start: Instant,
    config: TransportConfig,
}

#[derive(Clone)]
enum Library {
    /// Their connections put the key in as the bytes leave, watch over what they hear, and keep the time.
    Own(Agents),
    Given(Agent),
}

impl UreqTransport {
    /// A transport over an agent of the caller's, whose connections, resolver and TLS it keeps. What
    /// the contract needs is set anew on every request (no redirects, statuses are responses, no
    /// headers added, limits and times), so the agent's own config for those do not count. Its
    /// connections write to the library's log what they send, at the level `trace`: do not log that.
    #[must_use]
    pub fn from_agent(agent: Agent, config: &TransportConfig) -> Self {
        Self::new(Library::Given(agent), config)
    }

    fn new(library: Library, config: &TransportConfig) -> Self {
        Self {
            library,
            start: Instant::now(),
            config: config.clone(),
        }
    }

    fn has_proxy(&self) -> bool {
        match &self.library {
            Library::Own(agents) => agents.proxied.is_some(),
            Library::Given(agent) => agent.config().proxy().is_some(),
        }
    }

    fn run<B: AsSendBody>(
        &self,
        request: &Request<Bytes>,
        body: B,
        left: Option<Duration>,
        call: &Call,
    ) -> Result<Response<Body>, TransportError> {
        let is_plain = request.uri().scheme() != Some(&Scheme::HTTPS);
        let has_proxy = self.has_proxy();
        let loopback = (is_plain || has_proxy) && is_loopback(request.uri());
        if is_plain && !loopback {
            return Err(TransportError::new(TransportErrorKind::Unsendable)
                .with_source("plain http goes to loopback alone"));
        }
        let is_proxied = has_proxy && !loopback;

        let mut copy = Request::new(body);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        match &self.library {
            Library::Own(agents) => {
                veil(request, copy.headers_mut())
                    .map_err(|why| TransportError::new(TransportErrorKind::Unsendable).with_source(why))?;
                let agent = agents.proxied.as_ref().filter(|_| is_proxied);
                let answered = agent.unwrap_or(&agents.direct).run(copy);
                answered.map_err(|error| sorted(error, is_proxied, !call.has_begun()))
            }
            Library::Given(agent) => {
                *copy.headers_mut() = request.headers().clone();
                let answered = self.run_given(agent, copy, left, !is_proxied);
                answered.map_err(|error| sorted(error, is_proxied, false))
            }
        }
    }

    fn run_given<B: AsSendBody>(
        &self,
        agent: &Agent,
        request: Request<B>,
        left: Option<Duration>,
        is_direct: bool,
    ) -> Result<Response<Body>, Error> {
        let mut config = agent
            .configure_request(request)
            .timeout_global(left)
            .timeout_connect(Some(self.config.bounded_connect_timeout()))
            .max_response_header_size(agent::head_room(&self.config))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .user_agent("")
            .accept("")
            .accept_encoding("");
        if is_direct && agent.config().proxy().is_some() {
            config = config.proxy(None);
        }
        agent.run(config.build())
    }

    fn read(&self, body: Body) -> Result<Bytes, TransportError> {
        let limit = self.config.max_body_size;
        let mut whole = Vec::with_capacity(body_capacity(body.content_length()));
        // One byte more is let through, so that a body of exactly the limit is told from a longer one.
        let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        body.into_reader()
            .take(one_more)
            .read_to_end(&mut whole)
            .map_err(|error| body_error(error.into()))?;
        if whole.len() > limit {
            return Err(TransportError::new(TransportErrorKind::TooLarge));
        }
        Ok(whole.into())
    }
}

/// An error before the response's head, with what is known of the way to the target.
fn sorted(error: Error, is_proxied: bool, is_on_the_way: bool) -> TransportError {
    let error = send_error(error);
    match error.kind() {
        // Whatever goes wrong on the way to the target, but for TLS, is the proxy's.
        TransportErrorKind::Closed | TransportErrorKind::Malformed | TransportErrorKind::TooLarge
            if is_proxied && is_on_the_way =>
        {
            TransportError::new(TransportErrorKind::Proxy).with_source(error)
        }
        // Nothing of the request was sent, so the connection was never there.
        TransportErrorKind::Closed if is_on_the_way => {
            TransportError::new(TransportErrorKind::Connect).with_source(error)
        }
        _ if is_proxied => error.through_proxy(),
        _ => error,
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Connect for UreqTransport {
    fn connect(config: &TransportConfig) -> Result<Self, TransportError> {
        Ok(Self::new(Library::Own(agent::build(config)?), config))
    }
}

impl Transport for UreqTransport {
    fn sleep_until(&self, moment: Moment) {
        std::thread::sleep(moment.since_start().saturating_sub(self.start.elapsed()));
    }

    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let now = Instant::now();
        let left = deadline.begin(Moment::after_start(now.duration_since(self.start)))?;
        let call = Call::begin(now, left);
        let has_body = !request.body().is_empty() || announces_empty_body(request.method());
        let response = if has_body {
            self.run(request, request.body().as_ref(), left, &call)?
        } else {
            self.run(request, SendBody::none(), left, &call)?
        };

        let (mut head, body) = response.into_parts();
        head.extensions.clear();
        check_head(&self.config, request.method(), &head)?;
        Ok(Response::from_parts(head, self.read(body)?))
    }
}
