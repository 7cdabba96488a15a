//! Reads the pages of a list of events, one after the other. While a page is read, one before it is encoded on a thread of
//! its own, and one before that is written.

use std::pin::pin;
use std::sync::mpsc as std_mpsc;

use activeprospect::api::Id;
use activeprospect::api::leadconduit::events::List;
use activeprospect::{Endpoint as _, Error, Response};
use futures_util::future::{Either, select, try_join};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use super::last_item::last_item;
use crate::bulk::attempts::Attempts;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Printed;
use crate::stop::Stop;

/// How many pages wait between reading and encoding, and between encoding and writing. So when a page is called for, at most
/// three before it are not written: memory does not grow, and a run after a kill calls for no more of them again.
const WAITING: usize = 1;

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

/// A page whose events are lines.
struct Encoded {
    page: Page,
    lines: Vec<u8>,
}

/// Why the pages end before the last one.
enum End {
    /// A signal stopped the reading.
    Stopped,
    /// The reader of the output has gone.
    Gone(Printed),
    /// The product's answer.
    Answer(Error),
    Failed(Failure),
}

/// Reads each page after an event, until the last one or until the reader of the output has gone. `encode` appends the lines
/// of a page's events to a text, on a thread of its own, and `write` writes them, page after page. Only the last event of a
/// page is read before the next page is called for, so the product makes it meanwhile.
///
/// After a stop or an error of the server, what has arrived is written. The page that is being read at a stop is left.
///
/// An error of the server is the inner one.
pub(super) async fn each(
    attempts: &Attempts<'_>,
    stop: &Stop,
    list: List<Box<RawValue>>,
    position: Option<Id>,
    encode: impl Fn(&[&RawValue], &mut Vec<u8>) + Send + 'static,
    write: impl FnMut(&Page, &mut Vec<u8>) -> Result<Printed, Failure>,
) -> Result<Result<Printed, Error>, Failure> {
    let (to_encoder, arrived) = channel(WAITING);
    let (to_writer, encoded) = channel(WAITING);
    let (to_reuse, written) = std_mpsc::channel();
    let encoder = spawn_blocking(move || encode_pages(arrived, &encode, &to_writer, &written));
    // Reading comes first, so that the next page is called for before one is written. What has arrived is written even if
    // reading has failed, and so its end is looked at later.
    let read = async { Ok(read_pages(attempts, stop, list, position, to_encoder).await) };
    let ended = try_join(read, write_pages(encoded, to_reuse, write)).await;
    let end = match ended {
        Ok((read, ())) => {
            encoder.await.map_err(|_| not_encoded())?;
            read.err()
        }
        Err(end) => Some(end),
    };
    match end {
        None | Some(End::Stopped) => Ok(Ok(Printed::All)),
        Some(End::Gone(printed)) => Ok(Ok(printed)),
        Some(End::Answer(error)) => Ok(Err(error)),
        Some(End::Failed(failure)) => Err(failure),
    }
}

/// Reads page after page, and hands each on to be encoded.
async fn read_pages(
    attempts: &Attempts<'_>,
    stop: &Stop,
    mut list: List<Box<RawValue>>,
    mut position: Option<Id>,
    to_encoder: Sender<Arrived>,
) -> Result<(), End> {
    loop {
        let arrived = read_page(attempts, stop, &list).await;
        let arrived = arrived.ok_or(End::Stopped)?.map_err(End::Answer)?;
        // Events are sorted by their ids. Otherwise the export would never end, and have events twice.
        if let (Some(next), Some(position)) = (&arrived.next, &position)
            && next <= position
        {
            return Err(End::Failed(Failure::new(
                ExitCode::Other,
                "a page of events does not come after the one before",
                "something between here and the vendor may repeat its answers; run the same command again to resume",
            )));
        }
        position.clone_from(&arrived.next);
        let next = arrived.next.clone();
        // If nobody encodes any more, it is known elsewhere why.
        let (Ok(()), Some(next)) = (to_encoder.send(arrived).await, next) else {
            return Ok(());
        };
        list = list.after(next);
    }
}

/// Encodes page after page, until the last one or until one is not a page of events.
fn encode_pages(
    mut arrived: Receiver<Arrived>,
    encode: &impl Fn(&[&RawValue], &mut Vec<u8>),
    to_writer: &Sender<Result<Encoded, Error>>,
    written: &std_mpsc::Receiver<Vec<u8>>,
) {
    while let Some(Arrived { response, next }) = arrived.blocking_recv() {
        let mut lines = written.try_recv().unwrap_or_default();
        lines.clear();
        let len = encode_events(&response, next.as_ref(), |events| {
            encode(events, &mut lines);
        });
        let page = len.map(|len| Page { len, next });
        let encoded = page.map(|page| Encoded { page, lines });
        let is_last = encoded.is_err();
        if to_writer.blocking_send(encoded).is_err() || is_last {
            return;
        }
    }
}

/// Writes page after page, and gives the memory of its lines back.
async fn write_pages(
    mut encoded: Receiver<Result<Encoded, Error>>,
    to_reuse: std_mpsc::Sender<Vec<u8>>,
    mut write: impl FnMut(&Page, &mut Vec<u8>) -> Result<Printed, Failure>,
) -> Result<(), End> {
    while let Some(encoded) = encoded.recv().await {
        let Encoded { page, mut lines } = encoded.map_err(End::Answer)?;
        let printed = write(&page, &mut lines).map_err(End::Failed)?;
        if printed.is_reader_gone() {
            return Err(End::Gone(printed));
        }
        // After the last page, nobody takes it.
        let _ = to_reuse.send(lines);
    }
    Ok(())
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
