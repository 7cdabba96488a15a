//! [`Csv`]: rows of a CSV file. The first one has the names of the columns.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader};

use super::MAX_ROW_LEN;
use super::row::checksum;

/// The most columns that a row may have.
const MAX_COLUMNS: usize = 4096;

/// Reads records of a limited length. A longer one is read to its end and not kept.
pub(crate) struct Csv<R> {
    reader: R,
    parser: Reader,
    /// How many lines were read to their end.
    lines: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// One record.
pub(crate) struct Record<'a> {
    /// The line that it begins on, from 1.
    pub(crate) line: u64,
    pub(crate) checksum: u32,
    /// `None` if it is too long.
    pub(crate) fields: Option<FieldsOf<'a>>,
}

/// The fields of a record.
#[derive(Clone, Copy)]
pub(crate) struct FieldsOf<'a> {
    text: &'a [u8],
    ends: &'a [usize],
}

impl<'a> FieldsOf<'a> {
    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns a field by its index.
    pub(crate) fn get(&self, index: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..end)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).filter_map(move |index| self.get(index))
    }
}

impl<R: BufRead> Csv<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            parser: Reader::new(),
            lines: 0,
            text: vec![0; MAX_ROW_LEN],
            ends: vec![0; MAX_COLUMNS],
        }
    }

    /// Returns the next record; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        self.skip_line_ends()?;
        let line = self.lines + 1;
        let (mut text, mut ends) = (0, 0);
        let mut is_too_long = false;
        let mut discarded = crc32fast::Hasher::new();
        loop {
            let input = fill(&mut self.reader)?;
            let (result, read, written, ended) =
                self.parser
                    .read_record(input, &mut self.text[text..], &mut self.ends[ends..]);
            self.lines += memchr::memchr_iter(b'\n', &input[..read]).count() as u64;
            self.reader.consume(read);
            text += written;
            ends += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    is_too_long = true;
                    discarded.update(&self.text[..text]);
                    (text, ends) = (0, 0);
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        let fields = FieldsOf {
            text: &self.text[..text],
            ends: &self.ends[..ends],
        };
        if is_too_long {
            discarded.update(fields.text);
            return Ok(Some(Record {
                line,
                checksum: discarded.finalize(),
                fields: None,
            }));
        }
        Ok(Some(Record {
            line,
            checksum: checksum(fields.iter()),
            fields: Some(fields),
        }))
    }

    /// Skips the end of the line before and empty lines, so that a record begins on the line that is counted.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            let input = fill(&mut self.reader)?;
            match input.first() {
                Some(b'\n') => self.lines += 1,
                Some(b'\r') => {}
                _ => return Ok(()),
            }
            self.reader.consume(1);
        }
    }
}

fn fill(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // What is buffered is returned again, without another read.
    reader.fill_buf()
}
