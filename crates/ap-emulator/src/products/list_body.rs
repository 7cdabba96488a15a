//! The response body with all items of a list. It has no copy of them: it takes the next one when the
//! client has read the one before.

use bytes::Bytes;

use crate::parts::{self, Parts};
use crate::response::Response;
use crate::state::collection::List;

/// Responds with a JSON array of the items.
pub(super) fn response(list: List) -> Response {
    let length = list.text_bytes() + list.len().saturating_sub(1) + "[]".len();
    let parts = ListParts {
        list,
        next: (0, 0),
        has_begun: false,
        is_comma_due: false,
    };
    parts::response(parts, length)
}

/// The start of the array, the items with commas between them, and the end.
struct ListParts {
    list: List,
    /// The chunk of the next item, and its index there.
    next: (usize, usize),
    has_begun: bool,
    is_comma_due: bool,
}

impl Parts for ListParts {
    fn next_part(&mut self) -> Bytes {
        if !self.has_begun {
            self.has_begun = true;
            return Bytes::from_static(b"[");
        }
        let (chunk, index) = self.next;
        if self.list.item(chunk, index).is_none() && self.list.item(chunk + 1, 0).is_some() {
            self.next = (chunk + 1, 0);
        }
        let (chunk, index) = self.next;
        match self.list.item(chunk, index) {
            None => Bytes::from_static(b"]"),
            Some(_) if self.is_comma_due => {
                self.is_comma_due = false;
                Bytes::from_static(b",")
            }
            Some(item) => {
                self.next = (chunk, index + 1);
                self.is_comma_due = true;
                item.text.clone()
            }
        }
    }
}
