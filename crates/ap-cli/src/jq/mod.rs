//! [`Filter`]: the filter of `--jq`, in the language of jq, by the library jaq.
//!
//! A filter runs in a process of its own, so that one that never ends, or that uses up the stack or the memory, is a
//! failure with a sentence.

mod evaluator;
mod functions;
mod language;
mod message;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;

pub(crate) use self::evaluator::run as evaluate_if_asked;
use self::message::Message;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::json_layout::Style;
use crate::output::{self, Printed};
use crate::redact::Secrets;

/// How long a filter may take for one answer, unless `--timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest filter, in bytes. It also limits how deep a filter is nested.
const MAX_LEN: usize = 16 << 10;

/// How many results wait until they are printed.
const WAITING: usize = 16;

/// A valid filter. It lives as long as the arguments do, to the end of the program, so that options can be copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter(&'static str);

impl Filter {
    /// Parses a filter, for the command line. An error says where it is wrong, and does not repeat it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LEN {
            return Err(format!("it is longer than {MAX_LEN} bytes"));
        }
        let owned = text.to_owned();
        // A deeply nested filter needs a large stack.
        let checked = Builder::new()
            .stack_size(evaluator::STACK)
            .spawn(move || language::compile(&owned).map(drop))
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
        self.run(&answer, timeout.unwrap_or(TIMEOUT), |text, is_json| {
            let text = secrets.map_or_else(|| text.into(), |secrets| secrets.redact_text(text));
            match style.lay_out(&text).filter(|_| is_json) {
                Some(shown) => output::print_shown(&shown),
                None => output::print_pieces([&*text, b"\n"]),
            }
        })
    }

    fn run(
        self,
        answer: &[u8],
        timeout: Duration,
        mut print: impl FnMut(&[u8], bool) -> Result<Printed, Failure>,
    ) -> Result<Printed, Failure> {
        // Also refuses what is nested so deeply that reading it would overflow a stack.
        let text = std::str::from_utf8(answer).unwrap_or_default();
        if serde_json::from_str::<IgnoredAny>(text).is_err() {
            return Err(Failure::new(
                ExitCode::Other,
                "the answer is not JSON, so the filter of --jq cannot be used",
                "see it as it is without --jq",
            ));
        }
        let mut process = Process::start(self.0, answer, timeout)?;
        let mut remaining = timeout;
        loop {
            let started = Instant::now();
            let received = process.messages.recv_timeout(remaining);
            // Only the filter's time counts, and not that of a slow reader.
            remaining = remaining.saturating_sub(started.elapsed());
            let printed = match received {
                Ok(Message::Json(json)) => print(&json, true)?,
                Ok(Message::Text(text)) => print(&text, false)?,
                Ok(Message::Failed(why)) => return Err(failed(&String::from_utf8_lossy(&why))),
                Ok(Message::End) => return Ok(Printed::All),
                Err(RecvTimeoutError::Disconnected) if process.is_out_of_memory() => {
                    return Err(Failure::new(
                        ExitCode::Other,
                        "the filter of --jq needs more memory than a filter may use",
                        "check that its recursion ends, and that it collects no endless list",
                    ));
                }
                Err(_) => return Err(not_ended(timeout)),
            };
            if printed.is_reader_gone() {
                return Ok(Printed::ReaderGone);
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

fn not_ended(timeout: Duration) -> Failure {
    Failure::new(
        ExitCode::Other,
        format!(
            "the filter of --jq did not end within {} s",
            timeout.as_secs_f64()
        ),
        "check that it ends, or allow more time with --timeout",
    )
}

/// The process of a filter, which ends with this at the latest.
struct Process {
    child: Child,
    messages: Receiver<Message>,
}

impl Process {
    fn start(code: &str, answer: &[u8], timeout: Duration) -> Result<Self, Failure> {
        let not_started = |error: std::io::Error| {
            let message = format!(
                "the process of the filter of --jq could not be started ({})",
                error.kind()
            );
            Failure::new(ExitCode::Other, message, "try again, or leave --jq out")
        };
        let seconds = timeout.as_secs().saturating_add(2).to_string();
        let mut command = Command::new(own_program().map_err(not_started)?);
        command.args([evaluator::ARGUMENT, code, &seconds]);
        if cfg!(unix) {
            // It needs no key.
            command.env_clear();
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(not_started)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (sender, messages) = sync_channel(WAITING);
        let process = Self { child, messages };
        let thread = Builder::new().spawn(move || {
            let Some(mut stdout) = stdout else { return };
            while let Ok(message) = Message::read(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        thread.map_err(not_started)?;
        if let Some(mut stdin) = stdin {
            // If it has ended, its messages say why.
            let _ = stdin.write_all(answer);
        }
        Ok(process)
    }

    /// Returns `true` if the process ended before the filter did, but not because its time was over.
    fn is_out_of_memory(&mut self) -> bool {
        let ended = self.child.wait();
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt as _;
            let by = ended.ok().and_then(|status| status.signal());
            by != Some(signal_hook::consts::SIGXCPU)
        }
        #[cfg(not(unix))]
        ended.is_ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody waits for its results any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns this program, even if its file was replaced meanwhile.
fn own_program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(filter: &str, answer: &str) -> Result<Vec<String>, String> {
        let filter = Filter::parse(filter)?;
        let mut results = Vec::new();
        let mut failure = None;
        let ended = evaluator::evaluate(filter.0, answer.as_bytes(), |message| {
            match message {
                Message::Json(text) | Message::Text(text) => {
                    results.push(String::from_utf8(text).unwrap());
                }
                Message::Failed(why) => failure = Some(String::from_utf8(why).unwrap()),
                Message::End => {}
            }
            Ok(())
        });
        ended.unwrap();
        failure.map_or(Ok(results), Err)
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
            assert_eq!(results(filter, answer).unwrap(), expected, "{filter}");
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
        ] {
            let error = results(filter, answer).unwrap_err();
            assert!(error.contains(expected), "{filter}: {error}");
            assert!(!error.contains("secretword"), "{error}");
        }
    }

    #[test]
    fn only_json_is_filtered() {
        let filter = Filter::parse(".").unwrap();
        for answer in ["", "{", "\"\u{0}\"", &"[".repeat(1 << 20)] {
            let failure = filter.print(answer.into(), None, None).unwrap_err();
            assert!(failure.message.starts_with("the answer is not JSON"));
        }
    }
}
