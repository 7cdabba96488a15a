//! Fields of leads, their types, and variables.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::changelogs::Changelog;
use crate::body::Body;
use crate::operation::{Operation, debug_as_operation, operation};
use crate::rules::Operator;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{FieldId, Id, Time};

operation! {
    /// Returns every field: the standard ones, and the account's own.
    GET "/fields" errors [401]
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    List {} -> Vec<Field>

    /// Creates a field. Its id ends in the suffix of the account, for example `loan_amount_acme`. The status is 201.
    POST "/fields" errors [401]
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Create {} json { field: Field } -> Field

    /// Returns a field.
    GET "/fields/{id}" errors [401]
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Get { id: FieldId } -> Field

    /// Replaces a field. Standard fields cannot be changed.
    PUT "/fields/{id}" errors [401]
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Update { id: FieldId } json { field: Field } -> Field

    /// Deletes a field. Standard fields cannot be deleted.
    ///
    /// The status is 202. If a flow still uses the field, the response has the errors of each such flow, which are also
    /// in its `errors`. They are in the `extra` of the output.
    DELETE "/fields/{id}" errors [401]
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Delete { id: FieldId } -> DeletedField

    /// Returns the changes of a field.
    GET "/fields/{id}/changelogs" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Changelogs { id: FieldId } -> Vec<Changelog>

    /// Returns the types that fields can have.
    GET "/types" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Types {} -> Vec<DataType>
}

open_enum! {
    /// The type of a field.
    pub enum TypeName {
        /// True or false.
        Boolean = "boolean",
        /// A city.
        City = "city",
        /// A password. Masked before it is stored.
        Credential = "credential",
        /// A date.
        Date = "date",
        /// A date of birth. Parts are masked before it is stored.
        DateOfBirth = "dob",
        /// An email address.
        Email = "email",
        /// A first name.
        FirstName = "first_name",
        /// A gender.
        Gender = "gender",
        /// An IP address.
        Ip = "ip",
        /// A last name.
        LastName = "last_name",
        /// A number.
        Number = "number",
        /// A phone number.
        Phone = "phone",
        /// A postal code.
        PostalCode = "postal_code",
        /// A range of numbers.
        Range = "range",
        /// A social security number. Masked before it is stored.
        Ssn = "ssn",
        /// A state.
        State = "state",
        /// A street.
        Street = "street",
        /// A text.
        String = "string",
        /// A time.
        Time = "time",
        /// The URL of a certificate.
        TrustedFormUrl = "trustedform_url",
        /// A URL.
        Url = "url",
    }
}

object! {
    /// A field of leads.
    #[derive(Default)]
    pub struct Field {
        /// Its id.
        pub id: Option<FieldId>,
        /// Its name for people.
        pub name: Option<String>,
        /// Its type.
        pub kind: Option<TypeName> = "type",
        /// What it is for.
        pub description: Option<String>,
        /// It is one of the product's own. Read-only.
        pub standard: Option<bool>,
        /// It can be summed up.
        pub aggregate: Option<bool>,
        /// It should not be used any more.
        pub deprecated: Option<bool>,
        /// The field to use instead.
        pub see: Option<FieldId>,
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
        /// When it was last changed. Read-only.
        pub updated_at: Option<Time>,
    }

    /// The answer to [`Delete`]: the field, or the errors of the flows that use it.
    pub struct DeletedField {
        /// Its id.
        pub id: Option<FieldId>,
        /// Its name for people.
        pub name: Option<String>,
        /// Its type.
        pub kind: Option<TypeName> = "type",
    }

    /// A type that fields can have.
    pub struct DataType {
        /// Its name.
        pub name: Option<TypeName>,
        /// Values are masked before they are stored.
        pub maskable: Option<bool>,
        /// The parts of a value.
        pub components: Vec<TypeComponent>,
        /// How values are compared.
        pub operators: Vec<Operator>,
    }

    /// A part of a value.
    pub struct TypeComponent {
        /// Its name.
        pub name: Option<String>,
        /// Its type.
        pub kind: Option<TypeName> = "type",
        /// What it is.
        pub description: Option<String>,
    }

    /// A variable that events had.
    pub struct Variable {
        /// Its name, for example `lead.first_name`.
        pub name: Option<String>,
        /// Its name for people.
        pub label: Option<String>,
        /// Its type.
        pub kind: Option<String> = "type",
        /// What it is.
        pub description: Option<String>,
        /// The integration module that sets it.
        pub module_id: Option<String>,
        /// The entity that sets it.
        pub entity_id: Option<Id>,
        /// Values that it had.
        pub examples: Option<Vec<String>>,
        /// When it was first seen.
        pub first_used_at: Option<Time>,
        /// When it was last seen.
        pub last_used_at: Option<Time>,
    }
}

impl Field {
    /// Creates a field.
    #[must_use]
    pub fn new(id: impl Into<FieldId>, name: impl Into<String>, kind: TypeName) -> Self {
        Self {
            id: Some(id.into()),
            name: Some(name.into()),
            kind: Some(kind),
            ..Self::default()
        }
    }
}

/// Returns the variables that events had.
///
/// `GET /vars`, documented: <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>
///
/// Documented error statuses: none.
#[derive(Clone, Default, Serialize)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Variables {
    #[serde(rename = "flow_id")]
    flows: Vec<Id>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    exclude: Vec<String>,
}

impl Variables {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/vars",
        "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
        &[],
    );

    /// Creates the endpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns only variables of this flow. Repeat it for several.
    pub fn flow(mut self, id: impl Into<Id>) -> Self {
        self.flows.push(id.into());
        self
    }

    /// Returns only variables that were seen at this time or later.
    pub fn start(mut self, time: Timestamp) -> Self {
        self.start = Some(time);
        self
    }

    /// Returns only variables that were seen at this time or earlier.
    pub fn end(mut self, time: Timestamp) -> Self {
        self.end = Some(time);
        self
    }

    /// Leaves this member of the variables out. Repeat it for several.
    pub fn exclude(mut self, member: impl Into<String>) -> Self {
        self.exclude.push(member.into());
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for Variables {
    type Output = Vec<Variable>;

    fn draft(&self) -> Draft {
        use crate::values::PathSegment as _;

        let draft = Self::OPERATION.draft(&[]).query(self);
        match self.flows.iter().find_map(|id| id.problem()) {
            Some(problem) => draft.refuse(problem),
            None => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<Vec<Variable>, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(Variables);
