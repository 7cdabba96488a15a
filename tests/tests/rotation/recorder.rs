//! [`Recorder`]: which credentials the requests of each call had.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ap_client::transport::{AsyncTransport, Deadline, Moment, Transport, TransportError};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};

/// The header with a call's name.
pub(crate) const CALL: &str = "x-call";

/// The credentials that were sent, by the names of the calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<HashMap<String, Vec<HeaderValue>>>>);

impl Recorder {
    /// Returns this transport, recorded.
    pub(crate) fn wrap<T>(&self, transport: T) -> Recorded<T> {
        Recorded {
            transport,
            recorder: self.clone(),
        }
    }

    /// Returns the credentials of a call's requests, in order, and forgets the call.
    pub(crate) fn take(&self, call: &str) -> Vec<HeaderValue> {
        self.0.lock().unwrap().remove(call).unwrap_or_default()
    }

    fn record(&self, request: &Request<Bytes>) {
        let headers = request.headers();
        let call = headers[CALL].to_str().unwrap().to_owned();
        let credentials = headers[header::AUTHORIZATION].clone();
        let mut calls = self.0.lock().unwrap();
        calls.entry(call).or_default().push(credentials);
    }
}

/// A transport whose requests are recorded.
#[derive(Debug)]
pub(crate) struct Recorded<T> {
    transport: T,
    recorder: Recorder,
}

impl<T: Transport> Transport for Recorded<T> {
    fn now(&self) -> Moment {
        self.transport.now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.transport.sleep_until(moment);
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.recorder.record(request);
        self.transport.send(request, deadline)
    }
}

#[async_trait]
impl<T: AsyncTransport> AsyncTransport for Recorded<T> {
    fn now(&self) -> Moment {
        self.transport.now()
    }

    async fn sleep_until(&self, moment: Moment) {
        self.transport.sleep_until(moment).await;
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.recorder.record(request);
        self.transport.send(request, deadline).await
    }
}
