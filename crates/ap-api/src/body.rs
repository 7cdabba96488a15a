//! [`Body`]: what the body of a response is decoded into.

use ap_core::{Error, Response};
use serde::de::DeserializeOwned;

/// What a response's body is decoded into.
pub(crate) trait Body: DeserializeOwned {
    /// Decodes a response with a success status.
    fn decode(response: Response) -> Result<Self, Error> {
        response.error_for_status()?.json()
    }
}

/// The API writes some empty lists as `null`.
impl<T: DeserializeOwned> Body for Vec<T> {
    fn decode(response: Response) -> Result<Self, Error> {
        let list: Option<Self> = response.error_for_status()?.json()?;
        Ok(list.unwrap_or_default())
    }
}
