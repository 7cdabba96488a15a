//! One span a call, with OpenTelemetry's field names, behind the feature `tracing`. An event records a
//! rejected key, a question to the key source or a retry. None contains a header, a path or a query.

#[cfg(feature = "tracing")]
mod imp {
    use std::future::Future;
    use std::time::Duration;

    use ap_core::exchange::{Attempt, Step};
    use ap_core::{Error, Response};
    use bytes::Bytes;
    use http::Request;
    use tracing::field::Empty;
    use tracing::{Instrument as _, Span};

    use crate::refresher::Refreshed;

    /// The span of a call, or none before the call begins.
    #[derive(Clone)]
    pub(crate) struct Trace(Span);

    impl Trace {
        /// Returns a trace that has not begun.
        pub(crate) const fn new() -> Self {
            Self(Span::none())
        }

        /// Begins the span, if it has not begun.
        pub(crate) fn begin(&mut self, request: &Request<Bytes>) {
            if !self.0.is_none() {
                return;
            }
            let uri = request.uri();
            self.0 = tracing::info_span!(
                "activeprospect.call",
                otel.kind = "client",
                http.request.method = request.method().as_str(),
                server.address = uri.host(),
                server.port = uri.port_u16(),
                http.response.status_code = Empty,
                http.request.resend_count = Empty,
                otel.status_code = Empty,
                error.type = Empty,
                activeprospect.product = Empty,
                activeprospect.key = Empty,
            );
        }

        /// Makes a call in its span, and records how it ended.
        pub(crate) fn run(
            self,
            call: impl FnOnce() -> Result<Response, Error>,
        ) -> Result<Response, Error> {
            self.end(self.0.in_scope(call))
        }

        /// The same for an async call.
        pub(crate) async fn run_async<F>(self, call: impl FnOnce() -> F) -> Result<Response, Error>
        where
            F: Future<Output = Result<Response, Error>>,
        {
            self.end(call().instrument(self.0.clone()).await)
        }

        /// Records a request, after this many other ones of the call.
        pub(crate) fn attempt(&self, attempt: Option<&Attempt>, resend_count: usize) {
            if resend_count > 0 {
                self.0.record("http.request.resend_count", resend_count);
            }
            let Some(attempt) = attempt else {
                return;
            };
            self.0
                .record("activeprospect.product", attempt.product().id());
            if let Some(label) = attempt.label() {
                self.0.record("activeprospect.key", label);
            }
        }

        /// Records that the call is made again: after how many failures, why, and when.
        pub(crate) fn retry(&self, failures: u32, error: &Error, wait: Duration) {
            let status = error.status();
            let error = match &status {
                Some(status) => status.as_str(),
                None => error.name(),
            };
            tracing::info!(
                parent: &self.0,
                activeprospect.attempt = u64::from(failures) + 1,
                error.type = error,
                activeprospect.wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "the call is made again"
            );
        }

        /// Records a rejected key: what an operator sees of a reset.
        pub(crate) fn rejected(&self, step: &Step) {
            if let Some(rejected) = step.rejected_keys().last() {
                tracing::info!(
                    parent: &self.0,
                    activeprospect.key = rejected.label(),
                    activeprospect.message = rejected.unauthorized().message(),
                    "the product rejected an API key"
                );
            }
        }

        /// Records one event for each question, however many calls share its answer.
        pub(crate) fn refreshed(&self, refreshed: &Refreshed<'_>, step: &Step) {
            match &refreshed.error {
                _ if !refreshed.has_asked => {}
                Some(error) => tracing::warn!(
                    parent: &self.0,
                    error = %error,
                    "the key source has no keys"
                ),
                None => tracing::info!(
                    parent: &self.0,
                    activeprospect.new_key = matches!(step, Step::Send(_)),
                    "the key source was asked"
                ),
            }
        }

        fn end(&self, outcome: Result<Response, Error>) -> Result<Response, Error> {
            let status = match &outcome {
                Ok(response) => Some(response.status()),
                Err(error) => error.status(),
            };
            if let Some(status) = status {
                self.0.record("http.response.status_code", status.as_u16());
            }
            match &outcome {
                Ok(response)
                    if response.status().is_client_error()
                        || response.status().is_server_error() =>
                {
                    self.0.record("otel.status_code", "ERROR");
                    self.0.record("error.type", response.status().as_str());
                }
                Ok(_) => {}
                Err(error) => {
                    self.0.record("otel.status_code", "ERROR");
                    self.0.record("error.type", error.name());
                }
            }
            outcome
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod imp {
    use std::future::Future;
    use std::time::Duration;

    use ap_core::exchange::{Attempt, Step};
    use ap_core::{Error, Response};
    use bytes::Bytes;
    use http::Request;

    use crate::refresher::Refreshed;

    #[derive(Clone)]
    pub(crate) struct Trace;

    impl Trace {
        pub(crate) const fn new() -> Self {
            Self
        }
        pub(crate) fn begin(&mut self, _: &Request<Bytes>) {}
        pub(crate) fn run(
            self,
            call: impl FnOnce() -> Result<Response, Error>,
        ) -> Result<Response, Error> {
            call()
        }
        pub(crate) fn run_async<F>(self, call: impl FnOnce() -> F) -> F
        where
            F: Future<Output = Result<Response, Error>>,
        {
            call()
        }
        pub(crate) fn attempt(&self, _: Option<&Attempt>, _: usize) {}
        pub(crate) fn retry(&self, _: u32, _: &Error, _: Duration) {}
        pub(crate) fn rejected(&self, _: &Step) {}
        pub(crate) fn refreshed(&self, _: &Refreshed<'_>, _: &Step) {}
    }
}

pub(crate) use imp::Trace;
