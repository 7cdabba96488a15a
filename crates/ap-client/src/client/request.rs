//! [`RequestBuilder`]: a draft, with the client that sends it.

use std::fmt;
use std::time::Duration;

use ap_core::{Draft, Error, Response, RetryPolicy};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::Client;
use crate::mode::{Async, Blocking, Mode};

/// A request that a client is about to send: a [`Draft`], how long it may take, and if it is made again.
///
/// It owns a clone of the client, so its future can be spawned. A setter never fails: `send` returns the first
/// problem.
///
/// ```
/// use ap_client::ap_core::{ApiKey, Service};
/// use ap_client::{Blocking, ClientBuilder, fake};
///
/// let client = ClientBuilder::<Blocking>::new()
///     .key(ApiKey::parse("1234567890")?)
///     .build_with(fake(|request| (201, request.body().clone())))?;
///
/// let response = client
///     .post(Service::LeadConduit, "/flows")
///     .json(&serde_json::json!({ "name": "a flow" }))
///     .send()?;
/// assert_eq!(response.text()?, r#"{"name":"a flow"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a request is not sent before `send`"]
pub struct RequestBuilder<M: Mode> {
    client: Client<M>,
    draft: Draft,
}

impl<M: Mode> RequestBuilder<M> {
    pub(crate) const fn new(client: Client<M>, draft: Draft) -> Self {
        Self { client, draft }
    }

    fn map(mut self, change: impl FnOnce(Draft) -> Draft) -> Self {
        self.draft = change(self.draft);
        self
    }

    /// Appends one segment to the path, percent-encoded. See [`Draft::path_segment`].
    pub fn path_segment(self, segment: impl AsRef<str>) -> Self {
        self.map(|draft| draft.path_segment(segment))
    }

    /// Appends pairs to the query. See [`Draft::query`].
    pub fn query(self, pairs: &(impl Serialize + ?Sized)) -> Self {
        self.map(|draft| draft.query(pairs))
    }

    /// Sets a header. See [`Draft::header`].
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.map(|draft| draft.header(name, value))
    }

    /// Sets several headers. See [`Draft::headers`].
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.map(|draft| draft.headers(headers))
    }

    /// Sets a JSON body. See [`Draft::json`].
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.map(|draft| draft.json(body))
    }

    /// Sets the body of an HTML form. See [`Draft::form`].
    pub fn form(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.map(|draft| draft.form(body))
    }

    /// Sets the body as it is. See [`Draft::body`].
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.map(|draft| draft.body(body))
    }

    /// Sends this without a key. See [`Draft::unsigned`].
    pub fn unsigned(self) -> Self {
        self.map(Draft::unsigned)
    }

    /// Says that this may be sent twice. See [`Draft::repeatable`].
    pub fn repeatable(self) -> Self {
        self.map(Draft::repeatable)
    }

    /// Sets how long this call may take, every attempt included, instead of the client's timeout.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.client.timeout = timeout;
        self
    }

    /// Makes this call again after a failure by this policy, instead of the client's;
    /// [`RetryPolicy::NEVER`] for not at all. See [`ClientBuilder::retry`](crate::ClientBuilder::retry).
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.client.retry = policy;
        self
    }

    /// Returns the draft.
    pub fn into_draft(self) -> Draft {
        self.draft
    }
}

impl RequestBuilder<Blocking> {
    /// Sends the request and returns the response of any status. See [`Client::send`].
    ///
    /// # Errors
    ///
    /// [`Error`] if the request cannot be sent, if no key was accepted, or if no complete response was
    /// received.
    pub fn send(self) -> Result<Response, Error> {
        let mut call = self.client.driver(self.draft)?;
        self.client.run(&mut call)
    }
}

impl RequestBuilder<Async> {
    /// Sends the request and returns the response of any status. See [`Client::send`].
    ///
    /// # Errors
    ///
    /// [`Error`] if the request cannot be sent, if no key was accepted, or if no complete response was
    /// received.
    pub async fn send(self) -> Result<Response, Error> {
        let mut call = self.client.driver(self.draft)?;
        self.client.run(&mut call).await
    }
}

impl<M: Mode> fmt::Debug for RequestBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("draft", &self.draft)
            .field("timeout", &self.client.timeout)
            .field("retry", &self.client.retry)
            .finish_non_exhaustive()
    }
}
