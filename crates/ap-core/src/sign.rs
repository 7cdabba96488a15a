//! [`sign`]: puts a key on a request, if it goes where keys may go.

use http::{HeaderMap, HeaderValue, Request, header};

use crate::credentials::Credentials;
use crate::origin::Origins;
use crate::product::Service;
use crate::request::{self, RequestError};

/// Puts exactly one `Authorization` on a request, and says which service it goes to.
///
/// Looked at is where the key goes: the URL's origin, a path that some take for a host, a `Host` of the
/// caller's, and a method that sends the key back. What else can be wrong with a request that others made is
/// for [`check`](crate::check), once.
///
/// Signing costs no allocation into a header map that has room for one header more. A request that was
/// signed with the same credentials before is signed again; one that brings an `Authorization` of its
/// own is refused.
///
/// # Errors
///
/// [`RequestError`] if the key would reach anybody but a service of the list, or if the request brings an
/// `Authorization`. The request is then unchanged.
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
    let service = request::check_recipient(request, origins)?;
    put(
        request.headers_mut(),
        credentials.authorization(),
        |value| request::is_of(value, std::slice::from_ref(credentials)),
    )?;
    Ok(service)
}

/// Puts a value where no `Authorization` is, or in the place of those that are, if all of them are ours.
/// A `Host` could name somebody else to hear it, so there is none.
#[inline]
pub(crate) fn put(
    headers: &mut HeaderMap,
    value: &HeaderValue,
    is_ours: impl Fn(&HeaderValue) -> bool,
) -> Result<(), RequestError> {
    // A look at the few names costs less than a look for one of them, which hashes it.
    let mut names = headers.keys();
    if !names.any(|name| *name == header::AUTHORIZATION || *name == header::HOST) {
        headers.append(header::AUTHORIZATION, value.clone());
        return Ok(());
    }
    if headers.keys().any(|name| *name == header::HOST) {
        return Err(RequestError::ReservedHeader(header::HOST));
    }
    let is_only_line = headers.len() == headers.keys_len();
    let mut lines = headers
        .iter_mut()
        .filter_map(|(name, line)| (*name == header::AUTHORIZATION).then_some(line));
    let foreign = || Err(RequestError::ReservedHeader(header::AUTHORIZATION));
    if is_only_line && let Some(line) = lines.next() {
        if !is_ours(line) {
            return foreign();
        }
        line.clone_from(value);
        return Ok(());
    }
    if !lines.all(|line| is_ours(line)) {
        return foreign();
    }
    headers.insert(header::AUTHORIZATION, value.clone());
    Ok(())
}
