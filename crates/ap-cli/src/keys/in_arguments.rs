//! Finds a key in the arguments, where every user of the machine can read it and the shell's history keeps it.

use std::borrow::Cow;
use std::ffi::OsString;

use activeprospect::ApiKey;
use activeprospect::keys::Environment;
use memchr::memmem;
use percent_encoding::percent_decode;

use super::file;
use crate::failure::Failure;

/// The length of the shortest key that is searched for inside arguments and variables. A shorter one may be part of any
/// word.
pub(crate) const MIN_SEARCHED_LEN: usize = 8;

/// Refuses arguments that contain a key of the environment or of a keys file. The key is not repeated.
pub(crate) fn check(arguments: &[OsString]) -> Result<(), Failure> {
    // A source that cannot be read is reported when it is needed.
    let in_file = |profile| file::store(profile).ok()?.read().ok().flatten();
    refuse(arguments, &Environment::new().read().unwrap_or_default())?;
    let profiles = file::profiles();
    for profile in std::iter::once(None).chain(profiles.iter().map(Some)) {
        refuse(arguments, &in_file(profile).unwrap_or_default())?;
    }
    Ok(())
}

/// Refuses this process's arguments if they contain one of these keys.
pub(crate) fn check_for(keys: &[ApiKey]) -> Result<(), Failure> {
    refuse(&std::env::args_os().collect::<Vec<_>>(), keys)
}

fn refuse(arguments: &[OsString], keys: &[ApiKey]) -> Result<(), Failure> {
    let contains = |argument: &OsString, key: &ApiKey| {
        let (text, key) = (argument.as_encoded_bytes(), key.expose().as_bytes());
        text == key || key.len() >= MIN_SEARCHED_LEN && is_inside(text, key)
    };
    let mut arguments = arguments.iter().skip(1);
    if arguments.any(|argument| keys.iter().any(|key| contains(argument, key))) {
        return Err(Failure::usage(
            "an argument contains the API key, and other users can read it",
            "reset the key, then run `ap auth login`",
        ));
    }
    Ok(())
}

/// Returns `true` if a text contains a key, plain or percent-encoded.
fn is_inside(text: &[u8], key: &[u8]) -> bool {
    let finder = memmem::Finder::new(key);
    let decoded: Cow<'_, [u8]> = percent_decode(text).into();
    finder.find(text).is_some() || finder.find(&decoded).is_some()
}
