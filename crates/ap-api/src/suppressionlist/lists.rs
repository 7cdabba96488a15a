//! [`Lists`] and [`CreateList`].

use ap_core::{Call, Draft, Endpoint, Error, Response};
use serde::Serialize;

use super::operation;
use crate::body::Body;
use crate::operation::{Operation, debug_as_operation};
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, ListName};

/// Where these two are known from.
const SOURCE: &str = "https://github.com/activeprospect/suppressionlist-api-client";

/// Returns every list of the account.
///
/// `GET /lists`, observed: <https://github.com/activeprospect/suppressionlist-api-client>. Known error statuses: 401, 402.
#[derive(Clone, Default)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Lists(());

/// Creates a list.
///
/// What the product does with a title that exists already is not known, so look for it in [`Lists`] first, by
/// [`is_named`](SuppressionList::is_named).
///
/// `POST /lists`, observed: <https://github.com/activeprospect/suppressionlist-api-client>. Known error statuses: 401, 402.
#[derive(Clone, Serialize)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct CreateList {
    name: String,
    /// Written as `null` if there is none, as the vendor's client does.
    ttl: Option<u64>,
}

open_enum! {
    /// How a list stores its values.
    pub enum ListType {
        /// As MD5.
        Md5 = "md5",
    }
}

object! {
    /// A list.
    pub struct SuppressionList {
        /// Its id.
        pub id: Option<Id>,
        /// Its title.
        pub name: Option<String>,
        /// Its name in URLs.
        pub url_name: Option<ListName>,
        /// How it stores its values.
        pub kind: Option<ListType> = "type",
        /// How long it keeps a value, in seconds; `None` for ever.
        pub ttl: Option<u64>,
        /// How many values it has.
        pub count: Option<u64>,
        /// How many uploads it had.
        pub total_jobs: Option<u64>,
    }
}

impl SuppressionList {
    /// Returns `true` if the list has this title, without regard to case, as the vendor's own client compares.
    #[must_use]
    pub fn is_named(&self, title: &str) -> bool {
        let name = self.name.as_deref();
        name.is_some_and(|name| name.to_lowercase() == title.to_lowercase())
    }
}

impl Lists {
    /// What is known of this operation.
    pub const OPERATION: Operation = operation("GET", "/lists", SOURCE, &[401, 402]).observed();

    /// Creates the endpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl CreateList {
    /// What is known of this operation.
    pub const OPERATION: Operation = operation("POST", "/lists", SOURCE, &[401, 402]).observed();

    /// Creates the endpoint. The list keeps its values for ever.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ttl: None,
        }
    }

    /// Sets how long the list keeps a value, in seconds.
    pub fn ttl(mut self, seconds: u64) -> Self {
        self.ttl = Some(seconds);
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for Lists {
    type Output = Vec<SuppressionList>;

    fn draft(&self) -> Draft {
        Self::OPERATION.draft(&[])
    }

    fn decode(&self, response: Response) -> Result<Vec<SuppressionList>, Error> {
        Body::decode(response)
    }
}

impl Endpoint for CreateList {
    type Output = SuppressionList;

    fn draft(&self) -> Draft {
        let draft = Self::OPERATION.draft(&[]).json(self);
        match self.name.trim().is_empty() {
            true => draft.refuse("the name of the list is empty"),
            false => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<SuppressionList, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(Lists, CreateList);
