//! Reading request bodies, bounded in length and in time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde_json::Value;

use crate::Product;
use crate::response::{self, Answer};

pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// The body as JSON, or the answer that refuses it.
pub(crate) async fn read_json(
    product: Product,
    body: Body,
    patience: Duration,
) -> Result<Value, Answer> {
    let bytes = read(product, body, patience).await?;
    serde_json::from_slice(&bytes).map_err(|_| {
        response::error(
            product,
            StatusCode::BAD_REQUEST,
            "the request body is not valid JSON",
        )
    })
}

async fn read(product: Product, body: Body, patience: Duration) -> Result<Bytes, Answer> {
    let refuse = |status, reason| response::closing(response::error(product, status, reason));
    let too_large = || {
        let reason = "the request body is larger than 1048576 bytes";
        refuse(StatusCode::PAYLOAD_TOO_LARGE, reason)
    };
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(patience, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(refuse(
            StatusCode::BAD_REQUEST,
            "the request body is broken",
        )),
        Err(_) => Err(refuse(
            StatusCode::REQUEST_TIMEOUT,
            "the request body took too long",
        )),
    }
}
