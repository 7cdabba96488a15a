//! The project's own checks. Each command is a file of its own: this one only finds it.

mod bench;
mod catalogue;
mod conformance;
mod log;
mod msrv;
mod repo;
mod sans_io;
mod tidy;

use std::io::Write as _;
use std::process::ExitCode;

/// A command says by its exit code whether what it checked is in order; an error is a sentence about
/// its arguments, or about what kept it from checking.
struct Command {
    name: &'static str,
    run: fn(&[String]) -> Result<ExitCode, String>,
    about: &'static str,
    usage: &'static str,
}

const COMMANDS: [Command; 5] = [
    Command {
        name: "bench",
        run: bench::run,
        about: "what a call costs",
        usage: bench::USAGE,
    },
    Command {
        name: "conformance",
        run: conformance::run,
        about: "the suite against the transports, or against any program",
        usage: conformance::USAGE,
    },
    Command {
        name: "msrv",
        run: msrv::run,
        about: "no dependency needs a newer Rust than the one we state",
        usage: "cargo xtask msrv\n",
    },
    Command {
        name: "sans-io",
        run: sans_io::run,
        about: "the core depends on no I/O and names none",
        usage: "cargo xtask sans-io [--bless | --self-test]\n",
    },
    Command {
        name: "tidy",
        run: tidy::run,
        about: "files, manifests, licences and documents agree",
        usage: "cargo xtask tidy\n",
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode, String> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(format!("no command was given: choose {}", names()));
    };
    let is_help = |argument: &str| matches!(argument, "-h" | "--help");
    if is_help(name) || name == "help" {
        let line =
            |command: &Command| format!("cargo xtask {:<12} {}\n", command.name, command.about);
        return print(&COMMANDS.iter().map(line).collect::<String>());
    }
    let command = COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| format!("there is no command {name:?}: choose {}", names()))?;
    if rest.iter().any(|argument| is_help(argument)) {
        return print(&format!(
            "{}: {}\n\n{}",
            command.name, command.about, command.usage
        ));
    }
    (command.run)(rest)
}

/// Prints to the standard output, whose reader may have seen enough.
fn print(text: &str) -> Result<ExitCode, String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("the standard output cannot be written: {error}"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn names() -> String {
    COMMANDS.map(|command| command.name).join(", ")
}

/// For commands that take no arguments.
fn none(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [] => Ok(()),
        [first, ..] => Err(format!(
            "{first:?} is not an argument of this command: it takes none"
        )),
    }
}

/// Prints what is wrong, or that all is well.
fn verdict(check: &str, faults: &[String]) -> ExitCode {
    for fault in faults {
        eprintln!("{check}: {fault}");
    }
    if faults.is_empty() {
        println!("{check}: ok");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, dispatch, none};

    fn error(arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        dispatch(&arguments).unwrap_err()
    }

    #[test]
    fn bad_arguments_get_one_sentence() {
        for arguments in [
            &[][..],
            &["nothing"],
            &["msrv", "x"],
            &["tidy", "-v"],
            &["sans-io", "x"],
        ] {
            let sentence = error(arguments);
            assert_eq!(sentence.lines().count(), 1, "{sentence}");
        }
        assert!(error(&["nothing"]).contains("choose bench, conformance, msrv, sans-io, tidy"));
        assert!(none(&[]).is_ok());
    }

    #[test]
    fn every_command_says_how_it_is_used() {
        for command in &COMMANDS {
            assert!(
                command
                    .usage
                    .starts_with(&format!("cargo xtask {}", command.name))
            );
            assert!(command.usage.ends_with('\n'));
            let asked = [command.name, "--help"].map(str::to_owned);
            assert!(dispatch(&asked).is_ok(), "{}", command.name);
        }
    }
}
