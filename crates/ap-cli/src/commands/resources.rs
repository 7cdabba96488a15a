//! `ap flows`, `fields`, `entities` and `reports`: what an account has, one table each.

use activeprospect::Endpoint as _;
use activeprospect::api::leadconduit::{entities, fields, flows, reports};
use activeprospect::api::{FieldId, Id, ReportKey};
use clap::Subcommand;

use super::parse_id;
use super::shown::{self, Columns, JsonOption};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;

/// Defines the commands of a resource: `list` and `get`.
macro_rules! resource {
    ($name:ident, $id:ty, $parse:path, $module:ident, $columns:expr) => {
        #[derive(Debug, Subcommand)]
        pub(crate) enum $name {
            /// Show all of them.
            List(JsonOption),
            /// Show one of them.
            Get {
                /// Its id.
                #[arg(value_name = "ID", value_parser = $parse)]
                id: $id,
                #[command(flatten)]
                json: JsonOption,
            },
        }

        impl $name {
            const COLUMNS: Columns<'_> = $columns;

            pub(crate) fn run(&self, options: &GlobalOptions) -> Result<Printed, Failure> {
                let (draft, json) = match self {
                    Self::List(json) => ($module::List::new().draft(), json),
                    Self::Get { id, json } => ($module::Get::new(id.clone()).draft(), json),
                };
                shown::call(&draft, Self::COLUMNS, *json, options)
            }
        }
    };
}

resource!(
    Flows,
    Id,
    parse_id,
    flows,
    &[
        ("id", "/id"),
        ("name", "/name"),
        ("enabled", "/enabled"),
        ("sources", "/sources"),
        ("steps", "/steps"),
        ("fields", "/fields"),
        ("updated", "/updated_at"),
    ]
);

resource!(
    Fields,
    FieldId,
    parse_field,
    fields,
    &[
        ("id", "/id"),
        ("name", "/name"),
        ("type", "/type"),
        ("description", "/description")
    ]
);

resource!(
    Entities,
    Id,
    parse_id,
    entities,
    &[
        ("id", "/id"),
        ("name", "/name"),
        ("type", "/type"),
        ("updated", "/updated_at")
    ]
);

resource!(
    Reports,
    ReportKey,
    parse_report,
    reports,
    &[
        ("id", "/id"),
        ("name", "/name"),
        ("columns", "/columns"),
        ("updated", "/updated_at")
    ]
);

fn parse_field(text: &str) -> Result<FieldId, &'static str> {
    FieldId::parse(text).map_err(|_| "write the field's id, such as phone_1")
}

fn parse_report(text: &str) -> Result<ReportKey, &'static str> {
    ReportKey::parse(text).map_err(|_| "write the report's id")
}
