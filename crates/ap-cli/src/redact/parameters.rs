//! [`Parameters`]: finds the values of secret parameters in URLs and forms, wherever in a text they are. That of a
//! pre-signed link is its signature.

use activeprospect::ap_core::redact::is_secret_name;

use super::found::Found;
use super::units::{Unit, Units};

/// The longest name that is compared, in bytes.
const MAX_NAME: usize = 128;

/// The values of secret parameters in one text.
pub(super) struct Parameters<'a> {
    units: Units<'a>,
    /// The name that is being read. One byte more than allowed shows that it is too long.
    name: Vec<u8>,
    /// Where the value begins that is being read.
    value: Option<usize>,
    end: usize,
}

impl<'a> Parameters<'a> {
    pub(super) fn new(text: &'a [u8], depth: usize) -> Self {
        Self {
            units: Units::new(text, depth, MAX_NAME),
            name: Vec::with_capacity(MAX_NAME + 1),
            value: None,
            end: 0,
        }
    }

    /// Reads one unit, and returns the value that it ends.
    fn read(&mut self, unit: Unit) -> Option<Found<'a>> {
        if let Some(start) = self.value {
            if !ends_value(unit.byte) {
                return None;
            }
            self.value = None;
            return (start < unit.start).then(|| Found::plain(start..unit.start));
        }
        if is_of_name(unit.byte) {
            if self.name.len() <= MAX_NAME {
                self.name.push(unit.byte);
            }
            return None;
        }
        if unit.byte == b'=' && self.name.len() <= MAX_NAME && is_secret_name(&self.name) {
            self.value = Some(unit.end);
        }
        self.name.clear();
        None
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        loop {
            let Some(unit) = self.units.next(self.value.is_none()) else {
                let start = self.value.take()?;
                return (start < self.end).then(|| Found::plain(start..self.end));
            };
            self.end = unit.end;
            let found = self.read(unit);
            if found.is_some() {
                return found;
            }
        }
    }
}

/// Returns the name that a text ends in.
pub(super) fn name_at_end(text: &[u8]) -> &[u8] {
    let name = text.iter().rev().take_while(|byte| is_of_name(**byte));
    &text[text.len() - name.count()..]
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
}

fn ends_value(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || byte.is_ascii_control()
        || matches!(
            byte,
            b'&' | b';' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\'
        )
}
