//! `ap auth logout`: removes the stored keys.

use crate::failure::Failure;
use crate::keys::{self, file};
use crate::output::{self, Printed};

pub(super) fn run() -> Result<Printed, Failure> {
    let store = file::store()?;
    let path = output::display_path(store.path());
    output::eprintln(&if file::remove(&store)? {
        format!("ap: the keys file {path} is removed")
    } else {
        format!("ap: there was no keys file {path}")
    });
    for variable in keys::variables_in_use() {
        output::eprintln(&format!("     {variable} is still set; unset it too"));
    }
    Ok(Printed::All)
}
