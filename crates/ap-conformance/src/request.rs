//! The request of a call: as texts for programs, and as the `http` crate's types for transports.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use crate::case::Call;
use crate::placeholders::Placeholders;

/// A request as texts and bytes, filled in.
pub(crate) struct RequestParts {
    pub method: String,
    /// A path on the target's service, or a whole URL.
    pub target: String,
    pub is_path: bool,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub unsigned: bool,
}

/// A request that a client can be given.
pub(crate) enum PreparedRequest {
    /// A whole request, because the call has a URL.
    Whole(Request<Bytes>),
    /// A path, which the client makes a request from.
    Path {
        method: Method,
        path: String,
        headers: HeaderMap,
        body: Bytes,
    },
    /// The `http` crate's types cannot express it, so nothing can be sent.
    Inexpressible,
}

impl RequestParts {
    pub(crate) fn of(call: &Call, placeholders: &Placeholders) -> Result<Self, String> {
        let target = call.path.as_ref().or(call.url.as_ref());
        let body = match (&call.body, call.body_bytes) {
            (Some(text), _) => placeholders.fill(text)?.into_bytes(),
            (None, Some(length)) => vec![b'b'; length],
            (None, None) => Vec::new(),
        };
        let headers: Result<Vec<_>, String> = call
            .headers
            .iter()
            .map(|(name, value)| Ok((name.clone(), placeholders.fill(value)?)))
            .collect();
        Ok(Self {
            method: call.method.clone(),
            target: placeholders.fill(target.map_or("", String::as_str))?,
            is_path: call.path.is_some(),
            headers: headers?,
            body,
            unsigned: call.unsigned,
        })
    }

    /// Converts it into the `http` crate's types, if they can express it.
    pub(crate) fn prepare(self) -> PreparedRequest {
        let method = Method::from_bytes(self.method.as_bytes());
        let (Some(mut headers), Ok(method)) = (header_map(&self.headers), method) else {
            return PreparedRequest::Inexpressible;
        };
        let body = Bytes::from(self.body);
        if self.is_path {
            return PreparedRequest::Path {
                method,
                path: self.target,
                headers,
                body,
            };
        }
        let Ok(uri) = Uri::try_from(self.target) else {
            return PreparedRequest::Inexpressible;
        };
        headers
            .entry(http::header::ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        PreparedRequest::Whole(request)
    }
}

fn header_map(lines: &[(String, String)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    Some(headers)
}
