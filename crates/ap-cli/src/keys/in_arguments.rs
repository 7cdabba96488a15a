//! A key among the arguments, where every user of the machine sees it and the shell's history keeps it.

use std::ffi::OsString;

use ap_core::ApiKey;

use crate::exit::Failure;
use crate::{keys, keys_file};

/// A shorter key may be a part of any word.
const SHORTEST_PART: usize = 8;

/// Refuses arguments that hold a key which this program knows already, without repeating it.
pub(crate) fn check(arguments: &[OsString]) -> Result<(), Failure> {
    // A source that cannot be read is complained about when it is needed.
    let in_file = || keys_file::read(&keys_file::store().ok()?).ok().flatten();
    refuse(arguments, &keys::from_environment().unwrap_or_default())?;
    refuse(arguments, &in_file().unwrap_or_default())
}

/// Refuses this process's arguments if they hold one of these keys.
pub(crate) fn check_for(keys: &[ApiKey]) -> Result<(), Failure> {
    refuse(&std::env::args_os().collect::<Vec<_>>(), keys)
}

fn refuse(arguments: &[OsString], keys: &[ApiKey]) -> Result<(), Failure> {
    for key in keys {
        let key = key.expose().as_bytes();
        let holds = |argument: &OsString| {
            let plain = argument.as_encoded_bytes();
            plain == key
                || key.len() >= SHORTEST_PART
                    && [plain, &percent_decoded(plain)]
                        .iter()
                        .any(|text| text.windows(key.len()).any(|window| window == key))
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

/// The text as a server would read it in a URL; what is not sound percent-encoding stays as it is.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) if byte == b'%' => {
                decoded.push(value);
                rest = &after[2..];
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    #[test]
    fn percent_encoding_is_undone_where_it_is_sound() {
        for (given, expected) in [
            ("a%62c", "abc"),
            ("%4g%", "%4g%"),
            ("%41%42", "AB"),
            ("", ""),
        ] {
            assert_eq!(
                super::percent_decoded(given.as_bytes()),
                expected.as_bytes()
            );
        }
    }
}
