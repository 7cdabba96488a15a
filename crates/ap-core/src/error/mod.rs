//! [`Error`]: why a call failed, and what to do next.
//!
//! # When a retry is safe
//!
//! [`Error::may_have_been_applied`] is `false` if nothing was sent, if no key was accepted, and for the
//! statuses by which a server says that it did not act on the request: 400 to 408, 410 to 417, 421, 422,
//! 425, 426, 428, 429, 431, 451, 501 and 505. It is `true` for everything else, such as a connection that
//! ended before the response, 409 and the other 5xx.
//!
//! [`Error::may_retry`] is `true` if both hold:
//!
//! - The failure is transient: the client's own rate limit, 408, 425, 429, 500, 502, 503, 504, a transport error other than `Setup`,
//!   `Unsendable`, `Tls`, `TooLarge` and `Cancelled`, or a rejected key after which the body could not be sent
//!   again ([`AuthErrorKind::ResendNotAllowed`]): the next call tries the next key.
//! - A second request does no harm: the method is idempotent (RFC 9110 section 9.2.2),
//!   [`Draft::repeatable`](crate::Draft::repeatable) says so, or the first one was not applied.

mod retry;
mod transport;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::error::Category;

use crate::called::Called;
use crate::exchange::{AuthError, AuthErrorKind, RejectedKey};
use crate::hint::Hint;
use crate::product::Service;
use crate::request::RequestError;
use crate::response::Response;
use crate::unauthorized::Unauthorized;

pub use transport::{TransportError, TransportErrorKind};

type Source = Box<dyn StdError + Send + Sync>;

/// Why a call failed, and what to do next. The one error type of clients and endpoints.
///
/// Neither its text nor its `Debug` contains a key, a path, a query, a header's value or any part of a body.
/// The response, if there was one, is in [`response`](Self::response).
///
/// Its text does not repeat that of its [`source`](std::error::Error::source): the error of the HTTP library, or of the
/// key source. To show everything, print the sources too, as `anyhow` does with `{:#}`.
///
/// ```
/// use ap_core::{Error, ErrorKind};
///
/// fn describe(error: &Error) -> String {
///     match error.kind() {
///         _ if error.is_not_found() => "there is no such thing".to_owned(),
///         _ if error.may_retry() => format!("try again in {:?}", error.retry_after()),
///         ErrorKind::Auth => format!("{error}; {}", error.hint()),
///         _ => error.to_string(),
///     }
/// }
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    cause: Cause,
    called: Option<Called>,
    response: Option<Response>,
    source: Option<Source>,
}

enum Cause {
    Build(Cow<'static, str>),
    Request(RequestError),
    Auth(AuthError),
    /// How long it is until the rate limit lets a call start.
    RateLimit(Duration),
    Transport(TransportErrorKind),
    Status(StatusCode),
    Json {
        category: Category,
        line: usize,
        column: usize,
    },
    Unexpected(&'static str),
}

/// What kind of failure an [`Error`] is.
///
/// ```
/// use ap_core::{Error, ErrorKind};
///
/// fn exit_code(error: &Error) -> u8 {
///     match error.kind() {
///         ErrorKind::Build | ErrorKind::Request => 2,
///         ErrorKind::Auth => 3,
///         ErrorKind::Status(status) if status.is_client_error() => 4,
///         _ => 5, // more kinds may come
///     }
/// }
/// assert_eq!(exit_code(&Error::build("the account has no origin")), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client cannot be built.
    Build,
    /// The request cannot be sent. Nothing has left this machine.
    Request,
    /// No key was accepted, or there is none.
    Auth,
    /// The client's own rate limit does not let the call start before its deadline. Nothing was sent.
    RateLimit,
    /// No complete response was received.
    Transport(TransportErrorKind),
    /// The response has an error status.
    Status(StatusCode),
    /// The response is not what the caller expects.
    Decode,
}

/// What went wrong.
impl Error {
    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.inner.cause {
            Cause::Build(_) => ErrorKind::Build,
            Cause::Request(_) => ErrorKind::Request,
            Cause::Auth(_) => ErrorKind::Auth,
            Cause::RateLimit(_) => ErrorKind::RateLimit,
            Cause::Transport(kind) => ErrorKind::Transport(*kind),
            Cause::Status(status) => ErrorKind::Status(*status),
            Cause::Json { .. } | Cause::Unexpected(_) => ErrorKind::Decode,
        }
    }

    /// Returns a stable name for logs and metrics (OpenTelemetry's `error.type`).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Build => "build",
            ErrorKind::Request => "request",
            ErrorKind::Auth => "auth",
            ErrorKind::RateLimit => "rate_limit",
            ErrorKind::Transport(kind) => kind.name(),
            ErrorKind::Status(_) => "status",
            ErrorKind::Decode => "decode",
        }
    }

    /// Returns `true` if no key was accepted. [`rejected_keys`](Self::rejected_keys) says which.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        self.kind() == ErrorKind::Auth
    }

    /// Returns `true` if the product has no such thing (404 or 410).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.error_status(),
            Some(StatusCode::NOT_FOUND | StatusCode::GONE)
        )
    }

    /// Returns `true` if the product limits the number of calls (429). The client's own limit is the kind
    /// [`RateLimit`](ErrorKind::RateLimit).
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.error_status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Returns `true` if connecting, or the whole call, took too long.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        use TransportErrorKind::{ConnectTimeout, Timeout};
        matches!(self.kind(), ErrorKind::Transport(Timeout | ConnectTimeout))
    }

    /// Returns `true` if there was no connection, so that nothing was sent.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        use TransportErrorKind::{Connect, ConnectTimeout, Dns, Proxy};
        let kind = self.kind();
        matches!(
            kind,
            ErrorKind::Transport(Connect | ConnectTimeout | Dns | Proxy)
        )
    }

    fn error_status(&self) -> Option<StatusCode> {
        match self.inner.cause {
            Cause::Status(status) => Some(status),
            _ => None,
        }
    }
}

/// What to do next.
impl Error {
    /// Returns `true` if the request may have been applied, by the last attempt or by
    /// [an earlier one](crate::Called::after_unknown_attempt).
    ///
    /// `false` means that it was not: nothing was sent, or the product refused it. [The rules](crate::error)
    /// are in the module's documentation.
    #[must_use]
    pub fn may_have_been_applied(&self) -> bool {
        let called = self.inner.called.as_ref();
        if called.is_some_and(|called| called.may_have_been_applied) {
            return true;
        }
        match &self.inner.cause {
            Cause::Build(_) | Cause::Request(_) | Cause::Auth(_) | Cause::RateLimit(_) => false,
            Cause::Transport(kind) => kind.is_after_connecting(),
            Cause::Status(status) => retry::may_have_been_applied(*status),
            Cause::Json { .. } | Cause::Unexpected(_) => true,
        }
    }

    /// Returns `true` if the same request may be sent again: it has no effect twice, and may succeed.
    ///
    /// It knows the method, [`Draft::repeatable`](crate::Draft::repeatable), and if the request may have been
    /// applied.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        let may_succeed = match &self.inner.cause {
            Cause::Transport(kind) => kind.is_transient(),
            Cause::Status(status) => retry::is_transient(*status),
            Cause::Auth(error) => error.kind() == AuthErrorKind::ResendNotAllowed,
            Cause::RateLimit(_) => true,
            _ => false,
        };
        let is_repeatable = self
            .inner
            .called
            .as_ref()
            .is_some_and(Called::is_repeatable);
        may_succeed && (is_repeatable || !self.may_have_been_applied())
    }

    /// Returns how long the product asks to wait (`Retry-After`, RFC 9110 section 10.2.3), or the client's own rate
    /// limit.
    ///
    /// A date counts from the response's own `Date`, since there is no clock here. Of several, the longest counts, and a
    /// wait that is too long to be counted is `u64::MAX` seconds. `None` if the product does not ask, or cannot be
    /// understood.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.asked_wait(None)
    }

    /// Returns the same as [`retry_after`](Self::retry_after), for a caller that has a clock: a date counts from `now` if the
    /// response has no `Date`. `now` is the time since the beginning of 1970, UTC.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ap_core::Response;
    ///
    /// let response = http::Response::builder()
    ///     .status(503)
    ///     .header("Retry-After", "Thu, 01 Jan 1970 00:01:00 GMT")
    ///     .body(bytes::Bytes::new())?;
    /// let error = Response::from(response).error_for_status().unwrap_err();
    /// assert_eq!(error.retry_after(), None);
    /// let now = Duration::from_secs(20);
    /// assert_eq!(error.retry_after_at(now), Some(Duration::from_secs(40)));
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn retry_after_at(&self, now: Duration) -> Option<Duration> {
        let now = SignedDuration::try_from(now).ok();
        let now = now.and_then(|now| Timestamp::from_duration(now).ok());
        self.asked_wait(Some(now.unwrap_or(Timestamp::MAX)))
    }

    fn asked_wait(&self, now: Option<Timestamp>) -> Option<Duration> {
        match &self.inner.cause {
            Cause::RateLimit(wait) => Some(*wait),
            _ => retry::retry_after(self.response()?.headers(), now),
        }
    }

    /// Returns what a person should do next.
    #[must_use]
    pub fn hint(&self) -> Hint {
        match &self.inner.cause {
            Cause::Build(_) => Hint::ChangeSettings,
            Cause::Request(_) => Hint::ChangeRequest,
            Cause::Auth(error) => error.hint(),
            Cause::RateLimit(wait) => Hint::Wait(Some(*wait)),
            Cause::Transport(kind) => match kind {
                TransportErrorKind::Setup | TransportErrorKind::TooLarge => Hint::ChangeSettings,
                TransportErrorKind::Unsendable => Hint::ChangeRequest,
                TransportErrorKind::Tls => Hint::CheckNetwork,
                kind if !kind.is_after_connecting() => Hint::CheckNetwork,
                _ if self.may_retry() => Hint::Retry,
                _ => Hint::CheckBeforeRetry,
            },
            Cause::Status(status) => match status.as_u16() {
                401 | 403 => {
                    let unauthorized = self.unauthorized();
                    unauthorized.map_or(Hint::CheckPlan, |unauthorized| unauthorized.hint())
                }
                402 => Hint::CheckPlan,
                404 | 410 => Hint::CheckPath,
                407 | 511 => Hint::CheckNetwork,
                _ if self.may_retry() => Hint::Wait(self.retry_after()),
                300..=499 | 501 | 505 => Hint::ChangeRequest,
                500..=599 => Hint::CheckBeforeRetry,
                _ => Hint::Update,
            },
            Cause::Json { .. } | Cause::Unexpected(_) => Hint::Update,
        }
    }
}

/// What is known of the call.
impl Error {
    /// Returns the response, if there was one.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        self.inner.response.as_ref()
    }

    /// Returns the response's status, if there was a response.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(Response::status)
    }

    /// Returns what a 401 or 403 says that is not a rejected key, for example that the plan does not include the
    /// resource.
    ///
    /// [`rejected_keys`](Self::rejected_keys) has those that are.
    #[must_use]
    pub fn unauthorized(&self) -> Option<Unauthorized> {
        let response = self.response()?;
        let product = self.service()?.product();
        Unauthorized::from_answer(product, self.error_status()?, response.bytes())
    }

    /// Returns what is known of the request, if anything is.
    #[must_use]
    pub fn called(&self) -> Option<&Called> {
        self.inner.called.as_ref()
    }

    /// Returns the service that was called.
    #[must_use]
    pub fn service(&self) -> Option<Service> {
        self.inner.called.as_ref().map(Called::service)
    }

    /// Returns the method of the request.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        self.inner.called.as_ref().map(Called::method)
    }

    /// Returns the rejected keys, in the order of the attempts.
    #[must_use]
    pub fn rejected_keys(&self) -> &[RejectedKey] {
        self.auth().map_or(&[], AuthError::rejected_keys)
    }

    /// Returns why no key was accepted, if that is the failure.
    #[must_use]
    pub fn auth(&self) -> Option<&AuthError> {
        match &self.inner.cause {
            Cause::Auth(error) => Some(error),
            _ => None,
        }
    }

    /// Returns what is wrong with the request, if that is the failure.
    #[must_use]
    pub fn request(&self) -> Option<&RequestError> {
        match &self.inner.cause {
            Cause::Request(error) => Some(error),
            _ => None,
        }
    }
}

/// For code that drives an exchange, implements a client, or decodes a response.
impl Error {
    /// Creates an error of kind [`Build`](ErrorKind::Build). `why` is a sentence without a full stop.
    #[must_use]
    pub fn build(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Cause::Build(why.into()))
    }

    /// Creates an error of kind [`RateLimit`](ErrorKind::RateLimit): the call could only start after this time.
    #[must_use]
    pub fn rate_limit(wait: Duration) -> Self {
        Self::new(Cause::RateLimit(wait))
    }

    /// Adds what is known of the request.
    #[must_use]
    pub fn with_called(mut self, called: Called) -> Self {
        self.inner.called = Some(called);
        self
    }

    /// Adds the response.
    #[must_use]
    pub fn with_response(mut self, response: Response) -> Self {
        if let Some(called) = response.called() {
            self.inner.called = Some(called.clone());
        }
        self.inner.response = Some(response);
        self
    }

    /// Adds the error behind this one. You are responsible for its text: no key, no URL, no header, no body.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    pub(crate) fn status_error(response: Response) -> Self {
        Self::new(Cause::Status(response.status())).with_response(response)
    }

    pub(crate) fn json_error(
        category: Category,
        line: usize,
        column: usize,
        response: Response,
    ) -> Self {
        let cause = Cause::Json {
            category,
            line,
            column,
        };
        Self::new(cause).with_response(response)
    }

    pub(crate) fn unexpected_response(why: &'static str, response: Response) -> Self {
        Self::new(Cause::Unexpected(why)).with_response(response)
    }

    /// For walks through pages, which keep no response.
    pub(crate) fn unexpected(why: &'static str) -> Self {
        Self::new(Cause::Unexpected(why))
    }

    fn new(cause: Cause) -> Self {
        Self {
            inner: Box::new(Inner {
                cause,
                called: None,
                response: None,
                source: None,
            }),
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Self::new(Cause::Request(error))
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        Self::new(Cause::Auth(error))
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let (kind, source) = error.into_parts();
        let mut converted = Self::new(Cause::Transport(kind));
        converted.inner.source = source;
        converted
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.cause {
            Cause::Build(why) => f.write_str(why),
            Cause::Request(error) => error.fmt(f),
            Cause::Auth(error) => {
                error.fmt(f)?;
                match &self.inner.source {
                    // Why, is the source's text.
                    Some(_) => f.write_str("; the key source failed"),
                    None => Ok(()),
                }
            }
            Cause::RateLimit(_) => f.write_str(
                "the client's rate limit does not let the call start before its deadline; nothing was sent",
            ),
            Cause::Transport(kind) => kind.fmt(f),
            Cause::Status(status) => {
                match self.service() {
                    Some(service) => write!(f, "{}", service.product())?,
                    None => f.write_str("the product")?,
                }
                write!(f, " answered {}", status.as_str())?;
                match status.canonical_reason() {
                    Some(reason) => write!(f, " {reason}"),
                    None => Ok(()),
                }
            }
            Cause::Json {
                category,
                line,
                column,
            } => {
                let what = match category {
                    Category::Eof => "ends early",
                    Category::Data => "is not of the expected form",
                    _ => "is not JSON",
                };
                write!(f, "the response {what} (line {line}, column {column})")
            }
            Cause::Unexpected(why) => write!(f, "the response is not as expected: {why}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("service", &self.service())
            .field("method", &self.method())
            .field("text", &format_args!("{self}"))
            .field("hint", &format_args!("{}", self.hint()))
            .field("response", &self.response())
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.inner.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
