//! Requests and responses without a client.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod endpoints;

use ap_api::Id;
use ap_core::{Draft, Error, Origins, Response};
use bytes::Bytes;
use http::Request;
use serde_json::Value;

pub(crate) const FLOW: &str = "5fd4371e940df5a34a3888b2";
pub(crate) const SOURCE: &str = "5fd4371e940df5a34a3888b3";
pub(crate) const CERTIFICATE: &str = "0123456789abcdef0123456789abcdef01234567";

pub(crate) fn id() -> Id {
    Id::parse(FLOW).unwrap()
}

pub(crate) fn prepare(draft: Draft) -> Result<Request<Bytes>, Error> {
    draft
        .prepare(&Origins::vendor(), None)
        .map(|(request, _)| request)
}

/// A request as one line: method, path and query, and the body.
pub(crate) fn line(request: &Request<Bytes>) -> String {
    let target = request.uri().path_and_query().unwrap();
    let body = std::str::from_utf8(request.body()).unwrap();
    let line = format!("{} {target} {body}", request.method());
    line.trim_end().to_owned()
}

pub(crate) fn response(status: u16, body: impl Into<Bytes>) -> Response {
    let response = http::Response::builder().status(status);
    response.body(body.into()).unwrap().into()
}

pub(crate) fn json_response(status: u16, body: &Value) -> Response {
    response(status, body.to_string())
}
