//! [`Transport`] and [`AsyncTransport`]: one round trip each, and the contract that both keep.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::MaxSizeReached;
use http::uri::Scheme;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, response,
};

use crate::origin;
use crate::settings::Settings;

/// Longer times are as good as none.
pub(crate) const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// A point on a transport's own monotonic clock, counted from any fixed start. The core has no clock,
/// and moments of two transports say nothing about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment so long after the clock's start.
    #[must_use]
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }
}

/// When a call must be over: connecting, TLS, sending, waiting, the whole body and every attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Moment>);

impl Deadline {
    /// No deadline.
    pub const NEVER: Self = Self(None);

    /// So long after a moment; never, if that is beyond what can be counted.
    #[must_use]
    pub fn after(now: Moment, timeout: Duration) -> Self {
        Self(now.0.checked_add(timeout).map(Moment))
    }

    /// How long is left: zero once it has passed, `None` if there is none.
    #[must_use]
    pub fn left(self, now: Moment) -> Option<Duration> {
        self.0.map(|at| at.0.saturating_sub(now.0))
    }

    /// How long a round trip that begins now may take, `None` for any time. Never more than a year:
    /// that is as good as any time, and more than libraries can count.
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout) once it has passed: nothing is to be sent then.
    pub fn begin(self, now: Moment) -> Result<Option<Duration>, TransportError> {
        match self.left(now) {
            Some(Duration::ZERO) => Err(TransportError::new(ErrorKind::Timeout)),
            left => Ok(left.map(|left| left.min(LONGEST))),
        }
    }
}

/// A blocking transport: sends one request, and returns its response.
///
/// # Contract
///
/// - **An error means that no complete response was received.** Every status is a response, a 401 and
///   a 3xx too.
/// - Send exactly this request, once: method, URI, headers and body unchanged. Framing
///   (`Host`, `Content-Length`) is the transport's to add, and nothing else. If the library would
///   change the request, return an error of kind [`Unsendable`](ErrorKind::Unsendable) instead.
/// - Follow nothing: no redirect, no challenge, no cookie, no retry.
/// - Return every header line, repeated ones included, and the body as it came. A body that ends early
///   is an error, never a short success; see [`is_framed`].
/// - Keep the [`Deadline`] over everything, and send nothing once it has passed.
/// - Verify TLS; never weaken it. Use no proxy that was not given, and none for loopback.
/// - Log, print and keep nothing of what passes through, and put none of it into errors.
///
/// ```
/// use ap_core::{Deadline, ErrorKind, Moment, Transport, TransportError};
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use std::time::{Duration, Instant};
///
/// /// Answers every call with the same text: enough for a test of code that calls an API.
/// struct Canned(Instant, &'static str);
///
/// impl Transport for Canned {
///     fn now(&self) -> Moment {
///         Moment::after_start(self.0.elapsed())
///     }
///     fn send(&self, _: &Request<Bytes>, deadline: Deadline) -> Result<Response<Bytes>, TransportError> {
///         if deadline.left(self.now()) == Some(Duration::ZERO) {
///             return Err(TransportError::new(ErrorKind::Timeout));
///         }
///         Ok(Response::new(Bytes::from_static(self.1.as_bytes())))
///     }
/// }
///
/// let shared: std::sync::Arc<dyn Transport> = std::sync::Arc::new(Canned(Instant::now(), "[]"));
/// let client = ap_core::Client::builder().build_with(shared)?;
/// let request = client.request(ap_core::Service::LeadConduit, http::Method::GET, "/status")?;
/// assert_eq!(client.send_unsigned(request)?.body(), "[]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Transport: Send + Sync {
    /// The present moment on this transport's clock.
    fn now(&self) -> Moment;

    /// One round trip, under the contract above.
    ///
    /// # Errors
    ///
    /// [`TransportError`] if no complete response was received.
    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError>;
}

/// An async transport: the same as [`Transport`], under the same contract, and one rule more: when the
/// future is dropped, the round trip ends and leaves nothing behind.
#[async_trait]
pub trait AsyncTransport: Send + Sync {
    /// The present moment on this transport's clock.
    fn now(&self) -> Moment;

    /// One round trip, under the contract of [`Transport`].
    ///
    /// # Errors
    ///
    /// [`TransportError`] if no complete response was received.
    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError>;

    /// Resolves once the deadline has passed. It bounds a call's wait for its key source; a transport
    /// that leaves this out, so that it never resolves, trusts the source to come back in time.
    async fn sleep_until(&self, _deadline: Deadline) {
        std::future::pending::<()>().await;
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn now(&self) -> Moment {
        self.deref().now()
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.deref().send(request, deadline)
    }
}

#[async_trait]
impl<T: AsyncTransport + ?Sized> AsyncTransport for Arc<T> {
    fn now(&self) -> Moment {
        self.deref().now()
    }
    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.deref().send(request, deadline).await
    }
    async fn sleep_until(&self, deadline: Deadline) {
        self.deref().sleep_until(deadline).await;
    }
}

/// A transport that can be made from [`Settings`] alone, which is what gives a client its `builder()`.
pub trait Connect: Sized {
    /// Makes the transport. No packet leaves yet.
    ///
    /// # Errors
    ///
    /// [`TransportError`] of kind [`Setup`](ErrorKind::Setup) if the settings cannot be kept.
    fn connect(settings: &Settings) -> Result<Self, TransportError>;
}

/// Whether a URI's host is this machine. Transports ask before they use a proxy, and before they send
/// anything over plain http.
///
/// ```
/// assert!(ap_core::is_loopback(&"http://127.0.0.1:8080/flows".parse()?));
/// assert!(!ap_core::is_loopback(&"http://127.0.0.1.example/flows".parse()?));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[must_use]
pub fn is_loopback(uri: &Uri) -> bool {
    origin::is_loopback(uri)
}

/// The value of `Host` for a request (RFC 9112 section 3.2): the URI's authority, without the scheme's own
/// port. For transports whose library would put it together from its parts for every call. `None` for a
/// URI without a host, or with user information.
///
/// ```
/// let host = ap_core::host(&"http://127.0.0.1:8080/flows".parse()?);
/// assert_eq!(host.as_ref().map(|host| host.as_bytes()), Some(&b"127.0.0.1:8080"[..]));
/// let host = ap_core::host(&"https://app.leadconduit.com:443/".parse()?);
/// assert_eq!(host.as_ref().map(|host| host.as_bytes()), Some(&b"app.leadconduit.com"[..]));
/// assert_eq!(ap_core::host(&"https://name@app.leadconduit.com/".parse()?), None);
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[must_use]
pub fn host(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?.as_str();
    let own_port = if uri.scheme() == Some(&Scheme::HTTPS) {
        ":443"
    } else {
        ":80"
    };
    if authority.as_bytes().contains(&b'@') {
        return None;
    }
    let host = authority.strip_suffix(own_port).unwrap_or(authority);
    HeaderValue::from_str(host).ok()
}

/// The headers of a request with what frames it, for transports whose library would make that itself for
/// every call: `Host` first (RFC 9110 section 7.2), where one is given and the request has none, and the
/// length of a body that is empty and must be announced as such.
///
/// ```
/// use ap_core::{host, wire_headers};
/// use http::{Request, header};
///
/// let request = Request::post("http://127.0.0.1:8080/flows").body(Default::default())?;
/// let headers = wire_headers(&request, host(request.uri()));
/// assert_eq!(headers[header::HOST], "127.0.0.1:8080");
/// assert_eq!(headers[header::CONTENT_LENGTH], "0");
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn wire_headers(request: &Request<Bytes>, host: Option<HeaderValue>) -> HeaderMap {
    // Where there are as many as a map can hold, the library may see to the rest.
    framed(request, host).unwrap_or_else(|_| request.headers().clone())
}

fn framed(
    request: &Request<Bytes>,
    host: Option<HeaderValue>,
) -> Result<HeaderMap, MaxSizeReached> {
    let mut headers = HeaderMap::try_with_capacity(request.headers().keys_len() + 2)?;
    if let Some(host) = host {
        headers.try_append(header::HOST, host)?;
    }
    for (name, value) in request.headers() {
        if *name == header::HOST {
            headers.try_insert(name, value.clone())?;
        } else {
            headers.try_append(name, value.clone())?;
        }
    }
    if request.body().is_empty() && announces_empty_body(request.method()) {
        headers.try_insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"))?;
    }
    Ok(headers)
}

/// Whether a body of no bytes is announced by `Content-Length: 0` in a request of this method: where the
/// method usually has a body (RFC 9110 section 8.6).
#[must_use]
pub fn announces_empty_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// How much room to make at once for a body, in bytes, where its length is announced: at most a mebibyte,
/// because it may not come.
///
/// ```
/// assert_eq!(ap_core::room_for(Some(300)), 300);
/// assert_eq!(ap_core::room_for(Some(u64::MAX)), 1024 * 1024);
/// assert_eq!(ap_core::room_for(None), 0);
/// ```
#[must_use]
pub fn room_for(announced: Option<u64>) -> usize {
    const MOST: u64 = 1024 * 1024;
    let room = announced.unwrap_or_default().min(MOST);
    usize::try_from(room).unwrap_or_default()
}

/// Looks at a response's head before the body is read, under the same limits for every transport.
///
/// # Errors
///
/// [`TooLarge`](ErrorKind::TooLarge) for more header lines, a larger head or a longer announced body
/// than the settings allow; [`Malformed`](ErrorKind::Malformed) for a status that is none, a 101 that
/// nobody asked for, or a framing that can be read in two ways ([`is_sound`]);
/// [`Truncated`](ErrorKind::Truncated) if the head does not say where the body ends ([`is_framed`]).
pub fn check_head(
    settings: &Settings,
    method: &Method,
    head: &response::Parts,
) -> Result<(), TransportError> {
    let framing = Framing::of(head);
    if head.headers.len() > settings.header_limit || framing.head_len > settings.head_limit {
        return Err(TransportError::new(ErrorKind::TooLarge));
    }
    if !framing.is_sound(head) {
        return Err(TransportError::new(ErrorKind::Malformed)
            .with_source("the response's status or framing is not that of HTTP/1.1"));
    }
    if !framing.is_framed(method, head) {
        return Err(TransportError::new(ErrorKind::Truncated)
            .with_source("the response does not say where its body ends"));
    }
    let limit = u64::try_from(settings.body_limit).unwrap_or(u64::MAX);
    if *method != Method::HEAD && framing.length.is_some_and(|length| length > limit) {
        return Err(TransportError::new(ErrorKind::TooLarge));
    }
    Ok(())
}

/// What the lines of a head say of its size and of the body's end, read in one go.
struct Framing {
    /// Bytes of the header lines.
    head_len: usize,
    /// `Content-Length`, if every line of it is the same plain number.
    length: Option<u64>,
    lengths: usize,
    lengths_agree: bool,
    codings: usize,
    is_chunked: bool,
}

impl Framing {
    fn of(head: &response::Parts) -> Self {
        let mut framing = Self {
            head_len: 0,
            length: None,
            lengths: 0,
            lengths_agree: true,
            codings: 0,
            is_chunked: false,
        };
        let mut first: Option<&[u8]> = None;
        for (name, value) in &head.headers {
            framing.head_len += name.as_str().len() + value.len() + 4;
            if *name == header::CONTENT_LENGTH {
                let value = value.as_bytes();
                framing.lengths += 1;
                if *first.get_or_insert(value) != value {
                    framing.lengths_agree = false;
                }
            } else if *name == header::TRANSFER_ENCODING {
                framing.codings += 1;
                framing.is_chunked = value.as_bytes().eq_ignore_ascii_case(b"chunked");
            }
        }
        framing.length = first.and_then(plain_number);
        framing
    }

    fn is_sound(&self, head: &response::Parts) -> bool {
        let is_framed_once = match self.codings {
            0 => self.lengths == 0 || self.length.is_some(),
            1 => self.lengths == 0 && head.version == Version::HTTP_11 && self.is_chunked,
            _ => false,
        };
        (200..=599).contains(&head.status.as_u16()) && is_framed_once && self.lengths_agree
    }

    fn is_framed(&self, method: &Method, head: &response::Parts) -> bool {
        let has_no_body = *method == Method::HEAD
            || head.status.is_informational()
            || matches!(
                head.status,
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            );
        has_no_body || self.lengths > 0 || self.codings > 0
    }
}

/// Digits alone, and no more than can be counted.
fn plain_number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().all(u8::is_ascii_digit);
    let text = digits.then(|| std::str::from_utf8(text).ok())??;
    text.parse().ok()
}

/// Whether a response's head can be believed: a final status of HTTP (100 to 599, and no interim one), and
/// a framing that every recipient reads alike (RFC 9112 section 6.3): lengths that are plain numbers and
/// the same, or the chunked coding alone, in HTTP/1.1, and never both.
#[must_use]
pub fn is_sound(head: &response::Parts) -> bool {
    Framing::of(head).is_sound(head)
}

/// Whether a response says where its body ends: by its kind, its length or its chunks. Without that, a
/// broken connection and a complete body look alike (RFC 9112 section 8), so a transport returns
/// [`Truncated`](ErrorKind::Truncated) for it.
#[must_use]
pub fn is_framed(method: &Method, head: &response::Parts) -> bool {
    Framing::of(head).is_framed(method, head)
}
