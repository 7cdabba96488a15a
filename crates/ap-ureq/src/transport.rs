//! [`UreqTransport`]: one round trip through an agent.

use std::fmt;
use std::time::{Duration, Instant};

use ap_core::{
    Connect, Deadline, ErrorKind, Moment, Settings, Transport, TransportError,
    announces_empty_body, check_head, is_loopback,
};
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};
use ureq::{Agent, AsSendBody, SendBody};

use crate::agent;
use crate::convert::{body_error, send_error};
use crate::guard::Calling;
use crate::veil::Veil;

/// A blocking transport over a [`ureq::Agent`]. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct UreqTransport {
    agent: Agent,
    /// Whether the agent is ours: its connections put the key in as the bytes leave, and watch over what
    /// they hear.
    is_own: bool,
    start: Instant,
    settings: Settings,
}

impl UreqTransport {
    /// A transport over an agent of the caller's, whose connections, resolver and TLS it keeps. What
    /// the contract needs is set anew on every request (no redirects, statuses are responses, no
    /// headers added, limits and times), so the agent's own settings for those do not count. Its
    /// connections write to the library's log what they send, at the level `trace`: do not log that.
    #[must_use]
    pub fn from_agent(agent: Agent, settings: &Settings) -> Self {
        Self::new(agent, settings, false)
    }

    fn new(agent: Agent, settings: &Settings, is_own: bool) -> Self {
        Self {
            agent,
            is_own,
            start: Instant::now(),
            settings: settings.clone(),
        }
    }

    fn run<B: AsSendBody>(
        &self,
        request: &Request<Bytes>,
        body: B,
        left: Option<Duration>,
    ) -> Result<Response<ureq::Body>, TransportError> {
        let is_plain = request.uri().scheme() != Some(&Scheme::HTTPS);
        let has_proxy = self.agent.config().proxy().is_some();
        let loopback = (is_plain || has_proxy) && is_loopback(request.uri());
        if is_plain && !loopback {
            return Err(TransportError::new(ErrorKind::Unsendable)
                .with_source("plain http goes to loopback alone"));
        }

        let mut copy = Request::new(body);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        let veil = if self.is_own {
            Veil::over(copy.headers_mut())
        } else {
            None
        };
        let mut config = self
            .agent
            .configure_request(copy)
            .timeout_global(left)
            .timeout_connect(Some(self.settings.connect_limit()))
            .max_response_header_size(agent::head_room(&self.settings))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .user_agent("")
            .accept("")
            .accept_encoding("");
        if loopback && has_proxy {
            config = config.proxy(None);
        }
        let is_proxied = has_proxy && !loopback;
        let calling = Calling::to(
            request.uri(),
            self.settings.header_limit,
            self.settings.head_limit,
        );
        let answered = self.agent.run(config.build());
        drop(veil);
        answered.map_err(|error| {
            let error = send_error(error);
            let is_on_the_way = self.is_own && !calling.has_begun();
            match error.kind() {
                // Whatever goes wrong on the way to the target, but for TLS, is the proxy's.
                ErrorKind::Closed | ErrorKind::Malformed | ErrorKind::TooLarge
                    if is_proxied && is_on_the_way =>
                {
                    TransportError::new(ErrorKind::Proxy).with_source(error)
                }
                // Nothing of the request was sent, so the connection was never there.
                ErrorKind::Closed if is_on_the_way => {
                    TransportError::new(ErrorKind::Connect).with_source(error)
                }
                _ if is_proxied => error.by_proxy(),
                _ => error,
            }
        })
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Connect for UreqTransport {
    fn connect(settings: &Settings) -> Result<Self, TransportError> {
        Ok(Self::new(agent::build(settings)?, settings, true))
    }
}

impl Transport for UreqTransport {
    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let left = deadline.begin(self.now())?;
        let has_body = !request.body().is_empty() || announces_empty_body(request.method());
        let response = if has_body {
            self.run(request, request.body().as_ref(), left)?
        } else {
            self.run(request, SendBody::none(), left)?
        };

        let (mut head, body) = response.into_parts();
        head.extensions.clear();
        check_head(&self.settings, request.method(), &head)?;
        let limit = self.settings.body_limit;
        // One byte more is let through, so that a body of exactly the limit is told from a longer one.
        let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let body = body
            .into_with_config()
            .limit(one_more)
            .read_to_vec()
            .map_err(body_error)?;
        if body.len() > limit {
            return Err(TransportError::new(ErrorKind::TooLarge));
        }
        Ok(Response::from_parts(head, body.into()))
    }
}
