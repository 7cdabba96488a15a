//! What help and completions offer beside clap's own: examples, and no option that a command refuses.

mod typed_commands;

use clap::{Arg, ArgAction, Command};

use crate::commands::emulator_refusal;

const EMULATOR: &str = "emulator";

/// Examples for the end of each command's help.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "ap",
        "\
$ ap --emulator flows list        # no account needed
$ ap auth login                   # store your key
$ ap auth status                  # show which key each product accepts
$ ap whoami --json
$ ap flows list --jq '.[] | {id, name}'
$ ap events export --from 2026-10-01 --to 2026-11-01 -o october.csv
$ ap lists check do_not_call numbers.txt -o checked.csv
$ ap certs retain leads.csv -o retained.csv
$ ap leads submit 65e0b2000000000000000001 65e0a1000000000000000004 \\
    leads.csv -o verdicts.csv
$ ap help exit-codes",
    ),
    (
        "ap api",
        "\
$ ap api flows
$ ap api -i --product suppressionlist lists
$ ap api flows -d '{\"name\":\"My flow\"}'
$ ap api -X PUT flows/65e0b2000000000000000001 -d @flow.json
$ ap api flows -f name='My flow' -F enabled=false
$ ap api events --paginate -q sort=asc --jq '.[] | .id'
$ ap api https://app.leadconduit.com/events?limit=10",
    ),
    (
        "ap auth",
        "\
$ ap auth login
$ ap auth status
$ ap auth rotate                  # after a reset of the key",
    ),
    (
        "ap auth login",
        "\
$ ap auth login
$ pass show activeprospect | ap auth login
$ ap auth login --replace",
    ),
    (
        "ap auth status",
        "\
$ ap auth status
$ ap auth status --json",
    ),
    (
        "ap auth rotate",
        "\
$ ap auth rotate
$ ap auth rotate --once           # check, and do not wait",
    ),
    ("ap auth logout", "$ ap auth logout"),
    (
        "ap run",
        "\
$ ap run -- node app.js           # it reads ACTIVEPROSPECT_API_KEY and …_URL
$ ap run --env TF_URL=trustedform --env TF_KEY=key -- python3 app.py
$ ap run --emulator -- npm test   # no account needed",
    ),
    (
        "ap gateway",
        "\
$ ap gateway --port 8800
$ ap gateway --socket /run/ap/gateway.sock",
    ),
    (
        "ap emulate",
        "\
$ ap emulate
$ ap emulate --port 8080
$ ap flows list --origin lcx=http://127.0.0.1:8080   # in another terminal
$ ap emulate --events 1000000",
    ),
    ("ap man", "$ ap man ~/.local/share/man/man1"),
    (
        "ap completions",
        "\
$ ap completions bash    # in ~/.bashrc: source <(ap completions bash)
$ ap completions zsh     # in ~/.zshrc: source <(ap completions zsh)
$ ap completions fish    # in config.fish: ap completions fish | source",
    ),
];

/// Adds the examples, and hides `--emulator` where it is refused.
pub(crate) fn with_examples(command: Command) -> Command {
    with_examples_at(command, "ap")
}

/// Removes `--emulator` where it is refused. Completions also offer what is hidden.
pub(crate) fn without_refused_options(command: Command) -> Command {
    let Some(emulator) = command
        .get_arguments()
        .find(|option| option.get_id() == EMULATOR)
    else {
        return command;
    };
    let emulator = emulator.clone().global(false);
    let command = command.mut_arg(EMULATOR, |option| option.global(false));
    with_option_where_accepted(command, "ap", &emulator)
}

fn with_option_where_accepted(command: Command, path: &str, emulator: &Arg) -> Command {
    command.mut_subcommands(|subcommand| {
        let path = format!("{path} {}", subcommand.get_name());
        let subcommand = with_option_where_accepted(subcommand, &path, emulator);
        if refuses_emulator(&path) {
            subcommand
        } else {
            subcommand.arg(emulator)
        }
    })
}

/// Returns `true` if a command refuses `--emulator`.
fn refuses_emulator(path: &str) -> bool {
    let mut all = emulator_refusal::ALL.iter();
    all.any(|refusal| refusal.command == path)
}

/// Returns the examples of a command.
fn examples(path: &str) -> Option<&'static str> {
    let mut all = EXAMPLES.iter().chain(typed_commands::EXAMPLES);
    let found = all.find(|(name, _)| *name == path);
    found.map(|(_, examples)| *examples)
}

fn with_examples_at(mut command: Command, path: &str) -> Command {
    if let Some(examples) = examples(path) {
        let lines: Vec<_> = examples.lines().map(|line| format!("  {line}")).collect();
        command = command.after_help(format!("Examples:\n{}", lines.join("\n")));
    }
    if refuses_emulator(path) {
        // In place of the global option, so that using it is still refused with a sentence.
        let hidden = Arg::new(EMULATOR).long(EMULATOR);
        command = command.arg(hidden.action(ArgAction::SetTrue).hide(true));
    }
    command.mut_subcommands(|subcommand| {
        let path = format!("{path} {}", subcommand.get_name());
        with_examples_at(subcommand, &path)
    })
}
