//! [`Csv`]: rows of a CSV file. The first one has the names of the columns.

use std::io::{self, BufRead, BufReader, Read};

use csv_core::{ReadRecordResult, Reader};

use super::MAX_ROW_LEN;
use super::row::checksum;

/// The most columns that a row may have.
pub(super) const MAX_COLUMNS: usize = 4096;

/// Reads records of a limited length. A longer one is read to its end and not kept.
pub(crate) struct Csv<R> {
    reader: R,
    parser: Reader,
    lines: LineEnds,
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
    pub(crate) end: RecordEnd,
}

/// What a record ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordEnd {
    /// The end of a line.
    Line,
    /// The end of the input, without the end of a line.
    Input,
    /// The end of the input, within quotation marks.
    InputInQuotes,
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

impl<R: Read> Csv<BufReader<R>> {
    /// Returns what was read and not used yet.
    pub(crate) fn buffer(&self) -> &[u8] {
        self.reader.buffer()
    }
}

impl<R: BufRead> Csv<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            parser: Reader::new(),
            lines: LineEnds::default(),
            text: vec![0; MAX_ROW_LEN],
            ends: vec![0; MAX_COLUMNS],
        }
    }

    /// Returns the next record; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        self.skip_line_ends()?;
        let line = self.lines.count + 1;
        let (mut text, mut ends) = (0, 0);
        let mut is_too_long = false;
        let mut end = RecordEnd::Line;
        let mut is_line_ended = false;
        let mut discarded = crc32fast::Hasher::new();
        loop {
            let input = fill(&mut self.reader)?;
            // After the end of the input comes the end of a line, which ends a record unless it is within quotation marks.
            let is_at_end = input.is_empty();
            let bytes = match is_at_end {
                true if !is_line_ended => b"\n",
                _ => input,
            };
            let (result, read, written, ended) =
                self.parser
                    .read_record(bytes, &mut self.text[text..], &mut self.ends[ends..]);
            if is_at_end {
                end = match is_line_ended {
                    true => RecordEnd::InputInQuotes,
                    false => RecordEnd::Input,
                };
                is_line_ended |= read > 0;
            } else {
                self.lines.pass(&input[..read]);
                self.reader.consume(read);
            }
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
                end,
            }));
        }
        Ok(Some(Record {
            line,
            checksum: checksum(fields.iter()),
            fields: Some(fields),
            end,
        }))
    }

    /// Skips the end of the line before and empty lines, so that a record begins on the line that is counted.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            let input = fill(&mut self.reader)?;
            let Some(end @ (b'\n' | b'\r')) = input.first() else {
                return Ok(());
            };
            self.lines.pass(&[*end]);
            self.reader.consume(1);
        }
    }
}

/// Counts the ends of lines: a line feed, a carriage return, or both in this order, as the parser ends a record.
#[derive(Default)]
struct LineEnds {
    count: u64,
    /// The last byte was a carriage return, so that a line feed after it is no other end.
    is_after_return: bool,
}

impl LineEnds {
    fn pass(&mut self, bytes: &[u8]) {
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let is_after_return = match at.checked_sub(1) {
                Some(before) => bytes[before] == b'\r',
                None => self.is_after_return,
            };
            self.count += u64::from(bytes[at] == b'\r' || !is_after_return);
        }
        self.is_after_return = match bytes.last() {
            Some(last) => *last == b'\r',
            None => self.is_after_return,
        };
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
