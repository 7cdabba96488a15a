//! [`Event`]: what happened to a lead at one step.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::id::Id;
use super::lead::{Lead, Party, Text, iso_8601};
use crate::scalar::Scalar;

/// How long the vendor keeps events.
pub(crate) const RETENTION_MS: i64 = 90 * 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Source,
    Recipient,
    Filter,
    FeedbackReceived,
    FeedbackSent,
    Retry,
    /// Only counted: the vendor lists no event for a ping.
    Ping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    Error,
    Skip,
    Continue,
    Stop,
}

/// The step of the flow that an event is about.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) id: Text,
    pub(crate) module_id: Text,
    pub(crate) recipient: Party,
}

/// What a recipient said about a lead.
#[derive(Debug, Clone)]
pub(crate) struct FeedbackDetails {
    /// `return` or `conversion`.
    pub(crate) kind: &'static str,
    pub(crate) reason: Text,
    pub(crate) recipient_event: Id,
}

/// What happened to a lead at one step.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Text,
    pub(crate) created_ms: i64,
    /// How long the step took.
    pub(crate) ms: u32,
    /// How long of that a recipient took.
    pub(crate) wait_ms: u32,
    pub(crate) step_count: u32,
    pub(crate) purchase_price: f64,
    pub(crate) sale_price: f64,
    pub(crate) lead: Arc<Lead>,
    pub(crate) step: Option<Step>,
    pub(crate) feedback: Option<FeedbackDetails>,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Recipient => "recipient",
            Self::Filter => "filter",
            Self::FeedbackReceived => "feedback-received",
            Self::FeedbackSent => "feedback-sent",
            Self::Retry => "retry",
            Self::Ping => "ping",
        }
    }

    const fn is_of_recipient(self) -> bool {
        matches!(self, Self::Recipient | Self::Retry)
    }

    const fn is_feedback(self) -> bool {
        matches!(self, Self::FeedbackReceived | Self::FeedbackSent)
    }
}

impl Outcome {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Skip => "skip",
            Self::Continue => "continue",
            Self::Stop => "stop",
        }
    }
}

/// Everything that an event can have besides the fields of its lead, in the order of the JSON.
const MEMBERS: &[&str] = &[
    "id",
    "type",
    "outcome",
    "reason",
    "host",
    "module_id",
    "package_version",
    "step_id",
    "key",
    "step_count",
    "recipient_event_id",
    "retry_status",
    "start_timestamp",
    "end_timestamp",
    "ms",
    "wait_ms",
    "overhead_ms",
    "lag_ms",
    "total_ms",
    "cost",
    "purchase_price",
    "sale_price",
    "revenue",
    "cap_reached",
    "caps_reached",
    "ping_limit_reached",
    "handler_version",
    "version",
    "expires_at",
    "vars.submission.timestamp",
    "vars.submission.ip",
    "vars.account.id",
    "vars.account.name",
    "vars.flow.id",
    "vars.flow.name",
    "vars.source.id",
    "vars.source.name",
    "vars.recipient.id",
    "vars.recipient.name",
    "vars.price",
    "vars.purchase_price",
    "vars.event_id",
    "vars.feedback.timestamp",
    "vars.feedback.type",
    "vars.feedback.reason",
    "vars.lead.id",
];

impl Event {
    /// Creates an event that took no time and has no price, no step and no reason.
    pub(crate) fn new(
        id: Id,
        created_ms: i64,
        lead: Arc<Lead>,
        kind: Kind,
        outcome: Outcome,
    ) -> Self {
        Self {
            id,
            kind,
            outcome,
            reason: Text::default(),
            created_ms,
            ms: 0,
            wait_ms: 0,
            step_count: 0,
            purchase_price: 0.0,
            sale_price: 0.0,
            lead,
            step: None,
            feedback: None,
        }
    }

    /// Returns the member with this name, for example `outcome` or `vars.lead.state`. Of variables, the
    /// first part may be left out.
    pub(crate) fn get(&self, name: &str) -> Option<Scalar<'_>> {
        let integer = |number: u32| Scalar::Integer(number.into());
        let of_recipient =
            |amount: f64| self.kind.is_of_recipient().then_some(Scalar::Money(amount));
        let is_priced = self.kind.is_of_recipient() || self.kind == Kind::Source;
        let priced = |amount: f64| is_priced.then_some(Scalar::Money(amount));
        let id_text = |id: Id| Scalar::Text(id.to_string().into());
        let step = self.step.as_ref();
        let scalar = match name {
            "id" => id_text(self.id),
            "type" => self.kind.name().into(),
            "outcome" => self.outcome.name().into(),
            "reason" => Scalar::from(&*self.reason),
            "host" => "emulator".into(),
            "module_id" => return self.module_id().map(Scalar::from),
            "package_version" => return (is_priced).then_some("2.9.10".into()),
            "step_id" => return step.map(|step| Scalar::from(&*step.id)),
            "key" => return self.kind.is_of_recipient().then_some("default".into()),
            "step_count" => return (self.kind == Kind::Source).then_some(integer(self.step_count)),
            "recipient_event_id" => {
                return self.feedback.as_ref().map(|it| id_text(it.recipient_event));
            }
            "retry_status" => return (self.kind == Kind::Retry).then_some("completed".into()),
            "start_timestamp" => Scalar::Integer(self.created_ms - i64::from(self.ms)),
            "end_timestamp" => Scalar::Integer(self.created_ms),
            "ms" => integer(self.ms),
            "wait_ms" => integer(self.wait_ms),
            "overhead_ms" => integer(self.ms - self.wait_ms.min(self.ms)),
            "lag_ms" => Scalar::Integer(0),
            "total_ms" => Scalar::Integer(self.created_ms - self.lead.submitted_ms),
            "cost" | "purchase_price" => return priced(self.purchase_price),
            "sale_price" => return of_recipient(self.sale_price),
            "revenue" => return of_recipient(self.sale_price - self.purchase_price),
            "cap_reached" | "ping_limit_reached" => Scalar::Bool(false),
            "caps_reached" => return self.kind.is_of_recipient().then_some(Scalar::Bool(false)),
            "handler_version" => "13.5.0".into(),
            "version" => "1.0.0".into(),
            "expires_at" => iso_8601(self.created_ms + RETENTION_MS),
            _ => return self.variable(name.strip_prefix("vars.").unwrap_or(name)),
        };
        Some(scalar)
    }

    fn variable(&self, name: &str) -> Option<Scalar<'_>> {
        let of_recipient = || self.kind.is_of_recipient();
        let recipient = || self.step.as_ref().filter(|_| self.kind != Kind::Filter);
        match name {
            "recipient.id" => recipient().map(|step| Scalar::from(&*step.recipient.id)),
            "recipient.name" => recipient().map(|step| Scalar::from(&*step.recipient.name)),
            "price" => of_recipient().then_some(Scalar::Money(self.sale_price)),
            "purchase_price" => of_recipient().then_some(Scalar::Money(self.purchase_price)),
            "event_id" => of_recipient().then(|| Scalar::Text(self.id.to_string().into())),
            "feedback.timestamp" => self.kind.is_feedback().then(|| iso_8601(self.created_ms)),
            "feedback.type" => self.feedback.as_ref().map(|it| it.kind.into()),
            "feedback.reason" => self.feedback.as_ref().map(|it| Scalar::from(&*it.reason)),
            _ => self.lead.get(name),
        }
    }

    fn module_id(&self) -> Option<&str> {
        match self.kind {
            Kind::Filter => None,
            Kind::Source | Kind::Ping => Some("leadconduit-default.inbound"),
            _ => self.step.as_ref().map(|step| &*step.module_id),
        }
    }

    /// Returns the event as JSON, with the members that `is_shown`.
    pub(crate) fn to_json(&self, is_shown: impl Fn(&str) -> bool) -> Value {
        let mut event = Map::new();
        for name in MEMBERS.iter().filter(|name| is_shown(name)) {
            // A filter is no step of a recipient.
            let is_foreign = self.kind == Kind::Filter && *name == "step_id";
            if let Some(scalar) = self.get(name).filter(|_| !is_foreign) {
                insert(&mut event, name, scalar.to_json());
            }
        }
        for field in &self.lead.fields {
            let name = format!("vars.lead.{}", field.name);
            if is_shown(&name) {
                let value = match field.is_plain() {
                    true => Value::from(&*field.normal),
                    false => json!({
                        "normal": field.normal,
                        "raw": field.raw(),
                        "valid": field.is_valid,
                    }),
                };
                insert(&mut event, &name, value);
            }
        }
        if self.kind == Kind::Source && is_shown("appended") {
            event.insert("appended".to_owned(), json!({}));
        }
        Value::Object(event)
    }

    /// Returns about how much memory it takes, its lead included.
    pub(crate) fn bytes(&self) -> usize {
        let feedback = self.feedback.as_ref().map_or(0, |it| it.reason.len());
        let step = self.step.as_ref().map_or(0, |step| {
            step.id.len()
                + step.module_id.len()
                + step.recipient.id.len()
                + step.recipient.name.len()
        });
        size_of::<Self>() + self.reason.len() + feedback + step + self.lead.bytes()
    }
}

/// Puts a value below its dotted name.
fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        // A field of a lead may have a dot in its name, and be shorter than another one.
        Some((first, rest)) => {
            let below = object.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(below) = below {
                insert(below, rest, value);
            }
        }
        None => {
            object.insert(name.to_owned(), value);
        }
    }
}
