//! The kinds of errors that `--json` names. Documented in docs/cli.md; the names do not change.

/// What `ap help error-kinds` prints, as in docs/cli.md.
pub(crate) const KINDS: [(&str, &str); 25] = [
    ("usage", "the command was refused before anything was sent"),
    ("no_key", "there is no API key"),
    ("auth", "no key was accepted"),
    (
        "status",
        "the product answered with an error; see http_status",
    ),
    ("decode", "the answer is not what the command can read"),
    (
        "rows",
        "rows of a bulk command failed, or their outcome is unknown",
    ),
    ("input", "a row of a bulk command cannot be sent as it is"),
    (
        "interrupted",
        "an earlier run of a bulk command ended while it sent this row",
    ),
    (
        "behind",
        "a product still accepts an older key than the newest",
    ),
    ("failed", "a failure on this machine"),
    (
        "rate_limit",
        "the limit of this program does not allow the call in time",
    ),
    ("build", "the client could not be made"),
    ("request", "the request was refused before it was sent"),
    ("setup", "a setting of the transport cannot be used"),
    ("unsendable", "the HTTP library would change the request"),
    ("dns", "the name of the host cannot be resolved"),
    ("connect", "the host does not accept the connection"),
    ("connect_timeout", "connecting took too long"),
    ("proxy", "the proxy refused the connection or failed"),
    ("tls", "TLS failed"),
    ("timeout", "the call took too long"),
    ("closed", "the connection ended before the response began"),
    ("truncated", "the response ended early"),
    ("malformed", "the response is not valid HTTP"),
    (
        "other",
        "the call failed in another way, or was too large or cancelled",
    ),
];

/// Returns the table of kinds.
pub(crate) fn table() -> String {
    let line = |(kind, meaning): &(&str, &str)| format!("{kind:<16} {meaning}\n");
    KINDS.iter().map(line).collect()
}

/// Returns the kind in the table. What is not in it is `other`.
pub(crate) fn known(name: &str) -> &'static str {
    let mut kinds = KINDS.iter().map(|(kind, _)| *kind);
    kinds.find(|kind| *kind == name).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code::ExitCode;

    #[test]
    fn every_exit_code_has_a_kind_of_the_table() {
        for code in [
            ExitCode::Other,
            ExitCode::Usage,
            ExitCode::NoAcceptedKey,
            ExitCode::Forbidden,
            ExitCode::NotFound,
            ExitCode::Transport,
            ExitCode::TryLater,
            ExitCode::SomeRowsFailed,
            ExitCode::Behind,
        ] {
            assert_eq!(known(code.kind()), code.kind());
        }
    }
}
