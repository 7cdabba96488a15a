//! Events: lists, statistics, the figures of charts, the use of fields, the search for their leads, and the check of a firehose.

mod firehose;
mod list;
mod metrics;
mod rendered_list;
mod search;
mod spans;
mod stats;
mod tally;
mod usage;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub(super) use self::stats::report;
use crate::state::Shared;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/events", get(list::list).post(list::list_by_body))
        .route("/events/{id}", get(list::event))
        .route("/events/stats", get(stats::stats))
        .route("/events/event-metrics/median", get(metrics::median))
        .route("/events/event-metrics/funnel", get(metrics::funnel))
        .route("/events/event-metrics/count", get(metrics::count))
        .route(
            "/events/event-metrics/count_unique",
            get(metrics::count_unique),
        )
        .route(
            "/events/event-metrics/select_unique",
            get(metrics::select_unique),
        )
        .route("/flows/{id}/fields/usage", get(usage::usage))
        .route("/search/leads", get(search::search))
        .route("/firehose", get(firehose::check))
}
