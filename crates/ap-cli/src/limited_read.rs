//! Reads what a user names, up to a limit: a device has no end.

use std::io::{self, Read};

use crate::exit::Failure;

/// All that there is to read, if it is at most so many MiB.
pub(crate) fn read(
    from: io::Result<impl Read>,
    what: &str,
    most: u64,
    to_do: &str,
) -> Result<Vec<u8>, Failure> {
    let limit = most << 20;
    let mut bytes = Vec::new();
    from.and_then(|from| from.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Failure::usage(format!("{what} cannot be read ({})", error.kind()), to_do)
        })?;
    if bytes.len() as u64 > limit {
        return Err(Failure::usage(
            format!("{what} is larger than {most} MiB"),
            to_do,
        ));
    }
    Ok(bytes)
}
