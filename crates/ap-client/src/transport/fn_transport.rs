//! [`FnTransport`]: a blocking transport from one function.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use ap_core::{TransportError, TransportErrorKind};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, response};

use super::clock::Clock;
use super::config::{Proxy, TransportConfig};
use super::deadline::{Deadline, LONGEST, Moment};
use super::framing::{announces_empty_body, check_request};
use super::library_error::library_error;
use super::response::read_response_with;
use super::tcp::DeadlineStream;
use super::{FreshConnection, Transport};

/// A blocking transport from one function, which sends a request by an HTTP library and returns the head of the
/// response with a reader of its body.
///
/// Before the function, it checks the deadline and, by [`check_request`], where the request goes. After it, it reads the
/// body as [`read_response`](super::read_response) does, and stops when the deadline has passed. If the call has a proxy, it
/// converts an error of the function by [`TransportError::through_proxy`]. The rest of the contract of [`Transport`] is
/// the function's.
///
/// An error of the reader is converted by [`library_error`]. One that comes neither from the connection nor from TLS is
/// [`Malformed`](TransportErrorKind::Malformed), such as an invalid chunk.
///
/// ```
/// use ap_client::ap_core::{ApiKey, Service};
/// use ap_client::transport::{FnTransport, TransportConfig, response_head};
/// use ap_client::{Blocking, ClientBuilder};
///
/// let transport = FnTransport::new(&TransportConfig::new(), |call| {
///     // Your HTTP library goes here.
///     assert_eq!(call.request.uri(), "https://app.leadconduit.com/flows");
///     Ok((response_head(200, [("Content-Length", "2")])?, &b"[]"[..]))
/// });
/// let client = ClientBuilder::<Blocking>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build_with(transport)?;
/// assert_eq!(client.get(Service::LeadConduit, "/flows").send()?.text()?, "[]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FnTransport {
    clock: Clock,
    config: TransportConfig,
    send: Box<SendFn>,
}

type SendFn = dyn Fn(&OutgoingCall<'_>) -> Result<Response<Bytes>, TransportError> + Send + Sync;

impl FnTransport {
    /// Creates a transport with these settings. The function keeps what it needs, such as a pool of connections.
    #[must_use]
    pub fn new<F, R>(config: &TransportConfig, send: F) -> Self
    where
        F: Fn(&OutgoingCall<'_>) -> Result<(response::Parts, R), TransportError>
            + Send
            + Sync
            + 'static,
        R: Read,
    {
        let send = move |call: &OutgoingCall<'_>| {
            let sent = send(call);
            let (head, body) = match call.proxy() {
                Some(_) => sent.map_err(TransportError::through_proxy)?,
                None => sent?,
            };
            let body = UntilDeadline { body, call };
            read_response_with(call.config, call.request.method(), head, body, body_error)
        };
        Self {
            clock: Clock::start(),
            config: config.clone(),
            send: Box::new(send),
        }
    }
}

fn body_error(error: io::Error) -> TransportError {
    let (broken, otherwise) = (TransportErrorKind::Truncated, TransportErrorKind::Malformed);
    library_error(&error, broken, otherwise)
}

impl Transport for FnTransport {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.clock.sleep_until(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let headers = check_request(request)?;
        let time = deadline.begin(self.clock.now())?;
        (self.send)(&OutgoingCall {
            request,
            headers,
            time: time.unwrap_or(LONGEST),
            config: &self.config,
            clock: self.clock,
            deadline,
        })
    }
}

impl fmt::Debug for FnTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnTransport")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A checked request that the function of a [`FnTransport`] sends, and what it may use for that.
///
/// ```
/// use ap_client::transport::{
///     FnTransport, OutgoingCall, TransportConfig, TransportError, TransportErrorKind, response_head,
/// };
/// use http::response;
///
/// /// Sends a request by a library that adds `Host` and the length itself, and has no proxies.
/// fn send(call: &OutgoingCall<'_>) -> Result<(response::Parts, &'static [u8]), TransportError> {
///     if call.proxy().is_some() {
///         return Err(TransportError::new(TransportErrorKind::Setup));
///     }
///     let (method, url) = (call.request.method().as_str(), call.request.uri().to_string());
///     let (headers, body, timeout) = (call.text_headers()?, call.body(), call.time);
///     # let _ = (method, url, headers, body, timeout);
///     // Your HTTP library goes here.
///     Ok((response_head(200, [("Content-Length", "2")])?, b"[]"))
/// }
///
/// let transport = FnTransport::new(&TransportConfig::new(), send);
/// # use ap_client::transport::{Deadline, Transport as _};
/// # let request = http::Request::get("https://app.leadconduit.com/flows").body(Default::default())?;
/// # assert_eq!(transport.send(&request, Deadline::NEVER)?.body(), "[]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub struct OutgoingCall<'a> {
    /// The request, without its framing.
    pub request: &'a Request<Bytes>,
    /// All headers to send, with `Host` and the length of an empty body, for a library that adds neither. The length of
    /// another body is not among them.
    pub headers: HeaderMap,
    /// How long the whole round trip may take: a year if there is no limit.
    pub time: Duration,
    /// The settings of the transport.
    pub config: &'a TransportConfig,
    clock: Clock,
    deadline: Deadline,
}

impl<'a> OutgoingCall<'a> {
    /// Returns the request's headers as text, for a library that adds `Host` and the length itself.
    ///
    /// # Errors
    ///
    /// [`Unsendable`](TransportErrorKind::Unsendable) if a value is not ASCII text.
    pub fn text_headers(&self) -> Result<Vec<(&'a str, &'a str)>, TransportError> {
        let lines = self.request.headers().iter();
        let text = lines.map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        text.collect::<Option<_>>().ok_or_else(|| {
            TransportError::new(TransportErrorKind::Unsendable)
                .with_source("a header's value is not ASCII text, which the HTTP library needs")
        })
    }

    /// Returns the body to send: `None` if the request has none. An empty body is returned if its length must be
    /// announced, as for `POST`.
    #[must_use]
    pub fn body(&self) -> Option<&'a Bytes> {
        let request = self.request;
        let has_body = !request.body().is_empty() || announces_empty_body(request.method());
        has_body.then(|| request.body())
    }

    /// Returns the proxy to use, by [`TransportConfig::proxy_for`].
    #[must_use]
    pub fn proxy(&self) -> Option<&'a Proxy> {
        self.config.proxy_for(self.request.uri())
    }

    /// Returns `true` if the request must go out on a connection that carried no request before; see
    /// [`FreshConnection`].
    #[must_use]
    pub fn needs_fresh_connection(&self) -> bool {
        self.request.extensions().get::<FreshConnection>().is_some()
    }

    /// Connects to the request's host by [`DeadlineStream::connect`], for a library that reads and writes streams.
    ///
    /// # Errors
    ///
    /// Those of [`DeadlineStream::connect`].
    pub fn connect(&self) -> Result<DeadlineStream, TransportError> {
        DeadlineStream::connect(self.request.uri(), self.config, self.clock, self.deadline)
    }
}

/// Shows nothing of the request.
impl fmt::Debug for OutgoingCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OutgoingCall");
        shown.field("time", &self.time).finish_non_exhaustive()
    }
}

/// A body that cannot be read after the deadline, also if each read of its library ends in time.
struct UntilDeadline<'a, R> {
    body: R,
    call: &'a OutgoingCall<'a>,
}

impl<R: Read> Read for UntilDeadline<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.call.deadline.begin(self.call.clock.now());
        left.map_err(|_| io::ErrorKind::TimedOut)?;
        self.body.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_LENGTH, HOST};

    use super::super::response::response_head;
    use super::*;

    const URL: &str = "http://127.0.0.1:1/flows";

    fn send(
        transport: &FnTransport,
        request: Request<Bytes>,
        time: Duration,
    ) -> Result<Bytes, TransportErrorKind> {
        let response = transport.send(&request, Deadline::after(transport.now(), time));
        response
            .map(Response::into_body)
            .map_err(|error| error.kind())
    }

    /// Gives one byte a read, without an end, and waits in between.
    struct Drip;

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(2));
            buffer[..1].fill(b'x');
            Ok(1)
        }
    }

    #[test]
    fn a_body_that_drips_ends_with_the_deadline() {
        let transport = FnTransport::new(&TransportConfig::new(), |_| {
            Ok((
                response_head(200, [("transfer-encoding", "chunked")])?,
                Drip,
            ))
        });
        let request = Request::get(URL).body(Bytes::new()).unwrap();
        let result = send(&transport, request, Duration::from_millis(50));
        assert_eq!(result, Err(TransportErrorKind::Timeout));
    }

    #[test]
    fn the_function_is_not_called_for_a_request_that_must_not_be_sent() {
        let transport = FnTransport::new(&TransportConfig::new(), |_| -> Result<(_, &[u8]), _> {
            panic!("it was called")
        });
        let plain = Request::get("http://app.leadconduit.com/").body(Bytes::new());
        let result = send(&transport, plain.unwrap(), Duration::from_secs(9));
        assert_eq!(result, Err(TransportErrorKind::Unsendable));
        let late = Request::get(URL).body(Bytes::new()).unwrap();
        let result = send(&transport, late, Duration::ZERO);
        assert_eq!(result, Err(TransportErrorKind::Timeout));
    }

    /// Fails with an error of its own.
    struct Fails;

    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other(
                "an invalid chunk, with a text of the server",
            ))
        }
    }

    #[test]
    fn a_body_that_its_library_rejects_is_malformed_and_nothing_of_it_is_shown() {
        let transport = FnTransport::new(&TransportConfig::new(), |_| {
            Ok((
                response_head(200, [("transfer-encoding", "chunked")])?,
                Fails,
            ))
        });
        let request = Request::get(URL).body(Bytes::new()).unwrap();
        let error = transport.send(&request, Deadline::NEVER).unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Malformed);
        assert!(!format!("{error:?}").contains("server"));
    }

    #[test]
    fn a_proxy_that_cannot_be_reached_is_named_as_such() {
        let proxy = Proxy::parse("http://proxy.example:3128").unwrap();
        for (config, kind) in [
            (TransportConfig::new(), TransportErrorKind::Connect),
            (
                TransportConfig::new().proxy(proxy),
                TransportErrorKind::Proxy,
            ),
        ] {
            let transport = FnTransport::new(&config, |_| -> Result<(_, &[u8]), _> {
                Err(TransportError::new(TransportErrorKind::Connect))
            });
            let request = Request::get("https://app.leadconduit.com/").body(Bytes::new());
            let result = send(&transport, request.unwrap(), Duration::from_secs(9));
            assert_eq!(result, Err(kind));
        }
    }

    #[test]
    fn a_call_says_what_a_library_needs() {
        let transport = FnTransport::new(&TransportConfig::new(), |call| {
            assert_eq!(call.headers[HOST], "127.0.0.1:1");
            assert!(call.time > Duration::ZERO && call.proxy().is_none());
            let said = format!(
                "{:?} {:?} {:?} {}",
                call.text_headers()?,
                call.body(),
                call.headers.get(CONTENT_LENGTH),
                call.needs_fresh_connection(),
            );
            let length = said.len().to_string();
            Ok((
                response_head(200, [("content-length", length)])?,
                io::Cursor::new(said),
            ))
        });
        let said = |request: http::request::Builder, body: &'static str| {
            send(
                &transport,
                request.body(body.into()).unwrap(),
                Duration::from_secs(9),
            )
        };
        assert_eq!(said(Request::get(URL), "").unwrap(), "[] None None false");
        let fresh = Request::put(URL)
            .header("a", "b")
            .extension(FreshConnection);
        assert_eq!(
            said(fresh, "").unwrap(),
            r#"[("a", "b")] Some(b"") Some("0") true"#
        );
        assert_eq!(
            said(Request::delete(URL), "body").unwrap(),
            r#"[] Some(b"body") None false"#
        );
        let result = said(Request::get(URL).header("a", "\u{e9}"), "");
        assert_eq!(result, Err(TransportErrorKind::Unsendable));
    }
}
