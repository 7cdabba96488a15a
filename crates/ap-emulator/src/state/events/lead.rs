//! [`Lead`]: what was submitted, and who submitted it to which flow.

use std::borrow::Cow;

use super::id::Id;
use super::time::Time;
use crate::example_data;
use crate::scalar::Scalar;

/// A text of a submission, or one that is part of the program.
pub(crate) type Text = Cow<'static, str>;

/// The id and the name of a flow, a source or a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) id: Text,
    pub(crate) name: Text,
}

/// The value of a field, in its normal form.
#[derive(Debug, Clone)]
pub(crate) struct LeadField {
    pub(crate) name: Text,
    pub(crate) normal: Text,
    /// What was submitted, if it is not the same.
    pub(crate) raw: Option<Text>,
    pub(crate) is_valid: bool,
}

/// A submitted lead.
#[derive(Debug, Clone)]
pub(crate) struct Lead {
    pub(crate) id: Id,
    pub(crate) submitted_ms: i64,
    pub(crate) ip: Text,
    pub(crate) flow: Party,
    pub(crate) source: Party,
    pub(crate) fields: Vec<LeadField>,
}

/// Returns one variable.
pub(super) type Read = for<'a> fn(&'a Lead) -> Scalar<'a>;

/// What every lead has besides its fields, in the order of the JSON. The fields follow.
pub(super) const VARIABLES: &[(&str, Read)] = &[
    ("vars.submission.timestamp", |lead| {
        iso_8601(lead.submitted_ms)
    }),
    ("vars.submission.ip", |lead| Scalar::from(&*lead.ip)),
    ("vars.account.id", |_| example_data::ACCOUNT_ID.into()),
    ("vars.account.name", |_| example_data::ACCOUNT_NAME.into()),
    ("vars.flow.id", |lead| Scalar::from(&*lead.flow.id)),
    ("vars.flow.name", |lead| Scalar::from(&*lead.flow.name)),
    ("vars.source.id", |lead| Scalar::from(&*lead.source.id)),
    ("vars.source.name", |lead| Scalar::from(&*lead.source.name)),
    ("vars.lead.id", |lead| Scalar::Id(lead.id)),
];

impl LeadField {
    pub(crate) fn raw(&self) -> &str {
        self.raw.as_ref().unwrap_or(&self.normal)
    }

    /// Returns `true` if the value is shown as it is, and not as an object with its forms.
    pub(crate) const fn is_plain(&self) -> bool {
        self.raw.is_none() && self.is_valid
    }
}

impl Lead {
    pub(crate) fn field(&self, name: &str) -> Option<&LeadField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the normal form of a field's value.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.field(name).map(|field| &*field.normal)
    }

    /// Returns the variable with this name, for example `lead.state` or `flow.id`.
    pub(crate) fn get(&self, name: &str) -> Option<Scalar<'_>> {
        let is_it = |(own, _): &&(&str, Read)| own.strip_prefix("vars.") == Some(name);
        match VARIABLES.iter().find(is_it) {
            Some((_, read)) => Some(read(self)),
            None => self.get_field(name.strip_prefix("lead.")?),
        }
    }

    fn get_field(&self, name: &str) -> Option<Scalar<'_>> {
        if let Some(field) = self.field(name) {
            return Some(Scalar::from(&*field.normal));
        }
        let (name, form) = name.rsplit_once('.')?;
        let field = self.field(name)?;
        match form {
            "normal" => Some(Scalar::from(&*field.normal)),
            "raw" => Some(field.raw().into()),
            "valid" => Some(Scalar::Bool(field.is_valid)),
            _ => None,
        }
    }

    /// Returns about how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let of_field = |field: &LeadField| {
            let raw = field.raw.as_ref().map_or(0, |raw| raw.len());
            size_of::<LeadField>() + field.name.len() + field.normal.len() + raw
        };
        let names = self.flow.id.len() + self.flow.name.len() + self.source.name.len();
        size_of::<Self>() + names + self.fields.iter().map(of_field).sum::<usize>()
    }
}

/// Returns milliseconds since 1970 as the API does.
pub(crate) const fn iso_8601(ms: i64) -> Scalar<'static> {
    Scalar::Time(Time::new(ms))
}
