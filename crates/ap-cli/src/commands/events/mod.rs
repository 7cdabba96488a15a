//! `ap events`: shows, counts and exports events.

mod export;

use activeprospect::Endpoint as _;
use activeprospect::api::Id;
use activeprospect::api::leadconduit::events::{Column, Get, Interval, List, Stats};
use activeprospect::api::rules::Rule;
use clap::Subcommand;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use serde_json::json;

use super::parse_id;
use super::selection::Columns;
use super::single_call::{CallOptions, SingleCall};
use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the newest events.
    List(ListArgs),
    /// Show one event.
    Get(GetArgs),
    /// Count events, and sum up prices.
    ///
    /// Without --from and --to, these are the events of today (UTC).
    Stats(StatsArgs),
    /// Export every event, oldest first.
    ///
    /// As JSONL, an event has every member that the product sent; as CSV, it has the usual ones. As Singer, the command
    /// is a tap, for hosts such as Meltano.
    Export(export::Args),
}

/// Which events are meant.
#[derive(clap::Args, Debug)]
pub(crate) struct Filter {
    /// Only events of this time or later, such as 2026-11-01T08:30:00Z, or 2026-11-01, which is midnight UTC.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,
    /// Only events of this time or earlier. A day is its first moment: for all of October, give 2026-11-01.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Timestamp>,
    /// Only events that pass this rule; can be repeated.
    #[arg(long = "rule", value_name = "JSON", value_parser = parse_rule)]
    rules: Vec<Rule>,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: Filter,
    /// How many events to show, at most 1000.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    call: CallOptions,
}

#[derive(clap::Args, Debug)]
pub(crate) struct GetArgs {
    /// The event's id.
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: Id,
    #[command(flatten)]
    call: CallOptions,
}

#[derive(clap::Args, Debug)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    filter: Filter,
    /// A column, such as source-success or profit; can be repeated [default: what sources submitted].
    #[arg(long = "column", value_name = "COLUMN")]
    columns: Vec<String>,
    /// Count separately for each value of this member, such as vars.source.name; can be repeated.
    #[arg(long, value_name = "MEMBER")]
    group_by: Vec<String>,
    /// Count separately for each span: minutely, hourly, daily, weekly, monthly or yearly.
    #[arg(long, value_name = "INTERVAL")]
    interval: Option<String>,
    #[command(flatten)]
    call: CallOptions,
}

const COLUMNS: Columns<'_> = &[
    ("id", "/id"),
    ("type", "/type"),
    ("outcome", "/outcome"),
    ("reason", "/reason"),
    ("flow", "/vars/flow/name"),
    ("source", "/vars/source/name"),
    ("email", "/vars/lead/email"),
];

pub(crate) fn run(command: &Command, options: &GlobalOptions) -> Result<Printed, Failure> {
    match command {
        Command::List(args) => {
            let list = args.filter.list().newest_first().limit(args.limit);
            SingleCall::new(list.draft(), COLUMNS).run(&args.call, options)
        }
        Command::Get(args) => {
            let get = Get::new(args.id.clone()).draft();
            SingleCall::new(get, COLUMNS)
                .run(&args.call, options)
                .map_err(|failure| {
                    failure.hint_if_not_found("check the id; `ap events list` shows the newest ids")
                })
        }
        Command::Stats(args) => stats(args, options),
        Command::Export(args) => export::run(args, options),
    }
}

fn stats(args: &StatsArgs, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut columns: Vec<&str> = args.columns.iter().map(String::as_str).collect();
    if columns.is_empty() {
        columns = vec![
            "source-submitted",
            "source-success",
            "source-failure",
            "source-error",
        ];
    }
    let mut stats = Stats::new();
    for rule in &args.filter.rules {
        stats = stats.rule(rule.clone());
    }
    for column in &columns {
        stats = stats.column(Column::from(*column));
    }
    for member in &args.group_by {
        stats = stats.group_by(member);
    }
    if let Some(interval) = &args.interval {
        stats = stats.interval(Interval::from(interval.as_str()));
    }
    if let Some(from) = args.filter.from {
        stats = stats.start(from);
    }
    if let Some(to) = args.filter.to {
        stats = stats.end(to);
    }
    let interval = args.interval.iter().map(|_| "interval");
    let names = interval.chain(args.group_by.iter().map(String::as_str));
    let names: Vec<&str> = names.chain(columns).collect();
    let places: Vec<_> = names
        .iter()
        .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
        .collect();
    let columns = names.iter().zip(&places);
    let columns: Vec<_> = columns
        .map(|(name, place)| (*name, place.as_str()))
        .collect();
    let is_of_today = args.filter.from.is_none() && args.filter.to.is_none();
    let note = (is_of_today && !args.call.has_answer_options())
        .then_some("these are the events of today (UTC); choose a time with --from and --to");
    SingleCall::new(stats.draft(), &columns)
        .note(note)
        .run(&args.call, options)
}

impl Filter {
    /// Returns the list of these events.
    fn list(&self) -> List {
        let mut list = List::new();
        if let Some(from) = self.from {
            list = list.start(from);
        }
        if let Some(to) = self.to {
            list = list.end(to);
        }
        let rules = self.rules.iter().cloned();
        rules.fold(list, List::rule)
    }

    /// Describes it in the same way in every version, for the journal.
    fn describe(&self) -> String {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        json!([time(self.from), time(self.to), self.rules]).to_string()
    }
}

/// Parses a time with an offset from UTC, or a day, which begins at midnight UTC.
fn parse_time(text: &str) -> Result<Timestamp, &'static str> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let invalid = "write a time such as 2026-11-01 or 2026-11-01T08:30:00Z";
    let pieces = Pieces::parse(text).map_err(|_| invalid)?;
    if pieces.time().is_some() {
        return Err(
            "write a time with its offset from UTC, such as 2026-11-01T08:30:00Z or 2026-11-01T08:30:00+02:00",
        );
    }
    if pieces.offset().is_some() || pieces.time_zone_annotation().is_some() {
        return Err("write a day without an offset, such as 2026-11-01, which is midnight UTC");
    }
    midnight_utc(pieces.date()).ok_or(invalid)
}

fn midnight_utc(day: Date) -> Option<Timestamp> {
    let midnight = day.to_datetime(Time::midnight());
    TimeZone::UTC.to_timestamp(midnight).ok()
}

fn parse_rule(text: &str) -> Result<Rule, &'static str> {
    serde_json::from_str(text).map_err(
        |_| r#"write a rule as JSON, such as {"lhv":"type","op":"is equal to","rhv":"source"}"#,
    )
}

#[cfg(test)]
mod tests {
    use super::{parse_rule, parse_time};

    #[test]
    fn a_day_begins_at_midnight_utc_and_a_time_needs_its_offset() {
        let time = |text: &str| parse_time(text).unwrap().to_string();
        assert_eq!(time("2026-11-01"), "2026-11-01T00:00:00Z");
        assert_eq!(time("2026-11-01T08:30:00+02:00"), "2026-11-01T06:30:00Z");
        for (text, hint) in [
            ("yesterday", "write a time such as"),
            ("2026-11-31", "write a time such as"),
            ("2026-11-01T08:30:00", "with its offset from UTC"),
            ("2026-11-01 08:30", "with its offset from UTC"),
            ("2026-11-01T08", "with its offset from UTC"),
            (
                "2026-11-01T00:00:00[America/New_York]",
                "with its offset from UTC",
            ),
            ("2026-11-01[America/New_York]", "a day without an offset"),
        ] {
            let error = parse_time(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
        assert!(parse_rule(r#"{"lhv":"type","op":"is equal to","rhv":"source"}"#).is_ok());
        assert!(parse_rule("type = source").is_err());
    }
}
