//! [`AddItems`] and [`RemoveItems`]: values of a list.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::{ListNames, operation};
use crate::body::Body;
use crate::operation::{Operation, debug_as_operation};
use crate::values::object::object;
use crate::{ListName, hash};

/// Adds values to a list, or to several.
///
/// A value of 32 hexadecimal digits counts as an MD5 and is stored as it is. Of every other one the product stores the
/// MD5, in lower case and without white space around it. Adding a value again leaves it on the list, so this may be sent
/// again after a failure.
///
/// `POST /lists/{list}/items`, documented: <https://support.activeprospect.com/hc/en-us/articles/44110375562772>
///
/// Documented error statuses: 400, 401, 402 for an unpaid account, 422 for a time that cannot be read.
///
/// ```
/// use ap_api::ListName;
/// use ap_api::suppressionlist::AddItems;
///
/// let add = AddItems::new(ListName::parse("do_not_call")?, ["5125550100", "5125550101"]);
/// # Ok::<(), ap_api::InvalidId>(())
/// ```
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct AddItems {
    lists: ListNames,
    body: Items,
}

/// Removes values from a list, or from several.
///
/// `DELETE /lists/{list}/items`, documented: <https://support.activeprospect.com/hc/en-us/articles/201325609>
///
/// The values are in the body, as in the vendor's own code. An HTTP stack that drops the body of a DELETE cannot send this.
///
/// Documented error statuses: 400, 401, 402 for an unpaid account.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct RemoveItems {
    lists: ListNames,
    body: Items,
}

#[derive(Clone, Serialize)]
struct Items {
    values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
}

impl Items {
    fn new<S: Into<String>>(values: impl IntoIterator<Item = S>) -> Self {
        Self {
            values: values.into_iter().map(Into::into).collect(),
            timestamp: None,
        }
    }

    fn hash(&mut self) {
        for value in &mut self.values {
            *value = hash::md5(value);
        }
    }

    fn problem(&self) -> Option<&'static str> {
        if self.values.is_empty() {
            Some("there is no value to add or remove")
        } else if self.values.iter().any(|value| value.trim().is_empty()) {
            Some("a value to add or remove is empty")
        } else {
            None
        }
    }

    fn put_on(&self, draft: Draft) -> Draft {
        match self.problem() {
            Some(problem) => draft.refuse(problem),
            None => draft.json(self),
        }
    }
}

impl AddItems {
    /// What is known of this operation.
    pub const OPERATION: Operation = operation(
        "POST",
        "/lists/{list}/items",
        "https://support.activeprospect.com/hc/en-us/articles/44110375562772",
        &[400, 401, 402, 422],
    );

    /// Creates the endpoint.
    pub fn new<S: Into<String>>(
        list: impl Into<ListName>,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            lists: ListNames::new(&list.into()),
            body: Items::new(values),
        }
    }

    /// Adds them to this list as well. Repeat it for several.
    pub fn and_to(mut self, list: impl Into<ListName>) -> Self {
        self.lists.push(&list.into());
        self
    }

    /// Sends the MD5 of each value, computed here.
    pub fn hashed(mut self) -> Self {
        self.body.hash();
        self
    }

    /// Sets the time since when they are on the list: by default now.
    pub fn since(mut self, time: Timestamp) -> Self {
        self.body.timestamp = Some(time);
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl RemoveItems {
    /// What is known of this operation.
    pub const OPERATION: Operation = operation(
        "DELETE",
        "/lists/{list}/items",
        "https://support.activeprospect.com/hc/en-us/articles/201325609",
        &[400, 401, 402],
    );

    /// Creates the endpoint.
    pub fn new<S: Into<String>>(
        list: impl Into<ListName>,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            lists: ListNames::new(&list.into()),
            body: Items::new(values),
        }
    }

    /// Removes them from this list as well. Repeat it for several.
    pub fn and_from(mut self, list: impl Into<ListName>) -> Self {
        self.lists.push(&list.into());
        self
    }

    /// Sends the MD5 of each value, computed here.
    pub fn hashed(mut self) -> Self {
        self.body.hash();
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

object! {
    /// How many values were added.
    pub struct AddedItems {
        /// Those that were accepted.
        pub accepted: Option<u64>,
        /// Those that were rejected.
        pub rejected: Option<u64>,
    }

    /// How many values were removed.
    pub struct RemovedItems {
        /// Those that were removed.
        pub deleted: Option<u64>,
        /// Those that were rejected.
        pub rejected: Option<u64>,
    }
}

impl Endpoint for AddItems {
    type Output = AddedItems;

    fn draft(&self) -> Draft {
        let draft = Self::OPERATION.draft(&[&self.lists]);
        self.body.put_on(draft).repeatable()
    }

    fn decode(&self, response: Response) -> Result<AddedItems, Error> {
        Body::decode(response)
    }
}

impl Endpoint for RemoveItems {
    type Output = RemovedItems;

    fn draft(&self) -> Draft {
        self.body.put_on(Self::OPERATION.draft(&[&self.lists]))
    }

    fn decode(&self, response: Response) -> Result<RemovedItems, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(AddItems, RemoveItems);
