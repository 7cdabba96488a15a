//! What a shell offers when a word is completed. The script of `ap completions` runs this program for each word.

mod objects;

use std::ffi::OsString;

use activeprospect::Product;
use clap::Command;
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{EnvCompleter, Shells};

use self::objects::Kind;
use crate::config_file;

/// The variable that the script sets to the name of its shell.
const VARIABLE: &str = "AP_COMPLETE";

/// The commands whose argument `id` is that of an object.
const GROUPS: [(&str, Kind); 4] = [
    ("flows", Kind::Flow),
    ("fields", Kind::Field),
    ("entities", Kind::Entity),
    ("reports", Kind::Report),
];

/// The definitions of the command line.
#[derive(Clone, Copy)]
pub(crate) struct Definitions {
    /// All of it, by which options are read.
    pub(crate) whole: fn() -> Command,
    /// What is offered of it.
    pub(crate) offered: fn() -> Command,
}

/// Returns the script for a shell.
pub(crate) fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let mut script = Vec::new();
    if let Some(shell) = Shells::builtins().completer(&shell.to_string()) {
        shell.write_registration(VARIABLE, "ap", "ap", "ap", &mut script)?;
    }
    Ok(script)
}

/// Prints what completes a word, if a script asks for this. Returns `false` if none does. A failure offers nothing.
pub(crate) fn answer_if_asked(arguments: &[OsString], definitions: Definitions) -> bool {
    let Some(shell) = std::env::var_os(VARIABLE).filter(|shell| !shell.is_empty()) else {
        return false;
    };
    // The words of the command line come after the first `--`.
    let words = arguments.iter().position(|argument| argument == "--");
    let words = words.map_or(&[][..], |at| &arguments[at + 1..]);
    let shells = Shells::builtins();
    if let Some(shell) = shell.to_str().and_then(|shell| shells.completer(shell)) {
        print(shell, words, definitions);
    }
    true
}

fn print(shell: &dyn EnvCompleter, words: &[OsString], definitions: Definitions) {
    let mut definition = with_candidates(words, definitions);
    definition.build();
    let mut offered = Vec::new();
    let folder = std::env::current_dir().ok();
    let completed = shell.write_complete(
        &mut definition,
        words.to_vec(),
        folder.as_deref(),
        &mut offered,
    );
    if completed.is_ok() {
        // If nobody reads it, nobody misses it.
        let _ = crate::output::print(&offered);
    }
}

/// Adds what is offered for the values of arguments.
fn with_candidates(words: &[OsString], definitions: Definitions) -> Command {
    let objects = |kind: Kind| {
        let words = words.to_vec();
        ArgValueCandidates::new(move || objects::find(kind, &words, (definitions.whole)()))
    };
    let mut command = (definitions.offered)();
    command = with_values(command, "product", &ArgValueCandidates::new(products));
    command = with_values(command, "profile", &ArgValueCandidates::new(profiles));
    command = with_values(command, "flow", &objects(Kind::Flow));
    command = with_values(command, "source", &objects(Kind::Entity));
    for (group, kind) in GROUPS {
        command = command.mut_subcommand(group, |group| with_values(group, "id", &objects(kind)));
    }
    command
}

/// Adds what is offered for the values of an argument, wherever there is one of this name.
fn with_values(command: Command, name: &str, values: &ArgValueCandidates) -> Command {
    // This keeps the order of the arguments, by which they are distinguished.
    let command = command.mut_args(|argument| match argument.get_id() == name {
        true => argument.add(values.clone()),
        false => argument,
    });
    command.mut_subcommands(|subcommand| with_values(subcommand, name, values))
}

fn products() -> Vec<CompletionCandidate> {
    let products = Product::ALL.into_iter();
    products
        .map(|product| CompletionCandidate::new(product.id()))
        .collect()
}

fn profiles() -> Vec<CompletionCandidate> {
    let profiles = config_file::profiles().into_iter();
    profiles
        .map(|profile| CompletionCandidate::new(profile.as_str()))
        .collect()
}
