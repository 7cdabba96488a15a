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
/// [`next`](Pages::next) of its own. It ends after the first error; [`due`](Self::due) is then the page to
/// begin again with.
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

    /// Returns the endpoint of the page that comes next; `None` after the last one. Save it to resume later.
    pub const fn due(&self) -> Option<&E> {
        self.walk.due()
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
pub struct Items<E: Paged, M: Mode> {
    pages: Pages<E, M>,
    /// The rest of the present page, and the endpoint that returned it.
    items: VecDeque<E::Item>,
    current: Option<E>,
}

impl<E: Paged + Clone, M: Mode> Items<E, M> {
    pub(crate) const fn new(client: Client<M>, first: E) -> Self {
        Self {
            pages: Pages::new(client, first),
            items: VecDeque::new(),
            current: None,
        }
    }

    /// Returns the endpoint of the page that the next item is on; `None` after the last one.
    ///
    /// Save it to resume later: no item is missed, but items of this page may come again.
    pub fn due(&self) -> Option<&E> {
        if self.items.is_empty() {
            self.pages.due()
        } else {
            self.current.as_ref()
        }
    }
}

impl<E: Paged + Clone> Iterator for Items<E, Blocking> {
    type Item = Result<E::Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.items.is_empty() {
            self.current = self.pages.due().cloned();
            match self.pages.next()? {
                Ok(page) => self.items = page.items.into(),
                Err(error) => return Some(Err(error)),
            }
        }
        self.items.pop_front().map(Ok)
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
                self.current = self.pages.due().cloned();
            }
            match ready!(self.pages.poll_page(context)) {
                Some(Ok(page)) => self.items = page.items.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(self.items.pop_front().map(Ok))
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
