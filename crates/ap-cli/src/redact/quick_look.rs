//! A quick look at a text: most have no secret, and what says so costs much less than the search that finds each.
//!
//! It may see a secret where none is, and never overlooks one that a search finds.

use std::borrow::Cow;

use activeprospect::ap_core::redact::is_secret_name;
use memchr::{memchr, memchr2_iter, memrchr2};

use super::keys::KeySearch;
use super::{KEY_DEPTH, name_endings, parameters, units};

/// Longer texts are not decoded here, since what they mean would be kept in memory.
const MAX_DECODED: usize = 64 * 1024;

/// Returns `true` if no key, no secret member and no secret parameter can be in a text.
pub(super) fn is_clean(text: &[u8], keys: Option<&KeySearch>) -> bool {
    let mut text = Cow::Borrowed(text);
    if memchr(0, &text).is_some() {
        if text.len() > MAX_DECODED {
            return false;
        }
        let read = text.iter().copied().filter(|byte| units::is_read(*byte));
        text = Cow::Owned(read.collect());
    }
    for _ in 0..KEY_DEPTH {
        if may_have_secret(&text, keys) {
            return false;
        }
        if !units::has_escape(&text) {
            return true;
        }
        if text.len() > MAX_DECODED {
            return false;
        }
        text = Cow::Owned(units::decoded(&text));
    }
    !may_have_secret(&text, keys)
}

fn may_have_secret(text: &[u8], keys: Option<&KeySearch>) -> bool {
    keys.is_some_and(|keys| keys.may_be_in(text)) || may_have_secret_name(text)
}

/// Returns `true` if something looks like `"name":` or `name=` with the name of a secret. Quotes in any spelling count,
/// and so do names that are too long.
fn may_have_secret_name(text: &[u8]) -> bool {
    memchr2_iter(b':', b'=', text).any(|at| {
        let before = &text[..at];
        name_endings::may_be_secret(before)
            && (member_name(before).is_some_and(is_secret_name)
                || text[at] == b'=' && is_secret_name(parameters::name_at_end(before)))
    })
}

/// Returns what is between the last two quotes, if only white space follows them.
fn member_name(text: &[u8]) -> Option<&[u8]> {
    let (b'"' | b'\'', before) = text.trim_ascii_end().split_last()? else {
        return None;
    };
    let start = memrchr2(b'"', b'\'', before)?;
    Some(&before[start + 1..])
}
