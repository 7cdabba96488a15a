//! [`close`]: the end of a connection.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How much a client may still send after its connection is closed, while it reads the response.
const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// How long a client may still send after its connection is closed.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// Closes a connection after the client has had time to read the response.
///
/// To close it with unread bytes would reset it, and the client could lose the response.
pub async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let drain = async {
        let mut remaining = LINGER_BYTES;
        // On the heap, because an array would be part of the task of every connection from its start.
        let mut buffer = vec![0_u8; 8192];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            remaining = remaining.saturating_sub(read);
            if remaining == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_TIME, drain).await;
}
