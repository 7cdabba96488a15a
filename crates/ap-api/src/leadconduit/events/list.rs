//! [`List`]: the account's events, page by page.

use std::marker::PhantomData;

use ap_core::{Draft, Endpoint, Error, Page, Paged, Response};
use http::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Event;
use crate::Id;
use crate::operation::Operation;
use crate::rules::Rule;

/// Returns the account's events, oldest first, page by page.
///
/// Give it to a client's `items` or `pages`. To continue a later export, save the `position` of these, which is the id of
/// the last event, and start at it; or begin [`after`](Self::after) an event that you know. The last page is the first
/// empty one, so that no short page ends an export early.
///
/// `GET /events`, documented: <https://developers.activeprospect.com/api-reference/leads/list-all-events>
///
/// Documented error statuses: 401, also for accounts without this feature.
///
/// ```
/// use ap_api::leadconduit::events;
/// use ap_api::rules::{Operator, Rule};
/// use ap_core::{Endpoint, Origins};
///
/// let list = events::List::new()
///     .start("2026-11-25T00:00:00Z".parse()?)
///     .rule(Rule::new("type", Operator::IsEqualTo, "source"))
///     .limit(1_000);
/// let (request, _) = list.draft().prepare(&Origins::vendor(), None)?;
/// assert!(request.uri().query().unwrap().starts_with("start=2026-11-25T00%3A00%3A00Z&rules=%5B%7B"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct List<T = Event> {
    parameters: Parameters,
    is_body: bool,
    /// Returns the id of the last of these events, which the response contains.
    last_id: fn(&[T], &Response) -> Result<Option<Id>, Error>,
    /// Returns the id of an event, if its type has it.
    id: fn(&T) -> Option<&Id>,
    output: PhantomData<fn() -> T>,
}

#[derive(Clone, Default)]
struct Parameters {
    after_id: Option<Id>,
    before_id: Option<Id>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    rules: Vec<Rule>,
    include: Vec<String>,
    exclude: Vec<String>,
    limit: Option<u32>,
    is_newest_first: bool,
}

impl List {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/events",
        "https://developers.activeprospect.com/api-reference/leads/list-all-events",
        &[401],
    );

    /// What is known of this operation with [`in_body`](Self::in_body).
    pub const IN_BODY: Operation = Operation {
        method: "POST",
        ..Self::OPERATION
    };

    /// Creates the endpoint: all events, oldest first.
    pub fn new() -> Self {
        Self {
            parameters: Parameters::default(),
            is_body: false,
            last_id: |events, _| Ok(events.last().map(|event| event.id.clone())),
            id: |event| Some(&event.id),
            output: PhantomData,
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> List<T> {
    /// Returns only events that were created after the one with this id.
    pub fn after(mut self, id: impl Into<Id>) -> Self {
        self.parameters.after_id = Some(id.into());
        self
    }

    /// Returns only events that were created before the one with this id.
    pub fn before(mut self, id: impl Into<Id>) -> Self {
        self.parameters.before_id = Some(id.into());
        self
    }

    /// Returns only events that were created at this time or later.
    pub fn start(mut self, time: Timestamp) -> Self {
        self.parameters.start = Some(time);
        self
    }

    /// Returns only events that were created at this time or earlier.
    pub fn end(mut self, time: Timestamp) -> Self {
        self.parameters.end = Some(time);
        self
    }

    /// Returns only events that pass this rule. Repeat it: all rules must pass.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.parameters.rules.push(rule);
        self
    }

    /// Returns only these members of each event, and its id. Decode them with [`output`](Self::output), or as events
    /// without the other members. Not together with [`exclude`](Self::exclude).
    pub fn include<S: Into<String>>(mut self, members: impl IntoIterator<Item = S>) -> Self {
        let members = members.into_iter().map(Into::into);
        self.parameters.include.extend(members);
        self
    }

    /// Leaves these members of each event out. The id is needed to find the next page.
    pub fn exclude<S: Into<String>>(mut self, members: impl IntoIterator<Item = S>) -> Self {
        let members = members.into_iter().map(Into::into);
        self.parameters.exclude.extend(members);
        self
    }

    /// Sets how many events a page has: 1 to 1,000; 100 by default.
    pub fn limit(mut self, limit: u32) -> Self {
        self.parameters.limit = Some(limit);
        self
    }

    /// Begins with the newest event, and goes back in time.
    pub fn newest_first(mut self) -> Self {
        self.parameters.is_newest_first = true;
        self
    }

    /// Sends the parameters as a JSON body (`POST /events`), for rules that are too long for a URL. It changes nothing,
    /// so it may be sent again after a failure.
    pub fn in_body(mut self) -> Self {
        self.is_body = true;
        self
    }

    /// Decodes each event into a type of your own, for example one with the members that you need.
    pub fn output<U>(self) -> List<U> {
        List {
            parameters: self.parameters,
            is_body: self.is_body,
            last_id: |_, response| {
                // Everything but the ids is skipped.
                #[derive(Deserialize)]
                struct HasId {
                    id: Id,
                }
                let ids: Option<Vec<HasId>> = response.json()?;
                Ok(ids.unwrap_or_default().pop().map(|last| last.id))
            },
            id: |_| None,
            output: PhantomData,
        }
    }
}

impl Parameters {
    fn problem(&self) -> Option<&'static str> {
        use crate::values::PathSegment as _;

        let ids = [&self.after_id, &self.before_id];
        if let Some(problem) = ids.into_iter().flatten().find_map(|id| id.problem()) {
            Some(problem)
        } else if self
            .limit
            .is_some_and(|limit| !(1..=1_000).contains(&limit))
        {
            Some("the limit of events is not from 1 to 1000")
        } else if self
            .start
            .zip(self.end)
            .is_some_and(|(start, end)| start > end)
        {
            Some("the start of the events is after their end")
        } else if !self.include.is_empty() && !self.exclude.is_empty() {
            Some("members of events are included and excluded; do only one of them")
        } else if self.exclude.iter().any(|member| member == "id") {
            Some("the id of events is excluded, but the next page is found by it")
        } else {
            None
        }
    }

    /// The members in a query or a body. `R` is the form of the rules.
    fn query<'a, R: Serialize + 'a>(&'a self, rules: Option<R>) -> impl Serialize + 'a {
        #[derive(Serialize)]
        struct Query<'a, R> {
            #[serde(skip_serializing_if = "Option::is_none")]
            after_id: Option<&'a Id>,
            #[serde(skip_serializing_if = "Option::is_none")]
            before_id: Option<&'a Id>,
            #[serde(skip_serializing_if = "Option::is_none")]
            start: Option<Timestamp>,
            #[serde(skip_serializing_if = "Option::is_none")]
            end: Option<Timestamp>,
            #[serde(skip_serializing_if = "Option::is_none")]
            rules: Option<R>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            include: Vec<&'a str>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            exclude: Vec<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            limit: Option<u32>,
            sort: &'static str,
        }

        let mut include: Vec<_> = self.include.iter().map(String::as_str).collect();
        if !include.is_empty() && !include.contains(&"id") {
            include.push("id");
        }
        Query {
            after_id: self.after_id.as_ref(),
            before_id: self.before_id.as_ref(),
            start: self.start,
            end: self.end,
            rules,
            include,
            exclude: self.exclude.iter().map(String::as_str).collect(),
            limit: self.limit,
            sort: match self.is_newest_first {
                true => "desc",
                false => "asc",
            },
        }
    }
}

impl<T: DeserializeOwned> Endpoint for List<T> {
    type Output = Page<T, Id>;

    fn draft(&self) -> Draft {
        let parameters = &self.parameters;
        let operation = List::OPERATION;
        let rules = Some(&parameters.rules).filter(|rules| !rules.is_empty());
        let draft = if self.is_body {
            let draft = Draft::new(operation.service, Method::POST, operation.path);
            draft.json(&parameters.query(rules)).repeatable()
        } else {
            // A rule is always valid JSON.
            let rules = rules.and_then(|rules| serde_json::to_string(rules).ok());
            operation.draft(&[]).query(&parameters.query(rules))
        };
        match parameters.problem() {
            Some(problem) => draft.refuse(problem),
            None => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<Self::Output, Error> {
        let response = response.error_for_status()?;
        let events: Option<Vec<T>> = response.json()?;
        let events = events.unwrap_or_default();
        let next = (self.last_id)(&events, &response)?;
        Ok(Page::new(events, next))
    }
}

impl<T: DeserializeOwned> Paged for List<T> {
    type Item = T;
    type Cursor = Id;

    fn starting_at(self, cursor: Id) -> Self {
        match self.parameters.is_newest_first {
            true => self.before(cursor),
            false => self.after(cursor),
        }
    }

    fn cursor_after(&self, event: &T, _: usize) -> Option<Id> {
        (self.id)(event).cloned()
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self {
            parameters: self.parameters.clone(),
            is_body: self.is_body,
            last_id: self.last_id,
            id: self.id,
            output: PhantomData,
        }
    }
}

/// Shows the position alone, which is what you save to resume.
impl<T> std::fmt::Debug for List<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("List")
            .field("after", &self.parameters.after_id)
            .field("before", &self.parameters.before_id)
            .finish_non_exhaustive()
    }
}
