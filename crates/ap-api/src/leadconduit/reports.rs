//! Reports: saved definitions, and their results.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::destinations::NamedId;
use super::events::{Column, Row};
use super::fields::Variable;
use crate::body::Body;
use crate::operation::{Auth, Operation, debug_as_operation, operation};
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, ReportKey, Secret, Time};

operation! {
    /// Returns every report.
    GET "/reports" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    List {} -> Vec<Report>

    /// Creates a report. The status is 201.
    POST "/reports" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Create {} json { report: Report } -> Report

    /// Replaces a report. Its token stays as it is: see [`Share`].
    PUT "/reports/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Update { id: ReportKey } json { report: Report } -> Report

    /// Deletes a report, and returns it as it was.
    DELETE "/reports/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/reports/delete-a-report"
    Delete { id: ReportKey } -> Report

    /// Returns a token by which anyone can read the report.
    PUT "/reports/{id}/share" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Share { id: ReportKey } -> ShareToken

    /// Makes the report's token invalid.
    PUT "/reports/{id}/unshare" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Unshare { id: ReportKey } -> ShareToken
}

macro_rules! shared {
    ($(
        $(#[$meta:meta])*
        $name:ident, $path:literal, $source:literal, $auth:ident, $output:ty
    )*) => {$(
        $(#[$meta])*
        ///
        #[doc = concat!("`GET ", $path, "`, documented: <", $source, ">")]
        ///
        /// Documented error statuses: none.
        #[derive(Clone)]
        #[must_use = "an endpoint does nothing until a client calls it"]
        pub struct $name {
            key: ReportKey,
            is_shared: bool,
        }

        impl $name {
            /// What is known of this operation.
            pub const OPERATION: Operation = Operation::new("GET", $path, $source, &[]).auth(Auth::$auth);

            /// Creates the endpoint, for a report of the account.
            pub fn new(id: impl Into<ReportKey>) -> Self {
                Self { key: id.into(), is_shared: false }
            }

            /// Creates the endpoint, for a report that is shared by this token. No key is sent.
            pub fn shared(token: impl Into<ReportKey>) -> Self {
                Self { key: token.into(), is_shared: true }
            }

            /// Returns the same call, decoded into a type of your own.
            pub fn output<T>(&self) -> Call<T> {
                Call::new(self.draft())
            }
        }

        impl Endpoint for $name {
            type Output = $output;

            fn draft(&self) -> Draft {
                let auth = match self.is_shared {
                    true => Auth::NoKey,
                    false => Auth::Key,
                };
                Self::OPERATION.auth(auth).draft(&[&self.key])
            }

            fn decode(&self, response: Response) -> Result<$output, Error> {
                Body::decode(response)
            }
        }

        debug_as_operation!($name);
    )*};
}

shared! {
    /// Returns a report.
    Get, "/reports/{id}",
    "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml", OptionalKey, Report

    /// Returns what is needed to show a shared report: names of flows and entities.
    Meta, "/reports/{token}/meta",
    "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml", OptionalKey, ReportMeta
}

/// The span of a report.
#[derive(Clone, Serialize)]
struct Span {
    start: Timestamp,
    end: Timestamp,
    columns: Vec<Column>,
}

impl Span {
    fn put_on(&self, draft: Draft) -> Draft {
        let draft = draft.query(self);
        match self.start > self.end {
            true => draft.refuse("the start of the report is after its end"),
            false => draft,
        }
    }
}

/// Runs a report, and returns its rows.
///
/// `GET /reports/{id}/run`, documented: <https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml>. The
/// vendor types the response as reports; it is read as rows of statistics. Documented error statuses: none.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Run {
    key: ReportKey,
    is_shared: bool,
    span: Span,
}

impl Run {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/reports/{id}/run",
        "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml",
        &[],
    )
    .auth(Auth::OptionalKey);

    /// Creates the endpoint: events from `start` to `end`, both included.
    pub fn new(id: impl Into<ReportKey>, start: Timestamp, end: Timestamp) -> Self {
        Self {
            key: id.into(),
            is_shared: false,
            span: Span {
                start,
                end,
                columns: Vec::new(),
            },
        }
    }

    /// Creates the endpoint, for a report that is shared by this token. No key is sent.
    pub fn shared(token: impl Into<ReportKey>, start: Timestamp, end: Timestamp) -> Self {
        Self {
            is_shared: true,
            ..Self::new(token, start, end)
        }
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for Run {
    type Output = Vec<Row>;

    fn draft(&self) -> Draft {
        let auth = match self.is_shared {
            true => Auth::NoKey,
            false => Auth::Key,
        };
        let draft = Self::OPERATION.auth(auth).draft(&[&self.key]);
        self.span.put_on(draft)
    }

    fn decode(&self, response: Response) -> Result<Vec<Row>, Error> {
        Body::decode(response)
    }
}

/// Runs a report that is not saved, and returns its rows.
///
/// `POST /reports/preview`, documented:
/// <https://developers.activeprospect.com/api-reference/reports/create-a-report-without-saving-it>. It changes nothing, so
/// it may be sent again after a failure. Documented error statuses: none.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Preview {
    report: Report,
    span: Span,
}

impl Preview {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "POST",
        "/reports/preview",
        "https://developers.activeprospect.com/api-reference/reports/create-a-report-without-saving-it",
        &[],
    );

    /// Creates the endpoint: events from `start` to `end`, both included. The columns are those of the report.
    pub fn new(report: Report, start: Timestamp, end: Timestamp) -> Self {
        let columns = report.columns.iter().filter_map(ReportColumn::column);
        let columns = columns.cloned().collect();
        Self {
            report,
            span: Span {
                start,
                end,
                columns,
            },
        }
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for Preview {
    type Output = Vec<Row>;

    fn draft(&self) -> Draft {
        let draft = self.span.put_on(Self::OPERATION.draft(&[]));
        let draft = draft.json(&self.report).repeatable();
        match self.report.columns.is_empty() {
            true => draft.refuse("the report has no column"),
            false => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<Vec<Row>, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(Run, Preview);

open_enum! {
    /// How a rule of a report compares. Two of these differ from those of other rules.
    pub enum ReportOperator {
        /// The value is the same.
        IsEqualTo = "is equal to",
        /// The value is another one.
        IsNotEqualTo = "is not equal to",
        /// The value is less.
        IsLessThan = "is less than",
        /// The value is not greater.
        IsLessThanOrEqual = "is less than or equal",
        /// The value is greater.
        IsGreaterThan = "is greater than",
        /// The value is not less.
        IsGreaterThanOrEqual = "is greater than or equal",
        /// There is no value.
        IsBlank = "is blank",
        /// There is a value.
        IsNotBlank = "is not blank",
        /// The value is true.
        IsTrue = "is true",
        /// The value is false.
        IsFalse = "is false",
        /// The value is one of a list.
        IsIncludedIn = "is included in",
        /// The value contains a text.
        Includes = "includes",
        /// The value does not contain a text.
        DoesNotInclude = "does not include",
    }
}

/// A column of a report: its name, or an object, as the vendor's description types it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ReportColumn {
    /// The name.
    Name(Column),
    /// An object.
    Object(Map<String, Value>),
}

impl ReportColumn {
    /// Returns the name, unless it is an object.
    #[must_use]
    pub const fn column(&self) -> Option<&Column> {
        match self {
            Self::Name(column) => Some(column),
            Self::Object(_) => None,
        }
    }
}

object! {
    /// The definition of a report.
    #[derive(Default)]
    pub struct Report {
        /// Its id. Read-only.
        pub id: Option<Id>,
        /// Its name.
        pub name: Option<String>,
        /// What it shows.
        pub description: Option<String>,
        /// Its columns.
        pub columns: Vec<ReportColumn>,
        /// Which events it counts.
        pub rules: Option<Vec<ReportRule>>,
        /// The members of events that it is grouped by.
        pub group_by: Option<Vec<String>>,
        /// The token by which anyone can read it.
        pub token: Option<Secret>,
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
        /// When it was last changed. Read-only.
        pub updated_at: Option<Time>,
    }

    /// A rule of a report.
    pub struct ReportRule {
        /// The member of events, for example `vars.lead.email.domain`.
        pub lhv: Option<String>,
        /// How it is compared.
        pub op: Option<ReportOperator>,
        /// What it is compared with.
        pub rhv: Option<Value>,
    }

    /// The token of a report.
    pub struct ShareToken {
        /// The token; `None` if the report is not shared.
        pub token: Option<Secret>,
    }

    /// What is needed to show a report.
    pub struct ReportMeta {
        /// The report's token.
        pub token: Option<Secret>,
        /// The account's name.
        pub account_name: Option<String>,
        /// The variables.
        pub vars: Option<Vec<Variable>>,
        /// The flows.
        pub flows: Option<Vec<NamedId>>,
        /// The entities.
        pub entities: Option<Vec<NamedId>>,
    }
}

impl Report {
    /// Creates a report with these columns.
    #[must_use]
    pub fn new(name: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            name: Some(name.into()),
            columns: columns.into_iter().map(ReportColumn::Name).collect(),
            ..Self::default()
        }
    }
}
