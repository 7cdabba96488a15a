//! [`Step`]: one thing that a listener does on a connection, as a case file writes it.
//!
//! A listener must be able to break HTTP, so its steps send bytes, not messages.

use serde::Deserialize;

/// One step of a script. Texts may contain placeholders, see [`crate::placeholders`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    /// Reads a whole request: its head, and the body that the head announces.
    Read,
    /// Reads the head of a request and leaves the body unread.
    ReadHead,
    /// Sends a text unchanged.
    Send(String),
    /// Sends a whole response with a `Content-Length`.
    Respond(Respond),
    /// Sends the documented 401.
    Refuse,
    /// Sends bytes written in hexadecimal.
    Hex(String),
    /// Sends a text this many times, or until the client closes the connection.
    Repeat { text: String, times: usize },
    /// Sends a text byte by byte, this many milliseconds apart.
    Drip { text: String, every_ms: u64 },
    /// Waits this many milliseconds, or until the client closes the connection.
    Pause(u64),
    /// Waits this many milliseconds and reads nothing, so that the client's bytes pile up.
    Sleep(u64),
    /// Waits until the client closes the connection.
    WaitClose,
    /// Closes the write half only.
    Half,
    /// Ends the connection at once, without TLS's closing alert.
    Fin,
    /// Ends the connection with a reset.
    Rst,
    /// Passes everything on to another listener, in both directions.
    Tunnel(String),
    /// Tells a call with `after_mark` that the script has come this far.
    Mark,
    /// Starts the script again from its first step.
    Again,
    /// Runs the steps that the listener's `answers` have for the latest request.
    Answer,
}

impl Step {
    /// Answers a request whose key is accepted.
    pub(crate) fn ok() -> Self {
        Self::Respond(Respond {
            status: 200,
            headers: Vec::new(),
            body: "{}".to_owned(),
        })
    }

    /// Returns the response text that this step sends. A sweep goes through its bytes.
    pub(crate) fn response_text(&self) -> Option<String> {
        match self {
            Self::Send(text) => Some(text.clone()),
            Self::Respond(respond) => Some(respond.text()),
            Self::Refuse => Some(DOCUMENTED_401.to_owned()),
            _ => None,
        }
    }
}

/// A whole response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Respond {
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: String,
}

impl Respond {
    pub(crate) fn text(&self) -> String {
        let mut text = format!("HTTP/1.1 {} Answer\r\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !matches!(self.status, 204 | 304) {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text + "\r\n" + &self.body
    }
}

/// The documented 401, byte for byte except for the date.
pub(crate) const DOCUMENTED_401: &str = "HTTP/1.1 401 Unauthorized\r\n\
    Date: Tue, 28 Jul 2015 03:29:16 GMT\r\n\
    Content-Type: application/json; charset=utf-8\r\n\
    Content-Length: 33\r\n\
    Connection: keep-alive\r\n\
    Vary: Accept, Accept-Encoding\r\n\
    ETag: W/\"21-48c58abe\"\r\n\r\n\
    {\"error\":\"authentication failed\"}";

/// The script of a listener without one: it answers every request with `{}`.
pub(crate) fn default_script() -> Vec<Step> {
    vec![Step::Read, Step::ok(), Step::Again]
}

/// The script of a listener that has `answers` or `accepts`.
pub(crate) fn answering_script() -> Vec<Step> {
    vec![Step::Read, Step::Answer, Step::Again]
}

/// Decodes hexadecimal digits. Other characters are ignored.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
