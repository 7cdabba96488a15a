//! `ap man`: writes manual pages.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use clap_mangen::Man;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::{self, Printed};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder, which is created if it is missing.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<Printed, Failure> {
    command.build();
    let written = fs::create_dir_all(&args.folder).and_then(|()| write(&command, &args.folder));
    written.map_err(|error| {
        let folder = output::display_path(&args.folder);
        Failure::new(
            ExitCode::Other,
            format!("the folder {folder} cannot be written ({})", error.kind()),
            "name a folder that you can write to",
        )
    })?;
    Ok(Printed::All)
}

/// Writes the page of a command and those of the commands below it, but none for the command `help`.
fn write(command: &clap::Command, folder: &Path) -> io::Result<()> {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    let man = Man::new(command.clone());
    man.render(&mut File::create(folder.join(format!("{name}.1")))?)?;
    command
        .get_subcommands()
        .filter(|subcommand| subcommand.get_name() != "help")
        .try_for_each(|subcommand| write(subcommand, folder))
}
