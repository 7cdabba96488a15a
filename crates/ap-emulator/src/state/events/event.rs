//! [`Event`]: what happened to a lead at one step. `members` has what is shown of it, and `text` writes it as JSON.

use std::sync::Arc;

use super::id::Id;
use super::lead::{Lead, Party, Text};
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

    pub(super) const fn is_of_recipient(self) -> bool {
        matches!(self, Self::Recipient | Self::Retry)
    }

    pub(super) const fn is_priced(self) -> bool {
        self.is_of_recipient() || matches!(self, Self::Source)
    }

    pub(super) const fn is_feedback(self) -> bool {
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

    pub(super) fn priced(&self, amount: f64) -> Option<Scalar<'_>> {
        self.kind.is_priced().then_some(Scalar::Money(amount))
    }

    pub(super) fn of_recipient<'a>(
        &'a self,
        read: fn(&'a Self) -> Scalar<'a>,
    ) -> Option<Scalar<'a>> {
        self.kind.is_of_recipient().then(|| read(self))
    }

    pub(super) fn recipient(&self) -> Option<&Party> {
        let step = self.step.as_ref().filter(|_| self.kind != Kind::Filter);
        step.map(|step| &step.recipient)
    }

    pub(super) fn module_id(&self) -> Option<&str> {
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
