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

use serde_json::json;

use crate::{print, repo};
use table::Table;
use tools::Tools;

pub(crate) const USAGE: &str = "\
cargo xtask bench [micro|calls|peers|startup|growth] [options]

  --format F   table (default) or json
  --write      write the tables in docs/performance.md and its picture anew; needs every part
  --cold       startup: also what building each crate costs from nothing, which takes minutes
";

/// One part of the benchmark, which adds its tables.
type Part = fn(&Tools, &mut Vec<Table>) -> Result<(), String>;

const PARTS: [(&str, Part); 5] = [
    ("micro", micro::run),
    ("calls", calls::run),
    ("peers", peers::run),
    ("startup", startup::run),
    ("growth", growth::run),
];

const DOCUMENT: &str = "docs/performance.md";
const PICTURE: &str = "docs/performance.svg";
const BEGIN: &str = "<!-- made by cargo xtask bench --write -->\n";
const END: &str = "<!-- end of what is made -->\n";

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    part: Option<String>,
    json: bool,
    write: bool,
    cold: bool,
}

/// Runs the command; what is wrong with its arguments is an `Err`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let options = parse(arguments)?;
    let start = Instant::now();
    let tools = Tools::build(options.cold)?;
    let built = start.elapsed();
    let mut tables = Vec::new();
    for (name, part) in PARTS {
        if options.part.as_deref().is_none_or(|wanted| wanted == name) {
            eprintln!("bench: {name}");
            part(&tools, &mut tables)?;
        }
    }
    eprintln!(
        "bench: {:.0} s to build, {:.0} s to measure",
        built.as_secs_f64(),
        (start.elapsed() - built).as_secs_f64()
    );
    if let Some(targets) = targets::of(&tables, options.part.is_none()) {
        tables.insert(0, targets);
    }
    let skipped = tools.skipped();
    if options.write {
        write(&tools, &tables)?;
    }
    if options.json {
        let tables: Vec<_> = tables.iter().map(Table::to_json).collect();
        let report = json!({"machine": tools.machine(), "tables": tables, "skipped": skipped});
        print(&format!("{report:#}\n"))
    } else {
        print(&text(&tools, &tables))
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
    let (before, after) = parts.ok_or_else(|| format!("{DOCUMENT} has lost its two marks"))?;
    let new = format!("{before}{BEGIN}\n{}\n{END}{after}", text(tools, tables));
    let failed = |error| format!("{DOCUMENT} and its picture cannot be written: {error}");
    std::fs::write(&path, new).map_err(failed)?;
    std::fs::write(repo::root().join(PICTURE), picture::of(tables)).map_err(failed)
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "--format" => match rest.next() {
                Some("table") => options.json = false,
                Some("json") => options.json = true,
                _ => return Err("--format is table or json".to_owned()),
            },
            "--write" => options.write = true,
            "--cold" => options.cold = true,
            part if options.part.is_none() && PARTS.iter().any(|(name, _)| *name == part) => {
                options.part = Some(part.to_owned());
            }
            other => {
                return Err(format!(
                    "{other:?} is not an argument of this command\n\n{USAGE}"
                ));
            }
        }
    }
    if options.write && options.part.is_some() {
        return Err("--write needs every part: leave the part out".to_owned());
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::{Options, parse};

    fn of(arguments: &[&str]) -> Result<Options, String> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        parse(&arguments)
    }

    #[test]
    fn arguments_are_read_or_refused_with_the_reason() {
        assert_eq!(of(&[]).unwrap(), Options::default());
        let options = of(&["calls", "--format", "json"]).unwrap();
        assert!(options.part.as_deref() == Some("calls") && options.json);
        assert!(of(&["--write", "--cold"]).unwrap().write);
        for wrong in [
            &["nothing"][..],
            &["calls", "peers"],
            &["--format"],
            &["--format", "html"],
            &["micro", "--write"],
        ] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }
}
