//! `ap auth`: store a key, ask each product whether it takes it, bring a new one to all, forget it.

use crate::cli::{Auth, Global};
use crate::exit::Failure;
use crate::output::{self, Printed};
use crate::{keys, keys_file, rotate, status};

pub(crate) fn run(global: &Global, auth: &Auth) -> Result<Printed, Failure> {
    match auth {
        Auth::Login { .. } | Auth::Logout if global.emulator => Err(Failure::usage(
            "an emulator of this command alone has a key of its own, which is not stored",
            "leave --emulator out",
        )),
        Auth::Login { replace } => login(*replace),
        Auth::Logout => logout(),
        Auth::Status { json } => status::run(global, *json),
        Auth::Rotate(rotate) => rotate::run(global, rotate),
    }
}

fn login(replace: bool) -> Result<Printed, Failure> {
    let store = keys_file::store()?;
    let name = output::name(store.path());
    let key = keys::ask_or_read("API key")?;
    let replaced = keys_file::change(&store, |locked| {
        // What cannot be read holds no key that is of use, and is replaced too when that is wanted.
        let stored = match keys_file::read(&store) {
            Err(_) if replace => Vec::new(),
            stored => stored?.unwrap_or_default(),
        };
        let others = stored.iter().filter(|one| one.expose() != key.expose());
        let others = others.count();
        if others > 0 && !replace {
            return Err(Failure::usage(
                format!("{name} holds another key already"),
                "after a reset, `ap auth rotate` puts the new key beside it; `ap auth login --replace` replaces it",
            ));
        }
        keys_file::write(locked, &[key])?;
        Ok(others)
    })?;
    output::say(&match replaced {
        0 => format!("ap: the key is stored in {name}"),
        1 => format!("ap: the key is stored in {name}, in the place of another"),
        more => format!("ap: the key is stored in {name}, in the place of {more} others"),
    });
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
