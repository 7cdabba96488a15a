//! [`Account`]: which account's keys a command uses, and where they come from.

use std::io::{self, IsTerminal as _};

use activeprospect::ApiKey;
use activeprospect::keys::{FromEnvironment, KEY_VARIABLES, Store};

use super::profile::ProfileName;
use super::{Prompt, file, prompt};
use crate::failure::Failure;

/// The account of a command: that of a profile, or the only one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    profile: Option<ProfileName>,
    /// The profile was named by `--profile`, which comes before the key variables.
    is_by_option: bool,
}

impl Account {
    pub(crate) const fn new(profile: Option<ProfileName>, is_by_option: bool) -> Self {
        Self {
            profile,
            is_by_option,
        }
    }

    /// Returns the profile, if it is one's account.
    pub(crate) const fn profile(&self) -> Option<&ProfileName> {
        self.profile.as_ref()
    }

    /// Returns the keys file.
    pub(crate) fn store(&self) -> Result<Store, Failure> {
        file::store(self.profile.as_ref())
    }

    /// Returns the account's keys, oldest first, from the first source that has any.
    pub(crate) fn find_keys(&self, prompt: Prompt) -> Result<Vec<ApiKey>, Failure> {
        if let Some(keys) = self.keys_of_environment()? {
            return Ok(keys);
        }
        if let Some(keys) = self.store()?.read()? {
            return Ok(keys);
        }
        if prompt == Prompt::Allowed && io::stdin().is_terminal() {
            let key = prompt::ask("API key")?;
            return Ok(vec![key.with_label("from the prompt")]);
        }
        Err(self.no_key())
    }

    /// Returns the names of other profiles that have keys, a few of them.
    fn others(&self) -> Vec<String> {
        const SHOWN: usize = 5;
        let profiles = file::profiles().into_iter();
        let has_keys = |profile: &ProfileName| {
            let store = file::store(Some(profile));
            Some(profile) != self.profile.as_ref()
                && store.is_ok_and(|store| store.path().is_file())
        };
        let others = profiles.filter(has_keys);
        let mut names: Vec<_> = others.map(|profile| profile.as_str().to_owned()).collect();
        names.sort();
        names.truncate(SHOWN);
        names
    }

    fn no_key(&self) -> Failure {
        let mut failure = Failure::no_key();
        if let Some(profile) = &self.profile {
            let name = profile.as_str();
            failure.message = format!("the profile {name} has no API key");
            failure.hint = format!("run `ap auth login --profile {name}`");
        }
        let others = self.others();
        if !others.is_empty() {
            let what = match self.profile {
                Some(_) => "other profiles",
                None => "or choose a profile with --profile",
            };
            failure.hint = format!("{}; {what}: {}", failure.hint, others.join(", "));
        }
        failure
    }

    /// Returns the keys in variables, or those of the file or the command that a variable names, if any is set. They
    /// come before those of the keys file, and this program cannot change them.
    pub(crate) fn keys_of_environment(&self) -> Result<Option<Vec<ApiKey>>, Failure> {
        if self.is_by_option {
            return Ok(None);
        }
        let Some(source) = FromEnvironment::find()? else {
            return Ok(None);
        };
        Ok(Some(source.read(None)?))
    }

    /// Returns `true` if the keys come from a command, which may ask a person for something.
    pub(crate) fn runs_command(&self) -> bool {
        let source = FromEnvironment::find();
        !self.is_by_option && matches!(source, Ok(Some(FromEnvironment::Command(_))))
    }

    /// Returns the names of the key variables that are set and that are used first.
    pub(crate) fn variables_in_use(&self) -> impl Iterator<Item = &'static str> {
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let variables = (!self.is_by_option).then_some(KEY_VARIABLES);
        variables.into_iter().flatten().filter(is_set)
    }
}
