//! Who looked at instructions for submissions.

use ap_core::{Call, Draft, Endpoint, Error, Response};

use super::destinations::NamedId;
use crate::body::Body;
use crate::operation::{Operation, debug_as_operation};
use crate::values::object::object;
use crate::{Id, Time};

/// Returns the instructions of other accounts that users of this account looked at.
///
/// `GET /submission_doc_access_logs`, documented:
/// <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>
///
/// Documented error statuses: none.
#[derive(Clone, Default)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct List {
    shows_hidden: bool,
}

impl List {
    /// What is known of this operation.
    pub const OPERATION: Operation =
        Operation::new("GET", "/submission_doc_access_logs", SOURCE, &[]);

    /// Creates the endpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns hidden ones as well.
    pub fn show_hidden(mut self) -> Self {
        self.shows_hidden = true;
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for List {
    type Output = Vec<AccessLog>;

    fn draft(&self) -> Draft {
        let draft = Self::OPERATION.draft(&[]);
        match self.shows_hidden {
            true => draft.query(&[("show_hidden", true)]),
            false => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<Vec<AccessLog>, Error> {
        Body::decode(response)
    }
}

/// The vendor's OpenAPI description; the developers' site has no page of its own for these.
const SOURCE: &str = "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml";

macro_rules! hide {
    ($(
        $(#[$meta:meta])*
        $name:ident, $path:literal { $($id:ident),* }
    )*) => {$(
        $(#[$meta])*
        ///
        #[doc = concat!("`PUT ", $path, "`, documented: <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>")]
        ///
        /// The schema has the flag in `ui_state`, and the text of the error outside of it, so both are sent. Documented
        /// error statuses: 400. The output is empty.
        #[derive(Clone)]
        #[must_use = "an endpoint does nothing until a client calls it"]
        pub struct $name {
            $($id: Id,)*
            is_hidden: bool,
        }

        impl $name {
            /// What is known of this operation.
            pub const OPERATION: Operation = Operation::new("PUT", $path, SOURCE, &[400]);

            /// Creates the endpoint, which hides or shows them.
            pub fn new($($id: impl Into<Id>,)* is_hidden: bool) -> Self {
                Self { $($id: $id.into(),)* is_hidden }
            }
        }

        impl Endpoint for $name {
            type Output = ();

            fn draft(&self) -> Draft {
                let body = serde_json::json!({
                    "hidden": self.is_hidden,
                    "ui_state": {"hidden": self.is_hidden},
                });
                Self::OPERATION.draft(&[$(&self.$id),*]).json(&body)
            }

            fn decode(&self, response: Response) -> Result<(), Error> {
                response.error_for_status().map(drop)
            }
        }

        debug_as_operation!($name);
    )*};
}

hide! {
    /// Hides the instructions of an account, or shows them again.
    HideAccount, "/submission_doc_access_logs/account/{account_id}" { account }

    /// Hides the instructions of a flow, or shows them again.
    HideFlow, "/submission_doc_access_logs/flow/{flow_id}" { flow }

    /// Hides the instructions of a source of a flow, or shows them again.
    HideSource, "/submission_doc_access_logs/flow/{flow_id}/source/{source_id}" { flow, source }
}

debug_as_operation!(List);

object! {
    /// That a user looked at instructions.
    pub struct AccessLog {
        /// Its id.
        pub id: Option<Id>,
        /// Who looked.
        pub accessor: Option<Accessor>,
        /// At what.
        pub submission_doc: Option<SubmissionDoc>,
        /// When the user looked first.
        pub created_at: Option<Time>,
        /// When the user looked last.
        pub last_accessed_at: Option<Time>,
        /// How often the user looked.
        pub access_count: Option<u64>,
    }

    /// Who looked at instructions.
    pub struct Accessor {
        /// The account.
        pub account: Option<NamedId>,
        /// The user. The email address is in `extra`.
        pub user: Option<NamedId>,
    }

    /// Instructions for submissions.
    pub struct SubmissionDoc {
        /// The flow. Its account is in `extra`.
        pub flow: Option<NamedId>,
        /// The source.
        pub source: Option<NamedId>,
    }
}
