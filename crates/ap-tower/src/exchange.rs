//! One call, from the unsigned request to its final response.

use std::error::Error as StdError;
use std::future::poll_fn;

use ap_core::exchange::{Answer, Resend, Step};
use ap_core::unauthorized::UNAUTHORIZED_BODY_LIMIT;
use ap_core::{Account, Called, Error};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use crate::peeked_body::PeekedBody;

/// Any error: an [`ap_core::Error`], or one of the service below.
///
/// ```
/// use ap_tower::BoxError;
///
/// fn may_retry(error: &BoxError) -> bool {
///     error.downcast_ref::<ap_tower::ap_core::Error>().is_some_and(|error| error.may_retry())
/// }
/// # assert!(!may_retry(&"another error".into()));
/// ```
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Marks a request, in its extensions, that is sent again because the key of the attempt before was rejected.
///
/// A server may close the connection on which it rejected a key, so send such a request on a new one if you can
/// choose.
///
/// ```
/// use ap_tower::Resent;
/// use http::Request;
///
/// fn may_reuse_connection<B>(request: &Request<B>) -> bool {
///     request.extensions().get::<Resent>().is_none()
/// }
/// assert!(may_reuse_connection(&Request::new(())));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resent;

/// Runs the exchange over a service that is ready.
pub(crate) async fn run<S, B, R>(
    account: Account,
    mut inner: S,
    mut request: Request<B>,
) -> Result<Response<PeekedBody<R>>, BoxError>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    B: Clone,
    R: Body + Unpin,
    R::Error: Into<BoxError>,
{
    let service = account.origins().service_of(request.uri());
    let called = service.map(|service| Called::new(service, &request));
    let failed = |error: Error| match &called {
        Some(called) => error.with_called(called.clone()),
        None => error,
    };
    // The last response by which the product rejected a key.
    let mut rejection: Option<Response<Bytes>> = None;
    let step = account.begin(&request, Resend::Allowed);
    let mut step = step.map_err(|error| failed(error.into()))?;
    loop {
        step = match step {
            Step::Send(attempt) => {
                let signed = attempt.sign(&mut request);
                signed.map_err(|error| failed(error.into()))?;
                if attempt.resend_count() > 0 {
                    request.extensions_mut().insert(Resent);
                    poll_fn(|context| inner.poll_ready(context))
                        .await
                        .map_err(Into::into)?;
                }
                let response = inner.call(request.clone()).await.map_err(Into::into)?;
                let (head, body) = response.into_parts();
                let mut body = PeekedBody::new(body);
                let start = match head.status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => body
                        // The byte more shows that it is too long.
                        .peek(UNAUTHORIZED_BODY_LIMIT + 1)
                        .await
                        .map_err(Into::into)?,
                    _ => Bytes::new(),
                };
                match attempt.answered(head.status, &start) {
                    Answer::Final => return Ok(Response::from_parts(head, body)),
                    Answer::Next(step) => {
                        rejection = Some(Response::from_parts(head, start));
                        step
                    }
                }
            }
            Step::NeedKey(need) => need.resume(),
            Step::Failed(error) => {
                let mut error = failed(error.into());
                if let Some((rejection, called)) = rejection.take().zip(called.clone()) {
                    error = error.with_response(ap_core::Response::new(rejection, called));
                }
                return Err(error.into());
            }
        };
    }
}
