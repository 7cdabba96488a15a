//! `ap auth login`: stores a key.

use crate::failure::Failure;
use crate::keys::{self, file, prompt};
use crate::output::{self, Printed};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Replace the keys that are stored.
    #[arg(long)]
    replace: bool,
}

pub(super) fn run(args: &Args) -> Result<Printed, Failure> {
    let store = file::store()?;
    let path = output::display_path(store.path());
    let key = prompt::ask_or_read("API key")?;
    let replaced = file::change(&store, |locked| {
        let stored = match locked.read() {
            // A file that cannot be read has no usable key, so `--replace` replaces it too.
            Err(_) if args.replace => Vec::new(),
            stored => stored?.unwrap_or_default(),
        };
        let others = stored.iter().filter(|other| !other.is_same(&key)).count();
        if others > 0 && !args.replace {
            return Err(Failure::usage(
                format!("{path} contains another key already"),
                "after a reset, run `ap auth rotate`; to replace the key, run `ap auth login --replace`",
            ));
        }
        file::write(locked, &[key])?;
        Ok(others)
    })?;
    output::eprintln(&match replaced {
        0 => format!("ap: the key is stored in {path}"),
        1 => format!("ap: the key is stored in {path} and replaces another one"),
        more => format!("ap: the key is stored in {path} and replaces {more} others"),
    });
    for variable in keys::variables_in_use() {
        output::eprintln(&format!(
            "     {variable} is set and is used first; unset it to use the file"
        ));
    }
    Ok(Printed::All)
}
