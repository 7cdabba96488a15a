//! [`Outcome`]: the result of a call, in a form that every subject can give, in any language.

use std::any::Any;
use std::time::Duration;

use ap_core::{Error, ErrorKind, Response};
use serde::Deserialize;

/// What a client returns from a call.
pub(crate) type CallResult = Result<Response, Error>;

/// The result of one call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcome {
    /// `response`, `refused` (nothing was sent), `unauthorized` (every key was rejected), the kind of a
    /// transport error, or `late`, `hung` or `panicked`, which no case expects.
    #[serde(rename = "outcome")]
    pub kind: String,
    #[serde(default)]
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(skip)]
    pub body: Vec<u8>,
    /// The error as a person sees it, with its sources.
    #[serde(skip)]
    pub error: String,
    /// Everything that the subject would print or log about the call.
    #[serde(default)]
    pub text: String,
    /// What the libraries below have logged. It is searched for keys only, because a library may log
    /// the URL.
    #[serde(skip)]
    pub log: String,
    /// The call lasted until the limit that the suite itself set, because the case has none.
    #[serde(skip)]
    pub is_at_limit: bool,
}

impl Outcome {
    pub(crate) fn of_kind(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..Self::default()
        }
    }

    /// Returns the same outcome of a call that ended too late. What the subject said stays.
    pub(crate) fn late(self, elapsed: Duration, limit: Duration) -> Self {
        let (elapsed, limit) = (elapsed.as_millis(), limit.as_millis());
        let kind = &self.kind;
        Self {
            error: format!(
                "{kind} after {elapsed} ms; {limit} ms were allowed\n{}",
                self.error
            ),
            kind: "late".to_owned(),
            ..self
        }
    }

    /// Returns the outcome of a call that did not end in this time.
    pub(crate) fn hung(limit: Duration) -> Self {
        Self {
            error: format!("it did not end within {} ms", limit.as_millis()),
            ..Self::of_kind("hung")
        }
    }

    /// Returns `true` if the call has no result: it panicked, or did not end.
    pub(crate) fn has_broken_down(&self) -> bool {
        matches!(self.kind.as_str(), "hung" | "panicked")
    }

    /// Returns `true` if the call did not end, or only because of the suite's own limit.
    pub(crate) fn has_hung(&self) -> bool {
        self.kind == "hung" || self.is_at_limit
    }

    /// Returns the outcome of a call that a client made.
    pub(crate) fn of(result: CallResult) -> Self {
        match result {
            Ok(response) => Self::of_kind("response").with_response(&response),
            Err(error) => {
                let mut outcome = Self::of_kind(match error.kind() {
                    ErrorKind::Request => "refused",
                    ErrorKind::Auth => "unauthorized",
                    ErrorKind::Transport(kind) => kind.name(),
                    _ => "other",
                });
                if let Some(response) = error.response() {
                    outcome = outcome.with_response(response);
                }
                outcome.error = error_in_words(&error);
                outcome.text = error_chain(&error);
                outcome
            }
        }
    }

    /// Returns the outcome of a call that panicked, with the text of the panic.
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = match panic.downcast_ref::<&str>() {
            Some(text) => text,
            None => panic.downcast_ref::<String>().map_or("", String::as_str),
        };
        Self {
            error: text.trim().to_owned(),
            text: text.to_owned(),
            ..Self::of_kind("panicked")
        }
    }

    fn with_response(mut self, response: &Response) -> Self {
        self.status = Some(response.status().as_u16());
        self.headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        self.body = response.bytes().to_vec();
        self
    }
}

/// Returns the `Display` of an error and of every source, with those left out that repeat the one before.
pub(crate) fn error_in_words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !words.ends_with(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        next = error.source();
    }
    words
}

/// Returns an error as a log may show it: `Display` and `Debug` of the error and of every source.
pub(crate) fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text.push_str(&format!("{error}\n{error:?}\n{error:#?}\n"));
        next = error.source();
    }
    text
}
