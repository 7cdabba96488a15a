//! Reads the pages of a list of events, one after the other.

use activeprospect::api::Id;
use activeprospect::api::leadconduit::events::List;
use activeprospect::{Endpoint as _, Error};
use serde_json::value::RawValue;

use crate::bulk::attempts::Attempts;
use crate::failure::Failure;
use crate::output::Printed;

/// Some events, and where those after them begin.
pub(super) type Page = activeprospect::Page<Box<RawValue>, Id>;

/// Calls a function with each page, until the last one or until the reader has gone. An error of the server is the
/// inner one.
pub(super) async fn each(
    attempts: &Attempts<'_>,
    mut list: List<Box<RawValue>>,
    mut write: impl FnMut(&Page) -> Result<Printed, Failure>,
) -> Result<Result<Printed, Error>, Failure> {
    loop {
        let page = attempts
            .call(&list.draft(), |response| list.decode(response))
            .await;
        let page = match page {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        let printed = write(&page)?;
        let Some(next) = page.next.filter(|_| !printed.is_reader_gone()) else {
            return Ok(Ok(printed));
        };
        list = list.after(next);
    }
}
