//! [`Paged`]: endpoints that return one page of many, and [`Walk`], which goes from page to page.

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::response::Response;

/// One page of a list.
///
/// ```
/// use ap_core::Page;
///
/// let page = Page::new(vec!["a", "b"], Some(2));
/// let is_last = page.next.is_none();
/// assert!(page.items.len() == 2 && !is_last);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Creates a page.
    pub const fn new(items: Vec<T>, next: Option<C>) -> Self {
        Self { items, next }
    }
}

/// An endpoint that returns one page of many.
///
/// ```
/// use ap_core::{Draft, Endpoint, Error, Page, Paged, Response, Service};
///
/// #[derive(Clone)]
/// struct Numbers {
///     start: u32,
/// }
///
/// impl Endpoint for Numbers {
///     type Output = Page<u32, u32>;
///
///     fn draft(&self) -> Draft {
///         Draft::get(Service::LeadConduit, "/numbers").query(&[("start", self.start)])
///     }
///
///     fn decode(&self, response: Response) -> Result<Page<u32, u32>, Error> {
///         let items: Vec<u32> = response.error_for_status()?.json()?;
///         let next = items.last().map(|last| last + 1);
///         Ok(Page::new(items, next))
///     }
/// }
///
/// impl Paged for Numbers {
///     type Item = u32;
///     type Cursor = u32;
///
///     fn starting_at(self, cursor: u32) -> Self {
///         Self { start: cursor }
///     }
/// }
/// ```
pub trait Paged: Endpoint<Output = Page<Self::Item, Self::Cursor>> {
    /// One item of a page.
    type Item;
    /// Where a page begins. Keep it small: people save it to resume later.
    ///
    /// It is compared, so that a page which ends where it began is an error and not an endless loop.
    type Cursor: Clone + PartialEq;

    /// Returns the same endpoint for the page that begins here.
    #[must_use]
    fn starting_at(self, cursor: Self::Cursor) -> Self
    where
        Self: Sized;

    /// Returns where a page right after this item begins, if that is known. The item is the `nth` of this endpoint's
    /// page, counted from 0.
    ///
    /// With this, a walk that stopped in the middle of a page is resumed at the next item. Without it, the items of that
    /// page come again.
    fn cursor_after(&self, item: &Self::Item, nth: usize) -> Option<Self::Cursor> {
        let _ = (item, nth);
        None
    }
}

/// Goes through the pages of an endpoint, without I/O: it returns what to send, and decodes the responses.
///
/// Clients have an iterator and a stream over this.
///
/// ```
/// # use ap_core::{Draft, Endpoint, Error, Page, Paged, Response, Service};
/// # #[derive(Clone)] struct Numbers(u32);
/// # impl Endpoint for Numbers {
/// #     type Output = Page<u32, u32>;
/// #     fn draft(&self) -> Draft { Draft::get(Service::LeadConduit, "/numbers") }
/// #     fn decode(&self, _: Response) -> Result<Page<u32, u32>, Error> {
/// #         Ok(Page::new(vec![self.0], (self.0 < 2).then_some(self.0 + 1)))
/// #     }
/// # }
/// # impl Paged for Numbers {
/// #     type Item = u32;
/// #     type Cursor = u32;
/// #     fn starting_at(self, at: u32) -> Self { Self(at) }
/// # }
/// # fn send(draft: Draft) -> Result<Response, Error> {
/// #     Ok(http::Response::new(Default::default()).into())
/// # }
/// use ap_core::page::Walk;
///
/// let mut walk = Walk::new(Numbers(0));
/// let mut all = Vec::new();
/// while let Some(endpoint) = walk.due() {
///     let response = send(endpoint.draft())?; // your HTTP stack
///     all.extend(walk.received(response)?.items);
/// }
/// assert_eq!(all, [0, 1, 2]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Walk<E: Paged> {
    due: Option<E>,
    position: Option<E::Cursor>,
}

impl<E: Paged + Clone> Walk<E> {
    /// Creates a walk that begins with this page.
    pub const fn new(first: E) -> Self {
        Self {
            due: Some(first),
            position: None,
        }
    }

    /// Continues at a saved [position](Self::position). `None` changes nothing.
    #[must_use]
    pub fn starting_at(self, position: Option<E::Cursor>) -> Self {
        match (self.due, position) {
            (Some(first), Some(position)) => Self {
                due: Some(first.starting_at(position.clone())),
                position: Some(position),
            },
            (due, _) => Self { due, ..self },
        }
    }

    /// Returns the endpoint of the page that comes next; `None` after the last one.
    pub const fn due(&self) -> Option<&E> {
        self.due.as_ref()
    }

    /// Returns where the next page begins. Save it, and give it to [`starting_at`](Self::starting_at) to resume later.
    ///
    /// `None` before the first page, unless the walk was resumed. After the last page it is the end of that page, where
    /// a later walk finds only what is new. If the endpoint [cannot tell](Paged::cursor_after) where that is, it is the
    /// page's begin: no item is missed then, but the items of the last page come again.
    pub const fn position(&self) -> Option<&E::Cursor> {
        self.position.as_ref()
    }

    /// Decodes the page that is due. After an error, the same page is due again.
    ///
    /// # Errors
    ///
    /// [`Error`] from [`Endpoint::decode`], or of kind [`Decode`](crate::ErrorKind::Decode) if the page says
    /// that the next one begins where it began itself.
    pub fn received(&mut self, response: Response) -> Result<E::Output, Error> {
        let Some(due) = &self.due else {
            return Ok(Page::new(Vec::new(), None));
        };
        let called = response.called().cloned();
        let page = due.decode(response)?;
        if page.next.is_some() && page.next == self.position {
            let error = Error::unexpected("the next page begins where this one began");
            return Err(match called {
                Some(called) => error.with_called(called),
                None => error,
            });
        }
        let end = page.next.clone().or_else(|| {
            let last = page.items.last()?;
            due.cursor_after(last, page.items.len() - 1)
        });
        if end.is_some() {
            self.position = end;
        }
        self.due = page.next.clone().map(|next| due.clone().starting_at(next));
        Ok(page)
    }
}
