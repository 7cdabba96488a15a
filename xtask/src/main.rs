//! The project's own checks. Each command is a file of its own: this one only finds it.

mod bench;
mod catalogue;
mod conformance;
mod log;
mod msrv;
mod repo;
mod sans_io;
mod tidy;

use std::process::ExitCode;

/// A command says by its exit code whether what it checked is in order; an error is a sentence about
/// its arguments, or about what kept it from checking.
type Command = fn(&[String]) -> Result<ExitCode, String>;

const COMMANDS: [(&str, Command, &str); 5] = [
    (
        "bench",
        bench::run,
        "what a call costs [micro|calls|peers|startup|growth]",
    ),
    (
        "conformance",
        conformance::run,
        "the suite against the transports, or against any program",
    ),
    (
        "msrv",
        msrv::run,
        "no dependency needs a newer Rust than the one we state",
    ),
    (
        "sans-io",
        sans_io::run,
        "the core depends on no I/O and names none [--bless | --self-test]",
    ),
    (
        "tidy",
        tidy::run,
        "files, manifests, licences and documents agree",
    ),
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
    if matches!(name.as_str(), "-h" | "--help" | "help") {
        for (name, _, about) in COMMANDS {
            println!("cargo xtask {name:<12} {about}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (_, command, _) = COMMANDS
        .iter()
        .find(|(known, ..)| known == name)
        .ok_or_else(|| format!("there is no command {name:?}: choose {}", names()))?;
    command(rest)
}

fn names() -> String {
    COMMANDS.map(|(name, ..)| name).join(", ")
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
    use super::{dispatch, none};

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
}
