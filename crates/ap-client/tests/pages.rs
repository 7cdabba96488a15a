//! Pages and items of an endpoint, blocking and async, over a fake.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use ap_client::transport::{TransportError, TransportErrorKind};
use ap_client::{Async, Blocking, Client, ClientBuilder, Items, Pages, fake};
use ap_core::{Error, ErrorKind, Page, Paged};
use bytes::Bytes;
use common::{Numbers, Places, Scripted, block_on, key};
use futures_core::Stream;
use http::Request;
use serde_json::json;

/// Serves the numbers 0 to 4 in pages of two, and then an empty page. Each fault replaces the answer to one
/// request: a status, `closed`, or `same` for a page that says that the next one begins where it does.
#[derive(Clone)]
struct Server(Arc<Mutex<State>>);

struct State {
    faults: VecDeque<&'static str>,
    requests: Vec<u32>,
}

impl Server {
    fn new(faults: &'static str) -> Self {
        Self(Arc::new(Mutex::new(State {
            faults: faults.split_whitespace().collect(),
            requests: Vec::new(),
        })))
    }

    /// Returns the pages that were asked for since the last time.
    fn requests(&self) -> Vec<u32> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }

    fn answer(&self, request: &Request<Bytes>) -> Result<(u16, String), TransportError> {
        let mut state = self.0.lock().unwrap();
        let query = request.uri().query().unwrap();
        let start: u32 = query.strip_prefix("start=").unwrap().parse().unwrap();
        state.requests.push(start);
        let page = |items: Vec<u32>, next: Option<u32>| {
            Ok((200, json!({ "items": items, "next": next }).to_string()))
        };
        match state.faults.pop_front().unwrap_or("ok") {
            "ok" if start >= 6 => page(vec![], None),
            "ok" => page((start..5.min(start + 2)).collect(), Some(start + 2)),
            "same" => page(vec![start], Some(start)),
            "closed" => Err(TransportError::new(TransportErrorKind::Closed)),
            status => Ok((status.parse().unwrap(), String::new())),
        }
    }

    fn blocking(&self) -> Client<Blocking> {
        let server = self.clone();
        let transport = fake(move |request: &Request<Bytes>| server.answer(request));
        ClientBuilder::<Blocking>::new()
            .key(key('a'))
            .build_with(transport)
            .unwrap()
    }

    fn polled(&self) -> Client<Async> {
        let server = self.clone();
        let transport = fake(move |request: &Request<Bytes>| server.answer(request));
        ClientBuilder::<Async>::new()
            .key(key('a'))
            .build_with(transport)
            .unwrap()
    }
}

/// One line for each step: a page or item, or an error with the page that is due.
fn pages(faults: &'static str) -> (String, Vec<u32>) {
    let show = |page: Option<Result<Page<u32, u32>, Error>>, due: Option<&Numbers>| match page {
        Some(Ok(page)) => format!("{:?}", page.items),
        Some(Err(error)) => format!("{} at {}", error.name(), due.unwrap().0),
        None => format!("end, due {:?}", due.map(|due| due.0)),
    };
    let server = Server::new(faults);
    let mut pages = server.blocking().pages(Numbers(0));
    let shown: Vec<_> = (0..5).map(|_| show(pages.next(), pages.due())).collect();
    let requests = server.requests();

    let server = Server::new(faults);
    let mut pages = server.polled().pages(Numbers(0));
    let same: Vec<_> = (0..5)
        .map(|_| {
            let page = block_on(pages.next());
            show(page, pages.due())
        })
        .collect();
    assert_eq!((&same, server.requests()), (&shown, requests.clone()));
    (shown.join("; "), requests)
}

#[test]
fn pages_come_in_order_and_end() {
    let (shown, requests) = pages("");
    assert_eq!(shown, "[0, 1]; [2, 3]; [4]; []; end, due None");
    assert_eq!(requests, [0, 2, 4, 6]);
}

#[test]
fn pages_end_after_the_first_error_and_say_where_to_resume() {
    for (faults, shown, requests) in [
        ("404", "status at 0; end, due Some(0); ", &[0][..]),
        (
            "ok closed",
            "[0, 1]; closed at 2; end, due Some(2); ",
            &[0, 2],
        ),
        (
            "ok ok 500",
            "[0, 1]; [2, 3]; status at 4; end, due Some(4); ",
            &[0, 2, 4],
        ),
    ] {
        let (steps, sent) = pages(faults);
        assert!(
            steps.starts_with(shown.trim_end_matches("; ")),
            "{faults}: {steps}"
        );
        assert_eq!(sent, requests, "nothing is sent after an error");
    }
}

#[test]
fn a_page_that_ends_where_it_began_is_an_error() {
    let (shown, requests) = pages("ok same");
    assert_eq!(
        shown,
        "[0, 1]; decode at 2; end, due Some(2); end, due Some(2); end, due Some(2)"
    );
    assert_eq!(requests, [0, 2]);
    // Where the first page begins is not known, so its cursor is seen to stay one page later.
    let (shown, requests) = pages("same same");
    assert!(
        shown.starts_with("[0]; decode at 0; end, due Some(0)"),
        "{shown}"
    );
    assert_eq!(requests, [0, 0]);
}

/// The items until the first error, and the page to resume with.
fn blocking_items(items: &mut Items<Numbers, Blocking>) -> (Vec<u32>, Option<Error>) {
    let mut seen = Vec::new();
    for item in &mut *items {
        match item {
            Ok(item) => seen.push(item),
            Err(error) => return (seen, Some(error)),
        }
    }
    (seen, None)
}

#[test]
fn items_come_in_order_and_end() {
    let server = Server::new("");
    let items: Result<Vec<_>, _> = server.blocking().items(Numbers(0)).collect();
    assert_eq!(items.unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(server.requests(), [0, 2, 4, 6]);

    let mut items = server.polled().items(Numbers(0));
    let mut seen = Vec::new();
    while let Some(item) = block_on(items.next()) {
        seen.push(item.unwrap());
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!(server.requests(), [0, 2, 4, 6]);
    assert_eq!(items.due(), None);
    assert!(block_on(items.next()).is_none(), "the end stays the end");
    assert!(server.requests().is_empty());
}

#[test]
fn items_resume_after_an_error_without_a_miss_or_a_double() {
    let server = Server::new("ok ok closed");
    let mut items = server.blocking().items(Numbers(0));
    let (mut seen, error) = blocking_items(&mut items);
    assert_eq!(
        error.unwrap().kind(),
        ErrorKind::Transport(TransportErrorKind::Closed)
    );
    assert!(items.next().is_none(), "it ends after the first error");
    let due = items.due().unwrap().clone();
    let (rest, error) = blocking_items(&mut server.blocking().items(due));
    assert!(error.is_none());
    seen.extend(rest);
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!(server.requests(), [0, 2, 4, 4, 6]);

    let server = Server::new("ok ok closed");
    let mut items = server.polled().items(Numbers(0));
    let mut seen = Vec::new();
    while let Some(Ok(item)) = block_on(items.next()) {
        seen.push(item);
    }
    assert!(
        block_on(items.next()).is_none(),
        "it ends after the first error"
    );
    let mut items = server.polled().items(items.due().unwrap().clone());
    while let Some(item) = block_on(items.next()) {
        seen.push(item.unwrap());
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!(server.requests(), [0, 2, 4, 4, 6]);
}

#[test]
fn no_item_is_missed_wherever_a_program_stops() {
    for stop in 0..=5_u32 {
        let server = Server::new("");
        let mut items = server.blocking().items(Numbers(0));
        let mut seen: Vec<_> = (0..stop).map(|_| items.next().unwrap().unwrap()).collect();
        let mut same = server.polled().items(Numbers(0));
        for _ in 0..stop {
            block_on(same.next()).unwrap().unwrap();
        }
        assert_eq!(same.due(), items.due(), "{stop}");
        let due = items.due().cloned();
        let rest: Vec<_> = match due {
            Some(due) => server.blocking().items(due).map(Result::unwrap).collect(),
            None => Vec::new(),
        };
        // The rest of the present page is the only thing that may come twice.
        let doubled = seen.iter().filter(|item| rest.contains(item)).count();
        assert!(doubled <= 1, "{stop}");
        seen.extend(rest);
        seen.dedup();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [0, 1, 2, 3, 4], "{stop}");
    }
}

/// Takes so many items with both clients, saves the position as a program does, and returns the items until then and the
/// rest from there.
fn stop_and_resume<E>(endpoint: &E, stop: u32) -> (Vec<u32>, Vec<u32>)
where
    E: Paged<Item = u32, Cursor = u32> + Clone,
{
    let server = Server::new("");
    let mut items = server.blocking().items(endpoint.clone());
    let seen: Vec<_> = (0..stop).map(|_| items.next().unwrap().unwrap()).collect();
    let saved = serde_json::to_string(&items.position()).unwrap();
    let mut same = server.polled().items(endpoint.clone());
    for _ in 0..stop {
        block_on(same.next()).unwrap().unwrap();
    }
    assert_eq!(same.position(), items.position(), "{stop}");

    let saved: Option<u32> = serde_json::from_str(&saved).unwrap();
    let items = server.blocking().items(endpoint.clone()).starting_at(saved);
    let rest: Vec<_> = items.map(Result::unwrap).collect();
    let mut items = server.polled().items(endpoint.clone()).starting_at(saved);
    let mut same = Vec::new();
    while let Some(item) = block_on(items.next()) {
        same.push(item.unwrap());
    }
    assert_eq!(same, rest, "{stop}");
    (seen, rest)
}

#[test]
fn a_walk_that_stopped_anywhere_is_resumed_from_its_position_without_a_miss_or_a_double() {
    for stop in 0..=5 {
        let (seen, rest) = stop_and_resume(&Places(Numbers(0)), stop);
        assert_eq!([seen, rest].concat(), [0, 1, 2, 3, 4], "{stop}");
    }
}

#[test]
fn without_places_of_items_the_present_page_comes_again_and_nothing_else() {
    for (stop, first) in [(0, 0), (1, 0), (2, 2), (3, 2), (4, 4)] {
        let (_, rest) = stop_and_resume(&Numbers(0), stop);
        assert_eq!(rest, (first..5).collect::<Vec<_>>(), "{stop}");
    }
}

#[test]
fn a_position_survives_an_end_an_error_and_a_walk_that_finds_nothing_new() {
    let server = Server::new("ok closed");
    let mut pages = server.blocking().pages(Places(Numbers(0)));
    assert_eq!(pages.position(), None);
    assert!(pages.next().unwrap().is_ok() && pages.next().unwrap().is_err());
    assert_eq!(pages.position(), Some(&2), "the page that failed");
    let mut pages = server.blocking().pages(Places(Numbers(0))).starting_at(2);
    assert_eq!(pages.position(), Some(&2), "nothing was requested yet");
    assert!(pages.by_ref().all(|page| page.is_ok()));
    assert_eq!((pages.due(), pages.position()), (None, Some(&6)));
    server.requests();

    let mut items = server.polled().items(Places(Numbers(0))).starting_at(6);
    assert!(block_on(items.next()).is_none());
    assert_eq!(items.position(), Some(&6));
    assert_eq!(server.requests(), [6]);
}

#[test]
fn the_next_page_is_requested_when_the_present_one_is_used_up() {
    // How many pages were requested after each item of five, and after the end.
    const REQUESTS: [usize; 6] = [1, 1, 2, 2, 3, 4];

    let server = Server::new("");
    let mut items = server.blocking().items(Numbers(0));
    let mut sent = 0;
    for expected in REQUESTS {
        assert_eq!(items.next().is_some(), expected < 4);
        sent += server.requests().len();
        assert_eq!(sent, expected);
    }
    let mut items = server.polled().items(Numbers(0));
    let mut context = Context::from_waker(Waker::noop());
    let mut sent = 0;
    for expected in REQUESTS {
        let item = Pin::new(&mut items).poll_next(&mut context);
        assert_eq!(matches!(item, Poll::Ready(Some(_))), expected < 4);
        sent += server.requests().len();
        assert_eq!(sent, expected);
    }
    let mut pages = server.polled().pages(Numbers(0));
    block_on(pages.next()).unwrap().unwrap();
    assert_eq!(
        server.requests(),
        [0],
        "a page that nobody asks for is not requested"
    );
}

#[test]
fn a_stream_that_is_dropped_in_flight_leaves_nothing_behind() {
    let transport = Scripted::pending(1, "a 404");
    let client = ClientBuilder::<Async>::new().key(key('a'));
    let client = client.build_with(Arc::clone(&transport)).unwrap();
    let mut context = Context::from_waker(Waker::noop());

    let mut pages = client.pages(Numbers(0));
    assert!(Pin::new(&mut pages).poll_next(&mut context).is_pending());
    assert_eq!(
        pages.due(),
        Some(&Numbers(0)),
        "the page in flight is still due"
    );
    drop(pages);
    let mut items = client.items(Numbers(0));
    assert!(Pin::new(&mut items).poll_next(&mut context).is_pending());
    assert_eq!(items.due(), Some(&Numbers(0)));
    drop(items);
    assert_eq!(
        Arc::strong_count(&transport),
        2,
        "only this test and the client keep it"
    );

    // A `next` that is dropped in flight goes on where it was.
    let mut pages = client.pages(Numbers(0));
    {
        let mut next = pin!(pages.next());
        assert!(next.as_mut().poll(&mut context).is_pending());
    }
    assert!(
        matches!(block_on(pages.next()), Some(Err(_))),
        "the same call is polled again"
    );
    assert_eq!(transport.finish().len(), 1);
}

#[test]
fn streams_can_be_polled_by_any_runtime() {
    fn count<S: Stream + Unpin>(mut stream: S) -> usize {
        let mut context = Context::from_waker(Waker::noop());
        let mut count = 0;
        while let Poll::Ready(Some(_)) = Pin::new(&mut stream).poll_next(&mut context) {
            count += 1;
        }
        count
    }
    let client = Server::new("").polled();
    let pages: Pages<Numbers, Async> = client.pages(Numbers(0));
    let items: Items<Numbers, Async> = client.items(Numbers(0));
    assert_eq!((count(pages), count(items)), (4, 5));
}
