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

use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use csv::{Csv, MAX_COLUMNS, Record, RecordEnd};
use lines::Lines;
use row::{Fields, Row, RowProblem, VALUE, carriage_return, check_text};
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
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Selection {
    /// One value, of this column if there are several.
    Value(Option<String>),
    /// A value for each role, of the column that plays it.
    Roles(Vec<Role>),
    /// All columns, some of them by other names.
    Record(Vec<Renamed>),
}

impl Selection {
    /// Describes it in the same way in every version, for the journal.
    pub(crate) fn describe(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A column that is used by another name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Renamed {
    pub(crate) column: String,
    /// `None` if it is left out.
    pub(crate) name: Option<String>,
}

/// What a column is used for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Role {
    /// The name of the role, which the field has.
    pub(crate) name: &'static str,
    /// The option that names the column.
    #[serde(skip)]
    pub(crate) option: &'static str,
    /// The name that the option gives.
    pub(crate) wanted: Option<String>,
    /// Usual names of such a column.
    #[serde(skip)]
    pub(crate) usual: &'static [&'static str],
    #[serde(skip)]
    pub(crate) need: Need,
}

/// Which roles must have a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    /// At least one of these roles.
    OneOfThese,
    Optional,
}

/// The rows, one at a time.
pub(crate) struct Rows {
    text: Text,
    selection: Selection,
    opened: Opened,
    /// The first row, if it was read to know if the input is what it should be.
    first: Option<Row>,
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
    /// Begins to read: the header of a CSV file, and the first row of any other.
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
                Text::Lines(Lines::new(reader), VALUE.into())
            }
            (InputFormat::Lines, _) => {
                return Err(Failure::usage(
                    format!("{} has plain lines, without columns", opened.name),
                    "say how it is written with --input-format csv or jsonl",
                ));
            }
        };
        let mut rows = Self {
            text,
            selection,
            opened,
            first: None,
            shard,
            read: 0,
            returned: 0,
            header_checksum,
        };
        if format != InputFormat::Csv {
            rows.first = rows.next()?;
            if rows.read == 0 {
                return Err(Failure::usage(
                    format!("{} has only empty lines", rows.opened.name),
                    "give it at least one row",
                ));
            }
        }
        Ok(rows)
    }

    /// Returns what is known of the input apart from its rows.
    pub(crate) const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Returns `true` if the next row can be read without waiting for the input, as far as that is cheap to know.
    pub(crate) fn is_next_ready(&self) -> bool {
        if !self.shard.contains(self.read + 1) {
            return false;
        }
        let (buffer, is_csv) = self.buffer();
        let buffer = buffer.trim_ascii_start();
        let end = match is_csv {
            true => memchr::memchr2(b'\n', b'\r', buffer),
            false => memchr::memchr(b'\n', buffer),
        };
        let is_whole = |line| memchr::memchr_iter(b'"', line).count().is_multiple_of(2);
        end.is_some_and(|end| !is_csv || is_whole(&buffer[..end]))
    }

    /// Returns what was read and is in no row yet, and `true` for CSV: there, a carriage return ends a row too, and nothing
    /// within quotation marks ends one.
    fn buffer(&self) -> (&[u8], bool) {
        match &self.text {
            Text::Csv { records, .. } => (records.buffer(), true),
            Text::Jsonl(lines) | Text::Lines(lines, _) => (lines.buffer(), false),
        }
    }

    /// Returns the next row of the shard; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, Failure> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        loop {
            let is_ours = self.shard.contains(self.read + 1);
            let Some(read) = self.read(is_ours)? else {
                return Ok(None);
            };
            self.read += 1;
            if is_ours {
                self.returned += 1;
                return Ok(Some(Row {
                    number: self.returned,
                    line: read.line,
                    end: self
                        .opened
                        .position()
                        .saturating_sub(self.buffer().0.len() as u64),
                    checksum: read.checksum,
                    fields: read.fields,
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
                record.map(|record| ReadRow {
                    line: record.line,
                    checksum: record.checksum,
                    fields: match is_ours {
                        true => csv_fields(&record, names.len(), selected),
                        false => none(),
                    },
                    end: record.end,
                })
            }),
            Text::Lines(lines, name) => next_full(lines, |text| match is_ours {
                true => plain_value(text, name),
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
        let Some(row) = &read else {
            return Ok(None);
        };
        if row.end != RecordEnd::Line {
            // It may be the half of a row of a file that was cut meanwhile.
            self.opened.check_unchanged()?;
        }
        if row.end == RecordEnd::InputInQuotes {
            return Err(never_closed(&self.opened.name, row.line));
        }
        if let Err(problem) = &row.fields
            && let Some(hint) = &problem.columns_hint
            && self.returned == 0
        {
            let message = format!("the first row of {}: {}", self.opened.name, problem.message);
            return Err(Failure::usage(message, hint));
        }
        Ok(read)
    }
}

/// Returns a line as a value, unless it is a line of something else.
fn plain_value(text: &str, name: &Arc<str>) -> Result<Fields, RowProblem> {
    let of_another_format = |what: &str, hint: &str| RowProblem {
        columns_hint: Some(hint.to_owned()),
        ..RowProblem::new(format!("it is {what}, not one value"))
    };
    if text.trim_ascii_start().starts_with(['{', '[']) {
        let hint = "write one JSON value a line, and use --input-format jsonl";
        return Err(of_another_format("JSON", hint));
    }
    if text.trim_ascii().contains('\t') {
        let hint = "write commas between the columns and their names in the first line, and use --input-format csv";
        return Err(of_another_format("values separated by tabs", hint));
    }
    if let Some(problem) = carriage_return(text.as_bytes()) {
        return Err(problem);
    }
    Ok(Fields(vec![(Arc::clone(name), text.to_owned())]))
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
    if record.end == RecordEnd::InputInQuotes {
        return Err(invalid("has a quotation mark that is never closed"));
    }
    let fields = record.fields.ok_or_else(|| invalid("is too long"))?;
    let names: Result<Vec<Arc<str>>, _> = fields
        .iter()
        .map(|name| check_text(name).map(|name| Arc::from(name.trim())))
        .collect();
    let names = names.map_err(|_| {
        Failure::usage(
            format!("the first line of {input} is not UTF-8"),
            "save the file as UTF-8, or convert it with `iconv -f WINDOWS-1252 -t UTF-8`",
        )
    })?;
    if let [name] = &names[..]
        && let Some(separator) = [';', '\t'].into_iter().find(|at| name.contains(*at))
    {
        let separator = if separator == ';' {
            "semicolons"
        } else {
            "tabs"
        };
        return Err(Failure::usage(
            format!("the columns of {input} are separated by {separator}"),
            "save the file with commas between the columns",
        ));
    }
    Ok((names, record.checksum))
}

/// Returns the failure for a row in which everything after a quotation mark is one field.
fn never_closed(input: &str, line: u64) -> Failure {
    Failure::new(
        ExitCode::Other,
        format!("the row on line {line} of {input} has a quotation mark that is never closed"),
        "close it; this row and everything after it is left",
    )
}

/// Returns the selected fields of a record.
fn csv_fields(
    record: &Record<'_>,
    columns: usize,
    selected: &[(Arc<str>, usize)],
) -> Result<Fields, RowProblem> {
    let Some(fields) = record.fields else {
        return Err(RowProblem::new(format!(
            "it is longer than {} KiB or has more than {MAX_COLUMNS} fields; a quotation mark may be missing",
            MAX_ROW_LEN >> 10
        )));
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
        Selection::Record(renamed) => {
            let fields = columns::record(input, names, renamed)?;
            columns::check_fields(input, names, renamed)?;
            Ok(fields)
        }
    }
}

/// A row as it was read.
struct ReadRow {
    line: u64,
    checksum: u32,
    fields: Result<Fields, RowProblem>,
    end: RecordEnd,
}

fn too_long() -> RowProblem {
    RowProblem::new(format!("it is longer than {} KiB", MAX_ROW_LEN >> 10))
}

/// Returns the fields of the next line that is not empty.
fn next_full(
    lines: &mut Lines<Reader>,
    parse: impl Fn(&str) -> Result<Fields, RowProblem>,
) -> io::Result<Option<ReadRow>> {
    while let Some(line) = lines.next()? {
        if line.bytes.trim_ascii().is_empty() && !line.is_too_long {
            continue;
        }
        let (number, checksum) = (line.number, line.checksum);
        let fields = match line.is_too_long {
            true => Err(carriage_return(line.bytes).unwrap_or_else(too_long)),
            false => check_text(line.bytes).and_then(&parse),
        };
        return Ok(Some(ReadRow {
            line: number,
            checksum,
            fields,
            end: match line.is_cut {
                true => RecordEnd::Input,
                false => RecordEnd::Line,
            },
        }));
    }
    Ok(None)
}
