//! [`Endpoint`]: a value that makes a request and decodes its response.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::draft::Draft;
use crate::error::Error;
use crate::response::Response;

/// A value that makes a request and decodes its response, without I/O.
///
/// Give it to a client's `call`, blocking or async, or use it with an exchange of your own. [`Call`] is the
/// usual one; implement this trait for an operation whose response needs more than JSON and a status.
///
/// ```
/// use ap_core::{Draft, Endpoint, Error, Response, Service};
/// use http::StatusCode;
///
/// /// Returns `true` if a flow exists.
/// struct FlowExists<'a>(&'a str);
///
/// impl Endpoint for FlowExists<'_> {
///     type Output = bool;
///
///     fn draft(&self) -> Draft {
///         Draft::get(Service::LeadConduit, "/flows").path_segment(self.0)
///     }
///
///     fn decode(&self, response: Response) -> Result<bool, Error> {
///         if response.status() == StatusCode::NOT_FOUND {
///             return Ok(false);
///         }
///         response.error_for_status().map(|_| true)
///     }
/// }
/// ```
pub trait Endpoint {
    /// What the response is decoded into.
    type Output;

    /// Returns the request.
    fn draft(&self) -> Draft;

    /// Decodes the response. It may have any status.
    ///
    /// # Errors
    ///
    /// [`Error`], usually from [`Response::error_for_status`], [`Response::json`] or
    /// [`Response::unexpected`].
    fn decode(&self, response: Response) -> Result<Self::Output, Error>;
}

impl<E: Endpoint + ?Sized> Endpoint for &E {
    type Output = E::Output;

    fn draft(&self) -> Draft {
        (**self).draft()
    }

    fn decode(&self, response: Response) -> Result<E::Output, Error> {
        (**self).decode(response)
    }
}

/// The usual endpoint: a request whose response has a success status and a JSON body.
///
/// ```
/// use ap_core::{Call, Draft, Service};
///
/// #[derive(serde::Deserialize)]
/// struct Flow {
///     name: String,
/// }
///
/// fn flows() -> Call<Vec<Flow>> {
///     Call::new(Draft::get(Service::LeadConduit, "/flows"))
/// }
///
/// // The same request, decoded into a type of your own.
/// let names = flows().output::<Vec<serde_json::Value>>();
/// ```
#[must_use = "a call does nothing until a client makes it"]
pub struct Call<T> {
    draft: Draft,
    output: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    /// Creates a call that sends this request.
    pub const fn new(draft: Draft) -> Self {
        Self {
            draft,
            output: PhantomData,
        }
    }

    /// Decodes the response into another type, for example one of your own with the fields that you need.
    pub fn output<U>(self) -> Call<U> {
        Call::new(self.draft)
    }

    /// Changes the request, for parameters that have no method.
    pub fn map(self, change: impl FnOnce(Draft) -> Draft) -> Self {
        Self::new(change(self.draft))
    }
}

impl<T: DeserializeOwned> Endpoint for Call<T> {
    type Output = T;

    fn draft(&self) -> Draft {
        self.draft.clone()
    }

    fn decode(&self, response: Response) -> Result<T, Error> {
        response.error_for_status()?.json()
    }
}

impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        Self::new(self.draft.clone())
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.draft).finish()
    }
}
