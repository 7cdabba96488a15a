//! [`Members`]: finds the values of secret members, in JSON and in whatever looks like it: text that breaks off,
//! several values in a row, JSON in a string of another JSON.

use std::ops::Range;

use activeprospect::ap_core::redact::is_secret_name;

use super::found::Found;
use super::units::{Unit, Units};

/// The longest name that is compared, in bytes.
const MAX_NAME: usize = 128;

/// The quote that a name began with. The same quote ends it, in the same spelling: in a JSON text that is itself
/// a string, quotes of the inner text are spelled `\"`.
#[derive(Clone, Copy)]
struct Quote {
    byte: u8,
    start: usize,
    end: usize,
}

impl Quote {
    fn len(self) -> usize {
        self.end - self.start
    }

    fn is_same(self, unit: Unit) -> bool {
        unit.byte == self.byte && unit.len() == self.len()
    }

    /// Returns `true` if a unit ends the string that this text is in.
    fn is_around(self, unit: Unit) -> bool {
        unit.byte == b'"' && (unit.len() < self.len() || self.byte != b'"')
    }

    fn is_escape(self, unit: Unit) -> bool {
        unit.byte == b'\\' && unit.len() == self.len()
    }
}

enum State {
    /// Outside of anything that may be a name.
    Outside,
    /// In what may be a name.
    Name(Quote),
    /// After a secret name; `true` after the colon too.
    After(Quote, bool),
    /// In a string, whose content begins here.
    Text {
        quote: Quote,
        start: usize,
        is_escaped: bool,
    },
    /// In a number or a word.
    Bare { quote: Quote, start: usize },
    /// In an array or an object.
    Container {
        quote: Quote,
        start: usize,
        depth: usize,
        is_text: bool,
        is_escaped: bool,
    },
}

/// The values of secret members in one text.
pub(super) struct Members<'a> {
    text: &'a [u8],
    units: Units<'a>,
    state: State,
    /// The name, or the word, that is being read.
    word: Vec<u8>,
    /// The length of the shortest spelling of a quote. In a text that was decoded twice, a quote of one byte or
    /// two may only look like one.
    min_quote: usize,
    end: usize,
}

impl<'a> Members<'a> {
    pub(super) fn new(text: &'a [u8], depth: usize) -> Self {
        Self {
            text,
            units: Units::new(text, depth, 2 * MAX_NAME),
            state: State::Outside,
            word: Vec::with_capacity(MAX_NAME),
            min_quote: if depth < 2 { 1 } else { 4 },
            end: 0,
        }
    }

    /// Returns the state at a byte outside of any value.
    fn outside(&mut self, unit: Unit) -> State {
        self.word.clear();
        if matches!(unit.byte, b'"' | b'\'') && unit.len() >= self.min_quote {
            State::Name(Quote {
                byte: unit.byte,
                start: unit.start,
                end: unit.end,
            })
        } else {
            State::Outside
        }
    }

    /// Adds a byte to the word. Returns `false` if it is too long.
    fn push(&mut self, byte: u8) -> bool {
        let has_room = self.word.len() < MAX_NAME;
        if has_room {
            self.word.push(byte);
        }
        has_room
    }

    fn quoted(&self, quote: Quote, range: Range<usize>) -> Found<'a> {
        Found {
            range,
            quote: &self.text[quote.start..quote.end],
        }
    }

    /// Returns a number or a word, unless it says that there is no secret.
    fn bare(&self, quote: Quote, range: Range<usize>) -> Option<Found<'a>> {
        let is_nothing = matches!(self.word.as_slice(), b"null" | b"true" | b"false");
        (!is_nothing && !range.is_empty()).then(|| self.quoted(quote, range))
    }

    /// Reads a unit that changes no state, as most do. Returns `false` if it may change it.
    fn pass(&mut self, unit: Unit) -> bool {
        if matches!(unit.byte, b'"' | b'\'' | b'\\') {
            return false;
        }
        match &self.state {
            State::Outside => true,
            State::Name(_) => self.push(unit.byte),
            State::Text { is_escaped, .. } => !is_escaped,
            _ => false,
        }
    }

    /// Reads one unit, and returns the value that it ends.
    fn read(&mut self, unit: Unit) -> Option<Found<'a>> {
        if self.pass(unit) {
            return None;
        }
        let state = std::mem::replace(&mut self.state, State::Outside);
        let mut found = None;
        self.state = match state {
            State::Outside => self.outside(unit),
            State::Name(quote) if quote.is_same(unit) => {
                if is_secret_name(&self.word) {
                    State::After(quote, false)
                } else {
                    self.outside(unit)
                }
            }
            State::Name(_) if matches!(unit.byte, b'"' | b'\'') => self.outside(unit),
            // A backslash here belongs to the quote of a text further inside.
            State::Name(quote) if unit.byte != b'\\' && self.push(unit.byte) => State::Name(quote),
            State::Name(_) => State::Outside,
            State::After(quote, has_colon) => self.after_name(quote, has_colon, unit),
            State::Text {
                quote,
                start,
                is_escaped,
            } => {
                if !is_escaped && quote.is_same(unit) || quote.is_around(unit) {
                    found = Some(Found::plain(start..unit.start));
                    self.outside(unit)
                } else {
                    State::Text {
                        quote,
                        start,
                        is_escaped: !is_escaped && quote.is_escape(unit),
                    }
                }
            }
            State::Bare { quote, start } => {
                if matches!(unit.byte, b',' | b'}' | b']' | b'"' | b'\'' | b'<')
                    || unit.byte.is_ascii_whitespace()
                {
                    found = self.bare(quote, start..unit.start);
                    self.outside(unit)
                } else {
                    self.push(unit.byte);
                    State::Bare { quote, start }
                }
            }
            State::Container {
                quote,
                start,
                depth,
                is_text,
                is_escaped,
            } => {
                if quote.is_around(unit) {
                    found = Some(self.quoted(quote, start..unit.start));
                    self.outside(unit)
                } else if is_text {
                    State::Container {
                        quote,
                        start,
                        depth,
                        is_text: is_escaped || !quote.is_same(unit),
                        is_escaped: !is_escaped && quote.is_escape(unit),
                    }
                } else {
                    let depth = match unit.byte {
                        b'{' | b'[' => depth + 1,
                        b'}' | b']' => depth - 1,
                        _ => depth,
                    };
                    if depth == 0 {
                        found = Some(self.quoted(quote, start..unit.end));
                        State::Outside
                    } else {
                        State::Container {
                            quote,
                            start,
                            depth,
                            is_text: quote.is_same(unit),
                            is_escaped: false,
                        }
                    }
                }
            }
        };
        found
    }

    /// Returns the state after a secret name and another byte.
    fn after_name(&mut self, quote: Quote, has_colon: bool, unit: Unit) -> State {
        self.word.clear();
        match unit.byte {
            byte if byte.is_ascii_whitespace() => State::After(quote, has_colon),
            b':' | b'=' if !has_colon => State::After(quote, true),
            // As Ruby writes it: `"name"=>"value"`.
            b'>' if has_colon => State::After(quote, true),
            _ if !has_colon => self.outside(unit),
            _ if quote.is_same(unit) => State::Text {
                quote,
                start: unit.end,
                is_escaped: false,
            },
            b'{' | b'[' => State::Container {
                quote,
                start: unit.start,
                depth: 1,
                is_text: false,
                is_escaped: false,
            },
            b'"' | b'\'' | b',' | b'}' | b']' | b':' => self.outside(unit),
            byte => {
                self.push(byte);
                State::Bare {
                    quote,
                    start: unit.start,
                }
            }
        }
    }

    /// Returns the value in which the text ends.
    fn finish(&mut self) -> Option<Found<'a>> {
        match std::mem::replace(&mut self.state, State::Outside) {
            State::Outside | State::Name(_) | State::After(..) => None,
            State::Text { start, .. } => Some(Found::plain(start..self.end)),
            State::Bare { quote, start } => self.bare(quote, start..self.end),
            State::Container { quote, start, .. } => Some(self.quoted(quote, start..self.end)),
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        loop {
            // Quotes of one byte are not escapes, so nothing is skipped where those count.
            let may_skip = self.min_quote > 1 && matches!(self.state, State::Outside);
            let found = match self.units.next(may_skip) {
                Some(unit) => {
                    self.end = unit.end;
                    self.read(unit)
                }
                None => return self.finish().filter(|found| !found.range.is_empty()),
            };
            if let Some(found) = found
                && !found.range.is_empty()
            {
                return Some(found);
            }
        }
    }
}
