//! [`SingleCall`]: a command that makes one call and shows its answer.

use std::path::PathBuf;

use activeprospect::http::Method;
use activeprospect::{Draft, Error, Response};
use serde_json::Value;

use super::confirmation::Confirmation;
use super::selection::Columns;
use super::shown::{Answer, JsonOption};
use crate::call;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::output::{self, Printed};
use crate::preview::{self, PreviewOptions};
use crate::session::Session;

/// The options of commands that make one call.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct CallOptions {
    #[command(flatten)]
    pub(crate) preview: PreviewOptions,
    /// Show only these columns or members, such as id,name; dots reach into objects.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = parse_shown)]
    fields: Vec<String>,
    #[command(flatten)]
    json: JsonOption,
}

/// Parses a name of `--fields`, which is easily taken for `--field`.
fn parse_shown(text: &str) -> Result<String, &'static str> {
    match text.contains('=') {
        true => Err("it has names of columns to show; write a member as -f NAME=VALUE"),
        false => Ok(text.to_owned()),
    }
}

impl CallOptions {
    /// Returns `true` if an option about the answer is given.
    pub(crate) fn has_answer_options(&self) -> bool {
        !self.fields.is_empty() || self.json.is_given()
    }
}

/// Reads from an answer with a success status if it says that nothing was achieved.
type Decision = fn(&Value) -> Option<Failure>;

/// One call, with what is asked before it and what its answer means.
pub(crate) struct SingleCall<'a> {
    draft: Draft,
    list: &'a str,
    columns: Columns<'a>,
    question: Option<(&'a str, Confirmation)>,
    decision: Option<Decision>,
    note: Option<&'a str>,
    body_file: Option<PathBuf>,
    prompt: Prompt,
}

impl<'a> SingleCall<'a> {
    /// Creates a call whose answer is shown with these columns. The answer to a call that changes something is decided
    /// by its member `errors`.
    pub(crate) fn new(draft: Draft, columns: Columns<'a>) -> Self {
        let decision: Option<Decision> = is_change(&draft).then_some(by_errors);
        Self {
            draft,
            list: "",
            columns,
            question: None,
            decision,
            note: None,
            body_file: None,
            prompt: Prompt::Allowed,
        }
    }

    /// The list is at this place of the answer, a JSON pointer.
    pub(crate) const fn list_at(mut self, list: &'a str) -> Self {
        self.list = list;
        self
    }

    /// Asks this before the call.
    pub(crate) const fn asking(mut self, question: &'a str, confirmation: Confirmation) -> Self {
        self.question = Some((question, confirmation));
        self
    }

    /// Lets this decide if an answer with a success status is a failure, and not the member `errors`.
    pub(crate) fn decided_by(mut self, decision: Decision) -> Self {
        self.decision = Some(decision);
        self
    }

    /// Says this to people after a success.
    pub(crate) const fn note(mut self, note: Option<&'a str>) -> Self {
        self.note = note;
        self
    }

    /// Sets the file that is the body, and if a person may be asked for a key.
    pub(crate) fn body_from(mut self, file: Option<PathBuf>, prompt: Prompt) -> Self {
        self.body_file = file;
        self.prompt = prompt;
        self
    }

    /// Makes the call and prints its answer, or shows the call instead.
    pub(crate) fn run(
        self,
        call: &CallOptions,
        options: &GlobalOptions,
    ) -> Result<Printed, Failure> {
        self.run_in(&mut Session::without_keys(options)?, call)
    }

    /// The same in a session that exists.
    pub(crate) fn run_in(
        self,
        session: &mut Session,
        options: &CallOptions,
    ) -> Result<Printed, Failure> {
        session.check(&self.draft)?;
        if options.preview.is_wanted() {
            preview::find_keys_to_hide(session)?;
            let file = self.body_file.as_deref();
            let printed = options.preview.show(&self.draft, file, session)?;
            options.preview.say_not_sent();
            return Ok(printed);
        }
        if let Some((question, confirmation)) = self.question {
            confirmation.ask(question)?;
        }
        let is_change = is_change(&self.draft);
        find_keys(session, &self.draft, self.prompt)?;
        let response = match call::send(session, self.draft).and_then(Response::error_for_status) {
            Ok(response) => response,
            Err(error) => return refused(error, session, &options.json),
        };
        let secrets = session.secrets.now();
        let body = secrets.redact_text(response.bytes());
        let answer = Answer {
            body: &body,
            list: self.list,
            columns: self.columns,
            fields: &options.fields,
            is_change,
        };
        let printed = answer.print(&options.json, session)?;
        if printed.is_reader_gone() {
            return Ok(printed);
        }
        let failure = self.decision.and_then(|decision| match response.json() {
            Ok(value) => decision(&value),
            Err(_) => Some(Failure::new(
                ExitCode::Other,
                "the answer is not JSON",
                "look if the call did what you want",
            )),
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        if let Some(note) = self.note {
            output::eprintln(&format!("ap: {note}"));
        }
        Ok(printed)
    }
}

/// Sends a call of a session, and returns an answer with a success status. If the call is refused and the reader of the
/// answer has gone, it returns that.
pub(crate) fn send(
    session: &mut Session,
    draft: Draft,
    prompt: Prompt,
    options: &CallOptions,
) -> Result<Result<Response, Printed>, Failure> {
    find_keys(session, &draft, prompt)?;
    match call::send(session, draft).and_then(Response::error_for_status) {
        Ok(response) => Ok(Ok(response)),
        Err(error) => refused(error, session, &options.json).map(Err),
    }
}

fn is_change(draft: &Draft) -> bool {
    *draft.method() != Method::GET
}

/// Finds the account's keys, if the call needs one and there is none yet.
fn find_keys(session: &mut Session, draft: &Draft, prompt: Prompt) -> Result<(), Failure> {
    match draft.is_unsigned() || !session.keys.is_empty() {
        true => Ok(()),
        false => session.find_keys(prompt),
    }
}

/// Ends a call that was refused, or that failed. The answer, if there is one, is shown with `--json`.
fn refused(error: Error, session: &Session, json: &JsonOption) -> Result<Printed, Failure> {
    let response = error.response().cloned();
    let mut failure = session.failure(error);
    match response {
        Some(response) if json.is_json() => {
            let secrets = session.secrets.now();
            let body = secrets.redact_text(response.bytes());
            if output::print_json(&body)?.is_reader_gone() {
                return Ok(Printed::ReaderGone);
            }
        }
        // It says what is wrong with the request.
        Some(_) if failure.code == ExitCode::Other || failure.http_status == Some(501) => {
            failure.hint.push_str("; see it with --json");
        }
        _ => {}
    }
    Err(failure)
}

/// Decides by the member `outcome`.
pub(crate) fn by_outcome(answer: &Value) -> Option<Failure> {
    let (what, hint) = match answer.get("outcome").and_then(Value::as_str) {
        Some("success") => return None,
        Some("failure") => (
            "a failure",
            "the answer has the reason; the same call again does not help",
        ),
        Some("error") => (
            "an error",
            "the answer has the reason; it could not be processed",
        ),
        _ => ("none that is known", "see the answer with --json"),
    };
    let message = format!("the outcome is {what}");
    Some(Failure::new(ExitCode::Other, message, hint))
}

/// Decides by the member `errors`, which is empty or absent after a success.
pub(crate) fn by_errors(answer: &Value) -> Option<Failure> {
    let has_errors = match answer.get("errors") {
        Some(Value::Object(errors)) => !errors.is_empty(),
        Some(Value::Array(errors)) => !errors.is_empty(),
        _ => false,
    };
    has_errors.then(|| {
        Failure::new(
            ExitCode::Other,
            "the answer has errors",
            "see its member errors with --json",
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_that_says_failure_is_one() {
        let table: [(Decision, Value, bool); 10] = [
            (by_outcome, json!({"outcome": "success"}), false),
            (by_outcome, json!({"outcome": "failure"}), true),
            (by_outcome, json!({"outcome": "error"}), true),
            (by_outcome, json!({"outcome": "other"}), true),
            (by_outcome, json!({}), true),
            (by_errors, json!({"id": 1}), false),
            (by_errors, json!({"errors": {}}), false),
            (by_errors, json!({"errors": null}), false),
            (by_errors, json!({"errors": {"steps": "x"}}), true),
            (by_errors, json!({"errors": ["x"]}), true),
        ];
        for (decision, answer, is_failure) in table {
            assert_eq!(decision(&answer).is_some(), is_failure, "{answer}");
        }
    }
}
