//! [`Flow`]: the parts of a flow that decide what becomes of a lead.

use serde::Deserialize;

use crate::rules::{Lookup, RuleText};
use crate::state::events::event::Outcome;
use crate::state::events::lead::{Lead, Party};

/// A flow, as far as it decides. What a client saved may lack anything.
#[derive(Debug, Deserialize)]
pub(super) struct Flow {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) fields: Vec<String>,
    sources: Option<Vec<Source>>,
    #[serde(default)]
    pub(super) steps: Vec<Step>,
    pub(super) acceptance_criteria: Option<AcceptanceCriteria>,
    pub(super) pricing: Option<Pricing>,
    #[serde(default)]
    pub(super) ping_enabled: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Source {
    pub(super) entity: Entity,
    pub(super) enabled: Option<bool>,
    #[serde(default)]
    pub(super) authentication_required: bool,
    pub(super) acceptance_criteria: Option<AcceptanceCriteria>,
    pub(super) pricing: Option<Pricing>,
    pub(super) feedback: Option<Feedback>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entity {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
}

/// A step of either type.
#[derive(Debug, Deserialize)]
pub(super) struct Step {
    #[serde(default)]
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) enabled: Option<bool>,
    pub(super) rule_set: Option<RuleText>,
    pub(super) outcome: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) entity: Option<Entity>,
    pub(super) integration: Option<Integration>,
    pub(super) pricing: Option<Pricing>,
    pub(super) feedback: Option<Feedback>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Integration {
    pub(super) module_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct AcceptanceCriteria {
    outcome: String,
    reason: Option<String>,
    rule_set: RuleText,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pricing {
    prices: Option<Vec<Price>>,
}

#[derive(Debug, Deserialize)]
struct Price {
    amount: f64,
    rule_set: Option<RuleText>,
}

/// That feedback is accepted, or sent on.
#[derive(Debug, Deserialize)]
pub(super) struct Feedback {
    pub(super) rule_set: Option<RuleText>,
}

impl Flow {
    pub(super) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    pub(super) fn party(&self) -> Party {
        Party {
            id: self.id.clone().into(),
            name: self.name.clone().into(),
        }
    }

    /// Returns the source that is this entity.
    pub(super) fn source(&self, entity: &str) -> Option<&Source> {
        let mut sources = self.sources.iter().flatten();
        sources.find(|source| source.entity.id.eq_ignore_ascii_case(entity))
    }

    pub(super) fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

impl Entity {
    pub(super) fn party(&self) -> Party {
        Party {
            id: self.id.clone().into(),
            name: self.name.clone().into(),
        }
    }
}

impl AcceptanceCriteria {
    /// Returns the outcome and the reason for a lead that does not meet them.
    pub(super) fn refuse(&self, lead: &Lead) -> Option<(Outcome, String)> {
        if passes(Some(&self.rule_set), lead) {
            return None;
        }
        let reason = self.reason.clone().unwrap_or_default();
        Some((outcome(&self.outcome), reason))
    }
}

impl Pricing {
    /// The last price whose rules pass counts.
    fn amount(&self, lead: &Lead) -> f64 {
        let mut prices = self.prices.iter().flatten().rev();
        let price = prices.find(|price| passes(price.rule_set.as_ref(), lead));
        price.map_or(0.0, |price| price.amount)
    }
}

/// Returns the amount for a lead; without any pricing it costs nothing.
pub(super) fn price<'a>(
    pricings: impl IntoIterator<Item = &'a Option<Pricing>>,
    lead: &Lead,
) -> f64 {
    let mut pricings = pricings.into_iter().flatten();
    pricings.next().map_or(0.0, |pricing| pricing.amount(lead))
}

/// Returns `true` if there are no rules, or if they pass. Rules that make no sense do not.
pub(super) fn passes(rules: Option<&RuleText>, lead: &Lead) -> bool {
    let Some(rules) = rules else {
        return true;
    };
    let lookup: Lookup<'_> = &|name| lead.get(name);
    rules.compile().is_ok_and(|rule| rule.passes(lookup))
}

pub(super) fn outcome(name: &str) -> Outcome {
    match name {
        "success" => Outcome::Success,
        "error" => Outcome::Error,
        _ => Outcome::Failure,
    }
}
