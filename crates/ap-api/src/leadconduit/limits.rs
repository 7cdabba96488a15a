//! Counters of caps and ping limits: how many leads and pings came in this interval.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use serde::Serialize;

use super::flows::{Cap, CapType, DurationUnit, PingLimit};
use serde_json::Number;

use crate::body::Body;
use crate::operation::{Operation, debug_as_operation, operation};
use crate::values::PathSegment as _;
use crate::values::object::object;
use crate::{Id, ShortId, Time};

operation! {
    /// Returns the counter of a cap.
    GET "/caps/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    GetCap { id: Id } -> CapCounter

    /// Returns the counter of a ping limit.
    GET "/ping_limits/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/caps-and-limits/fetch-a-ping-limit-counter"
    GetPingLimit { id: Id } -> PingLimit
}

macro_rules! list {
    ($(
        $(#[$meta:meta])*
        $name:ident, $path:literal, $source:literal, $output:ty
    )*) => {$(
        $(#[$meta])*
        ///
        #[doc = concat!("`GET ", $path, "`, documented: <", $source, ">")]
        ///
        /// Documented error statuses: none.
        #[derive(Clone, Default, Serialize)]
        #[must_use = "an endpoint does nothing until a client calls it"]
        pub struct $name {
            flow_id: Option<Id>,
        }

        impl $name {
            /// What is known of this operation.
            pub const OPERATION: Operation = Operation::new("GET", $path, $source, &[]);

            /// Creates the endpoint.
            pub fn new() -> Self {
                Self::default()
            }

            /// Returns only those of this flow.
            pub fn flow(mut self, id: impl Into<Id>) -> Self {
                self.flow_id = Some(id.into());
                self
            }

            /// Returns the same call, decoded into a type of your own.
            pub fn output<T>(&self) -> Call<T> {
                Call::new(self.draft())
            }
        }

        impl Endpoint for $name {
            type Output = Vec<$output>;

            fn draft(&self) -> Draft {
                let draft = Self::OPERATION.draft(&[]).query(self);
                match self.flow_id.as_ref().and_then(|id| id.problem()) {
                    Some(problem) => draft.refuse(problem),
                    None => draft,
                }
            }

            fn decode(&self, response: Response) -> Result<Vec<$output>, Error> {
                Body::decode(response)
            }
        }

        debug_as_operation!($name);
    )*};
}

list! {
    /// Returns the counters of caps that had leads in this interval.
    Caps, "/caps",
    "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml", CapCounter

    /// Returns the counters of ping limits.
    PingLimits, "/ping_limits",
    "https://developers.activeprospect.com/api-reference/caps-and-limits/list-all-ping-limit-counters", PingLimit
}

object! {
    /// The counter of a cap.
    pub struct CapCounter {
        /// Its id.
        pub id: Option<Id>,
        /// The caps that it counts for.
        pub cap_ids: Option<Vec<Id>>,
        /// Caps inside this one.
        pub caps: Option<Vec<Cap>>,
        /// How many leads were accepted in this interval.
        pub count: Option<u64>,
        /// How many leads were rejected in this interval, because the cap was reached.
        pub failed_count: Option<u64>,
        /// How many leads are accepted.
        pub maximum: Option<Number>,
        /// How many units an interval has.
        pub duration: Option<Number>,
        /// The unit.
        pub duration_units: Option<DurationUnit>,
        /// When this interval began.
        pub started_at: Option<Time>,
        /// When this interval ends.
        pub expires_at: Option<Time>,
        /// When it last counted.
        pub updated_at: Option<Time>,
        /// The flow.
        pub flow_id: Option<Id>,
        /// The source.
        pub source_id: Option<Id>,
        /// The step.
        pub step_id: Option<ShortId>,
        /// The cap's name.
        pub name: Option<String>,
        /// The time zone in which an interval begins.
        pub time_zone: Option<String>,
        /// The cap's type.
        pub kind: Option<CapType> = "type",
    }
}
