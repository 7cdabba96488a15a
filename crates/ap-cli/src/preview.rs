//! What a call would send, shown instead of sent: as a request (`--dry-run`), or as a curl command (`--curl`).

use std::path::Path;

use activeprospect::Draft;
use activeprospect::ap_core::redact;
use activeprospect::http::{HeaderValue, Method, Request};
use serde::de::IgnoredAny;

use crate::call;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::output::{self, Printed};
use crate::redact::MARK;
use crate::session::{Session, USER_AGENT};

/// The options that show a call instead of sending it.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct PreviewOptions {
    /// Show what would be sent, without secrets, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the call as a curl command, and change nothing.
    #[arg(long, conflicts_with = "dry_run")]
    curl: bool,
}

impl PreviewOptions {
    /// Returns `true` if the call is shown instead of sent.
    pub(crate) const fn is_wanted(self) -> bool {
        self.dry_run || self.curl
    }

    /// Shows a call. `body_file` is the file that the body is, if it is one.
    pub(crate) fn show(
        self,
        draft: &Draft,
        body_file: Option<&Path>,
        session: &Session,
    ) -> Result<Printed, Failure> {
        let user_agent = HeaderValue::from_static(USER_AGENT);
        let user_agent = (!self.curl).then_some(&user_agent);
        let origins = session.client.origins();
        let (request, _) = draft.clone().prepare(origins, user_agent)?;
        let text = match self.curl {
            true => curl(&request, draft.is_unsigned(), body_file, session)?,
            false => plain(&request, draft.is_unsigned(), session),
        };
        output::print(text.as_bytes())
    }

    /// Says to people what a dry run does not show. Once, after the calls.
    pub(crate) fn say_not_sent(self) {
        if self.dry_run {
            output::eprintln(
                "ap: nothing of this was sent, so it was not checked that the ids and names in it exist",
            );
        }
    }
}

/// Finds the account's keys, if there are any, so that no text that repeats one is shown.
pub(crate) fn find_keys_to_hide(session: &mut Session) -> Result<(), Failure> {
    match session.find_keys(Prompt::Never) {
        Err(failure) if failure.code != ExitCode::NoAcceptedKey => Err(failure),
        _ => Ok(()),
    }
}

/// Returns a request as text: the method and the URL, the headers, and the body after an empty line.
fn plain<B: AsRef<[u8]>>(request: &Request<B>, is_unsigned: bool, session: &Session) -> String {
    let uri = shown(request.uri().to_string().as_bytes(), session);
    let mut text = format!("{} {uri}\n", request.method());
    for (name, value) in request.headers() {
        let value = call::shown_header(name, value, session);
        text.push_str(&format!("{name}: {value}\n"));
    }
    if !is_unsigned {
        text.push_str(&format!("authorization: Basic {MARK}\n"));
    }
    let body = request.body().as_ref();
    if !body.is_empty() {
        text.push('\n');
        text.push_str(shown(body, session).trim_end());
        text.push('\n');
    }
    text
}

fn shown(text: &[u8], session: &Session) -> String {
    String::from_utf8_lossy(&session.secrets.now().redact_text(text)).into_owned()
}

/// Returns the command that makes the same call. Text that has a secret is not printed.
fn curl<B: AsRef<[u8]>>(
    request: &Request<B>,
    is_unsigned: bool,
    body_file: Option<&Path>,
    session: &Session,
) -> Result<String, Failure> {
    let url = request.uri().to_string();
    let body = request.body().as_ref();
    let has_secret = |text: &[u8]| shown(text, session).as_bytes() != text;
    if has_secret(url.as_bytes()) || (body_file.is_none() && has_secret(body)) {
        return Err(Failure::usage(
            "the call has a secret in it, which is not printed",
            "give the body in a file, so that the command names the file",
        ));
    }
    let mut command = "curl".to_owned();
    let is_implied = match body.is_empty() {
        true => Method::GET,
        false => Method::POST,
    };
    if *request.method() != is_implied {
        command.push_str(&format!(" -X {}", request.method()));
    }
    command.push_str(&format!(" {}", quoted(&url)));
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        command.push_str(&format!(
            " \\\n  -H {}",
            quoted(&format!("{name}: {value}"))
        ));
    }
    if !is_unsigned {
        command.push_str(" \\\n  -u \"API:$ACTIVEPROSPECT_API_KEY\"");
    }
    match body_file {
        Some(file) => {
            let file = format!("@{}", file.to_string_lossy());
            command.push_str(&format!(" \\\n  --data-binary {}", quoted(&file)));
        }
        None if body.is_empty() => {}
        None => {
            let shown = in_visible_characters(&String::from_utf8_lossy(body));
            if shown.as_bytes() != body && serde_json::from_slice::<IgnoredAny>(body).is_err() {
                return Err(Failure::usage(
                    "the body has characters that cannot be printed",
                    "give the body in a file, so that the command names the file",
                ));
            }
            command.push_str(&format!(" \\\n  --data-raw {}", quoted(&shown)));
        }
    }
    command.push('\n');
    Ok(command)
}

/// Returns a text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns JSON with escapes for the characters that are not printed to a terminal as they are. All of them are in
/// strings.
fn in_visible_characters(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    let mut escaped = String::new();
    for character in json.chars() {
        escaped.clear();
        redact::escape_char(&mut escaped, character);
        if character == '\r' {
            // In no string, so it separates tokens.
            shown.push(' ');
        } else if escaped.chars().eq([character]) || matches!(character, '\n' | '\t') {
            shown.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{in_visible_characters, quoted};

    #[test]
    fn a_word_of_a_shell_is_quoted() {
        assert_eq!(
            quoted("it's $HOME `x` \"y\" \\"),
            r#"'it'\''s $HOME `x` "y" \'"#
        );
    }

    #[test]
    fn json_keeps_its_meaning_in_visible_characters() {
        let json = "{\"a\\n\":\"caf\u{e9} \u{202e}\u{1f600}\u{7f}\"}";
        let shown = in_visible_characters(json);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(json));
        assert!(shown.contains("caf\u{e9} \\u202e"), "{shown}");
    }
}
