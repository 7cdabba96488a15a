//! [`Encoder`]: the result of a row as a line of JSON or of CSV.

use csv_core::{WriteResult, Writer};
use serde::Serialize;
use serde_json::{Map, Value};

use super::input::shard::Shard;
use super::job::{Fate, INPUT, Problem};
use super::journal::record::Counts;
use crate::failure::Failure;
use crate::output;
use crate::redact::{KnownSecrets, Secrets};

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    /// One JSON object a line.
    Jsonl,
    /// Values separated by commas, with a header.
    Csv,
}

/// A row that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Among the rows of the shard.
    pub(crate) row: u64,
    pub(crate) line: u64,
    /// The value that was looked up; `None` if the row is a record.
    pub(crate) value: Option<String>,
    pub(crate) fate: Fate,
}

/// One result, with its members in this order.
#[derive(Serialize)]
struct ResultLine<'a> {
    row: u64,
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    status: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    members: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Problem>,
}

/// Writes results, without the account's keys.
pub(crate) struct Encoder<'a> {
    pub(crate) format: OutputFormat,
    pub(crate) shard: Shard,
    pub(crate) columns: &'static [&'static str],
    pub(crate) secrets: &'a KnownSecrets,
}

impl Finished {
    /// Returns the name of how the row ended.
    pub(crate) const fn status(&self) -> &'static str {
        match &self.fate {
            Fate::Answered(verdict) if verdict.is_success => "ok",
            Fate::Answered(_) | Fate::Failed(_) => "failed",
            Fate::Unknown(_) => "unknown",
        }
    }

    pub(crate) fn count(&self, counts: &mut Counts) {
        *match self.status() {
            "ok" => &mut counts.ok,
            "failed" => &mut counts.failed,
            _ => &mut counts.unknown,
        } += 1;
    }
}

impl Encoder<'_> {
    /// Returns the header of a result file.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut line = Vec::new();
        if self.format == OutputFormat::Csv {
            let names = ["row", "line", "value", "status"].iter();
            let names = names.chain(self.columns);
            let names = names.chain(&["error_kind", "error_column", "error"]);
            csv_line(&mut line, names.map(|name| (*name).to_owned()));
        }
        line
    }

    /// Names a row that failed, and says why if it was not sent.
    pub(crate) fn describe_failed(&self, finished: &Finished) -> Option<String> {
        let problem = match &finished.fate {
            Fate::Answered(verdict) if verdict.is_success => return None,
            Fate::Failed(problem) if problem.kind == INPUT => Some(&*problem.message),
            _ => None,
        };
        let row = self.shard.number_of(finished.row);
        Some(describe_row(
            row,
            finished.line,
            problem,
            &self.secrets.now(),
        ))
    }

    /// Appends the line of a row.
    pub(crate) fn encode(&self, finished: &Finished, lines: &mut Vec<u8>) -> Result<(), Failure> {
        let (members, error) = match &finished.fate {
            Fate::Answered(verdict) => (Some(&verdict.members), None),
            Fate::Failed(problem) | Fate::Unknown(problem) => (None, Some(problem)),
        };
        let row = self.shard.number_of(finished.row);
        let mut line = Vec::new();
        match self.format {
            OutputFormat::Jsonl => {
                line = output::json_line(&ResultLine {
                    row,
                    line: finished.line,
                    value: finished.value.as_deref(),
                    status: finished.status(),
                    members,
                    error,
                })?
                .into_bytes();
            }
            OutputFormat::Csv => {
                let value = finished.value.clone().unwrap_or_default();
                let begin = [
                    row.to_string(),
                    finished.line.to_string(),
                    value,
                    finished.status().to_owned(),
                ];
                let member = |name: &&str| {
                    members
                        .and_then(|members| members.get(*name))
                        .map_or_else(String::new, csv_text)
                };
                let error = error.map(|problem| {
                    let column = problem.column.as_ref();
                    let column = column.and_then(|column| serde_json::to_value(column).ok());
                    [
                        problem.kind.to_owned(),
                        column.as_ref().map_or_else(String::new, csv_text),
                        problem.message.clone(),
                    ]
                });
                let members = self.columns.iter().map(member);
                let fields = begin.into_iter().chain(members);
                csv_line(&mut line, fields.chain(error.unwrap_or_default()));
            }
        }
        for piece in self.secrets.now().redact(&line) {
            lines.extend_from_slice(piece);
        }
        Ok(())
    }
}

/// Names a row by its number in the input, and says what is wrong with it if that is known, without secrets.
pub(crate) fn describe_row(
    row: u64,
    line: u64,
    problem: Option<&str>,
    secrets: &Secrets,
) -> String {
    let name = format!("row {row}, line {line}");
    let Some(problem) = problem else {
        return name;
    };
    let problem = secrets.redact_text(problem.as_bytes());
    format!("{name}: {}", String::from_utf8_lossy(&problem))
}

/// Returns a member as a field: the items of a list with semicolons between them.
pub(crate) fn csv_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(csv_text).collect();
            items.join(";")
        }
        other => other.to_string(),
    }
}

/// Appends a record of CSV.
pub(crate) fn csv_line(out: &mut Vec<u8>, fields: impl Iterator<Item = String>) {
    let mut writer = Writer::new();
    for (index, field) in fields.enumerate() {
        if index > 0 {
            append(out, |buffer| {
                let (result, written) = writer.delimiter(buffer);
                (result, 0, written)
            });
        }
        let mut field = field.as_bytes();
        append(out, |buffer| {
            let (result, read, written) = writer.field(field, buffer);
            field = &field[read..];
            (result, read, written)
        });
    }
    append(out, |buffer| {
        let (result, written) = writer.terminator(buffer);
        (result, 0, written)
    });
}

/// Calls a function with space to write to until it has written all.
fn append(out: &mut Vec<u8>, mut write: impl FnMut(&mut [u8]) -> (WriteResult, usize, usize)) {
    let mut buffer = [0; 256];
    loop {
        let (result, _, written) = write(&mut buffer);
        out.extend_from_slice(&buffer[..written]);
        if result == WriteResult::InputEmpty {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use activeprospect::ApiKey;

    use super::{csv_line, describe_row};
    use crate::redact::Secrets;

    #[test]
    fn a_row_is_named_without_the_keys_that_its_problem_repeats() {
        const KEY: &str = "placeholder-key-of-the-tests";
        let secrets = Secrets::new(&[ApiKey::parse(KEY).unwrap()]).unwrap();
        let problem = format!("did you mean `{KEY}`?");
        let named = describe_row(7, 8, Some(&problem), &secrets);
        assert_eq!(named, "row 7, line 8: did you mean `[redacted]`?");
        assert_eq!(describe_row(7, 8, None, &secrets), "row 7, line 8");
    }

    #[test]
    fn fields_of_csv_are_quoted_where_they_must_be() {
        let mut out = Vec::new();
        let long = "x".repeat(1000);
        let fields = ["a", "b,c", "d\"e", "f\ng", "", &long].map(str::to_owned);
        csv_line(&mut out, fields.into_iter());
        let expected = format!("a,\"b,c\",\"d\"\"e\",\"f\ng\",,{long}\n");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
