//! Removes secrets from what is printed: the values of members and parameters whose names say that they are
//! secret, and the account's keys wherever a server repeats them, in any usual spelling.
//!
//! A text is searched as it is, and as what it means after its escapes were decoded once, twice and three times.
//! Each search reads it once from the start to the end and keeps nothing of it, so the time is linear in the
//! text's length, and the memory does not depend on it. Before it comes a quick look, and most texts need no more.

mod escapes;
mod found;
mod keys;
mod known_secrets;
mod members;
mod name_endings;
mod numbers;
mod parameters;
mod quick_look;
mod spellings;
mod units;
mod windows;
mod wrapped_lines;

use std::borrow::Cow;

use activeprospect::ApiKey;
use memchr::memmem::Finder;
use serde::de::IgnoredAny;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use found::{InOrder, Search};
use keys::KeySearch;
use members::Members;
use numbers::Numbers;
use parameters::Parameters;

pub(crate) use known_secrets::KnownSecrets;

/// What is printed instead of a secret.
pub(crate) const MARK: &str = "[redacted]";

/// How often the escapes in a text are decoded, to find keys.
const KEY_DEPTH: usize = 3;

/// The same, to find secret members and parameters: in the text itself, and in a text within it.
const NAME_DEPTH: usize = 2;

/// The account's keys, in every spelling that a server may send back.
#[derive(Default)]
pub(crate) struct Secrets {
    keys: Option<KeySearch>,
    /// Keys that may be in numbers.
    numbers: Vec<Finder<'static>>,
}

impl Secrets {
    pub(crate) fn new(keys: &[ApiKey]) -> Result<Self, Failure> {
        let search = KeySearch::new(keys).ok_or_else(|| {
            Failure::new(
                ExitCode::Other,
                "the keys cannot be searched for in answers",
                "report this as a bug",
            )
        })?;
        let numbers = keys.iter().filter(|key| numbers::is_like_number(key));
        Ok(Self {
            keys: (!keys.is_empty()).then_some(search),
            numbers: numbers
                .map(|key| Finder::new(key.expose()).into_owned())
                .collect(),
        })
    }

    /// Returns a body, or the value of a header, piece by piece as it can be printed. Everything around a secret
    /// stays as it is, and valid JSON stays valid.
    pub(crate) fn redact<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = Some(0);
        let mut found = self.find(text);
        let pieces = std::iter::from_fn(move || {
            let start = rest?;
            Some(match found.next() {
                Some(found) => {
                    rest = Some(found.range.end);
                    let mark = [found.quote, MARK.as_bytes(), found.quote];
                    (&text[start..found.range.start], mark)
                }
                None => {
                    rest = None;
                    (&text[start..], [b"".as_slice(); 3])
                }
            })
        });
        pieces
            .flat_map(|(before, [open, mark, close])| [before, open, mark, close])
            .filter(|piece| !piece.is_empty())
    }

    /// Returns a text as it can be printed.
    pub(crate) fn redact_text<'a>(&'a self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut pieces = self.redact(text).peekable();
        let first = pieces.next().unwrap_or_default();
        if pieces.peek().is_none() {
            return Cow::Borrowed(first);
        }
        let mut redacted = first.to_vec();
        redacted.extend(pieces.flatten());
        Cow::Owned(redacted)
    }

    /// Returns `true` if a text contains one of the keys, in any spelling.
    pub(crate) fn has_key(&self, text: &[u8]) -> bool {
        let mut depths = 0..=units::depth(text, KEY_DEPTH);
        let search =
            |keys: &KeySearch| depths.any(|depth| keys.search(text, depth).next().is_some());
        self.keys.as_ref().is_some_and(search)
    }

    /// Returns where secrets are, in order and without overlaps.
    fn find<'a>(&'a self, text: &'a [u8]) -> InOrder<'a> {
        match quick_look::is_clean(text, self.keys.as_ref()) {
            true => InOrder::new([]),
            false => self.search(text),
        }
    }

    /// The same, without a quick look.
    fn search<'a>(&'a self, text: &'a [u8]) -> InOrder<'a> {
        let deepest = units::depth(text, KEY_DEPTH);
        let depth = |most: usize| most.min(deepest);
        let mut searches: Vec<Search<'a>> = Vec::new();
        if let Some(keys) = &self.keys {
            for depth in 0..=depth(KEY_DEPTH) {
                searches.push(Box::new(keys.search(text, depth)));
            }
        }
        for depth in 0..=depth(NAME_DEPTH) {
            searches.push(Box::new(Parameters::new(text, depth)));
        }
        // Decoded once, a text has the quotes that it had before, and names mean what they say.
        for depth in depth(1)..=depth(NAME_DEPTH) {
            searches.push(Box::new(Members::new(text, depth)));
        }
        if !self.numbers.is_empty() && serde_json::from_slice::<IgnoredAny>(text).is_ok() {
            searches.push(Box::new(Numbers::new(text, &self.numbers)));
        }
        InOrder::new(searches)
    }
}

#[cfg(test)]
mod tests;
