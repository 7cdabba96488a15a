//! Reads the pages of a list of events, one after the other, and writes each while the next one is read.

use std::pin::pin;
use std::sync::Arc;

use activeprospect::api::Id;
use activeprospect::api::leadconduit::events::List;
use activeprospect::{Endpoint as _, Error, Response};
use futures_util::future::{Either, select, try_join};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;

use super::last_item::last_item;
use crate::bulk::attempts::Attempts;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Printed;
use crate::stop::Stop;

/// What is known of a page whose events are written.
pub(super) struct Page {
    /// How many events it has.
    pub(super) len: usize,
    /// Where the events after it begin.
    pub(super) next: Option<Id>,
}

/// A page as it arrived.
struct Arrived {
    response: Response,
    next: Option<Id>,
}

/// Why no more pages are read.
enum End {
    /// The reader of the output has gone.
    Gone(Printed),
    /// The product's answer.
    Answer(Error),
    Failed(Failure),
}

/// Reads each page after an event, until the last one or until the reader has gone. `encode` appends the lines of a page's
/// events to a text, on a thread of its own, and `write` writes them, page after page. The next page is made and read
/// meanwhile: only the last event of a page is read before it is called for.
///
/// After a stop, what has arrived is written, and the page that is being read is left.
///
/// An error of the server is the inner one.
pub(super) async fn each(
    attempts: &Attempts<'_>,
    stop: &Stop,
    mut list: List<Box<RawValue>>,
    mut position: Option<Id>,
    encode: impl Fn(&[&RawValue], &mut Vec<u8>) + Send + Sync + 'static,
    mut write: impl FnMut(&Page, &mut Vec<u8>) -> Result<Printed, Failure>,
) -> Result<Result<Printed, Error>, Failure> {
    let encode = Arc::new(encode);
    let mut lines = Vec::new();
    let mut read = read_page(attempts, stop, &list).await;
    loop {
        let Arrived { response, next } = match read {
            Some(Ok(arrived)) => arrived,
            Some(Err(error)) => return Ok(Err(error)),
            None => return Ok(Ok(Printed::All)),
        };
        // Events are sorted by their ids. Otherwise the export would never end, and have events twice.
        if let (Some(next), Some(position)) = (&next, &position)
            && next <= position
        {
            return Err(Failure::new(
                ExitCode::Other,
                "a page of events does not come after the one before",
                "something between here and the vendor may repeat its answers; run the same command again to resume",
            ));
        }
        position.clone_from(&next);
        let encoding = spawn_blocking({
            let (encode, next) = (Arc::clone(&encode), next.clone());
            let mut lines = std::mem::take(&mut lines);
            move || {
                lines.clear();
                let len = encode_events(&response, next.as_ref(), |events| {
                    encode(events, &mut lines);
                });
                len.map(|len| (Page { len, next }, lines))
            }
        });
        let written = async {
            let encoded = encoding.await.map_err(|_| End::Failed(not_encoded()))?;
            let (page, mut lines) = encoded.map_err(End::Answer)?;
            match write(&page, &mut lines).map_err(End::Failed)? {
                printed if printed.is_reader_gone() => Err(End::Gone(printed)),
                printed => Ok((printed, lines)),
            }
        };
        let ended = match next {
            None => written.await.map(|(printed, _)| Err(printed)),
            Some(next) => {
                list = list.after(next);
                let read = async { Ok(read_page(attempts, stop, &list).await) };
                let both = try_join(written, read).await;
                both.map(|((_, lines), read)| Ok((lines, read)))
            }
        };
        (lines, read) = match ended {
            Ok(Ok(both)) => both,
            Ok(Err(printed)) | Err(End::Gone(printed)) => return Ok(Ok(printed)),
            Err(End::Answer(error)) => return Ok(Err(error)),
            Err(End::Failed(failure)) => return Err(failure),
        };
    }
}

/// Returns the failure for a thread that did not encode its page.
fn not_encoded() -> Failure {
    Failure::new(
        ExitCode::Other,
        "a page of events cannot be written",
        "report this as a bug",
    )
}

/// Reads a page; `None` if it is stopped before.
async fn read_page(
    attempts: &Attempts<'_>,
    stop: &Stop,
    list: &List<Box<RawValue>>,
) -> Option<Result<Arrived, Error>> {
    let draft = list.draft();
    let read = pin!(attempts.call(&draft, arrived));
    match select(pin!(stop.notified()), read).await {
        Either::Left(_) => None,
        Either::Right((read, _)) => Some(read),
    }
}

/// Finds where the next page begins. The events are looked at later.
fn arrived(response: Response) -> Result<Arrived, Error> {
    let response = response.error_for_status()?;
    let last = last_item(response.bytes()).map(id_of);
    match last {
        Some(None) => Err(response.unexpected(NO_ID)),
        last => Ok(Arrived {
            response,
            next: last.flatten(),
        }),
    }
}

const NO_ID: &str = "its last event has no id";

fn id_of(event: &[u8]) -> Option<Id> {
    #[derive(Deserialize)]
    struct HasId {
        id: Id,
    }
    let event: Option<HasId> = serde_json::from_slice(event).ok();
    event.map(|event| event.id)
}

/// Calls a function with the events of a page, each as the text that the product sent, and returns how many there are.
/// `last` is the id that was found from the end.
fn encode_events(
    response: &Response,
    last: Option<&Id>,
    encode: impl FnOnce(&[&RawValue]),
) -> Result<usize, Error> {
    let events: Option<Vec<&RawValue>> = response.json()?;
    let events = events.unwrap_or_default();
    let found = events
        .last()
        .and_then(|event| id_of(event.get().as_bytes()));
    if found.as_ref() != last || found.is_none() && !events.is_empty() {
        return Err(response.clone().unexpected(NO_ID));
    }
    encode(&events);
    Ok(events.len())
}
