//! [`MEMBERS`]: what an event has besides what is known of its lead.

use super::event::{Event, Kind, RETENTION_MS};
use super::lead::iso_8601;
use crate::scalar::Scalar;

use Member::{OfEvent, OfKind};

/// What decides which members an event has: events of one shape have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    kind: Kind,
    has_step: bool,
    has_feedback: bool,
}

/// Returns one member of an event, if it has it.
pub(super) type Read = for<'a> fn(&'a Event) -> Option<Scalar<'a>>;

/// A member of an event.
#[derive(Clone, Copy)]
pub(super) enum Member {
    /// Every event of a kind has the same.
    OfKind(fn(Kind) -> Option<Scalar<'static>>),
    OfEvent(Read),
}

/// Everything that an event can have besides what is known of its lead, in the order of the JSON.
pub(super) const MEMBERS: &[(&str, Member)] = &[
    ("id", OfEvent(|event| Some(Scalar::Id(event.id)))),
    ("type", OfKind(|kind| Some(kind.name().into()))),
    (
        "outcome",
        OfEvent(|event| Some(event.outcome.name().into())),
    ),
    (
        "reason",
        OfEvent(|event| Some(Scalar::from(&*event.reason))),
    ),
    ("host", OfKind(|_| Some("emulator".into()))),
    (
        "module_id",
        OfEvent(|event| event.module_id().map(Scalar::from)),
    ),
    (
        "package_version",
        OfKind(|kind| kind.is_priced().then_some("2.9.10".into())),
    ),
    (
        "step_id",
        OfEvent(|event| event.step.as_ref().map(|step| Scalar::from(&*step.id))),
    ),
    (
        "key",
        OfKind(|kind| kind.is_of_recipient().then_some("default".into())),
    ),
    (
        "step_count",
        OfEvent(|event| (event.kind == Kind::Source).then_some(event.step_count.into())),
    ),
    (
        "recipient_event_id",
        OfEvent(|event| {
            let feedback = event.feedback.as_ref();
            feedback.map(|it| Scalar::Id(it.recipient_event))
        }),
    ),
    (
        "retry_status",
        OfKind(|kind| (kind == Kind::Retry).then_some("completed".into())),
    ),
    (
        "start_timestamp",
        OfEvent(|event| Some(Scalar::Integer(event.created_ms - i64::from(event.ms)))),
    ),
    (
        "end_timestamp",
        OfEvent(|event| Some(Scalar::Integer(event.created_ms))),
    ),
    ("ms", OfEvent(|event| Some(event.ms.into()))),
    ("wait_ms", OfEvent(|event| Some(event.wait_ms.into()))),
    (
        "overhead_ms",
        OfEvent(|event| Some((event.ms - event.wait_ms.min(event.ms)).into())),
    ),
    ("lag_ms", OfKind(|_| Some(Scalar::Integer(0)))),
    (
        "total_ms",
        OfEvent(|event| Some(Scalar::Integer(event.created_ms - event.lead.submitted_ms))),
    ),
    ("cost", OfEvent(|event| event.priced(event.purchase_price))),
    (
        "purchase_price",
        OfEvent(|event| event.priced(event.purchase_price)),
    ),
    (
        "sale_price",
        OfEvent(|event| event.of_recipient(|it| Scalar::Money(it.sale_price))),
    ),
    (
        "revenue",
        OfEvent(|event| event.of_recipient(|it| Scalar::Money(it.sale_price - it.purchase_price))),
    ),
    ("cap_reached", OfKind(|_| Some(Scalar::Bool(false)))),
    (
        "caps_reached",
        OfKind(|kind| kind.is_of_recipient().then_some(Scalar::Bool(false))),
    ),
    ("ping_limit_reached", OfKind(|_| Some(Scalar::Bool(false)))),
    ("handler_version", OfKind(|_| Some("13.5.0".into()))),
    ("version", OfKind(|_| Some("1.0.0".into()))),
    (
        "expires_at",
        OfEvent(|event| Some(iso_8601(event.created_ms + RETENTION_MS))),
    ),
    (
        "vars.recipient.id",
        OfEvent(|event| event.recipient().map(|it| Scalar::from(&*it.id))),
    ),
    (
        "vars.recipient.name",
        OfEvent(|event| event.recipient().map(|it| Scalar::from(&*it.name))),
    ),
    (
        "vars.price",
        OfEvent(|event| event.of_recipient(|it| Scalar::Money(it.sale_price))),
    ),
    (
        "vars.purchase_price",
        OfEvent(|event| event.of_recipient(|it| Scalar::Money(it.purchase_price))),
    ),
    (
        "vars.event_id",
        OfEvent(|event| event.of_recipient(|it| Scalar::Id(it.id))),
    ),
    (
        "vars.feedback.timestamp",
        OfEvent(|event| {
            let is_feedback = event.kind.is_feedback();
            is_feedback.then(|| iso_8601(event.created_ms))
        }),
    ),
    (
        "vars.feedback.type",
        OfEvent(|event| event.feedback.as_ref().map(|it| it.kind.into())),
    ),
    (
        "vars.feedback.reason",
        OfEvent(|event| {
            let feedback = event.feedback.as_ref();
            feedback.map(|it| Scalar::from(&*it.reason))
        }),
    ),
];

impl Shape {
    pub(super) const fn of(event: &Event) -> Self {
        Self {
            kind: event.kind,
            has_step: event.step.is_some(),
            has_feedback: event.feedback.is_some(),
        }
    }
}

impl Member {
    /// Returns it, if the event has it.
    pub(super) fn read(self, event: &Event) -> Option<Scalar<'_>> {
        match self {
            OfKind(read) => read(event.kind),
            OfEvent(read) => read(event),
        }
    }
}

impl Event {
    /// Returns the member with this name, for example `outcome` or `vars.lead.state`. Of variables, the
    /// first part may be left out.
    pub(crate) fn get(&self, name: &str) -> Option<Scalar<'_>> {
        let is_it =
            |(own, _): &&(&str, Member)| *own == name || own.strip_prefix("vars.") == Some(name);
        match MEMBERS.iter().find(is_it) {
            Some((_, member)) => member.read(self),
            None => self.lead.get(name.strip_prefix("vars.").unwrap_or(name)),
        }
    }
}
