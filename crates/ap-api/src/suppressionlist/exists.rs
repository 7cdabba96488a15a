//! [`Exists`]: is a value on a list?

use ap_core::{Call, Draft, Endpoint, Error, Response};

use super::{ListNames, operation};
use crate::operation::{Operation, debug_as_operation};
use crate::values::PathSegment;
use crate::values::object::object;
use crate::{Id, ListName, Time, hash};

/// Returns if a value is on a list, or on one of several.
///
/// That it is not is an answer, although its status is 404. A 404 without that answer is an error: there is no such list.
/// The value may be plain or its MD5. The product compares MD5 of the value in lower case, without white space around it.
///
/// `GET /exists/{list}/{value}`, documented: <https://support.activeprospect.com/hc/en-us/articles/44110375844116>
///
/// Documented error statuses: 400, 401, 402 for an unpaid account.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Exists {
    lists: ListNames,
    value: Value,
}

#[derive(Clone)]
struct Value(String);

impl Exists {
    /// What is known of this operation.
    pub const OPERATION: Operation = operation(
        "GET",
        "/exists/{list}/{value}",
        "https://support.activeprospect.com/hc/en-us/articles/44110375844116",
        &[400, 401, 402, 404],
    );

    /// Creates the endpoint.
    pub fn new(list: impl Into<ListName>, value: impl Into<String>) -> Self {
        Self {
            lists: ListNames::new(&list.into()),
            value: Value(value.into()),
        }
    }

    /// Creates the endpoint, and sends the MD5 of the value, computed here.
    pub fn hashed(list: impl Into<ListName>, value: &str) -> Self {
        Self::new(list, hash::md5(value))
    }

    /// Searches this list as well. Repeat it for several.
    pub fn or_in(mut self, list: impl Into<ListName>) -> Self {
        self.lists.push(&list.into());
        self
    }

    /// Returns the same call, decoded into a type of your own. A value that is on no list is an error there.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl PathSegment for Value {
    fn segment(&self) -> &str {
        &self.0
    }

    fn problem(&self) -> Option<&'static str> {
        let value = self.0.trim();
        if value.is_empty() {
            Some("the value to search for is empty")
        } else if matches!(value, "." | "..") {
            Some("the value to search for is a dot segment; send its MD5")
        } else {
            None
        }
    }
}

object! {
    /// The answer to [`Exists`].
    pub struct ExistsAnswer {
        /// The value is on one of the lists.
        pub found: bool,
        /// The lists that were searched.
        pub specified_lists: Vec<String>,
        /// The value, as it was sent.
        pub key: Option<String>,
        /// The lists that it is on.
        pub exists_in_lists: Option<Vec<String>>,
        /// Since when it is on each list.
        pub entries: Option<Vec<Entry>>,
    }

    /// Since when a value is on a list.
    pub struct Entry {
        /// The list's id.
        pub list_id: Option<Id>,
        /// The list's name in URLs.
        pub list_url_name: Option<ListName>,
        /// When the value was added.
        pub added_at: Option<Time>,
    }
}

impl Endpoint for Exists {
    type Output = ExistsAnswer;

    fn draft(&self) -> Draft {
        Self::OPERATION.draft(&[&self.lists, &self.value])
    }

    fn decode(&self, response: Response) -> Result<ExistsAnswer, Error> {
        if response.status() == http::StatusCode::NOT_FOUND
            && let Ok(answer) = response.json::<ExistsAnswer>()
            && !answer.found
        {
            return Ok(answer);
        }
        response.error_for_status()?.json()
    }
}

debug_as_operation!(Exists);
