//! [`Stats`]: counts and sums over events.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use http::{HeaderValue, header};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Money;
use crate::body::Body;
use crate::operation::{Operation, debug_as_operation};
use crate::rules::Rule;
use crate::values::open_enum::open_enum;

open_enum! {
    /// Which events are counted.
    pub enum CountedKind {
        /// Leads that sources submitted.
        Source = "source",
        /// Leads that were sent to recipients.
        Recipient = "recipient",
        /// Filter steps.
        Filter = "filter",
        /// Feedback from recipients.
        FeedbackReceived = "feedback-received",
        /// Feedback to sources.
        FeedbackSent = "feedback-sent",
    }

    /// The length of the spans that counts are grouped by.
    pub enum Interval {
        /// A minute.
        Minutely = "minutely",
        /// An hour.
        Hourly = "hourly",
        /// A day.
        Daily = "daily",
        /// A week.
        Weekly = "weekly",
        /// A month.
        Monthly = "monthly",
        /// A year.
        Yearly = "yearly",
    }

    /// What is counted or summed up.
    ///
    /// Counts are of leads or events, sums are in US dollars, and rates are percentages.
    pub enum Column {
        /// Leads that sources submitted.
        SourceSubmitted = "source-submitted",
        /// Of these, the accepted ones.
        SourceSuccess = "source-success",
        /// Of these, the rejected ones.
        SourceFailure = "source-failure",
        /// Of these, those that were not processed.
        SourceErrored = "source-error",
        /// Leads that were sent to recipients.
        RecipientSubmitted = "recipient-submitted",
        /// Of these, the accepted ones.
        RecipientSuccess = "recipient-success",
        /// Of these, the rejected ones.
        RecipientFailure = "recipient-failure",
        /// Of these, those that were not processed.
        RecipientErrored = "recipient-error",
        /// Returns from recipients.
        ReturnReceivedSubmitted = "return-received-submitted",
        /// Of these, the accepted ones.
        ReturnReceivedSuccess = "return-received-success",
        /// Of these, the rejected ones.
        ReturnReceivedFailure = "return-received-failure",
        /// Of these, those that were not processed.
        ReturnReceivedErrored = "return-received-error",
        /// Returns to sources.
        ReturnSentSubmitted = "return-sent-submitted",
        /// Of these, the accepted ones.
        ReturnSentSuccess = "return-sent-success",
        /// Of these, the rejected ones.
        ReturnSentFailure = "return-sent-failure",
        /// Of these, those that were not processed.
        ReturnSentErrored = "return-sent-error",
        /// Conversions from recipients.
        ConversionReceivedSubmitted = "conversion-received-submitted",
        /// Of these, the accepted ones.
        ConversionReceivedSuccess = "conversion-received-success",
        /// Of these, the rejected ones.
        ConversionReceivedFailure = "conversion-received-failure",
        /// Of these, those that were not processed.
        ConversionReceivedErrored = "conversion-received-error",
        /// Conversions to sources.
        ConversionSentSubmitted = "conversion-sent-submitted",
        /// Of these, the accepted ones.
        ConversionSentSuccess = "conversion-sent-success",
        /// Of these, the rejected ones.
        ConversionSentFailure = "conversion-sent-failure",
        /// Of these, those that were not processed.
        ConversionSentErrored = "conversion-sent-error",
        /// Pings from sources.
        PingSubmitted = "ping-submitted",
        /// Of these, the accepted ones.
        PingSuccess = "ping-success",
        /// The share of pings that were accepted.
        PingSuccessRate = "ping-success-rate",
        /// The share of pings that led to a submitted lead.
        PingWinRate = "ping-win-rate",
        /// What was paid for leads.
        Cost = "cost",
        /// What leads were sold for.
        Revenue = "revenue",
        /// The revenue less the cost.
        Profit = "profit",
        /// The cost of each conversion.
        CostPerConversion = "cost-per-conversion-received-success",
        /// The cost of each accepted lead.
        AverageCostPerLead = "avg-cost-per-lead",
        /// The revenue of each accepted lead.
        AverageRevenuePerLead = "avg-revenue-per-lead",
    }
}

/// The time zone by which days begin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeZone {
    /// A name of the IANA database, for example `America/New_York`.
    Name(String),
    /// An offset from UTC, in seconds.
    Offset(i32),
}

impl Serialize for TimeZone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Offset(seconds) => serializer.serialize_i32(*seconds),
        }
    }
}

/// Counts events, and sums up prices.
///
/// Without [`start`](Self::start) and [`end`](Self::end) it counts those of today.
///
/// `GET /events/stats`, documented: <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>
///
/// The deprecated parameter `outcome` is left out: choose columns instead. Documented error statuses: none.
///
/// ```
/// use ap_api::leadconduit::events::{Column, Interval, Stats};
///
/// let stats = Stats::new()
///     .column(Column::SourceSubmitted)
///     .column(Column::Profit)
///     .group_by("vars.source.name")
///     .interval(Interval::Daily);
/// ```
#[derive(Clone, Default, Serialize)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Stats {
    #[serde(rename = "type")]
    kinds: Vec<CountedKind>,
    #[serde(rename = "rule")]
    rules: Vec<String>,
    group_by: Vec<String>,
    interval: Option<Interval>,
    timezone: Option<TimeZone>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    #[serde(rename = "column")]
    columns: Vec<Column>,
    by_lead: Option<bool>,
}

impl Stats {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/events/stats",
        "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
        &[],
    );

    /// Creates the endpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts only events of this kind: by default those of sources. Repeat it for several.
    pub fn kind(mut self, kind: CountedKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Counts only events that pass this rule. Repeat it: all rules must pass.
    pub fn rule(mut self, rule: Rule) -> Self {
        // A rule is always valid JSON.
        self.rules.extend(serde_json::to_string(&rule));
        self
    }

    /// Counts separately for each value of this member, for example `vars.source.name`. Repeat it for several.
    pub fn group_by(mut self, member: impl Into<String>) -> Self {
        self.group_by.push(member.into());
        self
    }

    /// Counts separately for each span of this length.
    pub fn interval(mut self, interval: Interval) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Sets the time zone by which spans begin.
    pub fn time_zone(mut self, zone: TimeZone) -> Self {
        self.timezone = Some(zone);
        self
    }

    /// Counts only events that were created at this time or later; by default the beginning of today.
    pub fn start(mut self, time: Timestamp) -> Self {
        self.start = Some(time);
        self
    }

    /// Counts only events that were created at this time or earlier; by default the end of today.
    pub fn end(mut self, time: Timestamp) -> Self {
        self.end = Some(time);
        self
    }

    /// Adds a column to the result. Repeat it for several.
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Counts events instead of leads, of which one can have several events.
    pub fn by_event(mut self) -> Self {
        self.by_lead = Some(false);
        self
    }

    /// Returns the result as CSV.
    pub fn as_csv(self) -> StatsAsCsv {
        StatsAsCsv(self)
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for Stats {
    type Output = Vec<Row>;

    fn draft(&self) -> Draft {
        let draft = Self::OPERATION.draft(&[]).query(self);
        match self.start.zip(self.end) {
            Some((start, end)) if start > end => {
                draft.refuse("the start of the counted events is after their end")
            }
            _ => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<Vec<Row>, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(Stats);

/// [`Stats`] as CSV. The output is the text.
#[derive(Clone, Debug)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct StatsAsCsv(Stats);

impl Endpoint for StatsAsCsv {
    type Output = String;

    fn draft(&self) -> Draft {
        let csv = HeaderValue::from_static("text/csv");
        self.0.draft().header(header::ACCEPT, csv)
    }

    fn decode(&self, response: Response) -> Result<String, Error> {
        let response = response.error_for_status()?;
        response.text().map(str::to_owned)
    }
}

/// One row of statistics: the columns, and the values that it is grouped by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row(pub Map<String, Value>);

impl Row {
    /// Returns the number in a column.
    #[must_use]
    pub fn number(&self, column: &Column) -> Option<Decimal> {
        let value = self.0.get(column.as_str())?;
        Money::deserialize(value).ok().map(Money::amount)
    }

    /// Returns a value that the row is grouped by, for example that of `vars.source.name`.
    #[must_use]
    pub fn group(&self, member: &str) -> Option<&Value> {
        self.0.get(member)
    }
}
