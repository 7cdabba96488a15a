//! [`Event`]: what happened to a lead at one step. `text` writes it as JSON.

use std::sync::Arc;

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

/// Returns one member of an event, if it has it.
pub(super) type Read = for<'a> fn(&'a Event) -> Option<Scalar<'a>>;

/// Everything that an event can have besides what is known of its lead, in the order of the JSON.
pub(super) const MEMBERS: &[(&str, Read)] = &[
    ("id", |event| Some(Scalar::Id(event.id))),
    ("type", |event| Some(event.kind.name().into())),
    ("outcome", |event| Some(event.outcome.name().into())),
    ("reason", |event| Some(Scalar::from(&*event.reason))),
    ("host", |_| Some("emulator".into())),
    ("module_id", |event| event.module_id().map(Scalar::from)),
    ("package_version", |event| {
        event.is_priced().then_some("2.9.10".into())
    }),
    ("step_id", |event| {
        event.step.as_ref().map(|step| Scalar::from(&*step.id))
    }),
    ("key", |event| event.of_recipient(|_| "default".into())),
    ("step_count", |event| {
        (event.kind == Kind::Source).then_some(event.step_count.into())
    }),
    ("recipient_event_id", |event| {
        let feedback = event.feedback.as_ref();
        feedback.map(|it| Scalar::Id(it.recipient_event))
    }),
    ("retry_status", |event| {
        (event.kind == Kind::Retry).then_some("completed".into())
    }),
    ("start_timestamp", |event| {
        Some(Scalar::Integer(event.created_ms - i64::from(event.ms)))
    }),
    ("end_timestamp", |event| {
        Some(Scalar::Integer(event.created_ms))
    }),
    ("ms", |event| Some(event.ms.into())),
    ("wait_ms", |event| Some(event.wait_ms.into())),
    ("overhead_ms", |event| {
        Some((event.ms - event.wait_ms.min(event.ms)).into())
    }),
    ("lag_ms", |_| Some(Scalar::Integer(0))),
    ("total_ms", |event| {
        Some(Scalar::Integer(event.created_ms - event.lead.submitted_ms))
    }),
    ("cost", |event| event.priced(event.purchase_price)),
    ("purchase_price", |event| event.priced(event.purchase_price)),
    ("sale_price", |event| {
        event.of_recipient(|it| Scalar::Money(it.sale_price))
    }),
    ("revenue", |event| {
        event.of_recipient(|it| Scalar::Money(it.sale_price - it.purchase_price))
    }),
    ("cap_reached", |_| Some(Scalar::Bool(false))),
    ("caps_reached", |event| {
        event.of_recipient(|_| Scalar::Bool(false))
    }),
    ("ping_limit_reached", |_| Some(Scalar::Bool(false))),
    ("handler_version", |_| Some("13.5.0".into())),
    ("version", |_| Some("1.0.0".into())),
    ("expires_at", |event| {
        Some(iso_8601(event.created_ms + RETENTION_MS))
    }),
    ("vars.recipient.id", |event| {
        event.recipient().map(|it| Scalar::from(&*it.id))
    }),
    ("vars.recipient.name", |event| {
        event.recipient().map(|it| Scalar::from(&*it.name))
    }),
    ("vars.price", |event| {
        event.of_recipient(|it| Scalar::Money(it.sale_price))
    }),
    ("vars.purchase_price", |event| {
        event.of_recipient(|it| Scalar::Money(it.purchase_price))
    }),
    ("vars.event_id", |event| {
        event.of_recipient(|it| Scalar::Id(it.id))
    }),
    ("vars.feedback.timestamp", |event| {
        let is_feedback = event.kind.is_feedback();
        is_feedback.then(|| iso_8601(event.created_ms))
    }),
    ("vars.feedback.type", |event| {
        event.feedback.as_ref().map(|it| it.kind.into())
    }),
    ("vars.feedback.reason", |event| {
        let feedback = event.feedback.as_ref();
        feedback.map(|it| Scalar::from(&*it.reason))
    }),
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
        let is_it =
            |(own, _): &&(&str, Read)| *own == name || own.strip_prefix("vars.") == Some(name);
        match MEMBERS.iter().find(is_it) {
            Some((_, read)) => read(self),
            None => self.lead.get(name.strip_prefix("vars.").unwrap_or(name)),
        }
    }

    const fn is_priced(&self) -> bool {
        self.kind.is_of_recipient() || matches!(self.kind, Kind::Source)
    }

    fn priced(&self, amount: f64) -> Option<Scalar<'_>> {
        self.is_priced().then_some(Scalar::Money(amount))
    }

    fn of_recipient<'a>(&'a self, read: fn(&'a Self) -> Scalar<'a>) -> Option<Scalar<'a>> {
        self.kind.is_of_recipient().then(|| read(self))
    }

    fn recipient(&self) -> Option<&Party> {
        let step = self.step.as_ref().filter(|_| self.kind != Kind::Filter);
        step.map(|step| &step.recipient)
    }

    fn module_id(&self) -> Option<&str> {
        match self.kind {
            Kind::Filter => None,
            Kind::Source | Kind::Ping => Some("leadconduit-default.inbound"),
            _ => self.step.as_ref().map(|step| &*step.module_id),
        }
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
