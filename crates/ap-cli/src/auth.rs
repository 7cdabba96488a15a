//! `ap auth`: store a key, ask each product whether it takes it, bring a new one to all, forget it.

use crate::cli::{Auth, Global};
use crate::exit::Failure;
use crate::output::{self, Printed};
use crate::{keys, keys_file, rotate, status};

pub(crate) fn run(global: &Global, auth: &Auth) -> Result<Printed, Failure> {
    match auth {
        Auth::Login => login(),
        Auth::Logout => logout(),
        Auth::Status { json } => status::run(global, *json),
        Auth::Rotate(rotate) => rotate::run(global, rotate),
    }
}

fn login() -> Result<Printed, Failure> {
    let store = keys_file::store()?;
    let key = keys::ask_or_read("API key")?;
    keys_file::change(&store, |locked| keys_file::write(locked, &[key]))?;
    let name = output::name(store.path());
    output::say(&format!("ap: the key is stored in {name}"));
    remind("is set and comes first: unset it to use the file");
    Ok(Printed::All)
}

fn logout() -> Result<Printed, Failure> {
    let store = keys_file::store()?;
    let name = output::name(store.path());
    output::say(&if keys_file::forget(&store)? {
        format!("ap: the keys file {name} is removed")
    } else {
        format!("ap: there was no keys file {name}")
    });
    remind("is still set: unset it too");
    Ok(Printed::All)
}

fn remind(of: &str) {
    for variable in keys::VARIABLES {
        if keys::set(variable).is_some() {
            output::say(&format!("     {variable} {of}"));
        }
    }
}
