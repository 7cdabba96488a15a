//! `ap auth`: store a key, ask each product whether it takes it, forget it.

use crate::cli::{Auth, Global};
use crate::exit::Failure;
use crate::output::{self, Printed};
use crate::{keys, keys_file, status};

pub(crate) fn run(global: &Global, auth: &Auth) -> Result<Printed, Failure> {
    match auth {
        Auth::Login => login(),
        Auth::Logout => logout(),
        Auth::Status { json } => status::run(global, *json),
    }
}

fn login() -> Result<Printed, Failure> {
    let path = keys_file::path()?;
    let key = keys::ask_or_read()?;
    keys_file::store(&path, &key)?;
    output::say(&format!("ap: the key is stored in {}", output::name(&path)));
    remind("is set and comes first: unset it to use the file");
    Ok(Printed::All)
}

fn logout() -> Result<Printed, Failure> {
    let path = keys_file::path()?;
    let name = output::name(&path);
    output::say(&if keys_file::forget(&path)? {
        format!("ap: the keys file {name} is removed")
    } else {
        format!("ap: there was no keys file {name}")
    });
    remind("is still set: unset it too");
    Ok(Printed::All)
}

fn remind(of: &str) {
    if std::env::var_os(keys::VARIABLE).is_some_and(|value| !value.is_empty()) {
        output::say(&format!("     {} {of}", keys::VARIABLE));
    }
}
