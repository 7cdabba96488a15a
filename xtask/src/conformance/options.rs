//! [`Options`]: the command's arguments.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};

use super::subject::Subject;

/// The word that asks for the matrix instead of a subject.
pub(super) const MATRIX: &str = "matrix";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(override_usage = "cargo xtask conformance [SUBJECT] [FILTER] [OPTIONS]")]
pub(crate) struct Options {
    /// The transport: reqwest, ureq, hyper, all (these three, and the default), given-reqwest or given-ureq. `matrix` judges
    /// these three and every example, and writes target/matrix.html and target/matrix.md
    #[arg(value_name = "SUBJECT")]
    pub(super) subject: Option<String>,

    /// Run only the cases whose id contains this text
    #[arg(value_name = "FILTER")]
    pub(super) filter: Option<String>,

    /// Run only the cases of a profile: key-safety, http or all
    #[arg(long, value_name = "PROFILE", default_value = "all")]
    pub(super) profile: String,

    /// Run only the cases that need a capability
    #[arg(long, value_name = "CAPABILITY")]
    pub(super) capability: Option<String>,

    /// Run only the case with this id
    #[arg(long, value_name = "ID")]
    pub(super) only: Option<String>,

    /// Declare that the subject does not offer a capability, and why
    #[arg(long, value_name = "CAPABILITY=REASON")]
    pub(super) without: Vec<String>,

    /// Leave out the cases whose id starts with a text, and say why
    #[arg(long, value_name = "START=REASON")]
    pub(super) skip: Vec<String>,

    /// Fail if a SHOULD fails, too
    #[arg(long)]
    pub(super) strict: bool,

    /// Show the cases and run none
    #[arg(long)]
    pub(super) list: bool,

    /// Use the case files of a folder instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(super) cases: Option<PathBuf>,

    /// Judge a program that speaks the protocol of docs/conformance/other-languages.md
    #[arg(long, value_name = "CMD")]
    pub(super) exec: Option<String>,

    /// Judge a program that makes round trips, the minimal form of that protocol
    #[arg(long, value_name = "CMD", conflicts_with = "exec")]
    pub(super) exec_transport: Option<String>,

    /// Choose the form of the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub(super) format: Format,

    /// Write the report to a file
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Run N times in shuffled order; every report must be the same
    #[arg(long, value_name = "N", default_value = "1", value_parser = RangedU64ValueParser::<u64>::new().range(1..=1000))]
    pub(super) repeat: u64,

    /// Write docs/conformance/catalogue.md
    #[arg(long)]
    pub(super) catalogue: bool,

    /// Run one case and print its whole conversation, with times
    #[arg(long, value_name = "CASE", conflicts_with_all = ["only", "format", "repeat"])]
    pub(super) trace: Option<String>,

    /// Run one case in this process. The command starts itself with it for cases that need a process of their own
    #[arg(long, value_name = "ID", hide = true)]
    pub(super) case: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Html,
    Junit,
}

impl Options {
    /// Returns the transports to judge, and the filter of the cases. A lone word that names no transport is a filter.
    pub(super) fn selection(&self) -> Result<(Vec<Subject>, Option<&str>), String> {
        let Some(word) = self.subject.as_deref() else {
            return Ok((Subject::BUILT.to_vec(), None));
        };
        let filter = self.filter.as_deref();
        if word == "all" || word == MATRIX {
            return Ok((Subject::BUILT.to_vec(), filter));
        }
        match Subject::ALL
            .into_iter()
            .find(|subject| subject.name() == word)
        {
            Some(subject) => Ok((vec![subject], filter)),
            None if filter.is_none() => Ok((Subject::BUILT.to_vec(), Some(word))),
            None => Err(format!(
                "there is no transport {word:?}: reqwest, ureq, hyper, all, given-reqwest, given-ureq or matrix"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Format, Options, Subject};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    fn options(arguments: &[&str]) -> Options {
        Cli::parse_from(["x"].iter().chain(arguments)).options
    }

    #[test]
    fn arguments_are_read() {
        let read = options(&["ureq", "redirect/", "--strict", "--format", "json"]);
        assert_eq!(
            read.selection().unwrap(),
            (vec![Subject::Ureq], Some("redirect/"))
        );
        assert!(read.strict && read.format == Format::Json && read.repeat == 1);
        let all = Subject::BUILT.to_vec();
        for (arguments, filter) in [
            (&[][..], None),
            (&["all"], None),
            (&["redirect/"], Some("redirect/")),
            (&["all", "ureq"], Some("ureq")),
        ] {
            let read = options(arguments);
            assert_eq!(
                read.selection().unwrap(),
                (all.clone(), filter),
                "{arguments:?}"
            );
        }
    }
}
