//! Routers: they accept leads, and send each one to a flow.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use serde_json::Value;

use crate::operation::{Operation, debug_as_operation, operation};
use crate::rules::RuleSet;
use crate::values::object::object;
use crate::{Id, ShortId, Time};

operation! {
    /// Returns every router.
    GET "/routers" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    List {} -> Vec<Router>

    /// Returns a router.
    GET "/routers/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Get { id: Id } -> Router
}

/// Creates a router. Each integration module has one at most. The status is 201.
///
/// `POST /routers`, documented: <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>. The vendor
/// types the response as a list; one router is accepted as well. Documented error statuses: none.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Create {
    router: Router,
}

/// Replaces a router.
///
/// `PUT /routers/{id}`, documented: <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>. The
/// vendor types the response as a list; one router is accepted as well. Documented error statuses: none.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Update {
    id: Id,
    router: Router,
}

impl Create {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "POST",
        "/routers",
        "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
        &[],
    );

    /// Creates the endpoint.
    pub fn new(router: Router) -> Self {
        Self { router }
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Update {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "PUT",
        "/routers/{id}",
        "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
        &[],
    );

    /// Creates the endpoint.
    pub fn new(id: impl Into<Id>, router: Router) -> Self {
        let id = id.into();
        Self { id, router }
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for Create {
    type Output = Vec<Router>;

    fn draft(&self) -> Draft {
        Self::OPERATION.draft(&[]).json(&self.router)
    }

    fn decode(&self, response: Response) -> Result<Vec<Router>, Error> {
        one_or_list(response)
    }
}

impl Endpoint for Update {
    type Output = Vec<Router>;

    fn draft(&self) -> Draft {
        Self::OPERATION.draft(&[&self.id]).json(&self.router)
    }

    fn decode(&self, response: Response) -> Result<Vec<Router>, Error> {
        one_or_list(response)
    }
}

fn one_or_list(response: Response) -> Result<Vec<Router>, Error> {
    let response = response.error_for_status()?;
    match response.json()? {
        Value::Null => Ok(Vec::new()),
        Value::Array(_) => response.json(),
        _ => Ok(vec![response.json()?]),
    }
}

debug_as_operation!(Create, Update);

object! {
    /// A router.
    #[derive(Default)]
    pub struct Router {
        /// Its id. Read-only.
        pub id: Option<Id>,
        /// The integration module, which is a name although it is documented as an id.
        pub module_id: Option<String>,
        /// The routes. The first one that fits a lead counts.
        pub routes: Vec<Route>,
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
        /// When it was last changed. Read-only.
        pub updated_at: Option<Time>,
    }

    /// A route to a flow.
    pub struct Route {
        /// Its id.
        pub id: Option<ShortId>,
        /// The flow.
        pub flow_id: Option<Id>,
        /// The source in the flow.
        pub source_id: Option<Id>,
        /// It is for leads that pass these rules.
        pub rule_set: Option<RuleSet>,
    }
}

impl Router {
    /// Creates a router.
    #[must_use]
    pub fn new(module_id: impl Into<String>, routes: impl IntoIterator<Item = Route>) -> Self {
        Self {
            module_id: Some(module_id.into()),
            routes: routes.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Route {
    /// Creates a route for leads that pass these rules.
    #[must_use]
    pub fn new(flow: impl Into<Id>, source: impl Into<Id>, rule_set: RuleSet) -> Self {
        Self {
            id: None,
            flow_id: Some(flow.into()),
            source_id: Some(source.into()),
            rule_set: Some(rule_set),
            extra: crate::Extra::default(),
        }
    }
}
