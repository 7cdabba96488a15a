//! [`ExitCode`]: how `ap` ends if it does not succeed. Documented in docs/cli.md; the numbers do not change.

use activeprospect::{Error, ErrorKind, TransportErrorKind};

/// The exit code of a command that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Any other answer of the server, an answer that says failure, or a failure on this machine.
    Other = 1,
    /// The command was refused before anything was sent.
    Usage = 2,
    /// No key was accepted, or there is none.
    NoAcceptedKey = 3,
    /// Another 401, 402 or 403.
    Forbidden = 4,
    /// 404, or a list that the account does not have.
    NotFound = 5,
    /// No complete answer was received.
    Transport = 6,
    /// 429 or 5xx: a later call may succeed.
    TryLater = 7,
    /// Some rows of a bulk command failed.
    SomeRowsFailed = 8,
    /// A product still accepts an older key than the newest.
    Behind = 9,
}

/// What `ap help exit-codes` prints, as in docs/cli.md.
const MEANINGS: [(&str, &str); 11] = [
    (
        "0",
        "success; also if the program that reads the output ends early",
    ),
    (
        "1",
        "any other answer (3xx, other 4xx), one that says failure, or a failure here",
    ),
    (
        "2",
        "usage: the command was refused before anything was sent",
    ),
    (
        "3",
        "the product rejected the key, or there is no key; with --no-auth, any 401",
    ),
    ("4", "any other 401 or 403, or a 402"),
    ("5", "404, or a list that the account does not have"),
    (
        "6",
        "no complete answer: the connection, TLS or time failed",
    ),
    ("7", "429 and 5xx: try again later"),
    (
        "8",
        "a bulk command has rows that failed or whose outcome is unknown",
    ),
    ("9", "a product still accepts an older key than the newest"),
    (
        "130, 143, 129, 131",
        "what a shell shows after SIGINT, SIGTERM, SIGHUP or SIGQUIT",
    ),
];

/// Returns the table of exit codes.
pub(crate) fn table() -> String {
    let line = |(code, meaning): &(&str, &str)| format!("{code:<19} {meaning}\n");
    MEANINGS.iter().map(line).collect()
}

impl ExitCode {
    /// The codes of several results in one command, the most serious first. A rejected key comes first because
    /// that is what such commands check.
    const MOST_SERIOUS_FIRST: [Self; 8] = [
        Self::NoAcceptedKey,
        Self::Transport,
        Self::Forbidden,
        Self::TryLater,
        Self::NotFound,
        Self::Other,
        Self::Usage,
        Self::Behind,
    ];

    /// Returns the exit code of a call that ended in this error.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Build | ErrorKind::Request => Self::Usage,
            ErrorKind::Auth => Self::NoAcceptedKey,
            ErrorKind::Transport(TransportErrorKind::Setup | TransportErrorKind::Unsendable) => {
                Self::Usage
            }
            ErrorKind::Transport(_) => Self::Transport,
            ErrorKind::Status(status) => match status.as_u16() {
                401 | 403 if is_bad_key(error) => Self::NoAcceptedKey,
                401..=403 => Self::Forbidden,
                404 => Self::NotFound,
                429 | 500..=599 => Self::TryLater,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    /// Returns the most serious of several codes; `None` if there is none.
    pub(crate) fn most_serious(codes: impl Iterator<Item = Self> + Clone) -> Option<Self> {
        Self::MOST_SERIOUS_FIRST
            .into_iter()
            .find(|code| codes.clone().any(|other| other == *code))
    }

    /// Returns the kind of a failure with this code, if no more is known of it.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Other => "failed",
            Self::Usage => "usage",
            Self::NoAcceptedKey => "auth",
            Self::Forbidden | Self::NotFound | Self::TryLater => "status",
            Self::Transport => "other",
            Self::SomeRowsFailed => "rows",
            Self::Behind => "behind",
        }
    }

    /// Returns the number.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }
}

/// Returns `true` if the response is one that the product sends for a bad or missing key. A signed call then
/// ends in an error of kind `Auth`, so this one was unsigned.
pub(crate) fn is_bad_key(error: &Error) -> bool {
    let unauthorized = error.unauthorized();
    unauthorized.is_some_and(|unauthorized| unauthorized.is_bad_key())
}
