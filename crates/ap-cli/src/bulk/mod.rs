//! Bulk commands: rows in, one result for each row out, and a journal so that a run can be interrupted at any moment.
//!
//! - `input` reads rows, on a thread of its own.
//! - `job` is what a command does with one row; commands implement it.
//! - `attempts` makes the call of a row, `pace` says when it may begin.
//! - `undecided` keeps rows that the server does not decide about.
//! - `ledger` knows which rows are done, `journal` writes that beside the result file.
//! - `runner` is the loop over all of them, `pipeline` what is on its way. `crate::stop` ends it early.

pub(crate) mod attempts;
pub(crate) mod input;
pub(crate) mod job;
pub(crate) mod journal;
mod ledger;
pub(crate) mod options;
mod pace;
mod pipeline;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod results;
pub(crate) mod runner;
pub(crate) mod sink;
mod undecided;

use std::collections::BTreeMap;

use activeprospect::Service;
use clap::ValueEnum;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{Receiver, channel};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt;
use crate::keys::Prompt;
use crate::output::{self, Printed};
use crate::session::Session;
use crate::stop::Stop;
use attempts::{Attempts, Caller};
use input::shard::Shard;
use input::source::{Opened, Source};
use input::{Rows, Selection};
use job::Job;
use journal::Journal;
use journal::record::{Begin, State};
use ledger::{InputChanged, Ledger, Todo};
use options::{BulkOptions, OutputOptions};
use pipeline::ReadRow;
use progress::Progress;
use report::Report;
use results::Encoder;
use runner::{Ended, Runner};
use sink::Sink;

/// The most rows that are passed on together. The channel has one such batch, and the thread that reads makes another one.
const MAX_BATCH: usize = 256;

/// What distinguishes one run from another: a journal is resumed only with the same.
pub(crate) struct Identity {
    command: &'static str,
    settings: BTreeMap<&'static str, String>,
}

impl Identity {
    /// Creates it for a command that calls this service.
    pub(crate) fn new<const N: usize>(
        command: &'static str,
        (session, service): (&Session, Service),
        settings: [(&'static str, String); N],
    ) -> Self {
        let settings = session.target(service).into_iter().chain(settings);
        Self {
            command,
            settings: settings.collect(),
        }
    }

    /// Returns it as the journal has it: of each setting only a checksum, because it may say who somebody is.
    fn begin(&self) -> Begin {
        let checksum = |text: &String| format!("{:08x}", crc32fast::hash(text.as_bytes()));
        let settings = self.settings.iter();
        Begin {
            version: journal::VERSION,
            command: self.command.to_owned(),
            settings: settings
                .map(|(name, value)| ((*name).to_owned(), checksum(value)))
                .collect(),
        }
    }
}

/// Returns the value of an option as it is written on the command line.
pub(crate) fn written(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Runs a job for every row.
pub(crate) fn run(
    job: &dyn Job,
    mut identity: Identity,
    selection: Selection,
    options: &BulkOptions,
    session: &mut Session,
) -> Result<Printed, Failure> {
    let shard = options.shard.unwrap_or(Shard::ALL);
    identity.settings.extend([
        ("input format", written(&options.input_format())),
        ("column", selection.describe()),
        ("format", written(&options.format())),
        ("order", is_ordered(job, options).to_string()),
        ("shard", shard.to_string()),
    ]);
    let source = Source::open(&options.input)?;
    let rows = Rows::new(source, options.input_format(), selection, shard)?;
    let (mut sink, state) = open(&options.results, &identity)?;
    if state.is_complete {
        check_same_rows(rows, &state, shard)?;
        let hint = "name another file for -o to begin again";
        return already_complete(&state, &options.results, "rows", hint);
    }
    if options.results.output.is_none() && !job.is_repeatable() {
        output::eprintln(
            "ap: without -o, the same command sends all rows again, also after an early end",
        );
    }
    job.confirm()?;
    if job.needs_key() {
        session.find_keys(match rows.opened().size {
            Some(_) => Prompt::Allowed,
            None => Prompt::Never,
        })?;
    }
    if state.counts.rows() == 0 {
        job.check(session)?;
    }
    let encoder = Encoder {
        format: options.format(),
        shard,
        columns: job.columns(),
        secrets: &session.secrets,
    };
    if sink.begin(&encoder.header(), &state)?.is_reader_gone() {
        return Ok(Printed::ReaderGone);
    }
    let caller = Caller {
        job,
        attempts: Attempts::new(session, options.results.rate)?,
    };
    run_rows(rows, &caller, encoder, &mut sink, &state, options)
}

fn is_ordered(job: &dyn Job, options: &BulkOptions) -> bool {
    !options.unordered && job.is_repeatable()
}

/// Makes the calls of the rows that are left, and prints the summary.
fn run_rows(
    rows: Rows,
    caller: &Caller<'_>,
    encoder: Encoder<'_>,
    sink: &mut Sink,
    state: &State,
    options: &BulkOptions,
) -> Result<Printed, Failure> {
    let earlier = state.counts.rows();
    let opened = rows.opened().clone();
    let progress = Progress::new(Some(opened.clone()), earlier, "rows");
    let shard = encoder.shard;
    let stop = Stop::default();
    stop.on_signals();
    let runner = Runner {
        caller,
        concurrency: options.concurrency(),
        is_ordered: is_ordered(caller.job, options),
        is_file: opened.size.is_some(),
        encoder,
        sink,
        progress: &progress,
        ledger: Ledger::new(rows.header_checksum, state),
        counts: state.counts,
        first_failed: None,
        stop: &stop,
        changed: Box::new(|changed| input_changed(&opened, shard, &changed)),
    };
    let ended = block_on(runner.run(read_ahead(rows)));
    progress.end();
    let ended = ended??;
    let mut report = Report::new(ended.counts, earlier, progress.elapsed());
    report.repeated_calls = caller.attempts.repeated.get();
    conclude(ended, report, &options.results, stop.signal())
}

/// Opens the result file and its journal, or standard output.
pub(crate) fn open(options: &OutputOptions, identity: &Identity) -> Result<(Sink, State), Failure> {
    let Some(output) = &options.output else {
        return Ok((Sink::Stdout, State::default()));
    };
    let (journal, state) = Journal::open(output, identity.begin())?;
    interrupt::set_hint("run the same command again to resume");
    Ok((Sink::File(Box::new(journal)), state))
}

/// Waits for a run, on one thread, which itself waits for the server most of the time.
pub(crate) fn block_on<T>(run: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(
            ExitCode::Other,
            format!("the run cannot begin ({})", error.kind()),
            "check the limits of this machine, such as `ulimit -n`",
        )
    })?;
    let ended = runtime.block_on(run);
    // A name that is being resolved must not delay the end.
    runtime.shutdown_background();
    Ok(ended)
}

/// Reads rows on a thread of its own: a read of standard input may wait for a long time.
fn read_ahead(mut rows: Rows) -> Receiver<Vec<ReadRow>> {
    let (sender, receiver) = channel(1);
    std::thread::spawn(move || {
        let mut batch = Vec::new();
        loop {
            let read = match rows.next() {
                Ok(Some(row)) => Some(Ok(row)),
                Ok(None) => rows.opened().check_unchanged().err().map(Err),
                Err(failure) => Some(Err(failure)),
            };
            let is_last = !matches!(read, Some(Ok(_)));
            batch.extend(read);
            // If the next row is not there yet, those before it do not wait for it.
            if is_last || batch.len() >= MAX_BATCH || !rows.is_next_ready() {
                // If nobody receives any more, the run has ended.
                let sent = sender.blocking_send(std::mem::take(&mut batch));
                if is_last || sent.is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

/// Returns the failure for a journal that says what no run writes.
pub(crate) fn damaged_journal() -> Failure {
    Failure::usage(
        "the journal of the result file is damaged",
        "name another file for -o",
    )
}

fn input_changed(opened: &Opened, shard: Shard, changed: &InputChanged) -> Failure {
    Failure::usage(
        format!(
            "{} is not what the earlier run read: at or before row {} it differs",
            opened.name,
            shard.number_of(changed.row)
        ),
        "give the same rows as before, or name another file for -o",
    )
}

/// Fails if the rows are not those of the run that is complete, or are not known because the file changes.
fn check_same_rows(rows: Rows, state: &State, shard: Shard) -> Result<(), Failure> {
    let opened = rows.opened().clone();
    let compared = compare_rows(rows, state, shard);
    // First, because rows of a file that changes may be the half of others.
    opened.check_unchanged()?;
    compared
}

fn compare_rows(mut rows: Rows, state: &State, shard: Shard) -> Result<(), Failure> {
    let opened = rows.opened().clone();
    let mut ledger = Ledger::new(rows.header_checksum, state);
    let changed = |changed: InputChanged| input_changed(&opened, shard, &changed);
    while let Some(row) = rows.next()? {
        if ledger.admit(row.number, row.checksum).map_err(changed)? != Todo::Nothing {
            return Err(Failure::usage(
                format!(
                    "{} has more rows than the earlier run, which is complete: row {} is new",
                    opened.name,
                    shard.number_of(row.number)
                ),
                "put the new rows into a file of their own, and name another file for -o",
            ));
        }
    }
    ledger.end().map_err(changed)
}

/// Ends a run that an earlier one has completed. `hint` says how to do more.
pub(crate) fn already_complete(
    state: &State,
    options: &OutputOptions,
    noun: &'static str,
    hint: &'static str,
) -> Result<Printed, Failure> {
    let ended = Ended {
        counts: state.counts,
        first_failed: None,
        failure: None,
        is_complete: true,
        is_reader_gone: false,
    };
    let done = state.counts.rows();
    let mut report = Report::new(state.counts, done, std::time::Duration::ZERO);
    report.noun = noun;
    report.nothing_sent = Some(hint);
    conclude(ended, report, options, None)
}

/// Prints the summary, and decides how the command ends: by the signal that ended the run early, if one did.
pub(crate) fn conclude(
    ended: Ended,
    mut report: Report,
    options: &OutputOptions,
    signal: Option<i32>,
) -> Result<Printed, Failure> {
    if !ended.is_reader_gone {
        report.complete = ended.is_complete;
        report.print(options.report.unwrap_or_default())?;
    }
    if let Some(signal) = signal {
        end_by(signal, &ended);
    }
    if ended.is_reader_gone {
        return Ok(Printed::ReaderGone);
    }
    if let Some(mut failure) = ended.failure {
        if options.output.is_some() && failure.code != ExitCode::Usage {
            failure.hint = format!("{}; run the same command again to resume", failure.hint);
        }
        return Err(failure);
    }
    let bad = ended.counts.failed + ended.counts.unknown;
    if bad == 0 {
        return Ok(Printed::All);
    }
    let place = match &options.output {
        Some(output) => output::display_path(output),
        None => "the results".to_owned(),
    };
    let mut hint = format!("look in {place} for the status failed or unknown");
    if let Some(first) = ended.first_failed {
        hint = format!("{hint}; the first is {first}");
    }
    Err(Failure::new(
        ExitCode::SomeRowsFailed,
        format!("{bad} of {} rows did not succeed", report.rows),
        hint,
    ))
}

/// Ends the program by the signal that ended a run early.
fn end_by(signal: i32, ended: &Ended) -> ! {
    if let Some(failure) = &ended.failure {
        let arguments: Vec<_> = std::env::args_os().collect();
        let _ = output::report(failure, &arguments);
    }
    if ended.is_complete {
        interrupt::set_hint("nothing is left to do");
    }
    interrupt::end_by(signal)
}
