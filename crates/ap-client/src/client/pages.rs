//! [`Pages`] and [`Items`]: iterators and streams over the pages of an endpoint.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ap_core::page::Walk;
use ap_core::{Error, Paged, Response};
use futures_core::Stream;

use super::Client;
use crate::mode::{Async, Blocking, Mode};

type Sending = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// Every page of an endpoint.
///
/// In blocking mode this is an [`Iterator`]. In async mode it is a [`Stream`], and has a
/// [`next`](Pages::next) of its own. It ends after the first error; [`position`](Self::position) is then where to
/// begin again.
///
/// A page is requested when you ask for it, not before, and none is kept: memory does not grow with the number of pages.
///
/// ```
/// # use ap_client::ap_core::{ApiKey, Draft, Endpoint, Error, Page, Paged, Response, Service};
/// # use ap_client::{Blocking, ClientBuilder, fake};
/// # #[derive(Clone)] struct Numbers(u32);
/// # impl Endpoint for Numbers {
/// #     type Output = Page<u32, u32>;
/// #     fn draft(&self) -> Draft { Draft::get(Service::LeadConduit, "/numbers") }
/// #     fn decode(&self, _: Response) -> Result<Page<u32, u32>, Error> {
/// #         Ok(Page::new(vec![self.0; 2], (self.0 < 2).then_some(self.0 + 1)))
/// #     }
/// # }
/// # impl Paged for Numbers {
/// #     type Item = u32;
/// #     type Cursor = u32;
/// #     fn starting_at(self, at: u32) -> Self { Self(at) }
/// # }
/// # let client = ClientBuilder::<Blocking>::new()
/// #     .key(ApiKey::parse("1234567890")?)
/// #     .build_with(fake(|_| (200, "")))?;
/// for page in client.pages(Numbers(0)) {
///     println!("{:?}", page?.items);
/// }
/// let all: Result<Vec<u32>, Error> = client.items(Numbers(0)).collect();
/// assert_eq!(all?, [0, 0, 1, 1, 2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pages<E: Paged, M: Mode> {
    client: Client<M>,
    walk: Walk<E>,
    sending: Option<Sending>,
    has_failed: bool,
}

impl<E: Paged + Clone, M: Mode> Pages<E, M> {
    pub(crate) const fn new(client: Client<M>, first: E) -> Self {
        Self {
            client,
            walk: Walk::new(first),
            sending: None,
            has_failed: false,
        }
    }

    /// Continues at a saved [position](Self::position). `None` changes nothing.
    #[must_use]
    pub fn starting_at(mut self, position: impl Into<Option<E::Cursor>>) -> Self {
        self.walk = self.walk.starting_at(position.into());
        self
    }

    /// Returns the endpoint of the page that comes next; `None` after the last one.
    pub const fn due(&self) -> Option<&E> {
        self.walk.due()
    }

    /// Returns where the next page begins. Save it when you are done with a page, and give it to
    /// [`starting_at`](Self::starting_at) to resume later.
    ///
    /// `None` before the first page, unless the walk was resumed. After the last page it is the end of that page, where
    /// a later walk finds only what is new. If the endpoint [cannot tell](Paged::cursor_after) where that is, it is the
    /// page's begin: no item is missed then, but the items of the last page come again.
    pub const fn position(&self) -> Option<&E::Cursor> {
        self.walk.position()
    }

    /// Returns what to send, unless there is nothing or a call has failed.
    fn to_send(&self) -> Option<&E> {
        self.walk.due().filter(|_| !self.has_failed)
    }

    fn received(&mut self, outcome: Result<Response, Error>) -> Result<E::Output, Error> {
        let page = outcome.and_then(|response| self.walk.received(response));
        self.has_failed = page.is_err();
        page
    }
}

impl<E: Paged + Clone> Iterator for Pages<E, Blocking> {
    type Item = Result<E::Output, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let draft = self.to_send()?.draft();
        let outcome = self.client.send(draft);
        Some(self.received(outcome))
    }
}

impl<E: Paged + Clone> Pages<E, Async> {
    /// Returns the next page; `None` after the last one, or after an error.
    pub async fn next(&mut self) -> Option<Result<E::Output, Error>> {
        poll_fn(|context| self.poll_page(context)).await
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<E::Output, Error>>> {
        if self.sending.is_none() {
            let Some(endpoint) = self.to_send() else {
                return Poll::Ready(None);
            };
            let (client, draft) = (self.client.clone(), endpoint.draft());
            self.sending = Some(Box::pin(async move { client.send(draft).await }));
        }
        let Some(sending) = &mut self.sending else {
            return Poll::Ready(None);
        };
        let outcome = ready!(sending.as_mut().poll(context));
        self.sending = None;
        Poll::Ready(Some(self.received(outcome)))
    }
}

impl<E: Paged + Clone> Stream for Pages<E, Async> {
    type Item = Result<E::Output, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_page(context)
    }
}

/// Every item of every page of an endpoint.
///
/// In blocking mode this is an [`Iterator`]. In async mode it is a [`Stream`], and has a
/// [`next`](Items::next) of its own. It ends after the first error.
///
/// It keeps the rest of one page, and requests the next one when that is used up: memory does not grow with the number of
/// pages.
///
/// Save the position to resume later, in the same program or in another one:
///
/// ```
/// # use ap_client::ap_core::{ApiKey, Draft, Endpoint, Error, Page, Paged, Response, Service};
/// # use ap_client::{Blocking, ClientBuilder, fake};
/// # #[derive(Clone)] struct Numbers(u32);
/// # impl Endpoint for Numbers {
/// #     type Output = Page<u32, u32>;
/// #     fn draft(&self) -> Draft { Draft::get(Service::LeadConduit, "/numbers") }
/// #     fn decode(&self, _: Response) -> Result<Page<u32, u32>, Error> {
/// #         let items: Vec<u32> = (self.0..6.min(self.0 + 2)).collect();
/// #         let next = (!items.is_empty()).then_some(self.0 + 2);
/// #         Ok(Page::new(items, next))
/// #     }
/// # }
/// # impl Paged for Numbers {
/// #     type Item = u32;
/// #     type Cursor = u32;
/// #     fn starting_at(self, at: u32) -> Self { Self(at) }
/// #     fn cursor_after(&self, _: &u32, nth: usize) -> Option<u32> { Some(self.0 + nth as u32 + 1) }
/// # }
/// # let client = ClientBuilder::<Blocking>::new()
/// #     .key(ApiKey::parse("1234567890")?)
/// #     .build_with(fake(|_| (200, "")))?;
/// let mut items = client.items(Numbers(0));
/// assert_eq!(items.next().transpose()?, Some(0));
/// let saved: Option<u32> = items.position().copied();
///
/// let rest: Result<Vec<u32>, Error> = client.items(Numbers(0)).starting_at(saved).collect();
/// assert_eq!(rest?, [1, 2, 3, 4, 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Items<E: Paged, M: Mode> {
    pages: Pages<E, M>,
    /// The rest of the present page, and the endpoint that returned it.
    items: VecDeque<E::Item>,
    current: Option<E>,
    /// How many items of the present page were returned.
    returned: usize,
    /// Where the walk is resumed, as long as there are items of the present page.
    position: Option<E::Cursor>,
}

impl<E: Paged + Clone, M: Mode> Items<E, M> {
    pub(crate) const fn new(client: Client<M>, first: E) -> Self {
        Self {
            pages: Pages::new(client, first),
            items: VecDeque::new(),
            current: None,
            returned: 0,
            position: None,
        }
    }

    /// Continues at a saved [position](Self::position). `None` changes nothing.
    #[must_use]
    pub fn starting_at(mut self, position: impl Into<Option<E::Cursor>>) -> Self {
        self.pages = self.pages.starting_at(position);
        self
    }

    /// Returns the endpoint of the page that the next item is on; `None` after the last one.
    pub fn due(&self) -> Option<&E> {
        if self.items.is_empty() {
            self.pages.due()
        } else {
            self.current.as_ref()
        }
    }

    /// Returns where the next item is. Save it when you are done with an item, and give it to
    /// [`starting_at`](Self::starting_at) to resume later.
    ///
    /// No item is missed. If the endpoint [cannot tell](Paged::cursor_after) the position of an item, this is the begin
    /// of its page, whose items then come again. `None` before the first item, unless the walk was resumed. After the
    /// last one it stays what it was, so that a later walk finds only what is new.
    pub fn position(&self) -> Option<&E::Cursor> {
        if self.items.is_empty() {
            self.pages.position()
        } else {
            self.position.as_ref()
        }
    }

    /// Forgets the present page, which is used up, before the next one is requested.
    fn begin_page(&mut self) {
        self.items = VecDeque::new();
        self.returned = 0;
        self.current = self.pages.due().cloned();
        self.position = self.pages.position().cloned();
    }

    fn pop(&mut self) -> Option<E::Item> {
        let item = self.items.pop_front()?;
        let cursor = self
            .current
            .as_ref()
            .and_then(|endpoint| endpoint.cursor_after(&item, self.returned));
        if cursor.is_some() {
            self.position = cursor;
        }
        self.returned += 1;
        Some(item)
    }
}

impl<E: Paged + Clone> Iterator for Items<E, Blocking> {
    type Item = Result<E::Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.items.is_empty() {
            self.begin_page();
            match self.pages.next()? {
                Ok(page) => self.items = page.items.into(),
                Err(error) => return Some(Err(error)),
            }
        }
        self.pop().map(Ok)
    }
}

impl<E: Paged + Clone> Items<E, Async> {
    /// Returns the next item; `None` after the last one, or after an error.
    pub async fn next(&mut self) -> Option<Result<E::Item, Error>> {
        poll_fn(|context| self.poll_item(context)).await
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<E::Item, Error>>> {
        while self.items.is_empty() {
            if self.pages.sending.is_none() {
                self.begin_page();
            }
            match ready!(self.pages.poll_page(context)) {
                Some(Ok(page)) => self.items = page.items.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(self.pop().map(Ok))
    }
}

impl<E: Paged + Clone> Stream for Items<E, Async> {
    type Item = Result<E::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(context)
    }
}

// Nothing in them is pinned in place: the future in flight has its own box.
impl<E: Paged, M: Mode> Unpin for Pages<E, M> {}
impl<E: Paged, M: Mode> Unpin for Items<E, M> {}

impl<E: Paged, M: Mode> fmt::Debug for Pages<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

impl<E: Paged, M: Mode> fmt::Debug for Items<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}
