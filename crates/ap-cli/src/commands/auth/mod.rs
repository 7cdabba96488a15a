//! `ap auth`: stores a key, checks which product accepts it, goes through a reset, removes it.

mod login;
mod logout;
mod product_check;
mod rotate;
mod status;

use clap::Subcommand;

use crate::failure::Failure;
use crate::options::GlobalOptions;
use crate::output::Printed;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a key with the products and store it. The key comes from a hidden prompt, or from standard input if
    /// that is a pipe.
    Login(login::Args),
    /// Check which key each subscribed product accepts.
    Status(status::Args),
    /// Go through a reset: store the new key, wait until every product accepts it, then remove the old one.
    /// After an interrupt, run it again to resume.
    Rotate(rotate::Args),
    /// Remove the stored keys.
    Logout,
}

pub(crate) fn run(command: &Command, options: &GlobalOptions) -> Result<Printed, Failure> {
    match command {
        Command::Login(args) => login::run(args, options),
        Command::Status(args) => status::run(args, options),
        Command::Rotate(args) => rotate::run(args, options),
        Command::Logout => logout::run(options),
    }
}
