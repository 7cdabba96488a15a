//! `ap events export`: every event, oldest first, as the product sent it.

use std::time::{Duration, Instant};

use activeprospect::api::Id;
use activeprospect::api::leadconduit::events::List;
use activeprospect::{Endpoint as _, Error};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Filter;
use crate::bulk::attempts::Attempts;
use crate::bulk::journal::record::State;
use crate::bulk::options::OutputOptions;
use crate::bulk::progress::Progress;
use crate::bulk::report::Report;
use crate::bulk::results::{OutputFormat, csv_line, csv_text};
use crate::bulk::runner::Ended;
use crate::bulk::sink::Sink;
use crate::bulk::{self, Identity};
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::redact::Secrets;
use crate::session::Session;

/// The most events of a page.
const PAGE: u32 = 1000;

/// How often the result file is written to the disk.
const SYNC: Duration = Duration::from_secs(1);

/// The columns of CSV: names, and where in an event each is.
const CSV_COLUMNS: [(&str, &str); 12] = [
    ("id", "/id"),
    ("type", "/type"),
    ("outcome", "/outcome"),
    ("reason", "/reason"),
    ("start_timestamp", "/start_timestamp"),
    ("flow_id", "/vars/flow/id"),
    ("flow_name", "/vars/flow/name"),
    ("source_id", "/vars/source/id"),
    ("source_name", "/vars/source/name"),
    ("lead_id", "/vars/lead/id"),
    ("email", "/vars/lead/email"),
    ("phone_1", "/vars/lead/phone_1"),
];

/// Exports every event, oldest first. As JSONL, an event has every member that the product sent; as CSV, it has the
/// usual ones.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    output: OutputOptions,
    /// Add the events since the last export to the same file.
    #[arg(long, requires = "output")]
    since_last: bool,
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    let mut list = args.filter.list().output::<Box<RawValue>>().limit(PAGE);
    session.check(&list.draft())?;
    let identity = Identity::new("events export", [("filter", args.filter.describe())]);
    let (mut sink, mut state) = bulk::open(&args.output, identity)?;
    if state.is_complete && !args.since_last {
        return bulk::already_complete(&state, &args.output);
    }
    state.is_complete = false;
    session.find_keys(Prompt::Allowed)?;
    if let Some(cursor) = &state.cursor {
        let cursor = Id::parse(cursor).map_err(|_| bulk::damaged_journal())?;
        list = list.after(cursor);
    }
    if state.len == 0 && args.output.format == OutputFormat::Csv {
        let mut header = Vec::new();
        csv_line(
            &mut header,
            CSV_COLUMNS.iter().map(|(name, _)| (*name).to_owned()),
        );
        sink.commit(&header, state.clone(), true)?;
    }
    let earlier = state.rows;
    let progress = Progress::new(None, earlier, "events");
    let export = Export {
        attempts: Attempts::new(&session, args.output.rate)?,
        format: args.output.format,
        progress: &progress,
    };
    let ended = bulk::runtime()?.block_on(export.run(list, &mut sink, &mut state));
    progress.end();
    let (printed, failure) = match ended? {
        Ok(printed) => (printed, None),
        Err(error) => (Printed::All, Some(session.failure(error))),
    };
    let mut report = Report::new(state.counts, earlier, progress.elapsed());
    report.repeated_calls = export.attempts.repeated.get();
    report.noun = "events";
    let ended = Ended {
        counts: state.counts,
        failure,
        is_reader_gone: printed.is_reader_gone(),
    };
    bulk::conclude(ended, report, &args.output)
}

struct Export<'a> {
    attempts: Attempts<'a>,
    format: OutputFormat,
    progress: &'a Progress,
}

impl Export<'_> {
    /// Writes page after page. An error of the server is the inner one.
    async fn run(
        &self,
        mut list: List<Box<RawValue>>,
        sink: &mut Sink,
        state: &mut State,
    ) -> Result<Result<Printed, Error>, Failure> {
        let mut last_sync = Instant::now();
        loop {
            let page = self
                .attempts
                .call(&list.draft(), |response| list.decode(response))
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    sink.commit(&[], state.clone(), true)?;
                    return Ok(Err(error));
                }
            };
            state.is_complete = page.next.is_none();
            let mut lines = Vec::new();
            for event in &page.items {
                write(
                    event,
                    self.format,
                    &self.attempts.session.secrets,
                    &mut lines,
                );
            }
            state.rows += page.items.len() as u64;
            state.counts.ok = state.rows;
            if let Some(next) = &page.next {
                state.cursor = Some(next.as_str().to_owned());
            }
            let is_durable = state.is_complete || last_sync.elapsed() >= SYNC;
            if is_durable {
                last_sync = Instant::now();
            }
            let printed = sink.commit(&lines, state.clone(), is_durable)?;
            self.progress.update(state.counts);
            let Some(next) = page.next.filter(|_| !printed.is_reader_gone()) else {
                return Ok(Ok(printed));
            };
            list = list.after(next);
        }
    }
}

/// Appends the line of an event, without secrets.
fn write(event: &RawValue, format: OutputFormat, secrets: &Secrets, lines: &mut Vec<u8>) {
    let text = event.get();
    let start = lines.len();
    match format {
        OutputFormat::Jsonl => {
            for piece in secrets.redact(text.as_bytes()) {
                lines.extend_from_slice(piece);
            }
            // JSON has line ends between its parts alone.
            for byte in &mut lines[start..] {
                if matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
            lines.push(b'\n');
        }
        OutputFormat::Csv => {
            let text = secrets.redact_text(text.as_bytes());
            let event: Value = serde_json::from_slice(&text).unwrap_or_default();
            let field =
                |(_, at): &(&str, &str)| event.pointer(at).map_or_else(String::new, csv_text);
            csv_line(lines, CSV_COLUMNS.iter().map(field));
        }
    }
}
