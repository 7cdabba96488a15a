//! The checks of a request's head, before its key.

use ap_listener::{Framing, Host, is_loopback};
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Request, header};

use crate::refusal::Refusal;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what no program that uses the gateway sends, and returns the one `Authorization`, if there is one. `own_port` is
/// that of the listener, if it has one.
pub(crate) fn check<B>(
    request: &Request<B>,
    framing: Framing,
    own_port: Option<u16>,
) -> Result<Option<&HeaderValue>, Refusal> {
    if framing == Framing::Ambiguous {
        return Err(Refusal::ambiguous_framing());
    }
    let is_forwarded = !["CONNECT", "TRACE"]
        .iter()
        .any(|name| request.method().as_str().eq_ignore_ascii_case(name));
    let is_asterisk = request.uri().path() == "*";
    if !is_forwarded || is_asterisk {
        return Err(Refusal::method());
    }
    match Host::of(request) {
        Host::Malformed => return Err(Refusal::malformed_host()),
        Host::Foreign => return Err(Refusal::foreign_host()),
        Host::Loopback => {}
    }
    if let Some(target) = request.uri().authority() {
        let host = request.headers().get(header::HOST);
        let is_host = host.is_some_and(|host| {
            host.as_bytes()
                .eq_ignore_ascii_case(target.as_str().as_bytes())
        });
        let is_own = is_loopback(target.as_str())
            && target.port_u16() == own_port
            && request.uri().scheme() == Some(&Scheme::HTTP);
        if !is_host || !is_own {
            return Err(Refusal::other_target());
        }
    }
    let mut authorization = None;
    for (name, value) in request.headers() {
        // A browser sends one of these with every request to another place than the page's own. The gateway has no pages.
        if *name == header::ORIGIN || *name == SEC_FETCH_SITE {
            return Err(Refusal::browser());
        }
        if *name == header::AUTHORIZATION && authorization.replace(value).is_some() {
            return Err(Refusal::several_authorizations());
        }
    }
    Ok(authorization)
}
