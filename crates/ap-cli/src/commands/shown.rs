//! One call whose answer is shown: as a table for people, or as the JSON that the product sent.

use activeprospect::{Draft, Response};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::failure::Failure;
use crate::jq;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::output::{self, Printed};
use crate::session::Session;
use crate::{call, exit_code::ExitCode};

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

/// The columns of a table: titles, and where in an object each value is.
pub(crate) type Columns<'a> = &'a [(&'a str, &'a str)];

/// Makes a call and shows its answer.
pub(crate) fn call(
    draft: &Draft,
    columns: Columns<'_>,
    json: JsonOption,
    options: &GlobalOptions,
) -> Result<Printed, Failure> {
    call_for_list(draft, "", columns, json, options)
}

/// The same for an answer that has the list at a place in it.
pub(crate) fn call_for_list(
    draft: &Draft,
    list: &str,
    columns: Columns<'_>,
    json: JsonOption,
    options: &GlobalOptions,
) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    session.check(draft)?;
    if !draft.is_unsigned() {
        session.find_keys(Prompt::Allowed)?;
    }
    let response = call::send(&session, draft.clone()).and_then(Response::error_for_status);
    let response = response.map_err(|error| session.failure(error))?;
    let body = session.secrets.redact_text(response.bytes());
    if let Some(filter) = json.jq {
        return filter.print(body.into_owned(), session.timeout(), Some(&session.secrets));
    }
    if json.json {
        return output::print_json(&body);
    }
    let value: Value = serde_json::from_slice(&body).map_err(|_| {
        Failure::new(
            ExitCode::Other,
            "the answer is not JSON",
            "see it as it is with --json",
        )
    })?;
    let value = value.pointer(list).unwrap_or(&value);
    output::print(table(value, columns, width()).as_bytes())
}

/// Returns a table of one object or of several: a line for each, or for each member of one.
fn table(value: &Value, columns: Columns<'_>, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    let items = match value {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    if let Value::Array(_) = value {
        table.set_header(columns.iter().map(|(title, _)| *title));
        for item in items {
            table.add_row(columns.iter().map(|(_, at)| cell(item.pointer(at))));
        }
    } else {
        for (title, at) in columns {
            table.add_row([(*title).to_owned(), cell(value.pointer(at))]);
        }
    }
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => activeprospect::ap_core::redact::escape(text),
        Some(Value::Array(items)) => items.len().to_string(),
        Some(other) => other.to_string(),
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

    use super::*;

    const COLUMNS: Columns<'_> = &[("id", "/id"), ("name", "/name"), ("sources", "/sources")];

    #[test]
    fn a_list_has_a_line_for_each_item_and_fits_the_width() {
        let value = json!([
            {"id": "1", "name": "a flow\u{1b}[31m", "sources": [1, 2]},
            {"id": "2", "name": "x".repeat(200)},
        ]);
        let text = table(&value, COLUMNS, None);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].trim_start().starts_with("id"), "{text}");
        assert!(lines[1].contains("a flow\\u{1b}[31m"), "{text}");
        assert!(lines[1].ends_with('2'), "{text}");
        assert_eq!(lines.len(), 3);
        let text = table(&value, COLUMNS, Some(80));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn one_object_has_a_line_for_each_column() {
        let text = table(&json!({"id": "1", "name": null}), COLUMNS, Some(80));
        assert_eq!(text.lines().count(), 3);
    }
}
