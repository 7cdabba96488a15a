//! Reading request bodies, with a limit of length and of time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde_json::Value;

use crate::Product;
use crate::response::{self, Response};

const MAX_LENGTH: usize = 1024 * 1024;

/// Returns the body as JSON, or the response that refuses it.
pub(crate) async fn read_json(
    product: Product,
    body: Body,
    timeout: Duration,
) -> Result<Value, Response> {
    let bytes = read(product, body, timeout).await?;
    serde_json::from_slice(&bytes).map_err(|_| not_json(product))
}

/// The response to a body that is not JSON.
pub(crate) fn not_json(product: Product) -> Response {
    let reason = "the request body is not valid JSON";
    response::error(product, StatusCode::BAD_REQUEST, reason)
}

/// Returns the whole body, or the response that refuses it.
pub(crate) async fn read(
    product: Product,
    body: Body,
    timeout: Duration,
) -> Result<Bytes, Response> {
    let refusal = |status, reason| response::closing(response::error(product, status, reason));
    let too_large = || {
        let reason = "the request body is larger than 1048576 bytes";
        refusal(StatusCode::PAYLOAD_TOO_LARGE, reason)
    };
    if body.size_hint().lower() > MAX_LENGTH as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(timeout, Limited::new(body, MAX_LENGTH).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => {
            let reason = "the request body is broken";
            Err(refusal(StatusCode::BAD_REQUEST, reason))
        }
        Err(_) => {
            let reason = "the request body took too long";
            Err(refusal(StatusCode::REQUEST_TIMEOUT, reason))
        }
    }
}
