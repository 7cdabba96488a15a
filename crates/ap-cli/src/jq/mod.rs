//! [`Filter`]: the filter of `--jq`, in the language of jq, by the library jaq.
//!
//! A filter runs on a thread of its own, so that one that never ends is left behind when its time is over.

mod functions;

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use jaq_core::compile::Undefined;
use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars};
use jaq_json::Val;
use serde::de::IgnoredAny;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::json_layout::Style;
use crate::output::{self, Printed};
use crate::redact::Secrets;

/// How long a filter may take for one answer, unless `--timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest filter, in bytes. It also limits how deep a filter is nested.
const MAX_LEN: usize = 16 << 10;

/// The stack of a filter's thread. Only what is used of it takes memory.
const STACK: usize = 256 << 20;

/// How many results wait until they are printed.
const WAITING: usize = 16;

type Data = JustLut<Val>;

/// A valid filter. It lives as long as the arguments do, to the end of the program, so that options can be copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter(&'static str);

/// What a filter's thread says.
enum Message {
    /// A string, or the JSON of another value.
    Result(Vec<u8>),
    Text(Vec<u8>),
    /// The filter failed on the answer.
    Failed(&'static str),
}

impl Filter {
    /// Parses a filter, for the command line. An error says where it is wrong, and does not repeat it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LEN {
            return Err(format!("it is longer than {MAX_LEN} bytes"));
        }
        let owned = text.to_owned();
        // A deeply nested filter needs a large stack.
        let checked = Builder::new()
            .stack_size(STACK)
            .spawn(move || compile(&owned).map(drop))
            .ok()
            .and_then(|thread| thread.join().ok());
        checked.unwrap_or_else(|| Err("it cannot be compiled".to_owned()))?;
        Ok(Self(Box::leak(text.into())))
    }

    /// Runs the filter on an answer, and prints each result on a line: a string as it is, another value as JSON.
    /// Without `secrets`, nothing is redacted.
    pub(crate) fn print(
        self,
        answer: Vec<u8>,
        timeout: Option<Duration>,
        secrets: Option<&Secrets>,
    ) -> Result<Printed, Failure> {
        let style = Style::of_stdout();
        self.run(answer, timeout.unwrap_or(TIMEOUT), |message| {
            let (text, is_json) = match &message {
                Message::Result(json) => (json, true),
                Message::Text(text) => (text, false),
                Message::Failed(why) => return Err(failed(why)),
            };
            let text = secrets.map_or_else(|| text.into(), |secrets| secrets.redact_text(text));
            match style.lay_out(&text).filter(|_| is_json) {
                Some(shown) => output::print_shown(&shown),
                None => output::print_pieces([&*text, b"\n"]),
            }
        })
    }

    fn run(
        self,
        answer: Vec<u8>,
        timeout: Duration,
        mut print: impl FnMut(Message) -> Result<Printed, Failure>,
    ) -> Result<Printed, Failure> {
        // Also refuses what is nested so deeply that reading it would overflow a stack.
        let text = std::str::from_utf8(&answer).unwrap_or_default();
        if serde_json::from_str::<IgnoredAny>(text).is_err() {
            return Err(Failure::new(
                ExitCode::Other,
                "the answer is not JSON, so the filter of --jq cannot be used",
                "see it as it is without --jq",
            ));
        }
        let (sender, receiver) = sync_channel(WAITING);
        let thread = Builder::new().stack_size(STACK);
        thread
            .spawn(move || filter(self.0, &answer, &sender))
            .map_err(|_| failed("there is no memory for it"))?;
        let mut remaining = timeout;
        loop {
            let started = Instant::now();
            match receiver.recv_timeout(remaining) {
                Ok(message) => {
                    // Only the filter's time counts, and not that of a slow reader.
                    remaining = remaining.saturating_sub(started.elapsed());
                    if print(message)?.is_reader_gone() {
                        return Ok(Printed::ReaderGone);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Printed::All),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(Failure::new(
                        ExitCode::Other,
                        format!(
                            "the filter of --jq did not end within {} s",
                            timeout.as_secs_f64()
                        ),
                        "check that it ends, or allow more time with --timeout",
                    ));
                }
            }
        }
    }
}

fn failed(why: &str) -> Failure {
    Failure::new(
        ExitCode::Other,
        format!("the filter of --jq failed on the answer: {why}"),
        "see the answer without --jq; `?` after a part of a filter skips what it cannot be used on",
    )
}

/// Runs a filter, and sends its results until nobody receives them.
fn filter(code: &str, answer: &[u8], sender: &SyncSender<Message>) {
    let (Ok(filter), Ok(input)) = (compile(code), jaq_json::read::parse_single(answer)) else {
        let _ = sender.send(Message::Failed("it cannot be read"));
        return;
    };
    let context = Ctx::<Data>::new(&filter.lut, Vars::new([]));
    for result in filter.id.run((context, input)) {
        let message = match result {
            Ok(Val::TStr(text)) => Message::Text(text.to_vec()),
            Ok(value) => Message::Result(value.to_string().into_bytes()),
            Err(exception) => match exception.get_err() {
                Ok(error) => Message::Failed(describe(&error.to_string())),
                // `halt` ends the filter.
                Err(_) => return,
            },
        };
        let is_last = matches!(message, Message::Failed(_));
        if sender.send(message).is_err() || is_last {
            return;
        }
    }
}

/// Returns what is wrong without the values in an error, which come from the answer.
fn describe(error: &str) -> &'static str {
    if error.ends_with("as iterable (array or object)") {
        return "a value is no list and no object";
    }
    for (start, description) in [
        ("cannot index", "a value has no such member or item"),
        ("cannot use", "a value has another type"),
        ("cannot calculate", "values cannot be calculated with"),
        ("invalid path", "a part of it is no path"),
    ] {
        if error.starts_with(start) {
            return description;
        }
    }
    "it ended with an error"
}

/// Compiles a filter. An error says where it is wrong.
fn compile(code: &str) -> Result<jaq_core::Filter<Data>, String> {
    let arena = Arena::default();
    let loader = Loader::new(functions::definitions());
    let modules = loader
        .load(&arena, File { code, path: () })
        .map_err(|errors| match errors.first() {
            Some((_, error)) => syntax_error(code, error),
            None => "it is not valid".to_owned(),
        })?;
    let compiler = Compiler::default().with_funs(functions::natives());
    compiler.compile(modules).map_err(|errors| {
        let first = errors.first().and_then(|(_, errors)| errors.first());
        match first {
            Some((name, Undefined::Filter(count))) => format!(
                "at byte {}: there is no such function with {count} arguments",
                position(code, name)
            ),
            Some((name, what)) => {
                format!(
                    "at byte {}: there is no such {}",
                    position(code, name),
                    what.as_str()
                )
            }
            None => "it is not valid".to_owned(),
        }
    })
}

fn syntax_error(code: &str, error: &load::Error<&str>) -> String {
    let found = match error {
        load::Error::Lex(errors) => errors
            .first()
            .map(|(expected, at)| (expected.as_str(), *at)),
        load::Error::Parse(errors) => errors
            .first()
            .map(|(expected, at)| (expected.as_str(), *at)),
        load::Error::Io(_) => return "it has a module, and modules are not read".to_owned(),
    };
    match found {
        Some((expected, at)) => format!("at byte {}: expected {expected}", position(code, at)),
        None => "it is not valid".to_owned(),
    }
}

/// Returns where a part of a filter begins.
fn position(code: &str, part: &str) -> usize {
    let start = (part.as_ptr() as usize).saturating_sub(code.as_ptr() as usize);
    start.min(code.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(filter: &str, answer: &str, timeout: Duration) -> Result<Vec<String>, String> {
        let mut results = Vec::new();
        let filter = Filter::parse(filter)?;
        filter
            .run(answer.into(), timeout, |message| match message {
                Message::Result(text) | Message::Text(text) => {
                    results.push(String::from_utf8(text).unwrap());
                    Ok(Printed::All)
                }
                Message::Failed(why) => Err(failed(why)),
            })
            .map_err(|failure| failure.message)?;
        Ok(results)
    }

    fn results(filter: &str, answer: &str) -> Vec<String> {
        run(filter, answer, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn results_are_strings_as_they_are_and_json() {
        for (filter, answer, expected) in [
            (".", r#"{"b":1,"a":[1,2]}"#, &[r#"{"b":1,"a":[1,2]}"#][..]),
            (
                ".[].name",
                r#"[{"name":"a\nb"},{"name":null}]"#,
                &["a\nb", "null"],
            ),
            ("map(.a) | add", r#"[{"a":1},{"a":2}]"#, &["3"]),
            (".a", r#"{"a":1e400}"#, &["1e400"]),
            (
                ".",
                "123456789012345678901234567890",
                &["123456789012345678901234567890"],
            ),
            (".a", r#"{"a":0.10}"#, &["0.10"]),
            (".a", r#"{"a":1,"a":2}"#, &["2"]),
            ("empty", "1", &[]),
            ("1, halt, 2", "1", &["1"]),
            ("keys | join(\",\")", r#"{"b":1,"a":2}"#, &["a,b"]),
            ("[limit(3; repeat(1))]", "1", &["[1,1,1]"]),
            ("@csv", r#"["a\"b",1,null,true]"#, &["\"a\"\"b\",1,,true"]),
            ("@tsv", r#"["a\tb\\",1,null]"#, &["a\\tb\\\\\t1\t"]),
            ("@json", r#"{"a":1}"#, &[r#"{"a":1}"#]),
            (
                r#"test("^a.c$"), test("B"; "i")"#,
                r#""abc""#,
                &["true", "true"],
            ),
            (
                r#"[match("b(c)?"; "g") | .offset, .captures[0].string]"#,
                r#""éb bc""#,
                &[r#"[1,null,3,"c"]"#],
            ),
            (
                r#"capture("(?<y>[0-9]+)-(?<m>[0-9]+)")"#,
                r#""2026-11""#,
                &[r#"{"y":"2026","m":"11"}"#],
            ),
            (
                r#"gsub("(?<l>[a-z])"; "<\(.l)>"), sub("b"; "")"#,
                r#""ab""#,
                &["<a><b>", "a"],
            ),
            (
                r#"[splits(", *")], split("b")"#,
                r#""a, b""#,
                &[r#"["a","b"]"#, r#"["a, ",""]"#],
            ),
            (r#"[scan("[a-z]")]"#, r#""a1b""#, &[r#"["a","b"]"#]),
        ] {
            assert_eq!(results(filter, answer), expected, "{filter}");
        }
    }

    #[test]
    fn an_invalid_filter_is_refused_with_its_place_and_not_repeated() {
        for (filter, expected) in [
            ("", "at byte 0: expected term"),
            (".[", "at byte 2: expected closing bracket"),
            (".a | ", "at byte 5: expected term"),
            (
                ".a | secretword",
                "at byte 5: there is no such function with 0 arguments",
            ),
            ("$secretword", "at byte 0: there is no such variable"),
            (
                "env",
                "at byte 0: there is no such function with 0 arguments",
            ),
            ("$ENV", "at byte 0: there is no such variable"),
            (
                "input",
                "at byte 0: there is no such function with 0 arguments",
            ),
            (
                "now",
                "at byte 0: there is no such function with 0 arguments",
            ),
            ("import \"secretword\" as x; .", "it has a module"),
        ] {
            let error = Filter::parse(filter).unwrap_err();
            assert!(error.starts_with(expected), "{filter}: {error}");
            assert!(!error.contains("secretword"), "{error}");
        }
        let long = ".".repeat(MAX_LEN + 1);
        assert!(Filter::parse(&long).unwrap_err().contains("longer"));
        let nested = format!(
            "{}1{}",
            "(".repeat(MAX_LEN / 2 - 1),
            ")".repeat(MAX_LEN / 2 - 1)
        );
        Filter::parse(&nested).unwrap();
    }

    #[test]
    fn a_filter_that_does_not_end_is_left_behind() {
        let time = Duration::from_millis(20);
        for filter in [
            "def f: f; f",
            "repeat(1) | empty",
            "last(repeat(1))",
            "repeat(1)",
        ] {
            let error = run(filter, "1", time).unwrap_err();
            assert!(error.contains("did not end within 0.02 s"), "{error}");
        }
    }

    #[test]
    fn a_filter_that_fails_says_why_without_the_answer() {
        for (filter, answer, expected) in [
            (
                ".a",
                r#"["secretword"]"#,
                "a value has no such member or item",
            ),
            (".[]", r#""secretword""#, "a value is no list and no object"),
            (
                ".a + 1",
                r#"{"a":"secretword"}"#,
                "values cannot be calculated with",
            ),
            ("error(.)", r#""secretword""#, "it ended with an error"),
            (r#"test("(")"#, r#""secretword""#, "it ended with an error"),
            (".", "{", "the answer is not JSON"),
            (".", "", "the answer is not JSON"),
        ] {
            let error = run(filter, answer, Duration::from_secs(60)).unwrap_err();
            assert!(error.contains(expected), "{filter}: {error}");
            assert!(!error.contains("secretword"), "{error}");
        }
        let deep = "[".repeat(1 << 20);
        assert!(run(".", &deep, Duration::from_secs(60)).is_err());
    }
}
