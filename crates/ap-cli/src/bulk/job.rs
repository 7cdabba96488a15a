//! [`Job`]: what a bulk command does with one row.

use activeprospect::{Draft, Endpoint, Error, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::input::row::{Column, Fields, RowProblem};
use crate::failure::Failure;
use crate::session::Session;

/// What a bulk command does with one row.
pub(crate) trait Job {
    /// The members of a result, in the order of the columns of a CSV file.
    fn columns(&self) -> &'static [&'static str];

    /// `false` if a row must not be sent again when it is not known if it was applied.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// `false` if its calls are sent without a key.
    fn needs_key(&self) -> bool {
        true
    }

    /// Fails if no row can succeed. Called before the first call of a run, when the keys are known.
    fn check(&self, session: &Session) -> Result<(), Failure> {
        let _ = session;
        Ok(())
    }

    /// Returns the value that the result repeats, if there is one.
    fn shown<'a>(&self, fields: &'a Fields) -> Option<&'a str> {
        Some(fields.value())
    }

    /// Makes the call for a row.
    fn call(&self, fields: &Fields) -> Result<Prepared, RowProblem>;

    /// Returns `true` if every other row would end in this error too.
    fn is_of_every_row(&self, error: &Error) -> bool {
        let _ = error;
        false
    }
}

/// Reads the response to a call.
type ReadResponse = Box<dyn Fn(Response) -> Result<Verdict, Error>>;

/// The call for a row.
pub(crate) struct Prepared {
    pub(crate) draft: Draft,
    pub(crate) read: ReadResponse,
}

impl Prepared {
    /// Makes it from an endpoint, and of what its output means.
    pub(crate) fn new<E: Endpoint + 'static>(
        endpoint: E,
        verdict: impl Fn(E::Output) -> Verdict + 'static,
    ) -> Self {
        Self {
            draft: endpoint.draft(),
            read: Box::new(move |response| endpoint.decode(response).map(&verdict)),
        }
    }
}

/// What the server's answer says about a row.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) is_success: bool,
    /// The members of the result.
    pub(crate) members: Map<String, Value>,
}

/// The kind of a problem that the row itself has, so that it was not sent.
pub(crate) const INPUT: &str = "input";

/// How a row ended.
#[derive(Debug)]
pub(crate) enum Fate {
    Answered(Verdict),
    Failed(Problem),
    /// It was sent, and it is not known if it was applied.
    Unknown(Problem),
}

/// Why a row has no answer.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    /// A stable name.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<Column>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_status: Option<u16>,
}

impl From<RowProblem> for Problem {
    fn from(problem: RowProblem) -> Self {
        Self {
            kind: INPUT,
            message: problem.message,
            column: problem.column,
            http_status: None,
        }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.name(),
            message: error.to_string(),
            column: None,
            http_status: error.status().map(|status| status.as_u16()),
        }
    }
}
