//! Words for commands and options that people know from other programs, so that an error can name ours.

/// Commands: the typed word, and the words of ours. Where several have the same word, the first that exists counts.
const COMMANDS: &[(&str, &str)] = &[
    ("account", "whoami"),
    ("add", "create"),
    ("certificate", "certs"),
    ("certificates", "certs"),
    ("change", "update"),
    ("claim", "certs retain"),
    ("claim", "retain"),
    ("dnc", "lists"),
    ("download", "events export"),
    ("download", "export"),
    ("edit", "update"),
    ("list", "lists"),
    ("ls", "list"),
    ("me", "whoami"),
    ("mock", "emulate"),
    ("new", "create"),
    ("proxy", "gateway"),
    ("recipients", "entities"),
    ("remove", "delete"),
    ("rm", "delete"),
    ("set", "update"),
    ("show", "get"),
    ("source", "entities"),
    ("sources", "entities"),
    ("suppression", "lists"),
    ("suppressionlist", "lists"),
    ("trustedform", "certs"),
    ("user", "whoami"),
    ("view", "get"),
];

/// Options, in the same way.
const OPTIONS: &[(&str, &str)] = &[
    ("after", "from"),
    ("before", "to"),
    ("column", "cert"),
    ("csv", "format"),
    ("end", "to"),
    ("filter", "jq"),
    ("force", "yes"),
    ("jobs", "concurrency"),
    ("json", "format"),
    ("jsonl", "format"),
    ("mapping", "map"),
    ("out", "output"),
    ("parallel", "concurrency"),
    ("preview", "dry-run"),
    ("query", "jq"),
    ("quiet", "report"),
    ("since", "from"),
    ("start", "from"),
    ("until", "to"),
    ("workers", "concurrency"),
];

/// Returns our words for a command that exist.
pub(crate) fn command(typed: &str, exists: impl Fn(&str) -> bool) -> Option<&'static str> {
    find(COMMANDS, typed, exists)
}

/// Returns our name for an option that exists.
pub(crate) fn option(typed: &str, exists: impl Fn(&str) -> bool) -> Option<&'static str> {
    find(OPTIONS, typed.strip_prefix("--")?, exists)
}

fn find(
    words: &[(&str, &'static str)],
    typed: &str,
    exists: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    let mut same = words.iter().filter(|(word, _)| *word == typed);
    same.find_map(|(_, ours)| exists(ours).then_some(*ours))
}
