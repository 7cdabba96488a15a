//! `ap auth logout`: removes the stored keys.

use crate::failure::Failure;
use crate::keys::file;
use crate::options::GlobalOptions;
use crate::output::{self, Printed};

pub(super) fn run(options: &GlobalOptions) -> Result<Printed, Failure> {
    let store = options.account.store()?;
    let path = output::display_path(store.path());
    output::eprintln(&if file::remove(&store)? {
        format!("ap: the keys file {path} is removed")
    } else {
        format!("ap: there was no keys file {path}")
    });
    for variable in options.account.variables_in_use() {
        output::eprintln(&format!("     {variable} is still set; unset it too"));
    }
    Ok(Printed::All)
}
