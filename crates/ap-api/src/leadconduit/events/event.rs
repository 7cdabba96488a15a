//! [`Event`]: what happened to a lead at one step.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Money, Secret, Time, UnixMillis};

open_enum! {
    /// What kind of event it is.
    pub enum EventKind {
        /// A source submitted a lead.
        Source = "source",
        /// A lead was sent to a recipient.
        Recipient = "recipient",
        /// A filter step was processed.
        Filter = "filter",
        /// A recipient gave feedback.
        FeedbackReceived = "feedback-received",
        /// Feedback was sent to a source.
        FeedbackSent = "feedback-sent",
        /// A recipient event was tried again after an error.
        Retry = "retry",
    }

    /// The outcome of an event.
    pub enum EventOutcome {
        /// It was accepted.
        Success = "success",
        /// It was rejected.
        Failure = "failure",
        /// It could not be processed.
        Error = "error",
        /// The recipient was skipped. Recipient and retry events alone have this.
        Skip = "skip",
        /// The filter let the lead pass. Filter events alone have this.
        Continue = "continue",
        /// The filter stopped the lead. Filter events alone have this.
        Stop = "stop",
    }

    /// How far a retry is.
    pub enum RetryStatus {
        /// It has begun.
        Started = "started",
        /// It has ended.
        Completed = "completed",
    }
}

object! {
    /// What happened to a lead at one step.
    ///
    /// One type for every kind of event: `kind` says which one it is, and each field which kinds have it. Data that a
    /// step appended is in `extra`, under the name that `key` says. Configuration as it was at the time of the event is
    /// kept as JSON, because its form changed over the years.
    ///
    /// Events are kept for 90 days, or as long as the account's settings say.
    pub struct Event {
        /// Its id. Later events have greater ids.
        pub id: Id,
        /// What kind of event it is.
        pub kind: Option<EventKind> = "type",
        /// Its outcome.
        pub outcome: Option<EventOutcome>,
        /// The reason for a failure or an error.
        pub reason: Option<String>,
        /// The values: of the lead, the flow, the source, and what was appended.
        pub vars: Option<Vars>,
        /// The machine that handled it.
        pub host: Option<String>,
        /// The start of the step.
        pub start_timestamp: Option<UnixMillis>,
        /// The end of the step.
        pub end_timestamp: Option<UnixMillis>,
        /// How long processing took, in milliseconds.
        pub ms: Option<i64>,
        /// How long LeadConduit waited for recipients, in milliseconds.
        pub wait_ms: Option<i64>,
        /// How long LeadConduit itself took, in milliseconds.
        pub overhead_ms: Option<i64>,
        /// The lag, in milliseconds.
        pub lag_ms: Option<i64>,
        /// How much time passed since the lead was submitted, in milliseconds.
        pub total_ms: Option<i64>,
        /// The version of the program that handled the lead.
        pub handler_version: Option<String>,
        /// The version of the event's schema.
        pub version: Option<String>,
        /// A cap was reached.
        pub cap_reached: Option<bool>,
        /// A ping limit was reached.
        pub ping_limit_reached: Option<bool>,
        /// The flow's ping limits at the time.
        pub flow_ping_limits: Option<Value>,
        /// The source's ping limits at the time.
        pub source_ping_limits: Option<Value>,
        /// The flow's firehose at the time.
        pub firehose: Option<Value>,
        /// When the event will be deleted.
        pub expires_at: Option<Time>,
        /// The integration module. All but filter events have this.
        pub module_id: Option<String>,
        /// The version of the integration package. Source, recipient and retry events have this.
        pub package_version: Option<String>,
        /// The step in the flow. Recipient, retry and feedback events have this.
        pub step_id: Option<String>,
        /// The rules of the step at the time. Recipient, retry and filter events have this.
        pub rule_set: Option<Value>,
        /// The acceptance criteria at the time. Source events have this.
        pub acceptance_criteria: Option<Value>,
        /// How many steps were processed. Source events have this.
        pub step_count: Option<i64>,
        /// All data that the steps appended. Source events have this.
        pub appended: Option<Map<String, Value>>,
        /// The request that LeadConduit received. Source and feedback events have this.
        pub request: Option<HttpRequest>,
        /// The response that LeadConduit sent. Source and feedback events have this.
        pub response: Option<HttpResponse>,
        /// The recipient event that feedback is about. Feedback events have this.
        pub recipient_event_id: Option<Id>,
        /// The feedback's configuration at the time. Feedback events have this.
        pub feedback: Option<Value>,
        /// The member of this event that contains the appended data. Recipient events have this.
        pub key: Option<String>,
        /// The recipient's caps at the time.
        pub caps: Option<Value>,
        /// A cap of the recipient was reached.
        pub caps_reached: Option<bool>,
        /// What was paid for the lead. Recipient and retry events have this.
        pub cost: Option<Money>,
        /// What was paid for the lead. Recipient and retry events have this.
        pub purchase_price: Option<Money>,
        /// What the lead was sold for. Recipient and retry events have this.
        pub sale_price: Option<Money>,
        /// The difference of the two prices. Recipient and retry events have this.
        pub revenue: Option<Money>,
        /// The credential of the integration, as JSON. It is a secret.
        pub credential: Option<SecretValue>,
        /// The credential was refreshed.
        pub credential_updated: Option<bool>,
        /// The mappings at the time. Recipient and retry events have this.
        pub mappings: Option<Value>,
        /// The pricing at the time. Recipient and retry events have this.
        pub pricing: Option<Value>,
        /// The calls of the integration. Recipient and retry events have this.
        pub transactions: Option<Vec<Transaction>>,
        /// How far the retry is. Retry events have this.
        pub retry_status: Option<RetryStatus>,
    }

    /// A call of an integration.
    pub struct Transaction {
        /// The request.
        pub request: Option<HttpRequest>,
        /// The response.
        pub response: Option<HttpResponse>,
        /// The time between them, in milliseconds.
        pub ms: Option<i64>,
    }

    /// A captured request.
    pub struct HttpRequest {
        /// The method.
        pub method: Option<String>,
        /// The full URL.
        pub uri: Option<String>,
        /// The version of HTTP.
        pub version: Option<String>,
        /// The headers.
        pub headers: Option<Headers>,
        /// The body.
        pub body: Option<String>,
        /// When it was sent.
        pub timestamp: Option<UnixMillis>,
    }

    /// A captured response.
    pub struct HttpResponse {
        /// The status.
        pub status: Option<u16>,
        /// The text of the status.
        pub status_text: Option<String>,
        /// The version of HTTP.
        pub version: Option<String>,
        /// The headers.
        pub headers: Option<Headers>,
        /// The body.
        pub body: Option<String>,
        /// When it was read.
        pub timestamp: Option<UnixMillis>,
    }
}

impl Event {
    /// Returns the data that the step of this event appended.
    #[must_use]
    pub fn appended_data(&self) -> Option<&Value> {
        self.extra.get(self.key.as_deref()?)
    }
}

/// Captured headers. They can contain keys of other services, so `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(pub Map<String, Value>);

impl Headers {
    /// Returns the value of a header, without regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let is_it = |own: &&String| own.eq_ignore_ascii_case(name);
        self.0.keys().find(is_it).and_then(|own| self.0.get(own))
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A JSON value that contains secrets. `Debug` does not show it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretValue(Value);

impl SecretValue {
    /// Returns the value. Do not print it.
    #[must_use]
    pub const fn expose(&self) -> &Value {
        &self.0
    }
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretValue")
    }
}

impl From<SecretValue> for Secret {
    fn from(value: SecretValue) -> Self {
        Self::new(value.0.to_string())
    }
}

/// The values of an event: `lead`, `flow`, `source`, `submission`, `recipient`, `account`, `feedback`, and what steps
/// appended.
///
/// ```
/// use ap_api::leadconduit::events::Vars;
///
/// let vars: Vars = serde_json::from_str(
///     r#"{"lead":{"state":"TX","email":{"normal":"a@b.example","raw":"A@B.example","valid":true}}}"#,
/// )?;
/// assert_eq!(vars.lead("state").and_then(|value| value.text()), Some("TX"));
/// let email = vars.lead("email").unwrap();
/// assert_eq!((email.text(), email.raw()), (Some("a@b.example"), Some("A@B.example")));
/// assert!(email.is_valid());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vars(pub Map<String, Value>);

impl Vars {
    /// Returns the value of a field of the lead.
    #[must_use]
    pub fn lead(&self, field: &str) -> Option<LeadValue<'_>> {
        self.0.get("lead")?.get(field).map(LeadValue)
    }

    /// Returns a value by its names, with dots between them, for example `flow.id`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut names = path.split('.');
        let first = self.0.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    }
}

/// The value of a field of a lead: a scalar, or an object with the value in several forms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeadValue<'a>(pub &'a Value);

impl<'a> LeadValue<'a> {
    /// Returns the value in its normal form: the scalar, or the object's `normal`.
    #[must_use]
    pub fn normal(&self) -> &'a Value {
        self.0.get("normal").unwrap_or(self.0)
    }

    /// Returns the value in its normal form, if it is a text.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        self.normal().as_str()
    }

    /// Returns the text that was submitted, if it is known.
    #[must_use]
    pub fn raw(&self) -> Option<&'a str> {
        match self.0.get("raw") {
            Some(raw) => raw.as_str(),
            None => self.0.as_str(),
        }
    }

    /// Returns `false` if the value does not have the form of its field's type.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.0.get("valid") != Some(&Value::Bool(false))
    }

    /// Returns `true` if the value was replaced by asterisks before it was stored.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.0.get("masked") == Some(&Value::Bool(true))
    }

    /// Returns a part of the value, for example `domain` of an email address.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }
}
