//! How far a bulk command is: a bar on a terminal, and a line once in a while elsewhere. Neither shows a key or a row.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Read as _};

use crate::common;
use crate::common::bulk::{not_found, write};
use crate::common::counting::Counting;
use crate::common::door::Door;
use crate::common::terminal::Terminal;
use crate::common::{Home, KEY, VARIABLE, assert_absent};

/// What is in every row.
const ROW: &str = "somebody-of-the-rows";

/// A check of ten rows, of which the second fails, and one waits for its answer.
struct Check {
    home: Home,
    door: Door,
    arguments: Vec<String>,
    _server: Counting,
}

impl Check {
    /// The fifth row waits.
    fn new() -> Self {
        Self::holding(5)
    }

    fn holding(row: usize) -> Self {
        let (home, door) = (Home::new(), Door::default());
        let server = Counting::new({
            let door = door.clone();
            move |request| {
                if request.number == row {
                    door.pass();
                }
                match request.number {
                    2 => (400, "", "{}".to_owned()),
                    _ => not_found(request),
                }
            }
        });
        home.store(format!("{KEY}\n").as_bytes(), 0o600);
        let rows: String = (1..=10).map(|row| format!("{ROW}-{row}\n")).collect();
        let arguments = [
            server.as_suppressionlist(),
            "lists".to_owned(),
            "check".to_owned(),
            "a".to_owned(),
            write(&home, "in.txt", rows),
            "-o".to_owned(),
            home.file("out.jsonl"),
            "--concurrency=1".to_owned(),
        ];
        Self {
            home,
            door,
            arguments: arguments.to_vec(),
            _server: server,
        }
    }

    /// Asserts that neither the key nor a row is shown.
    fn assert_discreet(&self, shown: &str) {
        assert_absent(shown, KEY);
        assert!(!shown.contains(ROW), "{shown}");
    }
}

#[test]
fn a_terminal_has_a_bar_with_the_count_the_failures_the_rate_and_the_time_left() {
    let check = Check::new();
    let arguments = check.arguments.join(" ");
    let mut terminal = Terminal::run_after("export TERM=xterm", &check.home, &arguments);
    terminal.wait_for("%  4 rows, 1 failed, ");
    let shown = terminal.wait_for_text(" left");
    let (rate, left) = shown.split_once("/s  ").unwrap();
    rate.parse::<u64>().unwrap();
    let left = left.strip_suffix("s left").unwrap();
    left.parse::<u64>().unwrap();
    check.door.open();
    let screen = terminal.end();
    check.assert_discreet(&screen);
    // The bar is removed.
    assert!(
        screen.contains("\u{1b}[2Kap: 10 rows: 9 ok, 1 failed; "),
        "{screen:?}"
    );
}

#[test]
fn a_bar_has_no_time_left_before_a_row_is_done() {
    let check = Check::holding(1);
    let arguments = check.arguments.join(" ");
    let mut terminal = Terminal::run_after("export TERM=xterm", &check.home, &arguments);
    terminal.wait_for("%  0 rows, 0/s");
    // What follows is the end of the bar, or its next state.
    let end = terminal.wait_for_text("\u{1b}");
    assert!(!end.contains(" left"), "{end:?}");
    check.door.open();
    check.assert_discreet(&terminal.end());
}

#[test]
fn a_terminal_has_no_time_left_of_rows_whose_end_is_not_known() {
    let check = Check::new();
    let arguments = check.arguments.join(" ");
    let input = check.home.file("in.txt");
    let arguments = arguments.replace(&input, &format!("- < {input}"));
    let mut terminal = Terminal::run_after("export TERM=xterm", &check.home, &arguments);
    terminal.wait_for(" 4 rows, 1 failed, ");
    check.door.open();
    let screen = terminal.end();
    check.assert_discreet(&screen);
    assert!(
        screen.contains("ap: 10 rows: 9 ok, 1 failed; "),
        "{screen:?}"
    );
    assert!(
        !screen.contains(" left") && !screen.contains('%'),
        "{screen:?}"
    );
}

#[test]
fn what_is_said_after_ctrl_c_is_on_lines_of_its_own() {
    let check = Check::new();
    let arguments = check.arguments.join(" ");
    let mut terminal = Terminal::run_after("export TERM=xterm", &check.home, &arguments);
    terminal.wait_for("%  4 rows, 1 failed, ");
    terminal.type_in("\u{3}");
    terminal.wait_for("\u{1b}[2Kap: stopping after the calls in flight; ");
    terminal.wait_for(" left");
    terminal.type_in("\u{3}");
    let screen = terminal.end();
    check.assert_discreet(&screen);
    assert!(
        screen.contains("\r\nap: interrupted\r\n     run the same"),
        "{screen:?}"
    );
    assert!(screen.contains("code=130"), "{screen:?}");
}

/// Asserts that there are whole lines alone, of which the first one came while the run waited.
fn assert_lines(check: &Check, said: &str) {
    check.assert_discreet(said);
    let lines: Vec<_> = said.lines().collect();
    let (first, summary) = (lines[0], lines[1]);
    let numbers = first.strip_prefix("ap: 4 rows, 1 failed, ").unwrap();
    let (_, read) = numbers.split_once("/s, ").unwrap();
    assert!(read.ends_with("% read"), "{said}");
    assert!(
        summary.starts_with("ap: 10 rows: 9 ok, 1 failed; "),
        "{said}"
    );
    assert!(!said.contains(['\u{1b}', '█', '░']), "{said:?}");
}

#[test]
fn a_pipe_has_a_line_once_in_a_while_and_no_bar() {
    let check = Check::new();
    let arguments: Vec<_> = check.arguments.iter().map(String::as_str).collect();
    let mut command = check.home.ap(&arguments);
    command.env(VARIABLE, KEY).env("TERM", "xterm");
    let mut child = common::spawn(command);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    check.door.open();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(8));
    assert_lines(&check, &said);
    assert!(!said.contains('\r'), "{said:?}");
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_has_lines_too() {
    let check = Check::new();
    let arguments = check.arguments.join(" ");
    let mut terminal = Terminal::run_after("export TERM=dumb", &check.home, &arguments);
    terminal.wait_for("% read");
    check.door.open();
    let screen = terminal.end();
    let said = screen.split_once('\n').unwrap().1;
    assert_lines(&check, said);
}
