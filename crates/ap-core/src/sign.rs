//! [`sign`]: puts a key on a request, if the request may carry one.

use http::{Request, header};

use crate::credentials::Credentials;
use crate::origin::Origins;
use crate::product::Service;
use crate::request::{self, RequestError};

/// Puts exactly one `Authorization` header on a request, and says which service it goes to.
///
/// Signing costs no allocation into a header map that holds anything already. A request that was
/// signed with the same credentials before is signed again; one that brings an `Authorization` of its
/// own is refused.
///
/// # Errors
///
/// [`RequestError`] if the URL's origin is not on the list, or if anything else about the request
/// would let the key reach somebody else or be sent twice. The request is then unchanged.
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
    let ours = std::slice::from_ref(credentials);
    let service = request::check(
        origins,
        request.method(),
        request.uri(),
        request.headers(),
        ours,
        &[],
    )?;
    request
        .headers_mut()
        .insert(header::AUTHORIZATION, credentials.authorization().clone());
    Ok(service)
}
