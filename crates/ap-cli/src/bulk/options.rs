//! The options of bulk commands.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser as _};

use super::input::InputFormat;
use super::input::shard::Shard;
use super::report::ReportFormat;
use super::results::OutputFormat;

/// How many calls are made at a time, unless it is said.
const CONCURRENCY: u16 = 8;

/// The most calls at a time.
const MAX_CONCURRENCY: u16 = 256;

/// How names of files end that have another format than results.
const UNWRITTEN: [&str; 10] = [
    "xlsx", "xls", "ods", "parquet", "tsv", "gz", "bz2", "xz", "zst", "zip",
];

/// The options of commands that write results.
#[derive(clap::Args, Debug)]
pub(crate) struct OutputOptions {
    /// Write the results to this file. If the run is interrupted, the same command resumes it; once it is complete, the
    /// same command sends nothing.
    #[arg(short, long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(parse_output))]
    pub(crate) output: Option<PathBuf>,
    /// How the summary on standard error is written [default: text].
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) report: Option<ReportFormat>,
    /// Make at most this many calls a second [default: no limit].
    #[arg(long, value_name = "NUMBER", value_parser = parse_rate, allow_hyphen_values = true)]
    pub(crate) rate: Option<f64>,
}

/// The options of commands that read rows.
#[derive(clap::Args, Debug)]
pub(crate) struct BulkOptions {
    /// A file with the rows, or - for standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,
    /// How the rows are written [default: as the file's name says, else lines].
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// Use only each Nth row, for one of N machines: 0/N to N-1/N.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, allow_hyphen_values = true)]
    pub(crate) shard: Option<Shard>,
    /// Make at most this many calls at a time [default: 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CONCURRENCY)))]
    concurrency: Option<u16>,
    /// Write each result as soon as it is there, in any order.
    #[arg(long)]
    pub(crate) unordered: bool,
    /// How the results are written [default: csv if the name of the file of -o ends so, else jsonl].
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<OutputFormat>,
    #[command(flatten)]
    pub(crate) results: OutputOptions,
}

impl OutputOptions {
    /// Returns `true` if results go to a file whose name is that of CSV.
    pub(crate) fn is_csv_file(&self) -> bool {
        let output = self.output.as_deref();
        output.is_some_and(|output| InputFormat::of(output) == InputFormat::Csv)
    }
}

impl BulkOptions {
    /// Returns an option that is given and that means something for several rows alone.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        let results = &self.results;
        let given = [
            ("--input-format", self.input_format.is_some()),
            ("--shard", self.shard.is_some()),
            ("--concurrency", self.concurrency.is_some()),
            ("--unordered", self.unordered),
            ("--format", self.format.is_some()),
            ("--output", results.output.is_some()),
            ("--report", results.report.is_some()),
            ("--rate", results.rate.is_some()),
        ];
        let mut given = given.into_iter();
        given.find_map(|(name, is_given)| is_given.then_some(name))
    }

    /// Returns how many calls are made at a time.
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency.unwrap_or(CONCURRENCY).into()
    }

    /// Returns how the results are written.
    pub(crate) fn format(&self) -> OutputFormat {
        self.format
            .unwrap_or_else(|| match self.results.is_csv_file() {
                true => OutputFormat::Csv,
                false => OutputFormat::Jsonl,
            })
    }

    /// Returns how the rows are written.
    pub(crate) fn input_format(&self) -> InputFormat {
        self.input_format
            .unwrap_or_else(|| InputFormat::of(&self.input))
    }
}

/// Refuses a name that promises a format which is not written, such as a workbook.
fn parse_output(output: PathBuf) -> Result<PathBuf, &'static str> {
    let extension = output.extension().unwrap_or_default();
    match UNWRITTEN
        .iter()
        .any(|other| extension.eq_ignore_ascii_case(other))
    {
        true => Err("results are written as JSONL or CSV; name a file such as results.csv"),
        false => Ok(output),
    }
}

/// Parses a number of calls a second.
pub(crate) fn parse_rate(text: &str) -> Result<f64, &'static str> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.parse::<f64>() {
        Ok(rate) if is_plain && (0.001..=100_000.0).contains(&rate) => Ok(rate),
        _ => Err("write a number of calls a second, from 0.001 to 100000"),
    }
}
