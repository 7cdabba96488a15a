//! [`Flow`].

use serde_json::{Map, Number, Value};

use super::parts::{
    AcceptanceCriteria, Cap, DurationUnit, PingLimit, Pricing, PricingServiceChoice, Source, Step,
};
use crate::leadconduit::destinations::Destination;
use crate::values::object::object;
use crate::{FieldId, Id, Time};

object! {
    /// What happens to a lead, step by step.
    #[derive(Default)]
    pub struct Flow {
        /// Its id. When you create a flow, you may choose it.
        pub id: Option<Id>,
        /// Its name.
        pub name: String,
        /// It accepts leads. A flow that does not answers with the outcome `Error`.
        pub enabled: bool,
        /// The fields that a lead has in this flow.
        pub fields: Vec<FieldId>,
        /// Where leads come from.
        pub sources: Vec<Source>,
        /// The steps, in their order.
        pub steps: Vec<Step>,
        /// How many leads it accepts, from all sources.
        pub caps: Option<Vec<Cap>>,
        /// Which leads it accepts.
        pub acceptance_criteria: Option<AcceptanceCriteria>,
        /// What is paid for leads.
        pub pricing: Option<Pricing>,
        /// The suppression lists that leads are looked up in.
        pub list_checks: Option<ListChecks>,
        /// Where data is sent after the last step.
        pub destinations: Option<Vec<Destination>>,
        /// It accepts pings.
        pub ping_enabled: Option<bool>,
        /// How many pings it accepts.
        pub ping_limits: Option<Vec<PingLimit>>,
        /// The service that sets prices.
        pub pricing_service: Option<PricingServiceChoice>,
        /// Where events are written to.
        pub firehose: Option<FlowFirehose>,
        /// Why it cannot be saved. Read-only.
        pub errors: Option<Map<String, Value>>,
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
        /// When it was last changed. Read-only.
        pub updated_at: Option<Time>,
    }

    /// The suppression lists that leads are looked up in.
    #[derive(Default)]
    pub struct ListChecks {
        /// Leads that were submitted before.
        pub duplicate: Option<ListCheck>,
        /// Customers.
        pub existing_customer: Option<ListCheck>,
        /// People who must not be called.
        pub dnc: Option<ListCheck>,
    }

    /// A list that leads are looked up in.
    #[derive(Default)]
    pub struct ListCheck {
        /// The value to look up, as a template.
        pub value: Option<String>,
        /// The list.
        pub list_name: Option<String>,
        /// How far back to look; `None` without limit.
        pub lookback: Option<Lookback>,
    }

    /// How far back to look.
    pub struct Lookback {
        /// The number of intervals.
        pub value: Option<Number>,
        /// The interval.
        pub interval: Option<DurationUnit>,
    }

    /// Where events are written to: one bucket, or services of two clouds.
    #[derive(Default)]
    pub struct FlowFirehose {
        /// It is switched on.
        pub enabled: Option<bool>,
        /// The credential of the cloud.
        pub credential_id: Option<Id>,
        /// The bucket.
        pub bucket: Option<String>,
        /// What names of files begin with.
        pub prefix: Option<String>,
        /// The services, `aws` and `azure`, in the newer form.
        pub services: Option<Map<String, Value>>,
    }
}

impl Flow {
    /// Creates a flow that accepts leads, without sources and steps.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            enabled: true,
            ..Self::default()
        }
    }

    /// Returns the step with this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        let has_id = |step: &&Step| step.id.as_ref().is_some_and(|own| own.as_str() == id);
        self.steps.iter().find(has_id)
    }
}
