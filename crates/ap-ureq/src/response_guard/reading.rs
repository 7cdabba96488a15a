//! Reads from the connection into its buffer.

use std::io;
use std::time::Duration;

use ureq::Error;
use ureq::unversioned::transport::{NextTimeout, Transport as UreqLayer};

/// Reads what is there, without waiting. Returns `false` if the server has ended the connection.
pub(super) fn read_available(
    inner: &mut impl UreqLayer,
    mut timeout: NextTimeout,
) -> Result<bool, Error> {
    timeout.after = Duration::ZERO.into();
    match inner.await_input(timeout) {
        Ok(is_open) => Ok(is_open),
        Err(Error::Timeout(_)) => Ok(true),
        Err(Error::Io(error))
            if matches!(
                error.kind(),
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
            ) =>
        {
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Waits for more of the response.
pub(super) fn read_more(inner: &mut impl UreqLayer, timeout: NextTimeout) -> Result<(), Error> {
    if inner.await_input(timeout)? {
        Ok(())
    } else {
        Err(ended())
    }
}

pub(super) fn ended() -> Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the server ended the connection",
    )
    .into()
}
