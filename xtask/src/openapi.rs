//! `cargo xtask openapi`: what the emulator answers is valid against the vendor's API descriptions.
//!
//! The project keeps the facts of the descriptions in `xtask/openapi`: operations, statuses and schemas, no texts. The
//! check starts an emulator, makes the calls of `calls.txt`, and validates each answer. It also decodes the answers
//! into the types of the endpoints, and compares the list of operations of the emulator with that of the endpoints.

pub(crate) mod calls;
mod decoders;
mod description;
mod document;
#[cfg(test)]
mod examples;
mod exceptions;
mod import;
mod operations;
mod verdicts;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ap_client::ap_core::ApiKey;
use ap_client::transport::{Connect as _, TransportConfig};
use ap_client::{Blocking, Client, ClientBuilder};
use ap_emulator::Emulator;
use ap_ureq::UreqTransport;
use clap::Args;

use crate::output::{self, print};
use crate::repo;
use calls::{Answer, Call, Values};
use description::{Description, FILES};
use exceptions::Exceptions;

const CALLS: &str = "xtask/openapi/calls.txt";

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Write the facts of a description instead, an OpenAPI file in YAML or JSON. Its name must contain leadconduit or trustedform
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    match &options.import {
        Some(file) => write_facts(file),
        None => check(),
    }
}

fn write_facts(file: &Path) -> Result<ExitCode, String> {
    let file_name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut names = FILES.iter().map(|(_, name)| *name);
    let name = names.find(|name| file_name.contains(name)).ok_or_else(|| {
        format!("the name {file_name:?} does not say which product it describes; rename the file")
    })?;
    let facts = import::facts(&document::read(file)?)?;
    let target = repo::root().join(format!("xtask/openapi/{name}.json"));
    std::fs::write(&target, import::to_text(&facts))
        .map_err(|error| format!("cannot write {}: {error}", target.display()))?;
    print(&format!("wrote {}\n", target.display()))
}

fn check() -> Result<ExitCode, String> {
    let exceptions = Exceptions::read()?;
    let descriptions = Description::all()?;
    let calls = calls::parse(&repo::read(&repo::root().join(CALLS))?)
        .map_err(|error| format!("{CALLS}: {error}"))?;
    let emulator = Emulator::start().map_err(|error| error.to_string())?;
    let client = client(&emulator).map_err(|error| error.to_string())?;
    let operations = operations::of_emulator(&client)?;
    let answers = answers(&client, &operations, &calls);

    let check = verdicts::Check {
        descriptions: &descriptions,
        exceptions: &exceptions,
        operations: &operations,
        answers: &answers,
    };
    let report = check.report()?;
    let rows: Vec<Vec<String>> = report.rows.iter().map(verdicts::Row::cells).collect();
    print(&output::columns(&rows))?;
    print(&format!("\n{}\n", report.counts()))?;
    Ok(output::verdict("openapi", &report.problems))
}

/// Makes a client of an emulator.
pub(crate) fn client(emulator: &Emulator) -> Result<Client<Blocking>, Box<dyn std::error::Error>> {
    let transport = UreqTransport::connect(&TransportConfig::default())?;
    let builder = ClientBuilder::<Blocking>::new()
        .key(ApiKey::parse(emulator.key())?)
        .origins(emulator.origins());
    Ok(builder.build_with(transport)?)
}

/// Makes the calls of the operations that are served, in their order.
fn answers<'a>(
    client: &Client<Blocking>,
    operations: &[operations::Served],
    calls: &'a [Call],
) -> Vec<(&'a Call, Result<Answer, String>)> {
    let mut values = Values::new();
    let is_served = |call: &&Call| {
        let found = operations::find(operations, call.product, &call.method, call.path());
        found.is_none_or(|operation| operation.is_served)
    };
    let served = calls.iter().filter(is_served);
    served
        .map(|call| (call, call.send(client, &mut values)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::description::{Description, FILES};
    use super::{document, import};
    use crate::repo;

    /// Only where the vendor's files are, which are not part of the project.
    #[test]
    fn the_kept_facts_are_those_of_the_vendor_s_files() {
        let Ok(entries) = std::fs::read_dir(repo::root().join("../shared/reference")) else {
            return;
        };
        let mut compared = 0;
        for entry in entries {
            let file = entry.unwrap().path();
            let file_name = file.file_name().unwrap().to_string_lossy().into_owned();
            let Some((_, name)) = FILES.iter().find(|(_, name)| file_name.contains(name)) else {
                continue;
            };
            let facts = import::facts(&document::read(&file).unwrap()).unwrap();
            let kept = repo::root().join(format!("xtask/openapi/{name}.json"));
            let is_same = repo::read(&kept).unwrap() == import::to_text(&facts);
            assert!(is_same, "{file_name} has other facts; import it again");
            compared += 1;
        }
        assert_eq!(compared, FILES.len());
    }

    /// What an API description says in sentences stays out of the project.
    #[test]
    fn the_kept_facts_have_no_texts() {
        fn check(schema: &Value) {
            for (keyword, value) in schema.as_object().into_iter().flatten() {
                match keyword.as_str() {
                    "properties" | "patternProperties" => {
                        value.as_object().unwrap().values().for_each(check);
                    }
                    "allOf" | "anyOf" | "oneOf" => value.as_array().unwrap().iter().for_each(check),
                    "items" | "additionalProperties" | "not" => check(value),
                    _ => {
                        let texts = [
                            "title",
                            "description",
                            "summary",
                            "example",
                            "examples",
                            "default",
                        ];
                        assert!(!texts.contains(&keyword.as_str()), "{keyword}");
                    }
                }
            }
        }
        for description in Description::all().unwrap() {
            assert!(description.operations().count() > 0);
            let facts = description.facts();
            facts["schemas"]
                .as_object()
                .unwrap()
                .values()
                .for_each(check);
            let operations = facts["operations"].as_object().unwrap().values();
            operations
                .flat_map(|statuses| statuses.as_object().unwrap().values())
                .for_each(check);
        }
    }
}
