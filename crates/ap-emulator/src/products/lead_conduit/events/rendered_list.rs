//! A response body with a JSON array whose items are written when the client reads them.

use bytes::Bytes;

use crate::parts::{self, Parts};
use crate::pieces::MAX_PIECE;
use crate::response::Response;

/// Appends an item to a text, or returns `None` if it is gone.
type Render<T> = Box<dyn FnMut(&T, &mut Vec<u8>) -> Option<()> + Send>;

/// An array between a head and a tail. It keeps what its items are written from, which is short.
struct RenderedList<T> {
    head: Bytes,
    items: std::vec::IntoIter<T>,
    render: Render<T>,
    tail: Bytes,
    is_first: bool,
}

/// Responds with `head`, the items with commas between them, and `tail`.
pub(super) async fn response<T: Send + Unpin + 'static>(
    head: String,
    mut items: Vec<T>,
    tail: &'static str,
    mut render: impl FnMut(&T, &mut Vec<u8>) -> Option<()> + Send + 'static,
) -> Response {
    // The length of the body comes before it, so all items are written twice.
    let mut text = Vec::new();
    let mut lengths = Vec::with_capacity(items.len());
    for chunk in items.chunks(64) {
        lengths.extend(chunk.iter().map(|item| {
            text.clear();
            render(item, &mut text).map(|()| text.len())
        }));
        tokio::task::yield_now().await;
    }
    // What is gone already is left out.
    let mut is_kept = lengths.iter().map(Option::is_some);
    items.retain(|_| is_kept.next().unwrap_or_default());
    let length = lengths.iter().flatten().sum::<usize>() + items.len().saturating_sub(1);
    let length = head.len() + length + tail.len();
    let list = RenderedList {
        head: head.into(),
        items: items.into_iter(),
        render: Box::new(render),
        tail: Bytes::from_static(tail.as_bytes()),
        is_first: true,
    };
    parts::response(list, length)
}

impl<T: Send + Unpin + 'static> Parts for RenderedList<T> {
    fn next_part(&mut self) -> Bytes {
        if !self.head.is_empty() {
            return std::mem::take(&mut self.head);
        }
        let mut text = Vec::with_capacity(MAX_PIECE);
        while text.len() < MAX_PIECE
            && let Some(item) = self.items.next()
        {
            if !std::mem::take(&mut self.is_first) {
                text.push(b',');
            }
            // It may be gone since the length was computed.
            if (self.render)(&item, &mut text).is_none() {
                return Bytes::new();
            }
        }
        match text.is_empty() {
            true => std::mem::take(&mut self.tail),
            false => text.into(),
        }
    }
}
