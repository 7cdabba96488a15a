//! The ids of what an account has, for completions: one call, of which nothing is heard if it fails or takes long.

use std::ffi::OsString;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use activeprospect::ap_core::redact;
use activeprospect::api::leadconduit::{entities, fields, flows, reports};
use activeprospect::{Draft, Endpoint as _};
use clap::{Command, FromArgMatches as _};
use clap_complete::engine::CompletionCandidate;
use serde_json::Value;

use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::session::Session;
use crate::{call, config_file};

/// How long a person waits for what is offered.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most that is offered.
const MOST: usize = 1000;

/// The longest id that is offered.
const MAX_LEN: usize = 64;

/// What an id is of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Flow,
    Field,
    Entity,
    Report,
}

impl Kind {
    fn list(self) -> Draft {
        match self {
            Self::Flow => flows::List::new().draft(),
            Self::Field => fields::List::new().draft(),
            Self::Entity => entities::List::new().draft(),
            Self::Report => reports::List::new().draft(),
        }
    }
}

/// Returns the ids and names of all objects of a kind, for a command line with these words.
pub(super) fn find(kind: Kind, words: &[OsString], whole: Command) -> Vec<CompletionCandidate> {
    let options = options(words, whole);
    let (sender, found) = sync_channel(1);
    std::thread::spawn(move || {
        let _ = sender.send(options.and_then(|options| ask(kind, options)));
    });
    found
        .recv_timeout(PATIENCE)
        .ok()
        .flatten()
        .unwrap_or_default()
}

/// Returns the options that have been written so far.
fn options(words: &[OsString], whole: Command) -> Option<GlobalOptions> {
    let matches = whole.ignore_errors(true).try_get_matches_from(words).ok()?;
    GlobalOptions::from_arg_matches(&matches).ok()
}

fn ask(kind: Kind, mut options: GlobalOptions) -> Option<Vec<CompletionCandidate>> {
    config_file::complete(&mut options).ok()?;
    // A command for keys may ask a person for a password.
    if options.account.runs_command() {
        return None;
    }
    options.verbose = 0;
    options.timeout = Some(PATIENCE);
    let mut session = Session::without_keys(&options).ok()?;
    session.find_keys(Prompt::Never).ok()?;
    let response = call::send(&session, kind.list()).ok()?;
    let response = response.error_for_status().ok()?;
    let secrets = session.secrets.now();
    let text = secrets.redact_text(response.bytes());
    let objects: Vec<Value> = serde_json::from_slice(&text).ok()?;
    Some(objects.iter().filter_map(candidate).take(MOST).collect())
}

/// Returns an id with its name, if the id is one that a shell cannot misunderstand.
fn candidate(object: &Value) -> Option<CompletionCandidate> {
    let id = object.get("id")?.as_str()?;
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if id.len() > MAX_LEN || id.starts_with('-') || !id.bytes().all(is_safe) {
        return None;
    }
    let name = object.get("name").and_then(Value::as_str);
    let name = name.map(|name| redact::escape(name).into());
    Some(CompletionCandidate::new(id).help(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_ids_that_a_shell_cannot_misunderstand_are_offered() {
        for (id, is_offered) in [
            (json!("65e0b2000000000000000001"), true),
            (json!("phone_1"), true),
            (json!("$(x)"), false),
            (json!("a b"), false),
            (json!("a\nb"), false),
            (json!("-x"), false),
            (json!("x".repeat(65)), false),
            (json!(1), false),
            (json!(null), false),
        ] {
            let object = json!({"id": id, "name": "a\u{1b}\nb"});
            let candidate = candidate(&object);
            assert_eq!(candidate.is_some(), is_offered, "{id}");
            if let Some(candidate) = candidate {
                let help = candidate.get_help().unwrap().to_string();
                assert!(!help.contains(['\u{1b}', '\n']), "{help:?}");
            }
        }
    }
}
