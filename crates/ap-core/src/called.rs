//! [`Called`]: what a response, or an error, remembers of its request.

use http::{Method, Request};

use crate::product::Service;

/// The service and method of a request, and if it may be sent twice.
///
/// Responses and errors keep this: it decides which product they are of and if a retry is safe.
///
/// ```
/// use ap_core::{Called, Service, TransportError, TransportErrorKind};
/// use http::Request;
///
/// let request = Request::post("https://app.leadconduit.com/flows").body(())?;
/// let called = Called::new(Service::LeadConduit, &request);
/// assert!(!called.is_repeatable(), "a POST has its effect each time");
///
/// // The connection ended after the request was sent, so a second one could do harm.
/// let error = TransportError::new(TransportErrorKind::Closed);
/// let error = ap_core::Error::from(error).with_called(called);
/// assert!(!error.may_retry());
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    pub(crate) service: Service,
    pub(crate) method: Method,
    pub(crate) is_repeatable: bool,
    pub(crate) is_at_most_once: bool,
    pub(crate) may_have_been_applied: bool,
}

impl Called {
    /// Describes a request that was not made from a [`Draft`](crate::Draft).
    #[must_use]
    pub fn new<B>(service: Service, request: &Request<B>) -> Self {
        Self {
            service,
            method: request.method().clone(),
            is_repeatable: request.method().is_idempotent(),
            is_at_most_once: false,
            may_have_been_applied: false,
        }
    }

    /// Returns the service.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns `true` if sending the request twice has the same effect as sending it once: its method is
    /// idempotent (RFC 9110 section 9.2.2), or [`Draft::repeatable`](crate::Draft::repeatable) says so.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    /// Says that an earlier attempt of the same call may have been applied. Then
    /// [`Error::may_have_been_applied`](crate::Error::may_have_been_applied) is `true` for every error of the call, however
    /// its last attempt ended.
    ///
    /// ```
    /// use ap_core::{Called, Service, TransportError, TransportErrorKind};
    ///
    /// let request = http::Request::put("https://app.leadconduit.com/flows/1").body(())?;
    /// let called = Called::new(Service::LeadConduit, &request);
    /// let not_connected = || ap_core::Error::from(TransportError::new(TransportErrorKind::Connect));
    /// assert!(!not_connected().with_called(called.clone()).may_have_been_applied());
    ///
    /// // The response to an earlier attempt was lost.
    /// let called = called.after_unknown_attempt();
    /// assert!(not_connected().with_called(called).may_have_been_applied());
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn after_unknown_attempt(mut self) -> Self {
        self.may_have_been_applied = true;
        self
    }

    /// Returns `true` if no client may send the request again after a failure: see
    /// [`Draft::at_most_once`](crate::Draft::at_most_once).
    #[must_use]
    pub fn is_at_most_once(&self) -> bool {
        self.is_at_most_once
    }
}
