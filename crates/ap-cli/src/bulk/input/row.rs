//! [`Row`]: one row of the input, or what is wrong with it.

use std::sync::Arc;

/// One row of the input.
#[derive(Debug)]
pub(crate) struct Row {
    /// From 1, among the rows of the shard. Empty lines do not count.
    pub(crate) number: u64,
    /// The line that it begins on, from 1.
    pub(crate) line: u64,
    /// Where in the input it ends, in bytes.
    pub(crate) end: u64,
    /// Of its content, so that a resumed run sees if it is still the same.
    pub(crate) checksum: u32,
    pub(crate) fields: Result<Fields, RowProblem>,
}

/// The fields of a row that are used: a value alone, or a whole record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<(Arc<str>, String)>);

/// The name of the field of a row that is a value alone.
pub(crate) const VALUE: &str = "value";

impl Fields {
    /// Returns the field of a name, if it is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.text(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// Returns the field of a name as it is in the row.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(found, _)| &**found == name);
        field.map(|(_, text)| &**text)
    }

    /// Returns the value, if one is used alone.
    pub(crate) fn value(&self) -> &str {
        self.0.first().map_or("", |(_, value)| value)
    }
}

/// What is wrong with a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RowProblem {
    /// What is wrong, and what to do.
    pub(crate) message: String,
    /// The column's name, or where in the line it is, counted from 1.
    pub(crate) column: Option<Column>,
    /// If the row has no column of the wanted name, so that probably no row has one: what to do.
    pub(crate) columns_hint: Option<String>,
}

/// Where in a row a problem is.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Column {
    Named(String),
    At(usize),
}

impl RowProblem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            column: None,
            columns_hint: None,
        }
    }

    pub(crate) fn in_column(mut self, name: &str) -> Self {
        self.column = Some(Column::Named(name.to_owned()));
        self
    }

    pub(crate) fn at(mut self, column: usize) -> Self {
        self.column = Some(Column::At(column));
        self
    }
}

/// Checks a text that came from the input.
pub(crate) fn check_text(bytes: &[u8]) -> Result<&str, RowProblem> {
    if let Some(at) = memchr::memchr(0, bytes) {
        let message = "it contains a zero byte; if the file is UTF-16, convert it to UTF-8";
        return Err(RowProblem::new(message).at(at + 1));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let message = "it is not UTF-8; convert the file to UTF-8";
        RowProblem::new(message).at(error.valid_up_to() + 1)
    })
}

/// Returns the problem of a line with a carriage return in it. In a file whose lines end with nothing else, the first line is
/// the whole file.
pub(crate) fn carriage_return(line: &[u8]) -> Option<RowProblem> {
    let at = memchr::memchr(b'\r', line)?;
    let hint = "if its lines end with carriage returns alone, convert it with `tr '\\r' '\\n'`";
    Some(RowProblem {
        columns_hint: Some(hint.to_owned()),
        ..RowProblem::new("it contains a carriage return; end lines with a line feed").at(at + 1)
    })
}

/// Returns the checksum of a row's fields. Each is counted with its length, so that moving a border changes it.
pub(crate) fn checksum<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for field in fields {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    hasher.finalize()
}
