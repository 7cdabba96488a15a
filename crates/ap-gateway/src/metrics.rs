//! [`Metrics`]: counts and times, in OpenMetrics text. Never a path.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use ap_client::ap_core::Service;
use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::route::service_name;

pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the times of calls, in seconds.
const BOUNDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    service: &'static str,
    status: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<Call, Histogram, fn() -> Histogram>,
    /// Those of `calls` for the usual status, by service: most answers have it, and need no look-up.
    ok: [OnceLock<Histogram>; Service::ALL.len()],
    refusals: Family<Reason, Counter>,
    repeats: Counter,
    in_flight: Gauge,
    queued: Gauge,
    connections: Gauge,
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("ap_gateway");
        let constructor: fn() -> Histogram = histogram;
        let calls = Family::new_with_constructor(constructor);
        let (refusals, repeats) = (Family::default(), Counter::default());
        let (in_flight, queued, connections) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        let help = "Answers of products, by service and status, with the time of the whole call";
        registry.register_with_unit("call", help, Unit::Seconds, calls.clone());
        let help = "Requests that the gateway answered by itself";
        registry.register("refusals", help, refusals.clone());
        let help = "Calls that were sent again after a connection ended before the head of the answer was complete";
        registry.register("repeats", help, repeats.clone());
        registry.register(
            "in_flight",
            "Calls that are being forwarded",
            in_flight.clone(),
        );
        registry.register("queued", "Calls that wait", queued.clone());
        registry.register(
            "connections",
            "Open connections of clients",
            connections.clone(),
        );
        Self {
            registry,
            calls,
            ok: Default::default(),
            refusals,
            repeats,
            in_flight,
            queued,
            connections,
        }
    }

    pub(crate) fn called(&self, service: Service, status: StatusCode, elapsed: Duration) {
        let call = Call {
            service: service_name(service),
            status: status.as_u16(),
        };
        let find = || self.calls.get_or_create(&call).clone();
        let seconds = elapsed.as_secs_f64();
        let usual = self.ok.get(service as usize);
        match usual.filter(|_| status == StatusCode::OK) {
            Some(usual) => usual.get_or_init(find).observe(seconds),
            None => find().observe(seconds),
        }
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn repeated(&self) {
        self.repeats.inc();
    }

    /// Returns everything as text. The three numbers are those of now.
    pub(crate) fn text(&self, in_flight: usize, queued: usize, connections: usize) -> String {
        let set = |gauge: &Gauge, value: usize| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set(&self.in_flight, in_flight);
        set(&self.queued, queued);
        set(&self.connections, connections);
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
