//! [`UreqTransport`]: one round trip through an agent.

use std::fmt;
use std::io::Read as _;
use std::time::{Duration, Instant};

use ap_client::transport::{
    Connect, Deadline, FreshConnection, Moment, Transport, TransportConfig, TransportError,
    TransportErrorKind, body_capacity, check_head, check_plain_http, host, is_loopback,
    localhost_addresses, wire_headers,
};
use bytes::Bytes;
use http::uri::{InvalidUri, Scheme};
use http::{HeaderMap, Request, Response, Uri, header};
use ureq::{Agent, Body, Error, SendBody, Timeout};

use crate::call_context::{CallContext, Progress};
use crate::config::Agents;
use crate::error::{body_error, send_error};
use crate::hidden_key::HiddenKey;

/// A blocking transport over a [`ureq::Agent`]. Cheap to clone; clones share their connections.
///
/// [`ClientBuilder::build`](crate::ClientBuilder) makes one. Make it yourself to share it between clients:
///
/// ```
/// use ap_ureq::ap_client::transport::{Connect as _, TransportConfig};
/// use ap_ureq::ap_core::ApiKey;
/// use ap_ureq::{ClientBuilder, UreqTransport};
///
/// let transport = UreqTransport::connect(&TransportConfig::new())?;
/// let one = ClientBuilder::new().key(ApiKey::parse("1234567890")?).build_with(transport.clone())?;
/// let other = ClientBuilder::new().key(ApiKey::parse("0987654321")?).build_with(transport)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct UreqTransport {
    library: Library,
    start: Instant,
    config: TransportConfig,
}

#[derive(Clone)]
enum Library {
    /// Agents of our own, whose connections have our layers below ureq.
    Own(Agents),
    Given(Agent),
}

/// How a request goes to its target.
#[derive(Clone, Copy)]
struct Route {
    is_proxied: bool,
    needs_fresh_connection: bool,
}

impl UreqTransport {
    /// Creates a transport over your agent, and keeps its connections, resolver and TLS.
    ///
    /// Each request overrides these settings of the agent: redirects (none is followed), error statuses (returned as
    /// responses), methods that are not usual (sent), the deadline, the time for connecting, the size of a head, ureq's own `Accept` and
    /// `Accept-Encoding` (none is sent), and the proxy for loopback (none).
    ///
    /// The following cannot be changed for each request without giving up the agent's pool. Some of it you set when you
    /// build the agent. The rest you have to accept:
    ///
    /// - **`User-Agent`**: the agent adds its own to a request that has none. `.user_agent("")` on the
    ///   agent leaves it out.
    /// - **Features of ureq**: with `gzip` or `brotli`, ureq decodes a body that the server has encoded
    ///   unasked, which can turn up as an error (`Truncated`). With `charset`, it converts text to
    ///   UTF-8. With `cookies`, it keeps cookies and sends them with later calls.
    /// - **Middleware** of the agent sees every request with its key, and may change it.
    /// - **Logs**: at the level `trace`, ureq logs every byte that it sends and receives, the key too.
    /// - **Responses** are read as ureq reads them: chunks less strictly, at most 128 header lines, and
    ///   no response before the whole request is sent. If the server rejects a key before it has read the
    ///   request's body, the agent may still use that connection for another call.
    /// - **`https://localhost`** goes to whatever the agent's resolver says, and TLS checks who is there.
    ///   `http://localhost` is always 127.0.0.1, without asking the resolver. For `::1`, write `http://[::1]`.
    /// - **Shorter timeouts** of the agent for single steps, such as sending the body, hold as well.
    ///
    /// ```
    /// use ap_ureq::ap_client::transport::TransportConfig;
    /// use ap_ureq::ap_core::ApiKey;
    /// use ap_ureq::{ClientBuilder, UreqTransport, ureq};
    ///
    /// let agent = ureq::Agent::config_builder().user_agent("").no_delay(true).build().new_agent();
    /// let transport = UreqTransport::from_agent(agent, &TransportConfig::new());
    /// let client = ClientBuilder::new().key(ApiKey::parse("1234567890")?).build_with(transport)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// Decides how a request goes to its target.
    ///
    /// # Errors
    ///
    /// [`Unsendable`](TransportErrorKind::Unsendable) for plain http to another machine.
    fn route<B>(&self, request: &Request<B>) -> Result<Route, TransportError> {
        check_plain_http(request.uri())?;
        let has_proxy = match &self.library {
            Library::Own(agents) => agents.proxied.is_some(),
            Library::Given(agent) => agent.config().proxy().is_some(),
        };
        Ok(Route {
            is_proxied: has_proxy && !is_loopback(request.uri()),
            needs_fresh_connection: request.extensions().get::<FreshConnection>().is_some(),
        })
    }

    /// Makes a call through agents of our own. Our layer below ureq reads the response, and leaves it in the call's
    /// context. Of what ureq returns, only an error is used.
    fn send_by_own(
        &self,
        agents: &Agents,
        request: &Request<Bytes>,
        route: Route,
        deadline: Option<Instant>,
    ) -> Result<Response<Bytes>, TransportError> {
        let proxied = agents.proxied.as_ref().filter(|_| route.is_proxied);
        let agent = proxied.unwrap_or(&agents.direct);
        let mut head = head_of(request, agent)?;
        let key = hide_key(head.headers_mut())?;
        if route.needs_fresh_connection {
            let buffer = unshared_buffer_size(agent);
            head = agent
                .configure_request(head)
                .input_buffer_size(buffer)
                .build();
        }
        let mut call = CallContext::new(deadline, request.method().clone(), key);
        call.has_body = !request.body().is_empty();
        let call = call.enter();
        let outcome = run(agent, head, request.body());
        let call = call.finish();
        let progress = call.as_ref().map_or(Progress::Connecting, |c| c.progress);
        match (outcome, call) {
            (Err(error), _) => Err(convert(error, route.is_proxied, progress)),
            (Ok(_), Some(call)) if call.unsent_key.is_some() => {
                Err(TransportError::new(TransportErrorKind::Malformed)
                    .with_source("the server answered before the key was sent"))
            }
            (Ok(_), call) => call.and_then(|call| call.response).ok_or_else(|| {
                TransportError::new(TransportErrorKind::Other)
                    .with_source("the response was not read")
            }),
        }
    }

    /// Makes a call through the caller's agent, with as many of our settings as the agent allows.
    fn send_by_given(
        &self,
        agent: &Agent,
        request: &Request<Bytes>,
        route: Route,
        remaining: Option<Duration>,
    ) -> Result<Response<Bytes>, TransportError> {
        let mut head = head_of(request, agent)?;
        if let Some(uri) = without_localhost(request.uri())? {
            // `Host` is set already.
            *head.uri_mut() = uri;
        }
        let connect_timeout = self.config.bounded_connect_timeout();
        // Only options that keep the agent's pool. `user_agent`, for example, would bypass it.
        let mut config = agent
            .configure_request(head)
            .timeout_global(remaining)
            .timeout_connect(Some(connect_timeout))
            .max_response_header_size(self.config.max_header_size.saturating_add(8 * 1024))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .accept("")
            .accept_encoding("");
        if !route.is_proxied && agent.config().proxy().is_some() {
            config = config.proxy(None);
        }
        if route.needs_fresh_connection {
            config = config.input_buffer_size(unshared_buffer_size(agent));
        }
        let response = run(agent, config.build(), request.body()).map_err(|error| {
            // ureq reports a timeout of connecting even if the call's deadline ended it.
            let is_deadline = remaining.is_some_and(|remaining| remaining <= connect_timeout);
            let error = match error {
                Error::Timeout(_) if is_deadline => Error::Timeout(Timeout::Global),
                other => other,
            };
            convert(error, route.is_proxied, Progress::Requested)
        })?;

        let (mut head, body) = response.into_parts();
        head.extensions.clear();
        check_head(&self.config, request.method(), &head)?;
        Ok(Response::from_parts(head, self.read(body)?))
    }

    fn read(&self, body: Body) -> Result<Bytes, TransportError> {
        let max_body = self.config.max_body_size;
        let mut whole = Vec::with_capacity(body_capacity(body.content_length()));
        // One byte more tells a body of exactly the limit from a longer one.
        let one_more = u64::try_from(max_body)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        body.into_reader()
            .take(one_more)
            .read_to_end(&mut whole)
            .map_err(|error| body_error(error.into()))?;
        if whole.len() > max_body {
            return Err(TransportError::new(TransportErrorKind::TooLarge));
        }
        Ok(whole.into())
    }
}

/// Returns a size of the input buffer that differs from the agent's. If a request changes this option, ureq bypasses the
/// agent's pool: it opens a connection for this request alone.
fn unshared_buffer_size(agent: &Agent) -> usize {
    agent.config().input_buffer_size() + 1
}

/// Copies a request without its body, as ureq is to send it.
///
/// # Errors
///
/// [`Unsendable`](TransportErrorKind::Unsendable) if a line is longer than ureq can send.
fn head_of(request: &Request<Bytes>, agent: &Agent) -> Result<Request<()>, TransportError> {
    // The bytes of a line besides its name and value, and the empty line after the head.
    const REST_OF_LINE: usize = 32;

    let target = request.uri().path_and_query();
    let first_line = request.method().as_str().len() + target.map_or(0, |t| t.as_str().len());
    let lines = request.headers().iter();
    let longest = lines
        .map(|(name, value)| name.as_str().len() + value.len())
        .fold(first_line, usize::max);
    if longest.saturating_add(REST_OF_LINE) > agent.config().output_buffer_size() {
        return Err(unsendable(
            "a line of the request is longer than the HTTP library can send",
        ));
    }
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = wire_headers(request, host(request.uri()));
    Ok(head)
}

/// Returns the URI with 127.0.0.1 in the place of the name `localhost`, if plain http goes there: an agent's
/// resolver could have another address for that name.
fn without_localhost(uri: &Uri) -> Result<Option<Uri>, TransportError> {
    let [address, _] = match localhost_addresses(uri) {
        Some(addresses) if uri.scheme() == Some(&Scheme::HTTP) => addresses,
        _ => return Ok(None),
    };
    let mut parts = uri.clone().into_parts();
    let unusable = |_: InvalidUri| unsendable("the HTTP library does not accept the URL");
    parts.authority = Some(address.to_string().parse().map_err(unusable)?);
    let uri = Uri::from_parts(parts);
    uri.map(Some)
        .map_err(|_| unsendable("the HTTP library does not accept the URL"))
}

/// Puts a placeholder in the place of the key, if there is one.
///
/// # Errors
///
/// [`Unsendable`](TransportErrorKind::Unsendable) for more than one key, for one that cannot be hidden, and for
/// `Expect`, which ureq would act upon.
fn hide_key(headers: &mut HeaderMap) -> Result<Option<HiddenKey>, TransportError> {
    let mut key = None;
    for (name, value) in headers {
        if *name == header::EXPECT {
            return Err(unsendable("the HTTP library would wait for a 100 response"));
        }
        if *name == header::AUTHORIZATION {
            let (hidden, placeholder) = HiddenKey::new(value)?;
            *value = placeholder;
            if key.replace(hidden).is_some() {
                return Err(unsendable("the request has two Authorization headers"));
            }
        }
    }
    Ok(key)
}

fn run(agent: &Agent, head: Request<()>, body: &Bytes) -> Result<Response<Body>, Error> {
    if body.is_empty() {
        agent.run(head.map(|()| SendBody::none()))
    } else {
        agent.run(head.map(|()| body.as_ref()))
    }
}

/// Converts an error of a call that has no response. Its kind depends on whether there is a proxy, and on how far the
/// call came.
fn convert(error: Error, is_proxied: bool, progress: Progress) -> TransportError {
    if progress == Progress::HeadReceived {
        return body_error(error);
    }
    let is_connecting = progress == Progress::Connecting;
    let error = send_error(error);
    match error.kind() {
        // Until the tunnel is there, only the proxy can have failed. A TLS failure has its own kind already.
        TransportErrorKind::Closed
        | TransportErrorKind::Malformed
        | TransportErrorKind::TooLarge
            if is_proxied && is_connecting =>
        {
            TransportError::new(TransportErrorKind::Proxy).with_source(error)
        }
        // The request was not begun, so this counts as a failure to connect.
        TransportErrorKind::Closed if is_connecting => {
            TransportError::new(TransportErrorKind::Connect).with_source(error)
        }
        _ if is_proxied => error.through_proxy(),
        _ => error,
    }
}

fn unsendable(reason: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Unsendable).with_source(reason)
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
        Ok(Self::new(Library::Own(Agents::new(config)?), config))
    }
}

impl Transport for UreqTransport {
    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    fn sleep_until(&self, moment: Moment) {
        std::thread::sleep(moment.since_start().saturating_sub(self.start.elapsed()));
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let now = Instant::now();
        let remaining = deadline.begin(Moment::after_start(now.duration_since(self.start)))?;
        let route = self.route(request)?;
        match &self.library {
            Library::Own(agents) => {
                let deadline = remaining.and_then(|remaining| now.checked_add(remaining));
                self.send_by_own(agents, request, route, deadline)
            }
            Library::Given(agent) => self.send_by_given(agent, request, route, remaining),
        }
    }
}
