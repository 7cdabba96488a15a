//! What came of a call, in a form that every subject can give, in any language.

use ap_core::CallError;
use bytes::Bytes;
use http::Response;
use serde::Deserialize;

/// What came of one call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcome {
    /// `response`, `refused` (nothing was sent), `unauthorized` (every key was refused), the kind of a
    /// transport's failure, or `hung` and `panicked`, which no case expects.
    #[serde(rename = "outcome")]
    pub kind: String,
    #[serde(default)]
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(skip)]
    pub body: Vec<u8>,
    /// Everything that the subject would print or log about it.
    #[serde(default)]
    pub text: String,
    /// What the libraries below logged meanwhile. Searched for keys, and for nothing else: a library may
    /// log the URL that it was given.
    #[serde(skip)]
    pub log: String,
}

impl Outcome {
    pub(crate) fn of_kind(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn of(result: Result<Response<Bytes>, CallError>) -> Self {
        match result {
            Ok(response) => Self::of_kind("response").with(&response),
            Err(error) => {
                let mut outcome = Self::of_kind(match &error {
                    CallError::Request(_) => "refused",
                    CallError::Auth(_) => "unauthorized",
                    CallError::Transport(error) => error.kind().name(),
                    _ => "other",
                });
                if let CallError::Auth(refusal) = &error
                    && let Some(response) = refusal.response()
                {
                    outcome = outcome.with(response);
                }
                outcome.text = chain(&error);
                outcome
            }
        }
    }

    fn with(mut self, response: &Response<Bytes>) -> Self {
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
        self.body = response.body().to_vec();
        self
    }
}

/// An error as a log would show it: `Display` and `Debug` of it and of every source.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text.push_str(&format!("{error}\n{error:?}\n{error:#?}\n"));
        next = error.source();
    }
    text
}
