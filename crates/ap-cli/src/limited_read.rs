//! Reads files and streams that a user names, up to a limit: a device may have no end.

use std::io::{self, Read};

use crate::failure::Failure;
use crate::output;

/// Reads all of an opened file or stream, which may have at most `limit_mib` MiB. `name` and `hint` are for the
/// error.
pub(crate) fn read(
    opened: io::Result<impl Read>,
    limit_mib: u64,
    name: &str,
    hint: &str,
) -> Result<Vec<u8>, Failure> {
    let limit = limit_mib << 20;
    let mut bytes = Vec::new();
    opened
        .and_then(|reader| reader.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            let reason = output::reason(&error);
            Failure::usage(format!("{name} cannot be read ({reason})"), hint)
        })?;
    if bytes.len() as u64 > limit {
        return Err(Failure::usage(
            format!("{name} is larger than {limit_mib} MiB"),
            hint,
        ));
    }
    Ok(bytes)
}
