//! Building responses, with the header lines of the vendor's published sample, in its order.

use ap_core::Service;
use axum::body::Body;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, VARY,
};
use http::{Method, Request, StatusCode, Version};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};

use crate::pieces::Pieces;

pub(crate) type Response = http::Response<Body>;

pub(crate) const JSON: &str = "application/json; charset=utf-8";

static SAMPLE_ORDER: [HeaderName; 5] = [CONTENT_TYPE, CONTENT_LENGTH, CONNECTION, VARY, ETAG];

pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    json_text(status, body.to_string())
}

/// For JSON whose bytes the vendor fixes, down to the order of the members.
pub(crate) fn json_text(status: StatusCode, body: impl Into<Bytes>) -> Response {
    with_type(status, JSON, body)
}

pub(crate) fn with_type(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response {
    let body = body.into();
    with_body(
        status,
        content_type,
        body.len(),
        Body::new(Pieces::new(body)),
    )
}

/// A response in plain text, which is what the vendor's submission handler refuses with.
pub(crate) fn plain_text(status: StatusCode, reason: String) -> Response {
    let mut response = with_type(status, "text/plain", reason);
    response.extensions_mut().insert(PlainText);
    response
}

/// Marks a response that is plain text on purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlainText;

/// For a body that is not held as a whole.
pub(crate) fn with_body(
    status: StatusCode,
    content_type: &'static str,
    length: usize,
    body: Body,
) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// For JSON whose length is not known before it is written.
pub(crate) fn chunked_json(body: Body) -> Response {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static(JSON);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An error in the shape that `service` gives to its errors.
pub(crate) fn error(service: Service, status: StatusCode, reason: &str) -> Response {
    let body = match service {
        Service::TrustedForm => json!({ "outcome": "error", "reason": reason }),
        _ => json!({ "error": reason }),
    };
    json(status, &body)
}

pub(crate) fn not_found(service: Service) -> Response {
    error(service, StatusCode::NOT_FOUND, "not found")
}

/// Closes the connection after `response`.
pub(crate) fn closing(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The facts about a request that its response depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestFacts {
    pub(crate) can_keep_alive: bool,
    pub(crate) is_head: bool,
}

impl RequestFacts {
    /// `can_continue` is `false` if the connection cannot be used after this request.
    pub(crate) fn new<B>(request: &Request<B>, can_continue: bool) -> Self {
        let has_token = |token: &str| {
            request
                .headers()
                .get_all(CONNECTION)
                .iter()
                .filter_map(|line| line.to_str().ok())
                .flat_map(|line| line.split(','))
                .any(|item| item.trim().eq_ignore_ascii_case(token))
        };
        let wants_keep_alive = match request.version() {
            Version::HTTP_10 => has_token("keep-alive") && !has_token("close"),
            _ => !has_token("close"),
        };
        Self {
            can_keep_alive: can_continue && wants_keep_alive,
            is_head: request.method() == Method::HEAD,
        }
    }
}

/// Adds `Date` and `Connection`, and puts the header lines in the sample's order.
pub(crate) fn finish(mut response: Response, request: RequestFacts) -> Response {
    let mut headers = std::mem::take(response.headers_mut());
    if !headers.contains_key(CONNECTION) || !request.can_keep_alive {
        let connection = if request.can_keep_alive {
            "keep-alive"
        } else {
            "close"
        };
        headers.insert(CONNECTION, HeaderValue::from_static(connection));
    }
    let mut ordered = HeaderMap::with_capacity(headers.len() + 1);
    if let Some(now) = http_date(Timestamp::now()) {
        ordered.insert(DATE, now);
    }
    for name in &SAMPLE_ORDER {
        if let Some(value) = headers.remove(name) {
            ordered.insert(name, value);
        }
    }
    ordered.extend(headers);
    *response.headers_mut() = ordered;
    response
}

/// The IMF-fixdate of RFC 9110 section 5.6.7, which no date before year 0 has.
fn http_date(at: Timestamp) -> Option<HeaderValue> {
    let text = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .ok()?;
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::http_date;

    #[test]
    fn http_dates_are_imf_fixdates() {
        for (second, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        ] {
            let at = Timestamp::from_second(second).unwrap();
            assert_eq!(http_date(at).unwrap(), expected);
        }
    }
}
