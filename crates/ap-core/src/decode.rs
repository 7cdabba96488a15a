//! What can fail in reading a [`Response`]: its status, its text, its JSON.

use serde::Deserialize;

use crate::error::Error;
use crate::response::Response;

impl Response {
    /// Returns this response, or an error if its status is not a success (200 to 299).
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`Status`](crate::ErrorKind::Status), with this response in it.
    pub fn error_for_status(self) -> Result<Self, Error> {
        if self.status().is_success() {
            Ok(self)
        } else {
            Err(Error::status_error(self))
        }
    }

    /// Returns the body as text. It borrows from the response, so keep that in a variable.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`Decode`](crate::ErrorKind::Decode) if the body is not UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(self.bytes()).map_err(|_| self.unexpected("it is not UTF-8"))
    }

    /// Reads the body as JSON. The result may borrow from the response.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind [`Decode`](crate::ErrorKind::Decode), which says at which line and column, and
    /// never repeats the body.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        // serde_json's own text can quote the body, so only the position is kept.
        serde_json::from_slice(self.bytes()).map_err(|error| {
            Error::json_error(error.classify(), error.line(), error.column(), self.clone())
        })
    }

    /// Returns an error of kind [`Decode`](crate::ErrorKind::Decode) with this response in it, for your own
    /// [`Endpoint`](crate::Endpoint): `why` completes "the response is not as expected: ".
    ///
    /// ```
    /// use ap_core::Response;
    ///
    /// let response = Response::from(http::Response::new("[]".into()));
    /// let error = response.unexpected("the list is empty");
    /// assert_eq!(error.to_string(), "the response is not as expected: the list is empty");
    /// ```
    #[must_use]
    pub fn unexpected(&self, why: &'static str) -> Error {
        Error::unexpected_response(why, self.clone())
    }
}
