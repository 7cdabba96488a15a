//! The figures of the product's charts: medians, funnels, counts.
//!
//! The vendor documents the names of the parameters, not how lists of objects are written in the query. Here each object
//! is JSON, and a list repeats its name.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::Time;
use crate::body::Body;
use crate::operation::{Operation, debug_as_operation};
use crate::values::object::object;

/// A span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timeframe {
    /// A name, for example `today` or `this_14_days`.
    Named(String),
    /// The time between two moments.
    Between {
        /// The first moment.
        start: Timestamp,
        /// The last moment.
        end: Timestamp,
    },
}

impl Timeframe {
    fn text(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Between { start, end } => {
                serde_json::json!({"start": start.to_string(), "end": end.to_string()}).to_string()
            }
        }
    }
}

#[derive(Clone, Default, Serialize)]
struct Parameters {
    max_age: Option<u64>,
    target_property: Option<String>,
    group_by: Vec<String>,
    timeframe: Option<String>,
    interval: Option<String>,
    timezone: Option<i32>,
    filters: Vec<String>,
    steps: Vec<String>,
}

macro_rules! metric {
    ($(
        $(#[$meta:meta])*
        $name:ident, $path:literal, $source:literal, $output:ty { $($setter:ident)* }
    )*) => {$(
        $(#[$meta])*
        ///
        #[doc = concat!("`GET ", $path, "`, documented: <", $source, ">")]
        ///
        /// Documented error statuses: 401.
        #[derive(Clone, Default)]
        #[must_use = "an endpoint does nothing until a client calls it"]
        pub struct $name(Parameters);

        impl $name {
            /// What is known of this operation.
            pub const OPERATION: Operation = Operation::new("GET", $path, $source, &[401]);

            /// Creates the endpoint.
            pub fn new() -> Self {
                Self::default()
            }

            /// Sets the time zone, as an offset from UTC in seconds.
            pub fn time_zone(mut self, seconds: i32) -> Self {
                self.0.timezone = Some(seconds);
                self
            }

            $(setter!($setter);)*

            /// Returns the same call, decoded into a type of your own.
            pub fn output<T>(&self) -> Call<T> {
                Call::new(self.draft())
            }
        }

        impl Endpoint for $name {
            type Output = $output;

            fn draft(&self) -> Draft {
                Self::OPERATION.draft(&[]).query(&self.0)
            }

            fn decode(&self, response: Response) -> Result<$output, Error> {
                Body::decode(response)
            }
        }

        debug_as_operation!($name);
    )*};
}

macro_rules! setter {
    (max_age) => {
        /// Sets how far back to look, in seconds.
        pub fn max_age(mut self, seconds: u64) -> Self {
            self.0.max_age = Some(seconds);
            self
        }
    };
    (target_property) => {
        /// Sets the member of events that is looked at, for example `wait_ms`.
        pub fn target_property(mut self, member: impl Into<String>) -> Self {
            self.0.target_property = Some(member.into());
            self
        }
    };
    (group_by) => {
        /// Groups by this member of events. Repeat it for several.
        pub fn group_by(mut self, member: impl Into<String>) -> Self {
            self.0.group_by.push(member.into());
            self
        }
    };
    (timeframe) => {
        /// Sets the span of time.
        pub fn timeframe(mut self, timeframe: Timeframe) -> Self {
            self.0.timeframe = Some(timeframe.text());
            self
        }
    };
    (interval) => {
        /// Sets the length of the parts of the span, for example `daily`, or JSON with `name` and `units`.
        pub fn interval(mut self, interval: impl Into<String>) -> Self {
            self.0.interval = Some(interval.into());
            self
        }
    };
    (filter) => {
        /// Counts only events that pass this filter: an object with `operator`, `property_name` and `property_value`.
        /// Repeat it for several.
        pub fn filter(mut self, filter: &Map<String, Value>) -> Self {
            self.0.filters.extend(serde_json::to_string(filter));
            self
        }
    };
    (step) => {
        /// Adds a step of the funnel: an object with `event_collection`, `actor_property`, `with_actors` and `filters`.
        /// Repeat it for several.
        pub fn step(mut self, step: &Map<String, Value>) -> Self {
            self.0.steps.extend(serde_json::to_string(step));
            self
        }
    };
}

metric! {
    /// Returns medians of a member of events.
    Median, "/events/event-metrics/median",
    "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
    Medians { max_age target_property group_by }

    /// Returns how many leads came through each step of a funnel.
    Funnel, "/events/event-metrics/funnel",
    "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
    FunnelResult { timeframe interval step }

    /// Counts events.
    Count, "/events/event-metrics/count",
    "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
    Counts { group_by timeframe interval filter }

    /// Counts the different values of a member of events.
    CountUnique, "/events/event-metrics/count_unique",
    "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
    Counts { group_by timeframe interval filter target_property }

    /// Returns the different values of a member of events.
    SelectUnique, "/events/event-metrics/select_unique",
    "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
    UniqueValues { group_by timeframe interval filter target_property }
}

object! {
    /// Medians.
    pub struct Medians {
        /// One for each group.
        pub result: Vec<MedianOfGroup>,
    }

    /// The median of a group.
    pub struct MedianOfGroup {
        /// The kind of event.
        pub kind: Option<String> = "type",
        /// The integration module.
        pub module_id: Option<String>,
        /// The median.
        pub median: Option<Number>,
    }

    /// The result of a funnel.
    pub struct FunnelResult {
        /// The steps, as they were asked for.
        pub steps: Vec<Map<String, Value>>,
        /// How many leads came to each step.
        pub result: Vec<Number>,
    }

    /// Counts.
    pub struct Counts {
        /// One for each part of the span.
        pub result: Vec<CountsOfSpan>,
    }

    /// The counts in a part of the span.
    pub struct CountsOfSpan {
        /// One for each group.
        pub value: Vec<CountOfGroup>,
        /// The part of the span.
        pub timeframe: Option<CountedSpan>,
    }

    /// The count of a group.
    pub struct CountOfGroup {
        /// The outcome.
        pub outcome: Option<String>,
        /// The count.
        pub result: Option<Number>,
    }

    /// A span of time.
    pub struct CountedSpan {
        /// Its start.
        pub start: Option<Time>,
        /// Its end.
        pub end: Option<Time>,
    }

    /// Different values.
    pub struct UniqueValues {
        /// One for each group.
        pub result: Vec<UniqueValuesOfGroup>,
    }

    /// The different values in a group.
    pub struct UniqueValuesOfGroup {
        /// The source, if it is grouped by that.
        pub source_id: Option<String> = "vars.source.id",
        /// The recipient, if it is grouped by that.
        pub recipient_id: Option<String> = "vars.recipient.id",
        /// The values.
        pub result: Vec<String>,
    }
}
