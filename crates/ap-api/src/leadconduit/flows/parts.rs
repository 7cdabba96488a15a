//! What flows are made of: sources, steps, caps, prices.

use serde_json::{Number, Value};

use crate::rules::RuleSet;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Money, ShortId, Time};

open_enum! {
    /// The type of a step.
    pub enum StepType {
        /// It stops some leads.
        Filter = "filter",
        /// It sends leads to a recipient.
        Recipient = "recipient",
    }

    /// The outcome that a source gets if a filter stops its lead, or if the acceptance criteria do not fit.
    pub enum StepOutcome {
        /// The lead counts as accepted.
        Success = "success",
        /// The lead is rejected.
        Failure = "failure",
        /// The lead is not processed.
        Error = "error",
    }

    /// The type of a cap.
    pub enum CapType {
        /// It counts leads.
        Volume = "volume",
    }

    /// A unit of time.
    pub enum DurationUnit {
        /// A year. Look-backs alone have this.
        Year = "year",
        /// A month.
        Month = "month",
        /// A week.
        Week = "week",
        /// A day.
        Day = "day",
        /// An hour.
        Hour = "hour",
        /// A minute.
        Minute = "minute",
    }
}

object! {
    /// Where leads come from.
    #[derive(Default)]
    pub struct Source {
        /// Its id in the flow. Leads are submitted to the id of its entity instead.
        pub id: Option<ShortId>,
        /// How leads are received.
        pub integration: Option<Integration>,
        /// Who sends them.
        pub entity: Option<EntitySummary>,
        /// Which leads are accepted.
        pub acceptance_criteria: Option<AcceptanceCriteria>,
        /// How feedback is sent to it.
        pub feedback: Option<FeedbackSettings>,
        /// How many leads are accepted.
        pub caps: Option<Vec<Cap>>,
        /// How many pings are accepted.
        pub ping_limits: Option<Vec<PingLimit>>,
        /// The credential of the integration.
        pub credential_id: Option<Id>,
        /// What is paid for leads.
        pub pricing: Option<Pricing>,
        /// The service that sets prices.
        pub pricing_service: Option<PricingServiceChoice>,
        /// It is switched on.
        pub enabled: Option<bool>,
        /// It must send its own account's key ("Source Authentication").
        pub authentication_required: Option<bool>,
    }

    /// A step: a filter or a recipient. `kind` says which one, and each field which has it.
    #[derive(Default)]
    pub struct Step {
        /// The type.
        pub kind: Option<StepType> = "type",
        /// Its id in the flow.
        pub id: Option<ShortId>,
        /// What it is for, in 120 characters at most.
        pub description: Option<String>,
        /// Notes, in 2,000 characters at most.
        pub notes: Option<String>,
        /// A filter stops leads that pass these rules. A recipient gets only those that pass them.
        pub rule_set: Option<RuleSet>,
        /// What the source gets if the lead is stopped. Filters have this.
        pub outcome: Option<StepOutcome>,
        /// The reason that the source gets, as a template. Filters have this.
        pub reason: Option<String>,
        /// It is switched on.
        pub enabled: Option<bool>,
        /// Who gets the lead. Recipients have this.
        pub entity: Option<EntitySummary>,
        /// How the lead is sent. Recipients have this.
        pub integration: Option<Integration>,
        /// How feedback is received. Recipients have this.
        pub feedback: Option<FeedbackSettings>,
        /// How many leads it gets. Recipients have this.
        pub caps: Option<Vec<Cap>>,
        /// What it pays. Recipients have this.
        pub pricing: Option<Pricing>,
        /// An error is tried again later. Recipients have this.
        pub retry_enabled: Option<bool>,
    }

    /// Which leads are accepted.
    pub struct AcceptanceCriteria {
        /// The rules that a lead must pass.
        pub rule_set: Option<RuleSet>,
        /// What the source gets if the lead does not pass them.
        pub outcome: Option<StepOutcome>,
        /// The reason that the source gets, as a template.
        pub reason: Option<String>,
    }

    /// An integration, and how its data is set.
    pub struct Integration {
        /// The module, `package.direction.name`.
        pub module_id: String,
        /// How its variables are set.
        pub mappings: Option<Vec<Mapping>>,
    }

    /// How a variable is set.
    pub struct Mapping {
        /// Its id in the flow.
        pub id: Option<ShortId>,
        /// The variable.
        pub property: String,
        /// The value: a text, a number, `null` or a list of these.
        pub value: Option<Value>,
        /// It applies only to leads that pass these rules.
        pub rule_set: Option<RuleSet>,
    }

    /// The entity of a source or step.
    pub struct EntitySummary {
        /// Its id.
        pub id: Id,
        /// Its name. Read-only.
        pub name: Option<String>,
        /// Its time zone.
        pub time_zone: Option<String>,
    }

    /// How feedback is sent or received.
    pub struct FeedbackSettings {
        /// The integration.
        pub integration: Option<Integration>,
        /// Feedback that does not pass these rules is not sent.
        pub rule_set: Option<RuleSet>,
    }

    /// How many leads are accepted in an interval.
    #[derive(Default)]
    pub struct Cap {
        /// Its id.
        pub id: Option<Id>,
        /// Its type.
        pub kind: Option<CapType> = "type",
        /// Its name.
        pub name: Option<String>,
        /// How many leads are accepted.
        pub maximum: Option<Number>,
        /// How many units an interval has, at least 1.
        pub duration: Option<Number>,
        /// The unit.
        pub duration_units: Option<DurationUnit>,
        /// It counts only leads that pass these rules.
        pub rule_set: Option<RuleSet>,
        /// Caps inside this one.
        pub caps: Option<Vec<Cap>>,
        /// The time zone in which an interval begins.
        pub time_zone: Option<String>,
        /// The reason that the source gets, as a template; `Cap reached` by default.
        pub reason: Option<String>,
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
    }

    /// How many pings are accepted in an interval. With its counter, where counters are asked for.
    #[derive(Default)]
    pub struct PingLimit {
        /// Its id.
        pub id: Option<Id>,
        /// Its name.
        pub name: Option<String>,
        /// How many pings are accepted.
        pub maximum: Option<Number>,
        /// How many units an interval has.
        pub duration: Option<Number>,
        /// The unit.
        pub duration_units: Option<DurationUnit>,
        /// The time zone in which an interval begins.
        pub time_zone: Option<String>,
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
        /// The flow. Counters have this.
        pub flow_id: Option<Id>,
        /// The entity of the source. Counters have this.
        pub source_id: Option<Id>,
        /// How many pings were rejected. Counters have this.
        pub failed_count: Option<u64>,
        /// When the interval began. Counters have this.
        pub started_at: Option<Time>,
        /// When the interval ends. Counters have this.
        pub expires_at: Option<Time>,
    }

    /// What is paid. The last price that fits a lead counts.
    #[derive(Default)]
    pub struct Pricing {
        /// The source or the recipient says the price. Then there are no prices here.
        pub override_prices: Option<bool> = "override",
        /// The prices.
        pub prices: Option<Vec<Price>>,
    }

    /// The service that sets prices.
    pub struct PricingServiceChoice {
        /// The service.
        pub service_id: Option<Id>,
        /// The price if the service has none, in US dollars.
        pub fallback_price: Option<Money>,
    }

    /// A price.
    pub struct Price {
        /// Its id.
        pub id: Option<Value>,
        /// The price of a lead, in US dollars, more than 0.
        pub amount: Option<Money>,
        /// It is for leads that pass these rules.
        pub rule_set: Option<RuleSet>,
    }
}

impl Integration {
    /// Creates an integration without mappings.
    #[must_use]
    pub fn new(module_id: impl Into<String>) -> Self {
        Self {
            module_id: module_id.into(),
            mappings: None,
            extra: crate::Extra::default(),
        }
    }
}

impl Mapping {
    /// Creates a mapping for every lead.
    #[must_use]
    pub fn new(property: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            id: None,
            property: property.into(),
            value: Some(value.into()),
            rule_set: None,
            extra: crate::Extra::default(),
        }
    }
}

impl EntitySummary {
    /// Creates a reference to an entity.
    #[must_use]
    pub fn new(id: impl Into<Id>) -> Self {
        Self {
            id: id.into(),
            name: None,
            time_zone: None,
            extra: crate::Extra::default(),
        }
    }
}

impl Source {
    /// Creates a source that is switched on.
    #[must_use]
    pub fn new(entity: EntitySummary, integration: Integration) -> Self {
        Self {
            entity: Some(entity),
            integration: Some(integration),
            enabled: Some(true),
            ..Self::default()
        }
    }
}

impl Step {
    /// Creates a filter, which stops leads that pass these rules.
    #[must_use]
    pub fn filter(rule_set: RuleSet, outcome: StepOutcome) -> Self {
        Self {
            kind: Some(StepType::Filter),
            rule_set: Some(rule_set),
            outcome: Some(outcome),
            enabled: Some(true),
            ..Self::default()
        }
    }

    /// Creates a step that sends leads to a recipient.
    #[must_use]
    pub fn recipient(entity: EntitySummary, integration: Integration) -> Self {
        Self {
            kind: Some(StepType::Recipient),
            entity: Some(entity),
            integration: Some(integration),
            enabled: Some(true),
            ..Self::default()
        }
    }
}

impl Price {
    /// Creates a price for every lead, in US dollars.
    #[must_use]
    pub fn new(amount: impl Into<Money>) -> Self {
        Self {
            id: None,
            amount: Some(amount.into()),
            rule_set: None,
            extra: crate::Extra::default(),
        }
    }
}

impl AcceptanceCriteria {
    /// Creates criteria: a lead that does not pass these rules gets this outcome.
    #[must_use]
    pub fn new(rule_set: RuleSet, outcome: StepOutcome) -> Self {
        Self {
            rule_set: Some(rule_set),
            outcome: Some(outcome),
            reason: None,
            extra: crate::Extra::default(),
        }
    }
}
