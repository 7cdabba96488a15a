//! `ap events export`: every event, oldest first, as the product sent it.
//!
//! - `pages` reads page after page, `lines` writes an event as a line.
//! - This file writes lines to a file with a journal, or to standard output.
//! - `singer` writes the messages of a Singer tap.

mod last_item;
mod lines;
mod pages;
mod singer;

use std::time::{Duration, Instant};

use activeprospect::api::Id;
use activeprospect::api::leadconduit::events::List;
use activeprospect::{Endpoint as _, Service};
use clap::ValueEnum;
use serde_json::value::RawValue;

use super::Filter;
use crate::bulk::attempts::Attempts;
use crate::bulk::options::OutputOptions;
use crate::bulk::progress::Progress;
use crate::bulk::report::Report;
use crate::bulk::runner::Ended;
use crate::bulk::{self, Identity};
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::session::Session;
use crate::stop::Stop;
use pages::Page;

/// The most events of a page.
const PAGE: u32 = 1000;

/// How often the result file is written to the disk.
const SYNC: Duration = Duration::from_secs(1);

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    output: OutputOptions,
    /// How the events are written [default: csv if the name of the file of -o ends so, else jsonl].
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Add the events since the last export to the same file. Give the other options as before.
    #[arg(long, requires = "output")]
    since_last: bool,
    #[command(flatten)]
    singer: singer::Files,
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One event a line, as JSON.
    Jsonl,
    /// The usual members, with a header.
    Csv,
    /// The messages of a Singer tap.
    Singer,
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    if args.format == Some(Format::Singer) {
        if args.output.output.is_some() {
            return Err(Failure::usage(
                "a Singer tap writes to standard output and keeps no journal",
                "leave -o out; its messages go to a target",
            ));
        }
        return singer::run(args, options);
    }
    if args.singer.is_used() {
        return Err(Failure::usage(
            "--config, --state, --catalog and --discover are those of a Singer tap",
            "add --format singer, or leave them out",
        ));
    }
    to_lines(args, options)
}

fn to_lines(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    let mut list = raw(args.filter.list());
    session.check(&list.draft())?;
    let format = args
        .format
        .unwrap_or_else(|| match args.output.is_csv_file() {
            true => Format::Csv,
            false => Format::Jsonl,
        });
    let settings = [
        ("filter", args.filter.describe()),
        ("format", bulk::written(&format)),
    ];
    let target = (&session, Service::LeadConduit);
    let identity = Identity::new("events export", target, settings);
    let (mut sink, mut state) = bulk::open(&args.output, &identity)?;
    if state.is_complete && !args.since_last {
        return bulk::already_complete(
            &state,
            &args.output,
            "events",
            "add --since-last for newer events, or name another file for -o",
        );
    }
    state.is_complete = false;
    session.find_keys(Prompt::Allowed)?;
    let cursor = state.cursor.as_deref().map(Id::parse).transpose();
    let cursor = cursor.map_err(|_| bulk::damaged_journal())?;
    if let Some(cursor) = &cursor {
        list = list.after(cursor);
    }
    let is_csv = format == Format::Csv;
    if is_csv && sink.begin(&lines::csv_header(), &state)?.is_reader_gone() {
        return Ok(Printed::ReaderGone);
    }
    let earlier = state.rows;
    let progress = Progress::new(None, earlier, "events");
    let attempts = Attempts::new(&session, args.output.rate)?;
    let mut last_sync = Instant::now();
    let secrets = session.secrets.clone();
    let encode = move |events: &[&RawValue], lines: &mut Vec<u8>| {
        let secrets = secrets.now();
        for event in events {
            match is_csv {
                true => lines::csv(event, &secrets, lines),
                false => lines::jsonl(event, &secrets, lines),
            }
        }
    };
    let write = |page: &Page, lines: &mut Vec<u8>| {
        state.is_complete = page.next.is_none();
        state.rows += page.len as u64;
        state.counts.ok = state.rows;
        if let Some(next) = &page.next {
            state.cursor = Some(next.as_str().to_owned());
        }
        let is_durable = state.is_complete || last_sync.elapsed() >= SYNC;
        if is_durable {
            last_sync = Instant::now();
        }
        let printed = sink.commit(lines, state.clone(), is_durable)?;
        progress.update(state.counts);
        Ok(printed)
    };
    let stop = Stop::default();
    stop.on_signals();
    let read = pages::each(&attempts, &stop, list, cursor, encode, write);
    let ended = bulk::block_on(read);
    progress.end();
    let (printed, failure) = match ended?? {
        Ok(printed) => (printed, None),
        Err(error) => (Printed::All, Some(session.failure(error))),
    };
    if sink.is_file() && !state.is_complete {
        // What was written last is on the disk too before the end.
        let _all = sink.commit(&[], state.clone(), true)?;
    }
    let mut report = Report::new(state.counts, earlier, progress.elapsed());
    report.repeated_calls = attempts.repeated.get();
    report.noun = "events";
    let ended = Ended {
        counts: state.counts,
        first_failed: None,
        failure,
        is_complete: state.is_complete,
        is_reader_gone: printed.is_reader_gone(),
    };
    bulk::conclude(ended, report, &args.output, stop.signal())
}

/// Returns a list whose events are the text that the product sent, in pages of the largest size.
fn raw(list: List) -> List<Box<RawValue>> {
    list.output().limit(PAGE)
}
