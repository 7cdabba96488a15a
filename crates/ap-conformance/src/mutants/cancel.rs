//! Faults with a call that is dropped: async transports.

use std::fmt;
use std::sync::Arc;

use ap_client::transport::{
    AsyncTransport, Connect as _, Deadline, Moment, Transport, TransportConfig, TransportError,
};
use ap_reqwest::ReqwestTransport;
use ap_ureq::UreqTransport;
use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

use super::failing_cases::FailingCases;
use super::mutant::SendResult;

#[derive(Clone, Copy, Debug)]
pub(super) enum AsyncFault {
    ContinuesDroppedCall,
    BlocksTheRuntime,
}

impl AsyncFault {
    pub(super) const ALL: [Self; 2] = [Self::ContinuesDroppedCall, Self::BlocksTheRuntime];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ContinuesDroppedCall => "continues a call that was dropped",
            Self::BlocksTheRuntime => "blocks the runtime while it waits",
        }
    }

    pub(super) const fn fails(self) -> FailingCases {
        let listed = match self {
            // It uses that connection no more.
            Self::ContinuesDroppedCall => {
                FailingCases::listed(&["cancel/*", "!cancel/in-the-body"])
            }
            Self::BlocksTheRuntime => FailingCases::listed(&["cancel/*", "rotation/cancelled"]),
        };
        listed.uncertain(&[
            // One of the two transports is expected to fail these.
            "limits/interim-count-101",
            "limits/interim-flood",
            "limits/interim-size",
            "proxy/address-ipv6",
        ])
    }
}

pub(super) struct AsyncMutant {
    fault: AsyncFault,
    inner: Arc<ReqwestTransport>,
    blocking: UreqTransport,
}

impl AsyncMutant {
    pub(super) fn new(fault: AsyncFault, config: &TransportConfig) -> Result<Self, TransportError> {
        Ok(Self {
            fault,
            inner: Arc::new(ReqwestTransport::connect(config)?),
            blocking: UreqTransport::connect(config)?,
        })
    }
}

impl fmt::Debug for AsyncMutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsyncMutant({:?})", self.fault)
    }
}

#[async_trait]
impl AsyncTransport for AsyncMutant {
    fn now(&self) -> Moment {
        self.blocking.now()
    }

    async fn sleep_until(&self, moment: Moment) {
        self.inner.sleep_until(moment).await;
    }

    async fn send(&self, request: &Request<Bytes>, deadline: Deadline) -> SendResult {
        match self.fault {
            AsyncFault::ContinuesDroppedCall => {
                let (inner, request) = (Arc::clone(&self.inner), request.clone());
                let call = tokio::spawn(async move { inner.send(&request, deadline).await });
                call.await.unwrap()
            }
            AsyncFault::BlocksTheRuntime => Transport::send(&self.blocking, request, deadline),
        }
    }
}
