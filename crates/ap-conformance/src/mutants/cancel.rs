//! What can go wrong with a call that is dropped: async transports.

use std::fmt;
use std::sync::Arc;

use ap_core::{
    AsyncTransport, Connect as _, Deadline, Moment, Settings, Transport, TransportError,
};
use ap_reqwest::ReqwestTransport;
use ap_ureq::UreqTransport;
use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

use super::failing_cases::About;
use super::mutant::Answer;

#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    GoesOnWithADroppedCall,
    BlocksTheRuntime,
}

impl Wrong {
    pub(super) const ALL: [Self; 2] = [Self::GoesOnWithADroppedCall, Self::BlocksTheRuntime];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::GoesOnWithADroppedCall => "goes on with a call that was dropped",
            Self::BlocksTheRuntime => "blocks the runtime while it waits",
        }
    }

    pub(super) const fn fails(self) -> About {
        match self {
            Self::GoesOnWithADroppedCall | Self::BlocksTheRuntime => {
                About::these(&["cancel/*", "rotation/cancelled"]).either(&[
                    // One of the two libraries does not keep them.
                    "limits/interim-count-101",
                    "limits/interim-flood",
                    "limits/interim-size",
                ])
            }
        }
    }
}

pub(super) struct AsyncMutant {
    wrong: Wrong,
    inner: Arc<ReqwestTransport>,
    blocking: UreqTransport,
}

impl AsyncMutant {
    pub(super) fn new(wrong: Wrong, settings: &Settings) -> Result<Self, TransportError> {
        Ok(Self {
            wrong,
            inner: Arc::new(ReqwestTransport::connect(settings)?),
            blocking: UreqTransport::connect(settings)?,
        })
    }
}

impl fmt::Debug for AsyncMutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsyncMutant({:?})", self.wrong)
    }
}

#[async_trait]
impl AsyncTransport for AsyncMutant {
    fn now(&self) -> Moment {
        self.blocking.now()
    }

    async fn send(&self, request: &Request<Bytes>, deadline: Deadline) -> Answer {
        match self.wrong {
            Wrong::GoesOnWithADroppedCall => {
                let (inner, request) = (Arc::clone(&self.inner), request.clone());
                let call = tokio::spawn(async move { inner.send(&request, deadline).await });
                call.await.unwrap()
            }
            Wrong::BlocksTheRuntime => Transport::send(&self.blocking, request, deadline),
        }
    }
}
