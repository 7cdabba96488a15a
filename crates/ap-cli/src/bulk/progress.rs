//! [`Progress`]: a bar on a terminal, and one line once in a while elsewhere.

use std::cell::Cell;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::input::source::Opened;
use super::journal::record::Counts;
use crate::{interrupt, output};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

const WITH_LENGTH: &str = "{bar:20} {percent}%  {msg}";
const WITHOUT_LENGTH: &str = "{spinner} {msg}  {elapsed}";

/// Shows how far a run is.
pub(crate) struct Progress {
    /// `None` where standard error is no terminal, or one that cannot move its cursor, such as that of an editor.
    bar: Option<ProgressBar>,
    opened: Option<Opened>,
    /// How much of the input is in the rows whose calls began, in bytes.
    position: Cell<u64>,
    started: Instant,
    last_line: Cell<Instant>,
    /// Rows of earlier runs.
    earlier: u64,
    noun: &'static str,
}

impl Progress {
    /// Begins to show the progress of a run over an input, if there is one.
    pub(crate) fn new(opened: Option<Opened>, earlier: u64, noun: &'static str) -> Self {
        let size = opened.as_ref().and_then(|opened| opened.size);
        let bar = || {
            let (bar, template) = match size {
                Some(size) => (ProgressBar::new(size), WITH_LENGTH),
                None => (ProgressBar::no_length(), WITHOUT_LENGTH),
            };
            bar.set_draw_target(ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        };
        let bar = io::stderr().is_terminal().then(bar);
        let bar = bar.filter(|bar| !bar.is_hidden());
        interrupt::set_bar(bar.is_some());
        let now = Instant::now();
        Self {
            bar,
            opened,
            position: Cell::new(0),
            started: now,
            last_line: Cell::new(now),
            earlier,
            noun,
        }
    }

    /// Remembers where in the input the newest row ends.
    pub(crate) fn reached(&self, position: u64) {
        self.position.set(position);
    }

    /// Shows these counts, if it is time.
    pub(crate) fn update(&self, counts: Counts) {
        let text = || self.describe(counts);
        if let Some(bar) = &self.bar {
            bar.set_message(text() + &self.time_left(counts));
            match &self.opened {
                Some(_) => bar.set_position(self.position.get()),
                None => bar.tick(),
            }
        } else if self.last_line.get().elapsed() >= LINE_EVERY {
            self.last_line.set(Instant::now());
            output::eprintln(&format!("ap: {}{}", text(), self.percent()));
        }
    }

    /// Prints a line, above the bar if there is one.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::eprintln(line)),
            None => output::eprintln(line),
        }
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            interrupt::set_bar(false);
        }
    }

    /// Returns how long the run has lasted.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn describe(&self, counts: Counts) -> String {
        let Counts {
            failed, unknown, ..
        } = counts;
        let seconds = self.elapsed().as_secs_f64().max(0.001);
        let rate = (counts.rows().saturating_sub(self.earlier)) as f64 / seconds;
        let mut text = format!("{} {}", counts.rows(), self.noun);
        for (count, name) in [(failed, "failed"), (unknown, "unknown")] {
            if count > 0 {
                text.push_str(&format!(", {count} {name}"));
            }
        }
        format!("{text}, {rate:.0}/s")
    }

    /// Returns how long the rest of the input takes, if it goes on as it has in this run.
    fn time_left(&self, counts: Counts) -> String {
        let position = self.position.get();
        let done = counts.rows().saturating_sub(self.earlier);
        let Some(size) = self.size().filter(|_| position > 0 && done > 0) else {
            return String::new();
        };
        // The rows of earlier runs are a part of the position, and cost no time.
        let rows = counts.rows() as f64 / position as f64 * size.saturating_sub(position) as f64;
        let seconds = self.elapsed().as_secs_f64() / done as f64 * rows;
        let left = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        format!("  {:#} left", HumanDuration(left))
    }

    fn size(&self) -> Option<u64> {
        self.opened.as_ref().and_then(|opened| opened.size)
    }

    fn percent(&self) -> String {
        self.size()
            .filter(|size| *size > 0)
            .map_or_else(String::new, |size| {
                format!(", {}% read", self.position.get() * 100 / size)
            })
    }
}
