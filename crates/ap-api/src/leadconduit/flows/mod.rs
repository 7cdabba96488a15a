//! Flows: what happens to a lead, step by step.
//!
//! Saving a flow does not change how live leads are handled. [`Deploy`] does.
//!
//! Change one flow and deploy it, losing no member:
//!
//! ```
//! use ap_api::Id;
//! use ap_api::leadconduit::flows::{Deploy, Get, Update};
//! use ap_core::{Endpoint, Error};
//!
//! # fn call<E: Endpoint>(endpoint: E) -> Result<E::Output, Error> {
//! #     let body = r#"{"id":"5fd4371e940df5a34a3888b2","name":"Solar","enabled":true,"fields":[],"sources":[],
//! #         "steps":[],"level":"pro","message":"deployed"}"#;
//! #     endpoint.decode(http::Response::new(body.into()).into())
//! # }
//! let id = Id::parse("5fd4371e940df5a34a3888b2")?;
//! let mut flow = call(Get::new(&id))?; // client.call(…)
//! flow.name = "Solar, Texas".to_owned();
//! call(Update::new(&id, flow))?;
//! call(Deploy::new(id))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Accounts without a paid plan get a 401 for every call.

mod flow;
mod parts;

pub use flow::{Flow, FlowFirehose, ListCheck, ListChecks, Lookback};
pub use parts::{
    AcceptanceCriteria, Cap, CapType, DurationUnit, EntitySummary, FeedbackSettings, Integration,
    Mapping, PingLimit, Price, Pricing, PricingServiceChoice, Source, Step, StepOutcome, StepType,
};

use std::collections::BTreeMap;

use ap_core::{Call, Draft, Endpoint, Error, Response};
use serde::Serialize;

use super::changelogs::Changelog;
use super::fields::Field;
use crate::operation::{Operation, debug_as_operation, operation};
use crate::values::object::object;
use crate::{FieldId, Id};

operation! {
    /// Returns every flow of the account.
    GET "/flows" errors [401]
    source "https://developers.activeprospect.com/api-reference/flows/list-all-flows"
    List {} -> Vec<Flow>

    /// Creates a flow. Its id may be chosen by the caller. The status is 201.
    POST "/flows" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Create {} json { flow: Flow } -> Flow

    /// Returns a flow.
    GET "/flows/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Get { id: Id } -> Flow

    /// Replaces a flow. Live leads are handled as before until you [deploy](Deploy) it.
    PUT "/flows/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Update { id: Id } json { flow: Flow } -> Flow

    /// Deletes a flow, and returns it as it was. Leads that are submitted to it get a 404 from then on.
    DELETE "/flows/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Delete { id: Id } -> Flow

    /// Makes the saved flow the live one.
    POST "/flows/{id}/deploy" errors []
    source "https://developers.activeprospect.com/api-reference/flows/deploy-a-saved-flow-to-production"
    Deploy { id: Id } -> Deployed

    /// Returns the changes of a flow.
    GET "/flows/{id}/changelogs" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Changelogs { id: Id } -> Vec<Changelog>

    /// Returns the fields of a flow.
    GET "/flows/{id}/fields" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Fields { id: Id } -> Vec<Field>
}

/// Counts how often each field of a flow was used. By default it counts those of today.
///
/// `GET /flows/{id}/fields/usage`, documented:
/// <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>
///
/// Documented error statuses: none.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct FieldUsage {
    id: Id,
    timeframe: Timeframe,
}

#[derive(Clone, Serialize)]
struct Timeframe {
    timeframe: Option<String>,
}

impl FieldUsage {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/flows/{id}/fields/usage",
        "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
        &[],
    );

    /// Creates the endpoint.
    pub fn new(id: impl Into<Id>) -> Self {
        Self {
            id: id.into(),
            timeframe: Timeframe { timeframe: None },
        }
    }

    /// Sets the span of time, for example `previous_30_days`. The vendor advises against long ones, which are slow.
    pub fn timeframe(mut self, timeframe: impl Into<String>) -> Self {
        self.timeframe.timeframe = Some(timeframe.into());
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for FieldUsage {
    type Output = BTreeMap<FieldId, u64>;

    fn draft(&self) -> Draft {
        Self::OPERATION.draft(&[&self.id]).query(&self.timeframe)
    }

    fn decode(&self, response: Response) -> Result<Self::Output, Error> {
        let usage: Option<Self::Output> = response.error_for_status()?.json()?;
        Ok(usage.unwrap_or_default())
    }
}

debug_as_operation!(FieldUsage);

object! {
    /// The answer to [`Deploy`].
    pub struct Deployed {
        /// A text for a person.
        pub message: Option<String>,
    }
}
