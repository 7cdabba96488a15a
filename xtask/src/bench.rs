//! `cargo xtask bench`: what a call costs, against the bare libraries and against others' clients.
//!
//! Instructions, allocations and bytes decide, because they repeat; times are shown.

mod bulk;
mod calls;
mod gateway;
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
    /// Measure only one part; the bulk commands and the gateway are measured only if they are named
    #[arg(value_enum)]
    part: Option<Part>,

    /// Choose the form of the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    format: Format,

    /// Update the tables in docs/performance.md and its picture: of bulk commands, of the gateway, or of every other part
    #[arg(long)]
    write: bool,

    /// Measure also what building each crate from nothing costs, which takes minutes
    #[arg(long)]
    cold: bool,

    /// Measure the bulk commands with a twentieth of the rows, or the gateway with a tenth of the calls
    #[arg(long)]
    quick: bool,

    #[command(flatten)]
    bulk: bulk::BulkOptions,
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
    Bulk,
    Gateway,
}

impl Part {
    /// Those that are measured if none is named.
    const ALL: [Self; 5] = [
        Self::Micro,
        Self::Calls,
        Self::Peers,
        Self::Startup,
        Self::Growth,
    ];

    /// Measures this part and adds its tables.
    fn measure(
        self,
        tools: &Tools,
        options: &Options,
        tables: &mut Vec<Table>,
    ) -> Result<(), String> {
        match self {
            Self::Micro => micro::run(tools, tables),
            Self::Calls => calls::run(tools, tables),
            Self::Peers => peers::run(tools, tables),
            Self::Startup => startup::run(tools, tables),
            Self::Growth => growth::run(tools, tables),
            Self::Bulk => bulk::run(tools, &options.bulk, options.quick, tables),
            Self::Gateway => gateway::run(tools, options.quick, tables),
        }
    }

    /// Returns the mark before the tables of a part that has a section of its own in the document.
    const fn own_mark(self) -> Option<&'static str> {
        match self {
            Self::Bulk => Some(BEGIN_BULK),
            Self::Gateway => Some(BEGIN_GATEWAY),
            _ => None,
        }
    }
}

const DOCUMENT: &str = "docs/performance.md";
const PICTURE: &str = "docs/performance.svg";
const BEGIN: &str = "<!-- made by cargo xtask bench --write -->\n";
const BEGIN_BULK: &str = "<!-- made by cargo xtask bench bulk --write -->\n";
const BEGIN_GATEWAY: &str = "<!-- made by cargo xtask bench gateway --write -->\n";
const END: &str = "<!-- end of what is made -->\n";

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let own_mark = options.part.and_then(Part::own_mark);
    if options.write && own_mark.is_none() && options.part.is_some() {
        return Err("--write needs every part, `bulk` or `gateway`".to_owned());
    }
    let start = Instant::now();
    let tools = Tools::build(options.cold)?;
    let built = start.elapsed();
    let mut tables = Vec::new();
    let named = options.part.map(|part| vec![part]);
    for part in named.unwrap_or_else(|| Part::ALL.to_vec()) {
        eprintln!("bench: measuring {part:?}");
        part.measure(&tools, options, &mut tables)?;
    }
    eprintln!(
        "bench: {:.0} s to build, {:.0} s to measure",
        built.as_secs_f64(),
        (start.elapsed() - built).as_secs_f64()
    );
    let targets = match options.part {
        Some(Part::Bulk) => {
            targets::judged("Targets of bulk commands", &bulk::TARGETS, &tables, true)
        }
        Some(Part::Gateway) => {
            targets::judged("Targets of the gateway", &gateway::TARGETS, &tables, true)
        }
        part => targets::table(&tables, part.is_none()),
    };
    if let Some(targets) = targets {
        tables.insert(0, targets);
    }
    if options.write {
        write(own_mark.unwrap_or(BEGIN), &text(&tools, &tables))?;
    }
    if options.write && own_mark.is_none() {
        let written = std::fs::write(repo::root().join(PICTURE), picture::svg(&tables));
        written.map_err(|error| format!("cannot write {PICTURE}: {error}"))?;
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

/// Replaces what is between a mark and the next end.
fn write(begin: &str, text: &str) -> Result<(), String> {
    let path = repo::root().join(DOCUMENT);
    let old = repo::read(&path)?;
    let parts = old
        .split_once(begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        parts.ok_or_else(|| format!("{DOCUMENT} does not contain the two marks of the tables"))?;
    let new = format!("{before}{begin}\n{text}\n{END}{after}");
    std::fs::write(&path, new).map_err(|error| format!("cannot write {DOCUMENT}: {error}"))
}
