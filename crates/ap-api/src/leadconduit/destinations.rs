//! Destinations: other systems that get a lead's data after the last step. They are set up in the application.

use ap_core::{Call, Draft, Endpoint, Error, Response};

use crate::body::Body;
use crate::operation::{Operation, debug_as_operation};
use crate::values::object::object;
use crate::{Id, Secret};

/// Returns every destination.
///
/// `GET /destinations`, documented:
/// <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>
///
/// Documented error statuses: 401.
#[derive(Clone, Default)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct List {
    has_flow_usages: bool,
}

impl List {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/destinations",
        "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
        &[401],
    );

    /// Creates the endpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns as well which flows use each one.
    pub fn with_flow_usages(mut self) -> Self {
        self.has_flow_usages = true;
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for List {
    type Output = Vec<Destination>;

    fn draft(&self) -> Draft {
        let draft = Self::OPERATION.draft(&[]);
        match self.has_flow_usages {
            true => draft.query(&[("include", "flow_usages")]),
            false => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<Vec<Destination>, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(List);

object! {
    /// A destination. It has no id; its `instance_id` is its own.
    pub struct Destination {
        /// Its name.
        pub name: Option<String>,
        /// The integration's name.
        pub integration_name: Option<String>,
        /// The integration's icon, at a signed URL.
        pub integration_icon_url: Option<Secret>,
        /// The id of the configured integration.
        pub instance_id: Option<String>,
        /// What it can do.
        pub actions: Option<Vec<DestinationAction>>,
        /// The flows that use it, if they were asked for.
        pub flow_usages: Option<FlowUsages>,
    }

    /// What a destination can do.
    pub struct DestinationAction {
        /// Its name.
        pub name: Option<String>,
        /// Its id.
        pub action_id: Option<String>,
        /// The URL that starts it, for anyone who has it.
        pub webhook_url: Option<Secret>,
    }

    /// The flows that use a destination.
    pub struct FlowUsages {
        /// How many there are.
        pub count: Option<u64>,
        /// The flows.
        pub flows: Option<Vec<NamedId>>,
    }

    /// An id with a name.
    pub struct NamedId {
        /// The id.
        pub id: Option<Id>,
        /// The name.
        pub name: Option<String>,
    }
}
