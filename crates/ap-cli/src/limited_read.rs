//! Reads files and streams that a user names, up to a limit: a device may have no end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;
use crate::{inherited, output};

/// The largest body that is sent, which is also the largest answer that is read.
const BODY_LIMIT_MIB: u64 = 64;

/// Returns `true` if the name of a file means standard input.
pub(crate) fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Reads a body, or a part of one, from a file or from standard input. Returns it with the name that errors have for it.
pub(crate) fn read_body(file: &Path) -> Result<(Vec<u8>, String), Failure> {
    const HINT: &str = "nothing was sent";
    if is_standard_input(file) {
        if inherited::is_stdin_closed() {
            return Err(Failure::usage("standard input is closed", HINT));
        }
        let name = "standard input".to_owned();
        let stdin = Ok(io::stdin().lock());
        return Ok((read(stdin, BODY_LIMIT_MIB, &name, HINT)?, name));
    }
    let name = format!("the file {}", output::display_path(file));
    let opened = File::open(file);
    let is_member = file.to_string_lossy().contains('=');
    let hint = match &opened {
        Err(error) if is_member && error.kind() == io::ErrorKind::NotFound => {
            "nothing was sent; write a single member as -f NAME=VALUE"
        }
        _ => HINT,
    };
    Ok((read(opened, BODY_LIMIT_MIB, &name, hint)?, name))
}

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
