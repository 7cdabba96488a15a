//! The question before a command that cannot be undone.

use std::io::{self, IsTerminal as _, Write as _};

use crate::failure::Failure;
use crate::output;

/// The option of commands that ask before they send anything.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Confirmation {
    /// Do not ask; needed without a terminal.
    #[arg(short, long)]
    yes: bool,
}

impl Confirmation {
    /// Asks a person, unless `--yes` is given. Without a terminal, that is a failure.
    pub(crate) fn ask(self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(Failure::usage(
                "this asks before anything is sent, and there is no terminal to ask on",
                "add --yes if you are sure",
            ));
        }
        let _ = write!(io::stderr(), "ap: {question} [y/N] ");
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        if !answer.ends_with('\n') {
            output::eprintln("");
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" if read.is_ok() => Ok(()),
            _ => Err(Failure::usage("the answer was not yes", "nothing was sent")),
        }
    }
}
