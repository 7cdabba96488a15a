//! [`Refusal`]: an answer of the gateway's own, in place of a product's.

use std::borrow::Cow;

use ap_client::ap_core::error::TransportErrorKind;
use ap_client::ap_core::exchange::AuthErrorKind;
use ap_client::ap_core::request::InvalidTarget;
use ap_client::ap_core::{Error, ErrorKind, RequestError};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

const ALLOWED_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const CHALLENGE: &str = "Basic realm=\"ap gateway\"";
/// How many seconds a client should wait if too many calls wait already.
const RETRY_AFTER: &str = "1";

/// The header by which a program tells an answer of the gateway from one of a product.
static REASON: HeaderName = HeaderName::from_static("ap-gateway-refusal");

/// Why a request was answered by the gateway itself.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// A word for the answer's header, metrics and the access log.
    pub(crate) reason: &'static str,
    message: Cow<'static, str>,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    const fn new(status: StatusCode, reason: &'static str, message: &'static str) -> Self {
        Self {
            status,
            reason,
            message: Cow::Borrowed(message),
            header: None,
        }
    }

    fn with_header(self, name: HeaderName, value: &'static str) -> Self {
        Self {
            header: Some((name, value)),
            ..self
        }
    }

    /// Converts the error of a head that the server did not pass on.
    pub(crate) fn of_head(error: &hyper::Error) -> Self {
        let (status, message) = if error.is_parse_too_large() {
            let message =
                "the head of the request has more than 64 KiB or more than 100 headers; send less";
            (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message.into())
        } else if error.is_incomplete_message() {
            let message = "the head of the request did not arrive completely";
            (StatusCode::BAD_REQUEST, message.into())
        } else if error.is_parse_version_h2() {
            let message = "the gateway speaks HTTP/1.1; call it without HTTP/2";
            (StatusCode::BAD_REQUEST, message.into())
        } else {
            let error = error.to_string();
            // What follows a space in a path is read as the version.
            let hint = if error.contains("version") {
                "; write a space in a path as %20"
            } else {
                ""
            };
            let message = format!("the head of the request is not valid HTTP/1.1: {error}{hint}");
            (StatusCode::BAD_REQUEST, message.into())
        };
        Self {
            message,
            ..Self::new(status, "head", "")
        }
    }

    pub(crate) fn too_many_connections() -> Self {
        let message = "too many connections";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "connections", message)
            .with_header(header::RETRY_AFTER, RETRY_AFTER)
    }

    pub(crate) const fn ambiguous_framing() -> Self {
        let message = "the framing of the request is ambiguous";
        Self::new(StatusCode::BAD_REQUEST, "framing", message)
    }

    pub(crate) fn method() -> Self {
        let message = "the gateway forwards no request of this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", message)
            .with_header(header::ALLOW, ALLOWED_METHODS)
    }

    pub(crate) const fn malformed_host() -> Self {
        let message = "exactly one Host header is needed";
        Self::new(StatusCode::BAD_REQUEST, "host", message)
    }

    pub(crate) const fn foreign_host() -> Self {
        let message =
            "the gateway answers to names of loopback only; call it as 127.0.0.1 or localhost";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "host", message)
    }

    pub(crate) const fn other_target() -> Self {
        let message = "the request's target names another host than its Host header; the gateway is no HTTP proxy";
        Self::new(StatusCode::BAD_REQUEST, "host", message)
    }

    pub(crate) const fn browser() -> Self {
        let message = "web pages may not call the gateway";
        Self::new(StatusCode::FORBIDDEN, "browser", message)
    }

    pub(crate) const fn several_authorizations() -> Self {
        let message = "the request has more than one Authorization header; send one";
        Self::new(StatusCode::BAD_REQUEST, "authorization", message)
    }

    pub(crate) fn wrong_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "wrong_key", "wrong gateway key")
            .with_header(header::WWW_AUTHENTICATE, CHALLENGE)
    }

    pub(crate) const fn local_key_elsewhere() -> Self {
        let message = "the request contains the gateway key outside of Authorization, and would send it away; remove it";
        Self::new(StatusCode::BAD_REQUEST, "local_key", message)
    }

    pub(crate) const fn no_such_service() -> Self {
        let message = "the path begins with none of /lcx/, /trustedform/, /trustedform-app/ and /suppressionlist/";
        Self::new(StatusCode::NOT_FOUND, "no_such_service", message)
    }

    pub(crate) const fn no_such_page() -> Self {
        let message = "the gateway has health, ready and metrics below /_gateway/";
        Self::new(StatusCode::NOT_FOUND, "no_such_page", message)
    }

    pub(crate) const fn too_large() -> Self {
        let message = "the body is larger than the gateway buffers; allow more with its option";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    pub(crate) const fn slow_head() -> Self {
        let message = "the head of the request did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow_head", message)
    }

    pub(crate) const fn slow_body() -> Self {
        let message = "the body did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow_body", message)
    }

    pub(crate) const fn broken_body() -> Self {
        let message = "the body did not arrive completely, or its chunks are malformed";
        Self::new(StatusCode::BAD_REQUEST, "broken_body", message)
    }

    pub(crate) fn overloaded() -> Self {
        let message = "too many calls or too large bodies wait already; try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
            .with_header(header::RETRY_AFTER, RETRY_AFTER)
    }

    pub(crate) const fn withheld() -> Self {
        let message =
            "the product's answer contains the account's API key, so the gateway withholds it";
        Self::new(StatusCode::BAD_GATEWAY, "withheld", message)
    }

    pub(crate) const fn unsearchable() -> Self {
        let message = "the product's answer is compressed, partial or in an unusual charset, so a key in it could not be found; the gateway withholds it";
        Self::new(StatusCode::BAD_GATEWAY, "withheld", message)
    }

    pub(crate) const fn redacted() -> Self {
        let message = "the body has [redacted] in place of an API key, and would save that; remove the member";
        Self::new(StatusCode::BAD_REQUEST, "redacted", message)
    }

    pub(crate) const fn timeout() -> Self {
        let message = "the product did not answer in time";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
    }

    /// Converts the error of a call that has no response to pass on. The text of an error has no key, path or value in
    /// it. That of a key source may name files of this machine, so it is left out.
    pub(crate) fn of(error: &Error) -> Self {
        let bad_gateway = |reason| Self {
            message: error.to_string().into(),
            ..Self::new(StatusCode::BAD_GATEWAY, reason, "")
        };
        match error.kind() {
            ErrorKind::Request => {
                let is_long = matches!(
                    error.request(),
                    Some(RequestError::Target(InvalidTarget::TooLong))
                );
                let status = if is_long {
                    StatusCode::URI_TOO_LONG
                } else {
                    StatusCode::BAD_REQUEST
                };
                Self {
                    message: error.to_string().into(),
                    ..Self::new(status, "request", "")
                }
            }
            ErrorKind::RateLimit => Self::overloaded(),
            ErrorKind::Auth => {
                let is_missing = error
                    .auth()
                    .is_some_and(|auth| auth.kind() == AuthErrorKind::NoKey);
                let message = if is_missing {
                    "the gateway has no API key"
                } else {
                    "the gateway has no API key that the product accepts"
                };
                Self::new(StatusCode::BAD_GATEWAY, "no_key", message)
            }
            ErrorKind::Transport(TransportErrorKind::Timeout) => Self::timeout(),
            ErrorKind::Transport(kind) => bad_gateway(kind.name()),
            _ => bad_gateway("other"),
        }
    }

    /// Returns the answer. Neither its body nor its header are a product's.
    pub(crate) fn response(&self) -> Response<Bytes> {
        let body = serde_json::json!({ "error": self.message }).to_string();
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(&REASON, HeaderValue::from_static(self.reason));
        if let Some((name, value)) = &self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// Returns the answer as it is sent without a server, at the end of a connection.
    pub(crate) fn message(&self) -> Vec<u8> {
        let (head, body) = self.response().into_parts();
        let mut message = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
        let length = HeaderValue::from(body.len());
        let close = HeaderValue::from_static("close");
        let own = [
            (header::CONTENT_LENGTH, length),
            (header::CONNECTION, close),
        ];
        let lines = head.headers.iter();
        for (name, value) in lines.chain(own.iter().map(|(name, value)| (name, value))) {
            message.extend_from_slice(name.as_str().as_bytes());
            message.extend_from_slice(b": ");
            message.extend_from_slice(value.as_bytes());
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(&body);
        message
    }
}
