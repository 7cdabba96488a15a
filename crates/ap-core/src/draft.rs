//! [`Draft`]: a request to a service, before it has an origin and a key.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use serde::Serialize;

use crate::called::Called;
use crate::error::Error;
use crate::origin::Origins;
use crate::product::Service;
use crate::request::{self, RequestError};

/// What the vendor's services need in `Accept`.
static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request to a service, before it has an origin and a key. A plain value, made without I/O.
///
/// A setter never fails: the first problem is kept and returned when the draft is sent or
/// [prepared](Self::prepare), so a call has one place where errors come out.
///
/// ```
/// use ap_core::{Draft, Origins, Service};
///
/// let draft = Draft::get(Service::LeadConduit, "/flows")
///     .path_segment("5fd4371e/940")
///     .query(&[("limit", "10")]);
/// let (request, _) = draft.prepare(&Origins::vendor(), None)?;
/// assert_eq!(request.uri(), "https://app.leadconduit.com/flows/5fd4371e%2F940?limit=10");
/// # Ok::<(), ap_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a draft does nothing until a client sends it"]
pub struct Draft {
    called: Called,
    /// Path and query.
    target: String,
    headers: HeaderMap,
    body: Bytes,
    is_unsigned: bool,
    problem: Option<RequestError>,
}

impl Draft {
    /// Creates a draft. The path begins with `/` and may have a query.
    pub fn new(service: Service, method: Method, path: impl Into<String>) -> Self {
        Self {
            called: Called {
                service,
                is_repeatable: method.is_idempotent(),
                is_at_most_once: false,
                may_have_been_applied: false,
                method,
            },
            target: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            is_unsigned: false,
            problem: None,
        }
    }

    /// Creates a `GET` request.
    pub fn get(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::GET, path)
    }

    /// Creates a `POST` request.
    pub fn post(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::POST, path)
    }

    /// Creates a `PUT` request.
    pub fn put(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::PUT, path)
    }

    /// Creates a `DELETE` request.
    pub fn delete(service: Service, path: impl Into<String>) -> Self {
        Self::new(service, Method::DELETE, path)
    }

    /// Converts a request of the `http` crate whose URL is at one of the allowed origins.
    ///
    /// # Errors
    ///
    /// [`RequestError`] from [`check`](crate::check). Nothing is encoded or repaired.
    ///
    /// ```
    /// use ap_core::{Draft, Origins, Service};
    ///
    /// let request = http::Request::get("https://app.leadconduit.com/flows").body("")?;
    /// let draft = Draft::from_http(request, &Origins::vendor())?;
    /// assert_eq!(draft.service(), Service::LeadConduit);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_http<B: Into<Bytes>>(
        request: Request<B>,
        origins: &Origins,
    ) -> Result<Self, RequestError> {
        let service = request::check(&request, &[], origins)?;
        let (parts, body) = request.into_parts();
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let draft = Self::new(service, parts.method, target).body(body);
        Ok(Self {
            headers: parts.headers,
            ..draft
        })
    }

    /// Appends one segment to the path, percent-encoded, so that an id cannot change the rest of it.
    ///
    /// An empty segment, `.` and `..` are errors.
    pub fn path_segment(mut self, segment: impl AsRef<str>) -> Self {
        let pushed = request::push_segment(&mut self.target, segment.as_ref());
        self.keep(pushed.map_err(RequestError::Target));
        self
    }

    /// Appends pairs to the query: a slice of pairs, a map, or a struct whose field names are the names.
    ///
    /// Names and values are encoded by the rules of HTML forms. A list repeats its name, `None` is left out.
    ///
    /// ```
    /// use ap_core::{Draft, Origins, Service};
    ///
    /// #[derive(serde::Serialize)]
    /// struct Filter<'a> {
    ///     name: &'a str,
    ///     id: Vec<u8>,
    /// }
    ///
    /// let filter = Filter { name: "a&b=c", id: vec![1, 2] };
    /// let draft = Draft::get(Service::LeadConduit, "/events").query(&filter);
    /// let (request, _) = draft.prepare(&Origins::vendor(), None)?;
    /// assert_eq!(request.uri().query(), Some("name=a%26b%3Dc&id=1&id=2"));
    /// # Ok::<(), ap_core::Error>(())
    /// ```
    pub fn query(mut self, pairs: &(impl Serialize + ?Sized)) -> Self {
        let pairs = serde_html_form::to_string(pairs).map_err(|_| RequestError::Query);
        if let Some(pairs) = self.keep(pairs) {
            request::push_query(&mut self.target, &pairs);
        }
        self
    }

    /// Sets a header, instead of an earlier one of the same name.
    ///
    /// ```
    /// use ap_core::{Draft, Origins, Service};
    ///
    /// let draft = Draft::get(Service::LeadConduit, "/flows").header("X-Request-Id", "7");
    /// let (request, _) = draft.prepare(&Origins::vendor(), None)?;
    /// assert_eq!(request.headers()["x-request-id"], "7");
    ///
    /// let two_lines = Draft::get(Service::LeadConduit, "/flows").header("X-Request-Id", "7\n8");
    /// let error = two_lines.prepare(&Origins::vendor(), None).unwrap_err();
    /// let text = "the value of the header x-request-id contains a byte that is not printable ASCII; encode it";
    /// assert_eq!(error.to_string(), text);
    /// # Ok::<(), ap_core::Error>(())
    /// ```
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        let set = match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => self
                .headers
                .try_insert(name, value)
                .map_err(|_| RequestError::TooManyHeaders),
            (Ok(name), Err(_)) => Err(RequestError::HeaderValue(name)),
            (Err(_), _) => Err(RequestError::HeaderName),
        };
        self.keep(set);
        self
    }

    /// Sets a header, unless there is one of this name.
    pub fn default_header(mut self, name: HeaderName, value: &HeaderValue) -> Self {
        let added = add_missing(&mut self.headers, name, value);
        self.keep(added);
        self
    }

    /// Sets several headers, instead of earlier ones of the same names. Repeated lines stay repeated.
    #[inline]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        if self.headers.is_empty() {
            self.headers = headers;
        } else {
            self.add_headers(headers);
        }
        self
    }

    /// Sets a JSON body, and `Content-Type` if it is not set.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        let written = serde_json::to_vec(body).map_err(|_| RequestError::Body("JSON"));
        self.typed_body("application/json", written)
    }

    /// Sets the body of an HTML form, and `Content-Type` if it is not set. It accepts
    /// what [`query`](Self::query) accepts.
    pub fn form(self, body: &(impl Serialize + ?Sized)) -> Self {
        let written = serde_html_form::to_string(body).map_err(|_| RequestError::Body("a form"));
        self.typed_body("application/x-www-form-urlencoded", written)
    }

    /// Sets the body as it is. Set its `Content-Type` with [`header`](Self::header).
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends this without a key, for the operations that the vendor documents as needing none.
    pub fn unsigned(mut self) -> Self {
        self.is_unsigned = true;
        self
    }

    /// Says that sending this twice has the same effect as sending it once, although its method does not
    /// promise that.
    pub fn repeatable(mut self) -> Self {
        self.called.is_repeatable = !self.called.is_at_most_once;
        self
    }

    /// Says that no client may send this again after a failure, whatever its [policy](crate::RetryPolicy) is. A
    /// submitted lead is an example: there could be two of it.
    ///
    /// After a rejected key the request still goes out once more with the next key, because the product did nothing
    /// with the first one.
    pub fn at_most_once(mut self) -> Self {
        self.called.is_at_most_once = true;
        self.called.is_repeatable = false;
        self
    }

    /// Refuses to send this, for an endpoint whose parameters are known to be wrong. `why` is one sentence
    /// without a full stop, and does not repeat a value.
    ///
    /// ```
    /// use ap_core::{Draft, Origins, Service};
    ///
    /// let limit = 5_000;
    /// let mut draft = Draft::get(Service::LeadConduit, "/events").query(&[("limit", limit)]);
    /// if !(1..=1_000).contains(&limit) {
    ///     draft = draft.refuse("the limit is not from 1 to 1000");
    /// }
    /// let error = draft.prepare(&Origins::vendor(), None).unwrap_err();
    /// assert_eq!(error.to_string(), "the limit is not from 1 to 1000");
    /// ```
    pub fn refuse(mut self, why: &'static str) -> Self {
        self.keep(Err::<(), _>(RequestError::Parameter(why)));
        self
    }

    /// Returns the service.
    #[must_use]
    pub fn service(&self) -> Service {
        self.called.service
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.called.method
    }

    /// Returns `true` if this is sent without a key.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        self.is_unsigned
    }

    /// Returns the request at its origin, still without a key, and what its response is read with.
    ///
    /// Clients call this; call it yourself to drive an exchange. `Accept: application/json`, which the vendor
    /// needs, and the `User-Agent` are added unless the draft has its own. The whole request is
    /// [checked](crate::check) here.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`Request`](crate::ErrorKind::Request).
    pub fn prepare(
        self,
        origins: &Origins,
        user_agent: Option<&HeaderValue>,
    ) -> Result<(Request<Bytes>, Called), Error> {
        let called = self.called.clone();
        match self.build(origins, user_agent) {
            Ok(request) => Ok((request, called)),
            Err(problem) => Err(Error::from(problem).with_called(called)),
        }
    }

    fn build(
        self,
        origins: &Origins,
        user_agent: Option<&HeaderValue>,
    ) -> Result<Request<Bytes>, RequestError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let uri = request::uri_at(origins.get(self.called.service), self.target)
            .map_err(RequestError::Target)?;
        let mut request = Request::new(self.body);
        *request.method_mut() = self.called.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        let headers = request.headers_mut();
        add_missing(headers, header::ACCEPT, &JSON)?;
        if let Some(user_agent) = user_agent {
            add_missing(headers, header::USER_AGENT, user_agent)?;
        }
        // The URI is at an allowed origin, and its path was checked when it was made. No key is known here.
        request::check_method(request.method())?;
        request::check_headers(request.headers(), std::iter::empty)?;
        Ok(request)
    }

    /// Few drafts get two maps.
    #[cold]
    fn add_headers(&mut self, headers: HeaderMap) {
        let mut set = Ok(());
        let mut current = None;
        for (name, value) in headers {
            // The map names a header once, with the first of its lines.
            set = set.and(match (name, &current) {
                (Some(name), _) => {
                    current = Some(name.clone());
                    self.headers.try_insert(name, value).map(drop)
                }
                (None, Some(name)) => self.headers.try_append(name, value).map(drop),
                (None, None) => Ok(()),
            });
        }
        self.keep(set.map_err(|_| RequestError::TooManyHeaders));
    }

    fn typed_body<B: Into<Bytes>>(
        mut self,
        media_type: &'static str,
        body: Result<B, RequestError>,
    ) -> Self {
        if let Some(body) = self.keep(body) {
            self.body = body.into();
            let media_type = HeaderValue::from_static(media_type);
            let added = add_missing(&mut self.headers, header::CONTENT_TYPE, &media_type);
            self.keep(added);
        }
        self
    }

    /// Keeps the first problem.
    fn keep<T>(&mut self, outcome: Result<T, RequestError>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem.get_or_insert(problem);
                None
            }
        }
    }
}

/// Adds a header unless there is one of this name.
fn add_missing(
    headers: &mut HeaderMap,
    name: HeaderName,
    value: &HeaderValue,
) -> Result<(), RequestError> {
    // Comparing the few names is cheaper than hashing the one to look up.
    if headers.keys().any(|other| *other == name) {
        return Ok(());
    }
    let added = headers.try_append(name, value.clone());
    added.map(drop).map_err(|_| RequestError::TooManyHeaders)
}

/// Leaves out path, query, headers and body: they contain ids and personal data.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("service", &self.called.service)
            .field("method", &self.called.method)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}
