//! `cargo xtask bench`: what a call costs, against the bare libraries and against others' clients.
//!
//! Instructions, allocations and bytes decide, because they repeat; times are shown.

mod calls;
mod growth;
mod micro;
mod peers;
mod picture;
mod startup;
mod table;
mod targets;
mod tools;

use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::output::print;
use crate::repo;
use table::Table;
use tools::Tools;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measure only one part
    #[arg(value_enum)]
    part: Option<Part>,

    /// Choose the form of the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    format: Format,

    /// Update the tables in docs/performance.md and its picture; needs every part
    #[arg(long, conflicts_with = "part")]
    write: bool,

    /// Measure also what building each crate from nothing costs, which takes minutes
    #[arg(long)]
    cold: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Micro,
    Calls,
    Peers,
    Startup,
    Growth,
}

impl Part {
    const ALL: [Self; 5] = [
        Self::Micro,
        Self::Calls,
        Self::Peers,
        Self::Startup,
        Self::Growth,
    ];

    /// Measures this part and adds its tables.
    fn measure(self, tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
        match self {
            Self::Micro => micro::run(tools, tables),
            Self::Calls => calls::run(tools, tables),
            Self::Peers => peers::run(tools, tables),
            Self::Startup => startup::run(tools, tables),
            Self::Growth => growth::run(tools, tables),
        }
    }
}

const DOCUMENT: &str = "docs/performance.md";
const PICTURE: &str = "docs/performance.svg";
const BEGIN: &str = "<!-- made by cargo xtask bench --write -->\n";
const END: &str = "<!-- end of what is made -->\n";

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let start = Instant::now();
    let tools = Tools::build(options.cold)?;
    let built = start.elapsed();
    let mut tables = Vec::new();
    for part in Part::ALL {
        if options.part.is_none_or(|wanted| wanted == part) {
            eprintln!("bench: measuring {part:?}");
            part.measure(&tools, &mut tables)?;
        }
    }
    eprintln!(
        "bench: {:.0} s to build, {:.0} s to measure",
        built.as_secs_f64(),
        (start.elapsed() - built).as_secs_f64()
    );
    if let Some(targets) = targets::table(&tables, options.part.is_none()) {
        tables.insert(0, targets);
    }
    if options.write {
        write(&tools, &tables)?;
    }
    match options.format {
        Format::Table => print(&text(&tools, &tables)),
        Format::Json => {
            let tables: Vec<_> = tables.iter().map(Table::to_json).collect();
            let report = json!({
                "machine": tools.machine(), "tables": tables, "skipped": tools.skipped(),
            });
            print(&format!("{report:#}\n"))
        }
    }
}

fn text(tools: &Tools, tables: &[Table]) -> String {
    let mut text = format!("Measured on {}.\n\n", tools.machine());
    for table in tables {
        text += &table.to_markdown();
        text.push('\n');
    }
    for skipped in tools.skipped() {
        text += &format!("Skipped: {skipped}.\n");
    }
    text
}

fn write(tools: &Tools, tables: &[Table]) -> Result<(), String> {
    let path = repo::root().join(DOCUMENT);
    let old = repo::read(&path)?;
    let parts = old
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        parts.ok_or_else(|| format!("{DOCUMENT} does not contain the two marks of the tables"))?;
    let new = format!("{before}{BEGIN}\n{}\n{END}{after}", text(tools, tables));
    let failed = |error| format!("cannot write {DOCUMENT} and its picture: {error}");
    std::fs::write(&path, new).map_err(failed)?;
    std::fs::write(repo::root().join(PICTURE), picture::svg(tables)).map_err(failed)
}
