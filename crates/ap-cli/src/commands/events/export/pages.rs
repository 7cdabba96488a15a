//! Reads the pages of a list of events, one after the other, and writes each while the next one is read.

use std::ops::Range;
use std::sync::Arc;

use activeprospect::api::Id;
use activeprospect::api::leadconduit::events::List;
use activeprospect::{Endpoint as _, Error, Response};
use futures_util::future::try_join;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;

use crate::bulk::attempts::Attempts;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Printed;

/// Some events, and where those after them begin.
pub(super) struct Page {
    response: Response,
    /// Where in the body each event is.
    events: Vec<Range<usize>>,
    pub(super) next: Option<Id>,
}

impl Page {
    /// Returns each event as the text that the product sent.
    pub(super) fn events(&self) -> impl Iterator<Item = &[u8]> {
        let body = self.response.bytes();
        let text = |range: &Range<usize>| body.get(range.clone());
        self.events.iter().filter_map(text)
    }

    /// Returns how many events it has.
    pub(super) const fn len(&self) -> usize {
        self.events.len()
    }
}

/// Why no more pages are read.
enum Stop {
    /// The reader of the output has gone.
    Gone(Printed),
    Failed(Failure),
}

/// Reads each page after an event, until the last one or until the reader has gone. `encode` appends the lines of a page to
/// a text, on a thread of its own, and `write` writes them, page after page. The next page is made and read meanwhile.
///
/// An error of the server is the inner one.
pub(super) async fn each(
    attempts: &Attempts<'_>,
    mut list: List<Box<RawValue>>,
    mut position: Option<Id>,
    encode: impl Fn(&Page, &mut Vec<u8>) + Send + Sync + 'static,
    mut write: impl FnMut(&Page, &mut Vec<u8>) -> Result<Printed, Failure>,
) -> Result<Result<Printed, Error>, Failure> {
    let encode = Arc::new(encode);
    let mut lines = Vec::new();
    let mut read = read_page(attempts, &list).await;
    loop {
        let page = match read {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        let next = page.next.clone();
        // Events are sorted by their ids. Otherwise the export would never end, and have events twice.
        if next.is_some() && position.is_some_and(|position| next <= Some(position)) {
            return Err(Failure::new(
                ExitCode::Other,
                "a page of events does not come after the one before",
                "something between here and the vendor may repeat its answers; run the same command again to resume",
            ));
        }
        let encoding = spawn_blocking({
            let encode = Arc::clone(&encode);
            let mut lines = std::mem::take(&mut lines);
            move || {
                lines.clear();
                encode(&page, &mut lines);
                (page, lines)
            }
        });
        let written = async {
            let (page, mut lines) = encoding.await.map_err(|_| Stop::Failed(not_encoded()))?;
            match write(&page, &mut lines).map_err(Stop::Failed)? {
                printed if printed.is_reader_gone() => Err(Stop::Gone(printed)),
                printed => Ok((printed, lines)),
            }
        };
        let ended = match &next {
            None => written.await.map(|(printed, _)| Err(printed)),
            Some(next) => {
                list = list.after(next.clone());
                let read = async { Ok(read_page(attempts, &list).await) };
                let both = try_join(written, read).await;
                both.map(|((_, lines), read)| Ok((lines, read)))
            }
        };
        (lines, read) = match ended {
            Ok(Ok(both)) => both,
            Ok(Err(printed)) | Err(Stop::Gone(printed)) => return Ok(Ok(printed)),
            Err(Stop::Failed(failure)) => return Err(failure),
        };
        position = next;
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
    let events: Option<Vec<&RawValue>> = response.json()?;
    let events = events.unwrap_or_default();
    let last = events.last().map(|last| serde_json::from_str(last.get()));
    let Ok(last) = last.transpose() else {
        return Err(response.unexpected("its last event has no id"));
    };
    let start = response.bytes().as_ptr().addr();
    let place = |event: &&RawValue| {
        let place = event.get().as_ptr().addr() - start;
        place..place + event.get().len()
    };
    Ok(Page {
        events: events.iter().map(place).collect(),
        next: last.map(|HasId { id }| id),
        response,
    })
}
