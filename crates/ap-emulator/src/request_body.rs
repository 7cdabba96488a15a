//! Reading request bodies, with a limit of length and of time, and of all bodies together.

use std::time::Duration;

use ap_core::Service;
use axum::body::Body;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::response::{self, Response};

/// The longest body that is read.
pub(crate) const MAX_LENGTH: usize = 1024 * 1024;
/// The longest body of a call about a certificate. All that it needs is far shorter, and its response repeats much of it.
const MAX_SHORT_LENGTH: usize = 64 * 1024;
/// The longest body of a control call. It needs none of [`BodyRoom`], so that control calls always work.
const MAX_CONTROL_LENGTH: usize = 16 * 1024;
/// How much may be held of all bodies of product calls together.
const MAX_TOGETHER: usize = 32 * 1024 * 1024;

/// The room for the bodies that are held at the same time.
#[derive(Debug)]
pub(crate) struct BodyRoom(Semaphore);

impl BodyRoom {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(MAX_TOGETHER))
    }
}

/// A body, and the room that it takes while it is held.
#[derive(Debug)]
pub(crate) struct HeldBody<'a> {
    bytes: Vec<u8>,
    room: Option<SemaphorePermit<'a>>,
}

impl HeldBody<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Returns the body of a control call, parsed by `parse`, or the response that refuses it.
pub(crate) async fn read_control(
    body: Body,
    timeout: Duration,
    parse: impl FnOnce(&[u8]) -> Option<Value>,
) -> Result<Value, Response> {
    let service = Service::LeadConduit;
    let held = read(service, body, timeout, MAX_CONTROL_LENGTH, None).await?;
    parse(held.as_bytes()).ok_or_else(|| not_json(service))
}

/// Returns the body of a product call, or the response that refuses it.
pub(crate) async fn read_held(
    service: Service,
    body: Body,
    timeout: Duration,
    room: &BodyRoom,
) -> Result<HeldBody<'_>, Response> {
    read(service, body, timeout, MAX_LENGTH, Some(room)).await
}

/// Returns the body of a product call that has no long bodies, or the response that refuses it.
pub(crate) async fn read_short(
    service: Service,
    body: Body,
    timeout: Duration,
    room: &BodyRoom,
) -> Result<HeldBody<'_>, Response> {
    read(service, body, timeout, MAX_SHORT_LENGTH, Some(room)).await
}

/// Returns the names and values of a form, in their order.
pub(crate) fn form_members(form: &[u8]) -> Vec<(String, String)> {
    // Every text is a form.
    serde_html_form::from_bytes(form).unwrap_or_default()
}

fn not_json(service: Service) -> Response {
    let reason = "the request body is not valid JSON";
    response::error(service, StatusCode::BAD_REQUEST, reason)
}

async fn read(
    service: Service,
    mut body: Body,
    timeout: Duration,
    max_length: usize,
    room: Option<&BodyRoom>,
) -> Result<HeldBody<'_>, Response> {
    let refusal =
        |status, reason: &str| response::closing(response::error(service, status, reason));
    let too_large = || {
        let reason = format!("the request body is larger than {max_length} bytes");
        refusal(StatusCode::PAYLOAD_TOO_LARGE, &reason)
    };
    if body.size_hint().lower() > max_length as u64 {
        return Err(too_large());
    }
    let mut held = HeldBody {
        bytes: Vec::new(),
        room: None,
    };
    let whole = async {
        while let Some(frame) = body.frame().await {
            let frame = frame
                .map_err(|_| refusal(StatusCode::BAD_REQUEST, "the request body is broken"))?;
            // Trailers mean nothing here.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if held.bytes.len() + data.len() > max_length {
                return Err(too_large());
            }
            if let Some(room) = room
                && !held.take_room(room, data.len())
            {
                let reason = "this emulator is reading too many request bodies; try again";
                return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, reason));
            }
            held.bytes.extend_from_slice(&data);
        }
        Ok(())
    };
    match tokio::time::timeout(timeout, whole).await {
        Ok(Ok(())) => Ok(held),
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => {
            let reason = "the request body took too long";
            Err(refusal(StatusCode::REQUEST_TIMEOUT, reason))
        }
    }
}

impl<'a> HeldBody<'a> {
    /// Returns `false` if there is no room for `length` more bytes.
    fn take_room(&mut self, room: &'a BodyRoom, length: usize) -> bool {
        let Ok(length) = u32::try_from(length) else {
            return false;
        };
        let Ok(more) = room.0.try_acquire_many(length) else {
            return false;
        };
        match &mut self.room {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        true
    }
}
