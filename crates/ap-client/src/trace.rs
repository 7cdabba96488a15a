//! One span a call, with OpenTelemetry's field names, behind the feature `tracing`, and an event where a
//! key is refused or the key source asked. None of them ever holds a header, a query, or a path, which
//! may have ids in it.

#[cfg(feature = "tracing")]
mod imp {
    use std::future::Future;

    use bytes::Bytes;
    use http::{Request, Response};
    use tracing::field::Empty;
    use tracing::{Instrument as _, Span};

    use crate::ask::Next;
    use crate::error::CallError;
    use crate::exchange::{Attempt, Step};

    pub(crate) struct Trace(Span);

    impl Trace {
        pub(crate) fn begin(request: &Request<Bytes>) -> Self {
            let uri = request.uri();
            // Of the authority the host alone: what is before an `@` is refused a moment later.
            Self(tracing::info_span!(
                "activeprospect.call",
                otel.kind = "client",
                http.request.method = request.method().as_str(),
                server.address = uri.host(),
                server.port = uri.port_u16(),
                http.response.status_code = Empty,
                http.request.resend_count = Empty,
                error.type = Empty,
                activeprospect.product = Empty,
                activeprospect.key = Empty,
            ))
        }

        pub(crate) fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
            self.0.in_scope(call)
        }

        pub(crate) fn instrument<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
            call.instrument(self.0.clone())
        }

        pub(crate) fn attempt(&self, attempt: &Attempt) {
            self.0
                .record("activeprospect.product", attempt.product().id());
            if attempt.resend_count() > 0 {
                self.0
                    .record("http.request.resend_count", attempt.resend_count());
            }
            if let Some(label) = attempt.label() {
                self.0.record("activeprospect.key", label);
            }
        }

        /// A product refused a key, with which the call may go on: what an operator sees of a reset.
        pub(crate) fn refused(&self, step: &Step) {
            if let Some(refused) = step.refused().last() {
                tracing::info!(
                    parent: &self.0,
                    activeprospect.key = refused.label(),
                    activeprospect.said = refused.said().message(),
                    "the product refused an API key"
                );
            }
        }

        /// One event for each question, however many calls share its answer.
        pub(crate) fn asked(&self, next: &Next) {
            match &next.error {
                _ if !next.has_asked => {}
                Some(error) => tracing::warn!(
                    parent: &self.0,
                    error = %error,
                    "the key source has no keys"
                ),
                None => tracing::info!(
                    parent: &self.0,
                    activeprospect.new_key = matches!(next.step, Step::Send(_)),
                    "the key source was asked"
                ),
            }
        }

        pub(crate) fn end(&self, outcome: &Result<Response<Bytes>, CallError>) {
            let status = match outcome {
                Ok(response) => Some(response.status()),
                Err(CallError::Auth(refusal)) => refusal.response().map(Response::status),
                Err(_) => None,
            };
            if let Some(status) = status {
                self.0.record("http.response.status_code", status.as_u16());
            }
            match outcome {
                Ok(response)
                    if response.status().is_client_error()
                        || response.status().is_server_error() =>
                {
                    self.0.record("error.type", response.status().as_str());
                }
                Ok(_) => {}
                Err(error) => {
                    self.0.record("error.type", error.name());
                }
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod imp {
    use std::future::Future;

    use bytes::Bytes;
    use http::{Request, Response};

    use crate::ask::Next;
    use crate::error::CallError;
    use crate::exchange::{Attempt, Step};

    pub(crate) struct Trace;

    impl Trace {
        pub(crate) fn begin(_: &Request<Bytes>) -> Self {
            Self
        }
        pub(crate) fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
            call()
        }
        pub(crate) fn instrument<F: Future>(&self, call: F) -> F {
            call
        }
        pub(crate) fn attempt(&self, _: &Attempt) {}
        pub(crate) fn refused(&self, _: &Step) {}
        pub(crate) fn asked(&self, _: &Next) {}
        pub(crate) fn end(&self, _: &Result<Response<Bytes>, CallError>) {}
    }
}

pub(crate) use imp::Trace;
