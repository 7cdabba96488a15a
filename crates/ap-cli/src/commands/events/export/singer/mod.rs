//! `ap events export --format singer`: a tap of the Singer specification. A host such as Meltano gives it a config, a
//! state and a catalog, and passes what it prints to a target.
//!
//! - `config` reads what to export, `catalog` which members, `state` where to continue.
//! - `schema` is what the stream's records have.
//!
//! After the records of each page comes a state that says so. A host keeps the last state that its target has passed
//! on, so that records after it come again, and none is missing.

mod catalog;
mod config;
mod file;
mod schema;
mod state;

use std::path::PathBuf;

use activeprospect::Endpoint as _;
use jiff::Timestamp;
use serde_json::json;
use serde_json::value::RawValue;

use super::pages::Page;
use super::{Args, Filter, lines, pages, raw};
use crate::bulk;
use crate::bulk::attempts::Attempts;
use crate::bulk::journal::record::Counts;
use crate::bulk::progress::Progress;
use crate::bulk::report::Report;
use crate::bulk::runner::Ended;
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::output::{self, Printed};
use crate::session::Session;
use crate::stop::Stop;
use catalog::Selection;
use config::Config;
use state::State;

/// The name of the one stream.
const STREAM: &str = "events";

/// The member that tells events apart and is their order: what a bookmark has.
const KEY: &str = "id";

/// What a host of Singer gives a tap.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Options of --format singer")]
pub(crate) struct Files {
    /// A JSON file that says what to export: start_date, end_date, rules, rate, origin. It has no key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Continue after the state in this JSON file, which an earlier run printed.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Export what this catalog selects, a JSON file.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Print the catalog, and make no call.
    #[arg(long)]
    discover: bool,
}

impl Files {
    /// Returns `true` if any of them was given.
    pub(super) const fn is_used(&self) -> bool {
        self.config.is_some() || self.state.is_some() || self.catalog.is_some() || self.discover
    }
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let files = &args.singer;
    let config = match &files.config {
        Some(file) => Config::read(file)?,
        None => Config::default(),
    };
    if files.discover {
        return output::print(output::json_line(&catalog::discovered())?.as_bytes());
    }
    let selection = match &files.catalog {
        Some(file) => Selection::read(file)?,
        None => Selection::everything(),
    };
    let state = match &files.state {
        Some(file) => State::read(file)?,
        None => State::default(),
    };
    if !selection.is_selected {
        return output::print(&state.message()?);
    }
    export(args, &config, &selection, state, options)
}

fn export(
    args: &Args,
    config: &Config,
    selection: &Selection,
    mut state: State,
    options: &GlobalOptions,
) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(&config.options(options)?)?;
    let bookmark = state.bookmark()?;
    let filter = Filter {
        // The time of the first run says nothing about those that continue it.
        from: args
            .filter
            .from
            .or(config.start)
            .filter(|_| bookmark.is_none()),
        to: args.filter.to.or(config.end),
        rules: [&args.filter.rules[..], &config.rules].concat(),
    };
    let mut list = raw(filter.list().exclude(selection.excluded.iter().cloned()));
    if let Some(bookmark) = &bookmark {
        list = list.after(bookmark);
    }
    session.check(&list.draft())?;
    session.find_keys(Prompt::Allowed)?;
    let progress = Progress::new(None, 0, "events");
    let attempts = Attempts::new(&session, args.output.rate.or(config.rate))?;
    let mut counts = Counts::default();
    let schema = output::json_line(&json!({
        "type": "SCHEMA",
        "stream": STREAM,
        "schema": schema::of_events(&selection.excluded),
        "key_properties": [KEY],
        "bookmark_properties": [KEY],
    }))?;
    let mut schema = Some(schema);
    let secrets = session.secrets.clone();
    let encode = move |events: &[&RawValue], messages: &mut Vec<u8>| {
        let begin = record_begin(Timestamp::now());
        let secrets = secrets.now();
        for event in events {
            messages.extend_from_slice(begin.as_bytes());
            lines::json(event, &secrets, messages);
            messages.extend_from_slice(b"}\n");
        }
    };
    let mut is_complete = false;
    let write = |page: &Page, messages: &mut Vec<u8>| {
        is_complete = page.next.is_none();
        if let Some(schema) = schema.take() {
            messages.splice(..0, schema.into_bytes());
        }
        counts.ok += page.len as u64;
        if let Some(next) = &page.next {
            state.set_bookmark(next)?;
        }
        // Without events, the state that the run began with is the last one too.
        if page.len > 0 || counts.ok == 0 {
            messages.extend(state.message()?);
        }
        let printed = output::print(messages)?;
        progress.update(counts);
        Ok(printed)
    };
    let stop = Stop::default();
    stop.on_signals();
    let read = pages::each(&attempts, &stop, list, bookmark, encode, write);
    let ended = bulk::block_on(read);
    progress.end();
    let (printed, failure) = match ended?? {
        Ok(printed) => (printed, None),
        Err(error) => (Printed::All, Some(session.failure(error))),
    };
    let mut report = Report::new(counts, 0, progress.elapsed());
    report.repeated_calls = attempts.repeated.get();
    report.noun = "events";
    let ended = Ended {
        counts,
        first_failed: None,
        failure,
        is_complete,
        is_reader_gone: printed.is_reader_gone(),
    };
    bulk::conclude(ended, report, &args.output, stop.signal())
}

/// Returns a record's message up to the event, whose text stays as the product sent it.
fn record_begin(now: Timestamp) -> String {
    format!(r#"{{"type":"RECORD","stream":"{STREAM}","time_extracted":"{now:.0}","record":"#)
}
