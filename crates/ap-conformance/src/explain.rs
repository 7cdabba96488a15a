//! What happened in a run, for a person: the subject's own words, and what each listener received and sent.
//!
//! Every part of a key is replaced by `<key>`.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Instant;

use crate::case::Case;
use crate::outcome::Outcome;
use crate::secrets::{Secret, around_key, excerpt, one_line};
use crate::server::{
    Conversation, Direction, Event, Piece, Record, What, merge, tls_records_in_words,
};

/// How many lines of a head, of an error and of a log are shown.
const LINES: usize = 20;

/// How many lines with a part of a key are shown.
const LEAKS: usize = 2;

/// How many connections of a listener are shown.
const CONNECTIONS: usize = 6;

/// What happened in a run.
pub(crate) struct Explanation<'a> {
    pub case: &'a Case,
    pub secrets: &'a [Secret],
    pub outcomes: &'a [Outcome],
    pub records: &'a BTreeMap<&'a str, Record>,
    pub started: Instant,
}

impl Explanation<'_> {
    /// Explains a failure: where a key was shown, outcomes, what each listener received and sent, and the last lines of
    /// the log.
    pub(crate) fn failure(&self) -> String {
        let mut text = self.surroundings() + &self.leaks() + &self.outcomes_in_words();
        for (name, record) in self.records {
            // Writing to a String cannot fail.
            let _ = self.listener(&mut text, name, record);
        }
        text + &self.log()
    }

    /// Shows everything in the order in which it happened, with times.
    pub(crate) fn trace(&self) -> String {
        let mut all: Vec<(&str, &Event)> = Vec::new();
        for (name, record) in self.records {
            let events = record.tls.events.iter().chain(&record.conversation.events);
            all.extend(events.map(|event| (*name, event)));
        }
        all.sort_by_key(|(_, event)| event.at);
        let mut text = self.surroundings();
        for (name, event) in all {
            let millis = event.at.saturating_duration_since(self.started).as_millis();
            let _ = writeln!(
                text,
                "{millis:>5} ms  {name}, connection {}",
                event.connection + 1
            );
            let _ = self.event(&mut text, &event.what, true);
        }
        text + &self.leaks() + &self.outcomes_in_words() + &self.log()
    }

    /// Shows the variables and the hosts file of the process.
    fn surroundings(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.case.env {
            let _ = writeln!(text, "environment: {name}={value}");
        }
        for line in self.case.hosts.iter().flat_map(|hosts| hosts.lines()) {
            let _ = writeln!(text, "hosts file: {line}");
        }
        text
    }

    /// Shows the first lines that contain a part of a key and must not.
    fn leaks(&self) -> String {
        let mut lines_with_key = Vec::new();
        for (name, shown) in self.outcomes.iter().flat_map(|outcome| {
            [
                ("an error or a Debug", outcome.text.as_bytes()),
                ("a log", outcome.log.as_bytes()),
            ]
        }) {
            let lines = shown.split(|byte| *byte == b'\n');
            let parts = lines.filter_map(|line| around_key(line, self.secrets));
            // More of the same text show the same.
            let first = parts
                .take(1)
                .flat_map(|part| self.clean_lines(&part).collect::<Vec<_>>());
            lines_with_key.extend(first.map(|line| format!("in {name}: {line}\n")));
        }
        lines_with_key.dedup();
        lines_with_key.truncate(LEAKS);
        lines_with_key.concat()
    }

    fn outcomes_in_words(&self) -> String {
        let mut text = String::new();
        for (index, outcome) in self.outcomes.iter().enumerate() {
            let _ = write!(text, "call {}: {}", index + 1, outcome.kind);
            if let Some(status) = outcome.status {
                let body = excerpt(&outcome.body, self.secrets);
                let _ = write!(text, " {status} {body}");
            }
            text.push('\n');
            for line in self.clean_lines(outcome.error.as_bytes()).take(LINES) {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }

    fn listener(&self, text: &mut String, name: &str, record: &Record) -> fmt::Result {
        let count = record.received.len();
        if count == 0 {
            return writeln!(text, "{name}: no connection");
        }
        for number in 0..count.min(CONNECTIONS) {
            writeln!(text, "{name}, connection {}", number + 1)?;
            for what in joined(&record.tls, number).chain(joined(&record.conversation, number)) {
                self.event(text, &what, false)?;
            }
        }
        if count > CONNECTIONS {
            writeln!(text, "{name}: {} more connections", count - CONNECTIONS)?;
        }
        Ok(())
    }

    fn event(&self, text: &mut String, what: &What, is_trace: bool) -> fmt::Result {
        match what {
            What::Opened if is_trace => writeln!(text, "  * the client connected"),
            What::Opened => Ok(()),
            What::Received(piece) => self.piece(text, '>', piece, is_trace),
            What::Sent(piece) => self.piece(text, '<', piece, is_trace),
            What::Tls(direction, records) => {
                let mark = match direction {
                    Direction::Received => '>',
                    Direction::Sent => '<',
                };
                let (kind, length) = (&records.kind, records.length);
                match records.count {
                    1 => writeln!(text, "  {mark} {length} bytes: TLS {kind}"),
                    count => writeln!(text, "  {mark} {length} bytes: {count} times TLS {kind}"),
                }
            }
            What::ClientClosed => writeln!(text, "  * the client closed the connection"),
            What::Ended(how) => writeln!(text, "  * the listener {how}"),
            What::Failed(why) => writeln!(text, "  * {why}"),
        }
    }

    /// Shows a head line by line, and of a body only its length, or also its start.
    fn piece(&self, text: &mut String, mark: char, piece: &Piece, is_trace: bool) -> fmt::Result {
        if let Some(records) = tls_records_in_words(&piece.start) {
            return writeln!(text, "  {mark} {} bytes: {records}", piece.length);
        }
        let is_binary = |byte: &u8| *byte == 0 || *byte == 0x16;
        if piece.start.iter().take(3).any(is_binary) {
            return writeln!(text, "  {mark} ({} bytes that are not text)", piece.length);
        }
        let end = piece.start.windows(4).position(|four| four == b"\r\n\r\n");
        let head = end.map_or(piece.start.len(), |end| end + 4);
        for line in self.clean_lines(&piece.start[..head]).take(LINES) {
            writeln!(text, "  {mark} {line}")?;
        }
        match piece.length - head {
            0 => Ok(()),
            rest if is_trace && piece.start.len() > head => {
                let start = excerpt(&piece.start[head..], self.secrets);
                writeln!(text, "  {mark} ({rest} more bytes: {start})")
            }
            rest => writeln!(text, "  {mark} ({rest} more bytes)"),
        }
    }

    fn log(&self) -> String {
        let mut text = String::new();
        let Some(last) = self
            .outcomes
            .iter()
            .rev()
            .find(|outcome| !outcome.log.is_empty())
        else {
            return text;
        };
        let all: Vec<_> = last.log.lines().collect();
        let _ = writeln!(text, "last lines of the log");
        for line in &all[all.len().saturating_sub(LINES / 2)..] {
            for line in self.clean_lines(line.as_bytes()) {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }

    /// Returns the lines of a text without keys and without characters that a terminal would obey.
    fn clean_lines(&self, text: &[u8]) -> impl Iterator<Item = String> {
        let lines = text.split(|byte| *byte == b'\n');
        lines
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty())
            .map(|line| one_line(&String::from_utf8_lossy(line), self.secrets))
    }
}

/// Returns what happened on a connection, with what belongs together in one.
fn joined(conversation: &Conversation, connection: usize) -> impl Iterator<Item = What> {
    let mut joined: Vec<What> = Vec::new();
    let events = conversation.events.iter();
    for event in events.filter(|event| event.connection == connection) {
        let is_merged = joined
            .last_mut()
            .is_some_and(|last| merge(last, &event.what));
        if !is_merged {
            joined.push(event.what.clone());
        }
    }
    joined.into_iter()
}
