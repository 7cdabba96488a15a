//! Reads the pages of a list of events, one after the other.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use activeprospect::api::Id;
use activeprospect::api::leadconduit::events::List;
use activeprospect::{Endpoint as _, Error, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bulk::attempts::Attempts;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Printed;

/// Some events, and where those after them begin.
pub(super) type Page = activeprospect::Page<Box<RawValue>, Id>;

/// How often the connection may run before a page is written, so that the call for the next one is sent out.
const TURNS: usize = 4;

/// Calls a function with each page after an event, until the last one or until the reader has gone. The server makes the
/// next page meanwhile. An error of the server is the inner one.
pub(super) async fn each(
    attempts: &Attempts<'_>,
    mut list: List<Box<RawValue>>,
    mut position: Option<Id>,
    mut write: impl FnMut(&Page) -> Result<Printed, Failure>,
) -> Result<Result<Printed, Error>, Failure> {
    let mut read = read_page(attempts, &list).await;
    loop {
        let page = match read {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        let Some(next) = page.next.clone() else {
            return write(&page).map(Ok);
        };
        // Events are sorted by their ids. Otherwise the export would never end, and have events twice.
        if position.is_some_and(|position| next <= position) {
            return Err(Failure::new(
                ExitCode::Other,
                "a page of events does not come after the one before",
                "something between here and the vendor may repeat its answers; run the same command again to resume",
            ));
        }
        position = Some(next.clone());
        list = list.after(next);
        let mut next = pin!(read_page(attempts, &list));
        let mut early = None;
        for _ in 0..TURNS {
            if early.is_none() {
                early = poll_fn(|context| match next.as_mut().poll(context) {
                    Poll::Ready(page) => Poll::Ready(Some(page)),
                    Poll::Pending => Poll::Ready(None),
                })
                .await;
            }
            tokio::task::yield_now().await;
        }
        let printed = write(&page)?;
        if printed.is_reader_gone() {
            return Ok(Ok(printed));
        }
        read = match early {
            Some(page) => page,
            None => next.await,
        };
    }
}

async fn read_page(attempts: &Attempts<'_>, list: &List<Box<RawValue>>) -> Result<Page, Error> {
    attempts.call(&list.draft(), decode).await
}

/// Reads the events as the text that they are, and the id of the last one alone.
fn decode(response: Response) -> Result<Page, Error> {
    #[derive(Deserialize)]
    struct HasId {
        id: Id,
    }
    let response = response.error_for_status()?;
    let events: Option<Vec<Box<RawValue>>> = response.json()?;
    let events = events.unwrap_or_default();
    let last = events.last().map(|last| serde_json::from_str(last.get()));
    match last.transpose() {
        Ok(last) => Ok(Page::new(events, last.map(|HasId { id }| id))),
        Err(_) => Err(response.unexpected("its last event has no id")),
    }
}
