//! [`Answer`]: how an answer is shown: as a table for people, or as the JSON that the product sent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use activeprospect::ap_core::redact;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use serde_json::value::RawValue;

use super::selection::{self, Chosen, Columns};
use crate::bulk::input::columns::suggestion;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::jq;
use crate::output::{self, Printed};
use crate::session::Session;

/// The options of commands that show a table.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct JsonOption {
    /// Print the JSON that the product sent, without secrets.
    #[arg(long)]
    json: bool,
    /// Print what a filter in the language of jq makes of that JSON.
    #[arg(long, value_name = "FILTER", value_parser = jq::Filter::parse)]
    jq: Option<jq::Filter>,
}

impl JsonOption {
    /// Returns `true` if the answer is printed as JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Returns `true` if one of the options is given.
    pub(crate) const fn is_given(&self) -> bool {
        self.json || self.jq.is_some()
    }
}

/// An answer that is shown.
pub(crate) struct Answer<'a> {
    /// Without secrets.
    pub(crate) body: &'a [u8],
    /// Where in it the list is, as a JSON pointer.
    pub(crate) list: &'a str,
    pub(crate) columns: Columns<'a>,
    /// The names of `--fields`.
    pub(crate) fields: &'a [String],
    /// The call changed something, so a name that is wrong must not hide the answer.
    pub(crate) is_change: bool,
}

impl Answer<'_> {
    /// Prints it: as JSON, or as a table.
    pub(crate) fn print(&self, json: &JsonOption, session: &Session) -> Result<Printed, Failure> {
        if let Some(filter) = json.jq {
            let text = self.json_text()?.into_owned();
            return filter.print(text, session.timeout(), Some(&session.secrets.now()));
        }
        if json.is_json() {
            return output::print_json(&self.json_text()?);
        }
        let value: Value = serde_json::from_slice(self.body).map_err(not_json)?;
        let (items, chosen) = self.chosen(&value)?;
        output::print(table(items, &chosen, width()).as_bytes())
    }

    /// Returns what the product sent, or of it the members of `--fields`.
    fn json_text(&self) -> Result<Cow<'_, [u8]>, Failure> {
        if self.fields.is_empty() {
            return Ok(Cow::Borrowed(self.body));
        }
        let value: Value = serde_json::from_slice(self.body).map_err(not_json)?;
        let (_, chosen) = self.chosen(&value)?;
        let text = self.list_text().map_err(not_json)?;
        let selected = selection::select(text, &chosen).map_err(not_json)?;
        Ok(Cow::Owned(selected.get().as_bytes().to_vec()))
    }

    /// Returns the items, and the members of them that are shown.
    fn chosen<'v>(&self, value: &'v Value) -> Result<(&'v Value, Vec<Chosen>), Failure> {
        let items = value.pointer(self.list).unwrap_or(value);
        let chosen = selection::chosen(self.columns, self.fields);
        match self.unknown(items, &chosen) {
            Some(failure) if self.is_change => {
                output::eprintln(&format!("ap: {}", failure.message));
            }
            Some(failure) => return Err(failure),
            None => {}
        }
        Ok((items, chosen))
    }

    /// Returns the failure for a name of `--fields` that no item has.
    fn unknown(&self, items: &Value, chosen: &[Chosen]) -> Option<Failure> {
        let items = elements(items);
        let is_in_none = |chosen: &Chosen| items.iter().all(|item| chosen.values(item).is_empty());
        if items.is_empty() {
            return None;
        }
        let at = (0..self.fields.len()).find(|&at| is_in_none(&chosen[at]))?;
        let known: Vec<String> = selection::known_names(self.columns).collect();
        let nearest = suggestion(known.iter().map(String::as_str), &self.fields[at]);
        let number = at + 1;
        let message = format!("nothing in the answer has name {number} of --fields{nearest}");
        Some(Failure::new(
            ExitCode::Other,
            message,
            "see what there is with --json",
        ))
    }

    /// Returns the text of the list, or of everything if it is not there.
    fn list_text(&self) -> serde_json::Result<&[u8]> {
        let mut text = self.body;
        for name in self.list.split('/').skip(1) {
            let members: BTreeMap<String, &RawValue> = serde_json::from_slice(text)?;
            match members.get(name) {
                Some(member) => text = member.get().as_bytes(),
                None => return Ok(self.body),
            }
        }
        Ok(text)
    }
}

fn not_json(_: serde_json::Error) -> Failure {
    Failure::new(
        ExitCode::Other,
        "the answer is not JSON",
        "see it as it is with --json",
    )
}

/// Returns the items of a list, or one object as the only item.
fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        other => std::slice::from_ref(other),
    }
}

/// Returns a table of one object or of several: a line for each, or for each member of one.
fn table(value: &Value, columns: &[Chosen], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    let title = |column: &Chosen| redact::escape(&column.title);
    if let Value::Array(items) = value {
        table.set_header(columns.iter().map(title));
        for item in items {
            table.add_row(columns.iter().map(|column| cells(&column.values(item))));
        }
    } else {
        for column in columns {
            table.add_row([title(column), cells(&column.values(value))]);
        }
    }
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

/// Returns what a cell shows of the values of a member.
fn cells(values: &[&Value]) -> String {
    match values {
        [] => "-".to_owned(),
        [value] => cell(value),
        values => {
            let cells: Vec<_> = values.iter().map(|value| cell(value)).collect();
            cells.join(", ")
        }
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => redact::escape(text),
        Value::Array(items) => items.len().to_string(),
        other => redact::escape(&other.to_string()),
    }
}

/// Returns the width of the terminal; `None` if standard output is none.
fn width() -> Option<u16> {
    #[cfg(unix)]
    {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        (size.ws_col > 0).then_some(size.ws_col)
    }
    #[cfg(not(unix))]
    {
        use std::io::IsTerminal as _;
        std::io::stdout().is_terminal().then_some(80)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::selection::chosen;
    use super::*;

    const COLUMNS: Columns<'_> = &[("id", "/id"), ("name", "/name"), ("sources", "/sources")];

    #[test]
    fn a_list_has_a_line_for_each_item_and_fits_the_width() {
        let value = json!([
            {"id": "1", "name": "a flow\u{1b}[31m", "sources": [1, 2]},
            {"id": "2", "name": "x".repeat(200)},
        ]);
        let text = table(&value, &chosen(COLUMNS, &[]), None);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].trim_start().starts_with("id"), "{text}");
        assert!(lines[1].contains("a flow\\u{1b}[31m"), "{text}");
        assert!(lines[1].ends_with('2'), "{text}");
        assert_eq!(lines.len(), 3);
        let text = table(&value, &chosen(COLUMNS, &[]), Some(80));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn one_object_has_a_line_for_each_column() {
        let text = table(
            &json!({"id": "1", "name": null}),
            &chosen(COLUMNS, &[]),
            Some(80),
        );
        assert_eq!(text.lines().count(), 3);
    }
}
