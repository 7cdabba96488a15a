//! Submit a lead, ping before it, and give feedback after it.
//!
//! None of these needs a key, and none is ever repeated for you: a repeated submit can be a second lead.
//!
//! Submit a lead and read the verdict:
//!
//! ```
//! use ap_api::{Id, Outcome};
//! use ap_api::leadconduit::submission::Submit;
//! use ap_core::{Endpoint, Error};
//!
//! # fn call<E: Endpoint>(endpoint: E) -> Result<E::Output, Error> {
//! #     let body = r#"{"outcome":"failure","reason":"duplicate","lead":{"id":"5fd4371e940df5a34a3888b2"},"price":0}"#;
//! #     endpoint.decode(http::Response::builder().status(201).body(body.into()).unwrap().into())
//! # }
//! let flow = Id::parse("5fd4371e940df5a34a3888b2")?;
//! let source = Id::parse("5fd4371e940df5a34a3888b3")?;
//! let submit = Submit::new(flow, source)
//!     .field("email", "a@b.example")
//!     .field("phone_1", "5125550100");
//!
//! match call(submit) { // client.call(submit)
//!     Ok(verdict) => match verdict.outcome {
//!         Outcome::Success => println!("accepted for {:?}", verdict.price),
//!         Outcome::Failure => println!("rejected: {:?}", verdict.reason),
//!         _ => println!("not processed: {:?}", verdict.reason),
//!     },
//!     Err(error) if error.may_have_been_applied() => println!("in doubt: {error}"),
//!     Err(error) => println!("not submitted: {error}"),
//! }
//! # Ok::<(), ap_api::InvalidId>(())
//! ```

use ap_core::{Call, Draft, Endpoint, Error, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::operation::{Auth, Operation, debug_as_operation};
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Money, Outcome};

/// What [`Submit`] and [`Ping`] have in common.
#[derive(Clone)]
struct Submission {
    flow: Id,
    source: Id,
    fields: Map<String, Value>,
    /// The lead, if it is XML.
    xml: Option<String>,
    /// What is wrong with the fields.
    problem: Option<&'static str>,
    is_form: bool,
    is_signed: bool,
}

impl Submission {
    fn new(flow: Id, source: Id) -> Self {
        Self {
            flow,
            source,
            fields: Map::new(),
            xml: None,
            problem: None,
            is_form: false,
            is_signed: false,
        }
    }

    fn add(&mut self, lead: &impl Serialize) {
        match serde_json::to_value(lead) {
            Ok(Value::Object(fields)) => self.fields.extend(fields),
            _ => self.problem = Some("the lead cannot be written as an object of fields"),
        }
    }

    fn draft(&self, operation: Operation) -> Draft {
        let auth = match self.is_signed {
            true => Auth::Key,
            false => operation.auth,
        };
        let draft = operation.auth(auth).draft(&[&self.flow, &self.source]);
        let draft = draft.at_most_once();
        let is_nested = |value: &Value| match value {
            Value::Object(_) => true,
            Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
            _ => false,
        };
        let problem = self.problem.or_else(|| match () {
            () if self.xml.is_some() && (self.is_form || !self.fields.is_empty()) => {
                Some("the lead is XML and has fields beside it; give one of them")
            }
            () if self.xml.as_deref().is_some_and(|xml| xml.trim().is_empty()) => {
                Some("the lead's XML is empty")
            }
            () if self.xml.is_none() && self.fields.is_empty() => Some("the lead has no field"),
            () if self.is_form && self.fields.values().any(is_nested) => {
                Some("a form has no nested fields; use names with dots, or JSON")
            }
            () => None,
        });
        match (problem, &self.xml) {
            (Some(problem), _) => draft.refuse(problem),
            (None, Some(xml)) => draft
                .header("content-type", "application/xml")
                .body(xml.clone()),
            (None, None) if self.is_form => draft.form(&self.fields),
            (None, None) => draft.json(&self.fields),
        }
    }
}

macro_rules! submission {
    ($(
        $(#[$meta:meta])*
        $name:ident, $path:literal, $source:literal, $errors:expr, $output:ty
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone)]
        #[must_use = "an endpoint does nothing until a client calls it"]
        pub struct $name(Submission);

        impl $name {
            /// What is known of this operation.
            pub const OPERATION: Operation =
                Operation::new("POST", $path, $source, $errors).auth(Auth::OptionalKey);

            /// Creates the endpoint, still without a field.
            ///
            /// `source` is the id of the source's *entity*, 24 hexadecimal digits. The source inside of the flow has
            /// another, shorter one.
            pub fn new(flow: impl Into<Id>, source: impl Into<Id>) -> Self {
                Self(Submission::new(flow.into(), source.into()))
            }

            /// Adds a field of the lead. The product drops fields that the flow does not know.
            pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
                self.0.fields.insert(name.into(), value.into());
                self
            }

            /// Adds the fields of a map, or of a struct of yours.
            pub fn fields(mut self, lead: &impl Serialize) -> Self {
                self.0.add(lead);
                self
            }

            /// Sends the lead as an HTML form instead of JSON. Nested fields have names with dots there.
            pub fn as_form(mut self) -> Self {
                self.0.is_form = true;
                self
            }

            /// Sends this XML instead of [fields](Self::field): one element of any name, with an element for each field.
            /// It is sent as it is.
            pub fn xml(mut self, lead: impl Into<String>) -> Self {
                self.0.xml = Some(lead.into());
                self
            }

            /// Sends the key as well, for a source with Source Authentication. It is the *submitter's* key.
            pub fn with_key(mut self) -> Self {
                self.0.is_signed = true;
                self
            }

            /// Returns the same call, decoded into a type of your own, for a source with its own fields in the response.
            pub fn output<T>(&self) -> Call<T> {
                Call::new(self.draft())
            }
        }

        impl Endpoint for $name {
            type Output = $output;

            fn draft(&self) -> Draft {
                self.0.draft(Self::OPERATION)
            }

            fn decode(&self, response: Response) -> Result<$output, Error> {
                Body::decode(response)
            }
        }

        debug_as_operation!($name);
    )*};
}

submission! {
    /// Submits a lead to a source of a flow. Needs no key.
    ///
    /// The output is the verdict: every submission that the product handles has status 201, also a rejected one. Never
    /// sent again for you: after an [`Error`] that says it may have been applied, look for the lead before you repeat it.
    ///
    /// `POST /flows/{flow_id}/sources/{source_id}/submit`, documented:
    /// <https://support.activeprospect.com/hc/en-us/articles/44098223438612>
    ///
    /// Documented error statuses: 400 for a body that cannot be read, 401 for a source that wants a key, 404 for a deleted
    /// flow, 405, 406, 415, and 502 to 504 under load.
    Submit, "/flows/{flow_id}/sources/{source_id}/submit",
    "https://support.activeprospect.com/hc/en-us/articles/44098223438612",
    &[400, 401, 404, 405, 406, 415, 502, 503, 504], Verdict

    /// Asks for a bid on a lead, before it is submitted. Needs no key.
    ///
    /// The flow must accept pings. The output has no lead, because none is stored: `Success` is a bid with a price,
    /// `Failure` with the reason `no bid` is none.
    ///
    /// `POST /flows/{flow_id}/sources/{source_id}/ping`, documented:
    /// <https://support.activeprospect.com/hc/en-us/articles/44098383912980>
    ///
    /// Documented error statuses: as for [`Submit`].
    Ping, "/flows/{flow_id}/sources/{source_id}/ping",
    "https://support.activeprospect.com/hc/en-us/articles/44098383912980",
    &[400, 401, 404, 405, 406, 415, 502, 503, 504], Bid
}

open_enum! {
    /// What feedback says.
    pub enum FeedbackType {
        /// The lead is returned.
        Return = "return",
        /// The lead became a customer.
        Conversion = "conversion",
    }
}

/// Gives feedback on a lead that was received. Needs no key: the id of the event is enough.
///
/// `event` is the id of the *recipient's* event, which recipients get as `event_id`. Never sent again for you. If the
/// step does not accept feedback, the status is 409; the output has that outcome if the response says so.
///
/// `POST /feedback?event_id=`, documented: <https://support.activeprospect.com/hc/en-us/articles/44098229660180>
///
/// Documented error statuses: 400 for a body that cannot be read, 406, 409, 415.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Feedback {
    event: Id,
    body: FeedbackBody,
}

#[derive(Clone, Serialize)]
struct FeedbackBody {
    #[serde(rename = "type")]
    kind: FeedbackType,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Feedback {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "POST",
        "/feedback",
        "https://support.activeprospect.com/hc/en-us/articles/44098229660180",
        &[400, 406, 409, 415],
    )
    .auth(Auth::NoKey);

    /// Creates the endpoint.
    pub fn new(event: impl Into<Id>, kind: FeedbackType) -> Self {
        Self {
            event: event.into(),
            body: FeedbackBody { kind, reason: None },
        }
    }

    /// Sets the reason.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.body.reason = Some(reason.into());
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for Feedback {
    type Output = Verdict;

    fn draft(&self) -> Draft {
        use crate::values::PathSegment as _;

        let draft = Self::OPERATION
            .draft(&[])
            .query(&[("event_id", &self.event)])
            .json(&self.body)
            .at_most_once();
        match self.event.problem() {
            Some(problem) => draft.refuse(problem),
            None => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<Verdict, Error> {
        if response.status() == http::StatusCode::CONFLICT
            && let Ok(verdict) = response.json()
        {
            return Ok(verdict);
        }
        Body::decode(response)
    }
}

debug_as_operation!(Feedback);

object! {
    /// What became of a lead, or of feedback. The `outcome` decides, not the status of the response.
    #[must_use = "the outcome decides, not the status of the response"]
    pub struct Verdict {
        /// Accepted, rejected, or not processed.
        pub outcome: Outcome,
        /// The reason for a failure or an error. The account's owner writes some of them.
        pub reason: Option<String>,
        /// The lead.
        pub lead: Option<LeadSummary>,
        /// What was paid for it, in US dollars.
        pub price: Option<Money>,
    }

    /// A lead in a response.
    pub struct LeadSummary {
        /// Its id.
        pub id: Option<Id>,
        /// The first name. Feedback alone returns this.
        pub first_name: Option<String>,
        /// The last name. Feedback alone returns this.
        pub last_name: Option<String>,
        /// The email address. Feedback alone returns this.
        pub email: Option<String>,
        /// The phone number. Feedback alone returns this.
        pub phone_1: Option<String>,
    }

    /// The answer to a ping. The `outcome` decides, not the status of the response.
    #[must_use = "the outcome decides, not the status of the response"]
    pub struct Bid {
        /// `Success` is a bid.
        pub outcome: Outcome,
        /// Why there is none.
        pub reason: Option<String>,
        /// The bid, in US dollars.
        pub price: Option<Money>,
    }
}
