//! [`Report`]: the summary at the end of a run, on standard error.

use std::time::Duration;

use serde::Serialize;

use super::journal::record::Counts;
use crate::failure::Failure;
use crate::output;

/// How the summary is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// One line for people.
    #[default]
    Text,
    /// One line of JSON.
    Json,
    /// Nothing.
    None,
}

/// The summary of a run, with its members in this order.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Of this run and of those before it that it resumed.
    pub(crate) rows: u64,
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// The rows that earlier runs had done.
    pub(crate) done_earlier: u64,
    /// The calls that were made again.
    pub(crate) repeated_calls: u64,
    pub(crate) seconds: f64,
    pub(crate) rows_per_second: f64,
    /// `false` if rows are left.
    pub(crate) complete: bool,
    #[serde(skip)]
    pub(crate) noun: &'static str,
    /// If an earlier run was complete: how to do more.
    #[serde(skip)]
    pub(crate) nothing_sent: Option<&'static str>,
}

impl Report {
    pub(crate) fn new(counts: Counts, done_earlier: u64, elapsed: Duration) -> Self {
        let rows = counts.rows();
        let seconds = elapsed.as_secs_f64();
        let rate = rows.saturating_sub(done_earlier) as f64 / seconds.max(0.001);
        Self {
            rows,
            counts,
            done_earlier,
            repeated_calls: 0,
            seconds: (seconds * 1000.0).round() / 1000.0,
            rows_per_second: rate.round(),
            complete: false,
            noun: "rows",
            nothing_sent: None,
        }
    }

    /// Prints it to standard error.
    pub(crate) fn print(&self, format: ReportFormat) -> Result<(), Failure> {
        match format {
            ReportFormat::None => {}
            ReportFormat::Json => output::eprintln(output::json_line(self)?.trim_end()),
            ReportFormat::Text => output::eprintln(&self.text()),
        }
        Ok(())
    }

    fn text(&self) -> String {
        let Counts {
            ok,
            failed,
            unknown,
        } = self.counts;
        let mut text = format!("ap: {} {}: {ok} ok", self.rows, self.noun);
        for (count, name) in [(failed, "failed"), (unknown, "unknown")] {
            if count > 0 {
                text.push_str(&format!(", {count} {name}"));
            }
        }
        if self.done_earlier > 0 {
            text.push_str(&format!("; {} of them in earlier runs", self.done_earlier));
        }
        if let Some(hint) = self.nothing_sent {
            return format!("{text}; nothing was sent\n     {hint}");
        }
        let (seconds, rate) = (self.seconds, self.rows_per_second);
        format!("{text}; {seconds:.1} s, {rate:.0}/s")
    }
}
