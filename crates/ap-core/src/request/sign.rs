//! [`sign`]: puts a key on a request that may carry it.

use http::header::MaxSizeReached;
use http::{HeaderMap, HeaderValue, Request, header};

use super::{RequestError, check};
use crate::credentials::Credentials;
use crate::origin::Origins;
use crate::product::Service;

/// Checks a request and puts exactly one `Authorization` on it. Returns the service it goes to.
///
/// Everything that [`check`] looks at is checked each time. A request that was signed with the same
/// credentials before can be signed again; one that brings another `Authorization` is refused. Signing does
/// not allocate if the header map has room for one more header.
///
/// # Errors
///
/// [`RequestError`] says what is wrong. The request is then unchanged.
///
/// ```
/// use ap_core::{ApiKey, Credentials, Origins, Service, sign};
/// use http::{Request, header};
///
/// let credentials = Credentials::new(ApiKey::parse("1234567890")?);
/// let mut request = Request::get("https://app.leadconduit.com/flows").body(())?;
/// assert_eq!(sign(&mut request, &credentials, &Origins::vendor())?, Service::LeadConduit);
/// assert_eq!(request.headers()[header::AUTHORIZATION], "Basic QVBJOjEyMzQ1Njc4OTA=");
///
/// let mut elsewhere = Request::get("https://app.leadconduit.com.example/flows").body(())?;
/// assert!(sign(&mut elsewhere, &credentials, &Origins::vendor()).is_err());
/// assert!(elsewhere.headers().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sign<B>(
    request: &mut Request<B>,
    credentials: &Credentials,
    origins: &Origins,
) -> Result<Service, RequestError> {
    let service = check(request, std::slice::from_ref(credentials), origins)?;
    put_authorization(request.headers_mut(), credentials.authorization())?;
    Ok(service)
}

/// Puts a value on a request that passed the check, instead of any earlier one.
pub(crate) fn put_authorization(
    headers: &mut HeaderMap,
    value: &HeaderValue,
) -> Result<(), RequestError> {
    // Comparing the few names is cheaper than hashing the one to look up.
    let is_new = !headers.keys().any(|name| *name == header::AUTHORIZATION);
    let put = if is_new {
        headers
            .try_append(header::AUTHORIZATION, value.clone())
            .map(drop)
    } else {
        replace_authorization(headers, value)
    };
    put.map_err(|_| RequestError::TooManyHeaders)
}

fn replace_authorization(
    headers: &mut HeaderMap,
    value: &HeaderValue,
) -> Result<(), MaxSizeReached> {
    if headers.len() == headers.keys_len() {
        // There is one line, so its value can be replaced in place.
        let lines = headers.iter_mut();
        lines
            .filter(|(name, _)| **name == header::AUTHORIZATION)
            .for_each(|(_, line)| line.clone_from(value));
        return Ok(());
    }
    let inserted = headers.try_insert(header::AUTHORIZATION, value.clone());
    inserted.map(drop)
}
