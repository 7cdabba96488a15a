//! A key among the arguments, where every user of the machine sees it and the shell's history keeps it.

use std::ffi::OsString;

use crate::exit::Failure;
use crate::{keys, keys_file};

/// A shorter key may be a part of any word.
const SHORTEST_PART: usize = 8;

/// Refuses arguments that hold a key which this program knows, without repeating it.
pub(crate) fn check(arguments: &[OsString]) -> Result<(), Failure> {
    // A source that cannot be read is complained about when it is needed.
    let in_file = || keys_file::read(&keys_file::path().ok()?).ok().flatten();
    let known = keys::from_environment()
        .ok()
        .flatten()
        .into_iter()
        .chain(in_file().into_iter().flatten());
    for key in known {
        let key = key.expose().as_bytes();
        let holds = |argument: &OsString| {
            let argument = argument.as_encoded_bytes();
            argument == key
                || key.len() >= SHORTEST_PART
                    && argument.windows(key.len()).any(|window| window == key)
        };
        if arguments.iter().skip(1).any(holds) {
            return Err(Failure::usage(
                "the API key stands among the arguments, where others can see it",
                "reset the key, then run `ap auth login`",
            ));
        }
    }
    Ok(())
}
