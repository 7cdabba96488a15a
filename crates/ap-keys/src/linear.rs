//! What comes from outside is read in linear time, up to its limits and beyond.

use std::ffi::OsString;
use std::hint::black_box;

use ap_core::ApiKey;

use crate::command::{Command, check_further_lines};
use crate::command_line;
use crate::environment::Environment;
use crate::key_list::{self, FinalLineFeed};
use crate::running::{Wanted, append};

/// What the texts consist of.
const PIECES: [&str; 13] = [
    "a",
    "a\n",
    "aaaaaaaaaaaaaaab",
    "\n",
    "\r\n",
    " ",
    "a ",
    "'",
    "\"\\\"",
    "'\"'",
    "\\",
    "~",
    "\u{fc}",
];

/// Reads a text and drops the result.
type Reader = fn(&str);

const READERS: [(&str, Reader); 5] = [
    ("key files and command output", |text| {
        for end in [FinalLineFeed::Required, FinalLineFeed::Optional] {
            let _ = black_box(key_list::parse(text.as_bytes(), end, "it", "it"));
        }
        let _ = black_box(check_further_lines(text.as_bytes(), "it"));
    }),
    ("the first line of command output", |text| {
        let mut output = Vec::with_capacity(text.len());
        for chunk in text.as_bytes().chunks(10) {
            append(&mut output, chunk, Wanted::FirstLine);
        }
        black_box(output);
    }),
    ("command lines", |text| {
        let _ = black_box(command_line::split(text));
    }),
    ("variables", |text| {
        // The longer texts are still keys.
        let key: String = text.chars().take(text.len() / 8).collect();
        let environment = Environment::named(["A", "B"]);
        let _ = black_box(environment.read_with(|_| Some(OsString::from(&key))));
    }),
    ("keys in arguments", |text| {
        // A key that almost occurs everywhere, and grows too.
        let key = format!("{}c", "a".repeat(text.len() / 20));
        let command = Command::new("a").args([text, text]);
        black_box(command.is_in_arguments(&ApiKey::parse(key).unwrap()));
    }),
];

#[test]
fn keys_and_commands_are_read_in_linear_time() {
    let test = "linear::keys_and_commands_are_read_in_linear_time";
    ap_linear::assert_linear(test, 400, &READERS, |read, length| {
        for piece in PIECES {
            read(black_box(&piece.repeat(length / piece.len())));
        }
    });
}
