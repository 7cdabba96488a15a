//! [`fake`]: a transport for tests of code that uses a client.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::transport::{
    AsyncTransport, Deadline, Moment, Transport, TransportError, TransportErrorKind,
};

/// Creates a transport that answers every request with what a function returns. For tests, in either mode.
///
/// The function gets the signed request. It returns a status and a body, an [`http::Response`], or a `Result`
/// of these with a [`TransportError`].
///
/// ```
/// use ap_client::ap_core::{ApiKey, Error, Service};
/// use ap_client::{Blocking, Client, ClientBuilder, fake};
///
/// // The function under test.
/// fn count_flows(client: &Client<Blocking>) -> Result<usize, Error> {
///     let response = client.get(Service::LeadConduit, "/flows").send()?.error_for_status()?;
///     Ok(response.json::<Vec<serde_json::Value>>()?.len())
/// }
///
/// let client = ClientBuilder::<Blocking>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build_with(fake(|request| match request.uri().path() {
///         "/flows" => (200, "[{}, {}]"),
///         _ => (404, "{}"),
///     }))?;
/// assert_eq!(count_flows(&client)?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fake<F, R>(answer: F) -> FakeTransport<F>
where
    F: FnMut(&Request<Bytes>) -> R + Send,
    R: FakeResponse,
{
    FakeTransport {
        answer: Mutex::new(answer),
        time: Mutex::default(),
    }
}

/// A transport made by [`fake`]. Its clock stands still, except that waiting moves it at once.
///
/// So no test takes long, but a call's deadline passes as soon as the call waits for something else. With an
/// async client, use a key source that answers at once.
pub struct FakeTransport<F> {
    answer: Mutex<F>,
    time: Mutex<Duration>,
}

/// What the function of a [`fake`] may return: a status and a body, an [`http::Response`], or a `Result` of these.
///
/// ```
/// use ap_client::ap_core::{ApiKey, Service};
/// use ap_client::transport::{TransportError, TransportErrorKind};
/// use ap_client::{Blocking, ClientBuilder, fake};
///
/// // One answer, then the connection ends.
/// let mut answers = vec![Err(TransportError::new(TransportErrorKind::Closed)), Ok((200, "[]"))];
/// let client = ClientBuilder::<Blocking>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build_with(fake(move |_| answers.pop().unwrap()))?;
/// assert!(client.get(Service::LeadConduit, "/flows").send().is_ok());
/// assert!(client.get(Service::LeadConduit, "/flows").send().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait FakeResponse {
    /// Converts this into the outcome of a round trip.
    ///
    /// # Errors
    ///
    /// [`TransportError`] if the round trip fails.
    fn into_outcome(self) -> Result<Response<Bytes>, TransportError>;
}

impl<B: Into<Bytes>> FakeResponse for (u16, B) {
    fn into_outcome(self) -> Result<Response<Bytes>, TransportError> {
        let (status, body) = self;
        let mut response = Response::new(body.into());
        *response.status_mut() = StatusCode::from_u16(status).map_err(|error| {
            TransportError::new(TransportErrorKind::Malformed).with_source(error)
        })?;
        Ok(response)
    }
}

impl<B: Into<Bytes>> FakeResponse for Response<B> {
    fn into_outcome(self) -> Result<Response<Bytes>, TransportError> {
        Ok(self.map(Into::into))
    }
}

impl<R: FakeResponse> FakeResponse for Result<R, TransportError> {
    fn into_outcome(self) -> Result<Response<Bytes>, TransportError> {
        self.and_then(FakeResponse::into_outcome)
    }
}

impl<F> FakeTransport<F> {
    fn present(&self) -> Moment {
        Moment::after_start(*self.time.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn skip_to(&self, moment: Moment) {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        *time = moment.since_start().max(*time);
    }

    fn round_trip<R>(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError>
    where
        F: FnMut(&Request<Bytes>) -> R,
        R: FakeResponse,
    {
        deadline.begin(self.present())?;
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        (*answer)(request).into_outcome()
    }
}

impl<F, R> Transport for FakeTransport<F>
where
    F: FnMut(&Request<Bytes>) -> R + Send,
    R: FakeResponse,
{
    fn now(&self) -> Moment {
        self.present()
    }

    fn sleep_until(&self, moment: Moment) {
        self.skip_to(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.round_trip(request, deadline)
    }
}

#[async_trait]
impl<F, R> AsyncTransport for FakeTransport<F>
where
    F: FnMut(&Request<Bytes>) -> R + Send,
    R: FakeResponse,
{
    fn now(&self) -> Moment {
        self.present()
    }

    async fn sleep_until(&self, moment: Moment) {
        self.skip_to(moment);
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.round_trip(request, deadline)
    }
}

impl<F> fmt::Debug for FakeTransport<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeTransport").finish_non_exhaustive()
    }
}
