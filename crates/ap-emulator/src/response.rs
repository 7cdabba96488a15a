//! Building answers, with the header lines and in the order of the vendor's published sample.

use std::time::SystemTime;

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, VARY,
};
use http::{Method, Request, Response, StatusCode, Version};
use serde_json::{Value, json};

use crate::Product;

pub(crate) type Answer = Response<Body>;

static SAMPLE_ORDER: [HeaderName; 5] = [CONTENT_TYPE, CONTENT_LENGTH, CONNECTION, VARY, ETAG];

pub(crate) fn json(status: StatusCode, body: &Value) -> Answer {
    text(status, body.to_string())
}

/// For bodies whose bytes are fixed by the vendor, down to the order of the members.
pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(status, "application/json; charset=utf-8", body)
}

pub(crate) fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = body.into();
    let length = HeaderValue::from(body.len());
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, length);
    answer
}

/// An error in the shape that `product` gives its errors.
pub(crate) fn error(product: Product, status: StatusCode, reason: &str) -> Answer {
    let body = match product {
        Product::TrustedForm => json!({ "outcome": "error", "reason": reason }),
        Product::LeadConduit | Product::SuppressionList => json!({ "error": reason }),
    };
    json(status, &body)
}

pub(crate) fn closing(mut answer: Answer) -> Answer {
    answer
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// What has to be remembered of a request to finish its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) keeps_alive: bool,
    pub(crate) head: bool,
}

impl Asked {
    pub(crate) fn of<B>(request: &Request<B>, may_keep_alive: bool) -> Self {
        let wish = |token: &str| {
            request
                .headers()
                .get_all(CONNECTION)
                .iter()
                .filter_map(|line| line.to_str().ok())
                .flat_map(|line| line.split(','))
                .any(|item| item.trim().eq_ignore_ascii_case(token))
        };
        let wished = match request.version() {
            Version::HTTP_10 => wish("keep-alive") && !wish("close"),
            _ => !wish("close"),
        };
        Self {
            keeps_alive: may_keep_alive && wished,
            head: request.method() == Method::HEAD,
        }
    }
}

/// Puts the header lines in the sample's order, with the date and the fate of the connection.
pub(crate) fn finish(mut answer: Answer, asked: Asked) -> Answer {
    let mut found = std::mem::take(answer.headers_mut());
    if !found.contains_key(CONNECTION) || !asked.keeps_alive {
        let fate = if asked.keeps_alive {
            "keep-alive"
        } else {
            "close"
        };
        found.insert(CONNECTION, HeaderValue::from_static(fate));
    }
    let mut ordered = HeaderMap::with_capacity(found.len() + 1);
    if let Ok(now) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::now())) {
        ordered.insert(DATE, now);
    }
    for name in &SAMPLE_ORDER {
        if let Some(value) = found.remove(name) {
            ordered.insert(name, value);
        }
    }
    ordered.extend(found);
    *answer.headers_mut() = ordered;
    answer
}
