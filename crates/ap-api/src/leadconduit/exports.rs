//! Exports that were ordered in the application.

use ap_core::{Call, Draft, Endpoint, Error, Response};

use super::reports::ReportRule;
use crate::body::Body;
use crate::operation::{Operation, debug_as_operation};
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Time};

/// Returns the exports that have not expired, newest first.
///
/// `GET /exports`, observed: <https://activeprospect.redoc.ly/docs/leadconduit/api/tag/Exports> describes the operation, and
/// its path was derived. Known error statuses: none.
#[derive(Clone, Default)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct List(());

impl List {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/exports",
        "https://activeprospect.redoc.ly/docs/leadconduit/api/tag/Exports",
        &[],
    )
    .observed();

    /// Creates the endpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for List {
    type Output = Vec<Export>;

    fn draft(&self) -> Draft {
        Self::OPERATION.draft(&[])
    }

    fn decode(&self, response: Response) -> Result<Vec<Export>, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(List);

open_enum! {
    /// How far an export is.
    pub enum ExportStatus {
        /// It was ordered.
        Created = "created",
        /// It is being made.
        Processing = "processing",
        /// It is complete.
        Complete = "complete",
        /// It failed.
        Error = "error",
        /// It was cut.
        Truncated = "truncated",
    }

    /// How dates are written.
    pub enum DateFormat {
        /// The usual one.
        Standard = "standard",
        /// The older one.
        Legacy = "legacy",
    }
}

object! {
    /// An export.
    pub struct Export {
        /// Its id.
        pub id: Option<Id>,
        /// How far it is.
        pub status: Option<ExportStatus>,
        /// When it was ordered.
        pub created_at: Option<Time>,
        /// The first moment of its events, included.
        pub start: Option<Time>,
        /// The last moment of its events, excluded.
        pub end: Option<Time>,
        /// Which events it has.
        pub filter_rules: Option<Vec<ReportRule>>,
        /// Who is told of it.
        pub email_to: Option<Vec<String>>,
        /// Its columns.
        pub fields: Option<Vec<String>>,
        /// How dates are written.
        pub date_format: Option<DateFormat>,
        /// Who ordered it.
        pub user: Option<ExportUser>,
        /// When it is deleted.
        pub expires_at: Option<Time>,
        /// Why it failed.
        pub reason: Option<ExportReason>,
        /// Why it failed.
        pub error: Option<serde_json::Value>,
        /// How many events it has.
        pub exported_docs: Option<u64>,
        /// The file's name.
        pub file_name: Option<String>,
        /// Where it can be downloaded.
        pub downloads: Option<Vec<serde_json::Value>>,
    }

    /// Who ordered an export.
    pub struct ExportUser {
        /// The id.
        pub id: Option<Id>,
        /// The id in all products.
        pub sso_id: Option<Id>,
        /// The first name.
        pub first_name: Option<String>,
        /// The last name.
        pub last_name: Option<String>,
        /// The email address.
        pub email: Option<String>,
    }

    /// Why an export failed.
    pub struct ExportReason {
        /// A text for a person.
        pub message: Option<String>,
    }
}
