//! Search leads.

use ap_core::{Call, Draft, Endpoint, Error, Page, Paged, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::events::Event;
use crate::operation::{Operation, debug_as_operation};
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Time};

/// How many leads a search returns at most, over all pages.
pub const SEARCH_CEILING: u32 = 1_000;

/// The most leads that a page has.
const MAX_LIMIT: u32 = 100;

/// Returns leads that contain all of these words, page by page, most relevant first.
///
/// Case does not matter. Each word is compared with the beginnings of words; a phrase in double quotes is compared as a
/// whole. A search returns [`SEARCH_CEILING`] leads at most. To get all leads, list their
/// [events](super::events::List).
///
/// `GET /search/leads`, documented: <https://developers.activeprospect.com/api-reference/leads/search-leads>
///
/// Known error statuses: 401, also for accounts without this feature.
///
/// ```
/// use ap_api::leadconduit::leads::{Search, SearchOrder};
/// use ap_core::{Endpoint, Origins};
///
/// let search = Search::new("smith austin").newest_first().limit(50);
/// let (request, _) = search.draft().prepare(&Origins::vendor(), None)?;
/// assert_eq!(
///     request.uri().query(),
///     Some("query=smith+austin&sort_by=submission_timestamp&sort_dir=desc&from=0&limit=50")
/// );
/// # let _ = SearchOrder::Email;
/// # Ok::<(), ap_core::Error>(())
/// ```
#[derive(Clone, Serialize)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Search {
    query: String,
    sort_by: Option<SearchOrder>,
    sort_dir: Option<&'static str>,
    from: u32,
    limit: u32,
}

open_enum! {
    /// By what found leads are sorted.
    pub enum SearchOrder {
        /// The lead's id.
        LeadId = "lead_id",
        /// When it was submitted.
        SubmissionTimestamp = "submission_timestamp",
        /// The first name.
        FirstName = "first_name",
        /// The last name.
        LastName = "last_name",
        /// The email address.
        Email = "email",
        /// The phone number.
        Phone1 = "phone_1",
        /// The other phone number.
        Phone2 = "phone_2",
        /// The address.
        Address1 = "address_1",
        /// The city.
        City = "city",
        /// The state.
        State = "state",
        /// The postal code.
        PostalCode = "postal_code",
        /// The reference.
        Reference = "reference",
    }
}

impl Search {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/search/leads",
        "https://developers.activeprospect.com/api-reference/leads/search-leads",
        &[401],
    );

    /// Creates the endpoint. A page has 100 leads, which is the most.
    pub fn new(words: impl Into<String>) -> Self {
        Self {
            query: words.into(),
            sort_by: None,
            sort_dir: None,
            from: 0,
            limit: MAX_LIMIT,
        }
    }

    /// Sorts the leads, smallest first.
    pub fn ascending_by(mut self, order: SearchOrder) -> Self {
        self.sort_by = Some(order);
        self.sort_dir = Some("asc");
        self
    }

    /// Sorts the leads, greatest first.
    pub fn descending_by(mut self, order: SearchOrder) -> Self {
        self.sort_by = Some(order);
        self.sort_dir = Some("desc");
        self
    }

    /// Sorts the leads by the time of their submission, newest first.
    pub fn newest_first(self) -> Self {
        self.descending_by(SearchOrder::SubmissionTimestamp)
    }

    /// Sets how many leads a page has: 1 to 100.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Leaves out this many leads from the beginning: 0 to 999.
    pub fn from(mut self, offset: u32) -> Self {
        self.from = offset;
        self
    }

    /// Returns the same call with the number of all found leads, or decoded into a type of your own.
    ///
    /// ```
    /// use ap_api::leadconduit::leads::{Search, SearchResult};
    ///
    /// let call = Search::new("smith").limit(1).output::<SearchResult>(); // its `total`
    /// ```
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for Search {
    type Output = Page<FoundLead, u32>;

    fn draft(&self) -> Draft {
        // The last page before the ceiling is shorter.
        let limit = self.limit.min(SEARCH_CEILING.saturating_sub(self.from));
        let page = Self {
            limit,
            ..self.clone()
        };
        let draft = Self::OPERATION.draft(&[]).query(&page);
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            draft.refuse("the limit of found leads is not from 1 to 100")
        } else if self.from >= SEARCH_CEILING {
            draft.refuse("a search returns 1000 leads at most; search for other words")
        } else {
            draft
        }
    }

    fn decode(&self, response: Response) -> Result<Self::Output, Error> {
        let found: SearchResult = response.error_for_status()?.json()?;
        let count = u32::try_from(found.hits.len()).unwrap_or(u32::MAX);
        let next = self.from.saturating_add(count);
        let end = found.total.min(u64::from(SEARCH_CEILING));
        let has_next = count > 0 && u64::from(next) < end;
        Ok(Page::new(found.hits, has_next.then_some(next)))
    }
}

impl Paged for Search {
    type Item = FoundLead;
    type Cursor = u32;

    fn starting_at(self, cursor: u32) -> Self {
        self.from(cursor)
    }

    fn cursor_after(&self, _: &FoundLead, nth: usize) -> Option<u32> {
        let nth = u32::try_from(nth).ok()?;
        self.from.checked_add(nth)?.checked_add(1)
    }
}

debug_as_operation!(Search);

crate::values::object::required_member!(u64);

object! {
    /// One page of found leads.
    pub struct SearchResult {
        /// The leads.
        pub hits: Vec<FoundLead>,
        /// How many leads were found, also beyond the ceiling.
        pub total: u64,
    }

    /// A found lead.
    pub struct FoundLead {
        /// Its id.
        pub lead_id: Option<Id>,
        /// The flow.
        pub flow_id: Option<Id>,
        /// The flow's name.
        pub flow_name: Option<String>,
        /// The source.
        pub source_id: Option<Id>,
        /// The source's name.
        pub source_name: Option<String>,
        /// The first name.
        pub first_name: Option<String>,
        /// The last name.
        pub last_name: Option<String>,
        /// The email address.
        pub email: Option<String>,
        /// The phone number.
        pub phone_1: Option<String>,
        /// The other phone number.
        pub phone_2: Option<String>,
        /// The address.
        pub address_1: Option<String>,
        /// The city.
        pub city: Option<String>,
        /// The postal code.
        pub postal_code: Option<String>,
        /// The state, by its code.
        pub state: Option<String>,
        /// The reference.
        pub reference: Option<String>,
        /// When it was submitted.
        pub submission_timestamp: Option<Time>,
        /// The words that were found, by field.
        pub highlight: Option<Map<String, Value>>,
        /// The last event of the lead.
        pub latest_event: Option<Event>,
    }
}
