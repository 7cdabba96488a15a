//! The rows of a bulk command: CSV with a header, one JSON value a line, or plain lines; from a file or from standard
//! input, with a limited row at a time in memory.

pub(crate) mod columns;
mod csv;
mod json_row;
mod lines;
pub(crate) mod row;
pub(crate) mod shard;
pub(crate) mod source;

#[cfg(test)]
mod tests;

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use crate::failure::Failure;
use csv::{Csv, Record};
use lines::{Line, Lines};
use row::{Fields, Row, RowProblem, check_text};
use shard::Shard;
use source::{Opened, Source, not_read};

/// The longest row, in bytes.
pub(crate) const MAX_ROW_LEN: usize = 1 << 20;

type Reader = BufReader<Box<dyn Read + Send>>;

/// How the input is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum InputFormat {
    /// Values separated by commas; the first line has the names of the columns.
    Csv,
    /// One JSON value a line.
    Jsonl,
    /// One value a line.
    Lines,
}

impl InputFormat {
    /// Returns the format that a file's name suggests.
    pub(crate) fn of(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Self::Csv,
            Some("jsonl" | "ndjson") => Self::Jsonl,
            _ => Self::Lines,
        }
    }
}

/// What of each row is used.
#[derive(Clone, Debug)]
pub(crate) enum Selection {
    /// One value, of this column if there are several.
    Value(Option<String>),
    /// A value for each role, of the column that plays it.
    Roles(Vec<Role>),
    /// All columns.
    Record,
}

/// What a column is used for.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// The name of the role, which the field has.
    pub(crate) name: &'static str,
    /// The option that names the column.
    pub(crate) option: &'static str,
    /// The name that the option gives.
    pub(crate) wanted: Option<String>,
    /// Usual names of such a column.
    pub(crate) usual: &'static [&'static str],
    pub(crate) is_required: bool,
}

/// The rows, one at a time.
pub(crate) struct Rows {
    text: Text,
    selection: Selection,
    opened: Opened,
    shard: Shard,
    /// How many rows were read, those of other shards included.
    read: u64,
    /// How many of them are of this shard.
    returned: u64,
    /// Of the names of the columns; 0 without a header.
    pub(crate) header_checksum: u32,
}

enum Text {
    Csv {
        records: Box<Csv<Reader>>,
        names: Vec<Arc<str>>,
        /// The name and the index of each selected column.
        selected: Vec<(Arc<str>, usize)>,
    },
    Jsonl(Lines<Reader>),
    Lines(Lines<Reader>, Arc<str>),
}

impl Rows {
    /// Begins to read: the header of a CSV file, and nothing of other ones.
    pub(crate) fn new(
        source: Source,
        format: InputFormat,
        selection: Selection,
        shard: Shard,
    ) -> Result<Self, Failure> {
        let Source { reader, opened } = source;
        let mut header_checksum = 0;
        let text = match (format, &selection) {
            (InputFormat::Csv, _) => {
                let mut records = Box::new(Csv::new(reader));
                let (names, checksum) = header(&mut records, &opened.name)?;
                header_checksum = checksum;
                let selected = selected(&selection, &names, &opened.name)?;
                Text::Csv {
                    records,
                    names,
                    selected,
                }
            }
            (InputFormat::Jsonl, _) => Text::Jsonl(Lines::new(reader)),
            (InputFormat::Lines, Selection::Value(None)) => {
                Text::Lines(Lines::new(reader), "value".into())
            }
            (InputFormat::Lines, _) => {
                return Err(Failure::usage(
                    format!("{} has plain lines, without columns", opened.name),
                    "say how it is written with --input-format csv or jsonl",
                ));
            }
        };
        Ok(Self {
            text,
            selection,
            opened,
            shard,
            read: 0,
            returned: 0,
            header_checksum,
        })
    }

    /// Returns what is known of the input apart from its rows.
    pub(crate) const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Returns the next row of the shard; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, Failure> {
        loop {
            let is_ours = self.shard.contains(self.read + 1);
            let Some((line, checksum, fields)) = self.read(is_ours)? else {
                return Ok(None);
            };
            self.read += 1;
            if is_ours {
                self.returned += 1;
                return Ok(Some(Row {
                    number: self.returned,
                    line,
                    checksum,
                    fields,
                }));
            }
        }
    }

    /// Reads a row. The fields of one that `is_ours` does not say are left out.
    fn read(&mut self, is_ours: bool) -> Result<Option<ReadRow>, Failure> {
        let none = || Ok(Fields::default());
        let read = match &mut self.text {
            Text::Csv {
                records,
                names,
                selected,
            } => records.next().map(|record| {
                record.map(|record| {
                    let fields = match is_ours {
                        true => csv_fields(&record, names.len(), selected),
                        false => none(),
                    };
                    (record.line, record.checksum, fields)
                })
            }),
            Text::Lines(lines, name) => next_full(lines, |text| match is_ours {
                true => Ok(Fields(vec![(Arc::clone(name), text.to_owned())])),
                false => none(),
            }),
            Text::Jsonl(lines) => {
                let selection = &self.selection;
                next_full(lines, |text| match is_ours {
                    true => json_row::parse(text, selection),
                    false => none(),
                })
            }
        };
        let read = read.map_err(|error| not_read(&self.opened.name, &error))?;
        if let Some((_, _, Err(problem))) = &read
            && problem.is_missing_column
            && self.returned == 0
        {
            let message = format!("the first row of {}: {}", self.opened.name, problem.message);
            return Err(Failure::usage(message, "name a member with --column"));
        }
        Ok(read)
    }
}

/// Returns the names of the columns, and their checksum.
fn header(records: &mut Csv<Reader>, input: &str) -> Result<(Vec<Arc<str>>, u32), Failure> {
    let invalid = |why: &str| {
        Failure::usage(
            format!("the first line of {input} {why}"),
            "write the names of the columns there; for one value a line without a header, use --input-format lines",
        )
    };
    let Some(record) = records.next().map_err(|error| not_read(input, &error))? else {
        return Err(invalid("has no names of columns"));
    };
    let fields = record.fields.ok_or_else(|| invalid("is too long"))?;
    let names: Result<Vec<Arc<str>>, _> = fields
        .iter()
        .map(|name| check_text(name).map(|name| Arc::from(name.trim())))
        .collect();
    let names = names.map_err(|_| invalid("is not UTF-8"))?;
    Ok((names, record.checksum))
}

/// Returns the selected fields of a record.
fn csv_fields(
    record: &Record<'_>,
    columns: usize,
    selected: &[(Arc<str>, usize)],
) -> Result<Fields, RowProblem> {
    let Some(fields) = record.fields else {
        return Err(too_long("; a quotation mark may be missing"));
    };
    if fields.len() != columns {
        let has = fields.len();
        return Err(RowProblem::new(format!(
            "it has {has} fields, but the header has {columns}; put fields with commas in quotation marks"
        )));
    }
    let field = |(name, index): &(Arc<str>, usize)| {
        let text = fields.get(*index).unwrap_or_default();
        let text = check_text(text).map_err(|problem| problem.in_column(name))?;
        Ok((Arc::clone(name), text.to_owned()))
    };
    selected
        .iter()
        .map(field)
        .collect::<Result<_, _>>()
        .map(Fields)
}

/// Returns the columns that are used, by the names that their fields have.
fn selected(
    selection: &Selection,
    names: &[Arc<str>],
    input: &str,
) -> Result<Vec<(Arc<str>, usize)>, Failure> {
    match selection {
        Selection::Value(wanted) => {
            let index = columns::choose(input, names, wanted.as_deref())?;
            Ok(vec![(Arc::clone(&names[index]), index)])
        }
        Selection::Roles(roles) => columns::roles(input, names, roles),
        Selection::Record => Ok((0..)
            .zip(names)
            .map(|(at, name)| (Arc::clone(name), at))
            .collect()),
    }
}

type ReadRow = (u64, u32, Result<Fields, RowProblem>);

/// Returns the fields of the next line that is not empty.
fn next_full(
    lines: &mut Lines<Reader>,
    parse: impl Fn(&str) -> Result<Fields, RowProblem>,
) -> io::Result<Option<ReadRow>> {
    while let Some(line) = lines.next()? {
        if line.bytes.trim_ascii().is_empty() && !line.is_too_long {
            continue;
        }
        let fields = match line {
            Line {
                is_too_long: true, ..
            } => Err(too_long("")),
            Line { bytes, .. } => check_text(bytes).and_then(&parse),
        };
        return Ok(Some((line.number, line.checksum, fields)));
    }
    Ok(None)
}

fn too_long(why: &str) -> RowProblem {
    RowProblem::new(format!("it is longer than {} KiB{why}", MAX_ROW_LEN >> 10))
}
