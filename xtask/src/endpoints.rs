//! `cargo xtask endpoints`: every operation that has a typed endpoint, for people and for programs.

use std::process::ExitCode;

use ap_api::Operation;
use ap_api::operations::{ALL, LEFT_OUT, LeftOut};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::output::{columns, print};

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Choose the form of the list
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    format: Format,

    /// Show the operations that have no endpoint instead, with the reasons
    #[arg(long)]
    left_out: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let text = match (options.format, options.left_out) {
        (Format::Json, false) => lines(ALL.iter().map(to_json)),
        (Format::Json, true) => lines(LEFT_OUT.iter().map(left_out_to_json)),
        (Format::Table, false) => columns(&ALL.iter().map(to_row).collect::<Vec<_>>()),
        (Format::Table, true) => columns(&LEFT_OUT.iter().map(left_out_to_row).collect::<Vec<_>>()),
    };
    print(&text)
}

fn to_json(operation: &Operation) -> Value {
    json!({
        "method": operation.method,
        "path": operation.path,
        "product": operation.product().id(),
        "auth": operation.auth.name(),
        "source": operation.source,
        "trust": operation.trust.name(),
    })
}

fn left_out_to_json(operation: &LeftOut) -> Value {
    json!({
        "method": operation.method,
        "path": operation.path,
        "product": operation.product.id(),
        "reason": operation.reason,
    })
}

fn to_row(operation: &Operation) -> Vec<String> {
    let row = [
        operation.product().id(),
        operation.method,
        operation.path,
        operation.auth.name(),
        operation.trust.name(),
        operation.source,
    ];
    row.map(str::to_owned).to_vec()
}

fn left_out_to_row(operation: &LeftOut) -> Vec<String> {
    let row = [
        operation.product.id(),
        operation.method,
        operation.path,
        operation.reason,
    ];
    row.map(str::to_owned).to_vec()
}

/// Writes an array with a value on each line.
fn lines(values: impl Iterator<Item = Value>) -> String {
    let values: Vec<String> = values.map(|value| format!("  {value}")).collect();
    format!("[\n{}\n]\n", values.join(",\n"))
}

#[cfg(test)]
mod tests {
    use ap_api::operations::{ALL, LEFT_OUT};
    use serde_json::Value;

    use super::{left_out_to_json, lines, to_json};

    #[test]
    fn the_json_is_an_array_of_objects_with_their_six_members() {
        let parsed: Value = serde_json::from_str(&lines(ALL.iter().map(to_json))).unwrap();
        let parsed = parsed.as_array().unwrap();
        assert_eq!(parsed.len(), ALL.len());
        for operation in parsed {
            let names: Vec<&String> = operation.as_object().unwrap().keys().collect();
            assert_eq!(
                names,
                ["auth", "method", "path", "product", "source", "trust"]
            );
            let members = operation.as_object().unwrap().values();
            assert!(
                members
                    .into_iter()
                    .all(|value| value.as_str().is_some_and(|text| !text.is_empty()))
            );
        }
        let left_out: Value =
            serde_json::from_str(&lines(LEFT_OUT.iter().map(left_out_to_json))).unwrap();
        assert_eq!(left_out.as_array().unwrap().len(), LEFT_OUT.len());
    }
}
