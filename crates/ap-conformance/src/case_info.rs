//! [`CaseInfo`]: what a list of cases shows of each.

use std::collections::BTreeMap;

use crate::case::{Capability, Case, Level, Profile};
use crate::memory;

/// A case as [`Suite::list`](crate::Suite::list) shows it.
///
/// ```
/// for case in ap_conformance::Suite::builtin().list().filter(|case| case.id().starts_with("tls/")) {
///     println!("{} ({}): {} [{}]", case.id(), case.level(), case.requirement(), case.source());
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CaseInfo<'a> {
    case: &'a Case,
}

impl<'a> CaseInfo<'a> {
    pub(crate) fn of(case: &'a Case) -> Self {
        Self { case }
    }

    /// Returns the id, `group/behaviour`.
    #[must_use]
    pub fn id(&self) -> &'a str {
        &self.case.id
    }

    /// Returns the level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.case.level
    }

    /// Returns the profile that the case is part of, besides `all`.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.case.profile
    }

    /// Returns what a subject must offer for the case to apply to it.
    #[must_use]
    pub fn needs(&self) -> &'a [Capability] {
        &self.case.needs
    }

    /// Returns what happens in the case, in a few words.
    #[must_use]
    pub fn title(&self) -> &'a str {
        &self.case.title
    }

    /// Returns the rule that a client must keep.
    #[must_use]
    pub fn requirement(&self) -> &'a str {
        &self.case.requirement
    }

    /// Returns where the rule comes from.
    #[must_use]
    pub fn source(&self) -> &'a str {
        &self.case.source
    }

    /// Returns the environment variables of the process that runs this case.
    ///
    /// `HOME` is always among them. It is the empty folder `home`, unless the case sets another.
    #[must_use]
    pub fn environment(&self, home: &str) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::from([("HOME".to_owned(), home.to_owned())]);
        let own = self.case.env.iter();
        variables.extend(own.map(|(name, value)| (name.clone(), value.replace("${home}", home))));
        variables
    }

    /// Returns the hosts file that the process must see, if the case needs one of its own.
    #[must_use]
    pub fn hosts(&self) -> Option<&'a str> {
        self.case.hosts.as_deref()
    }

    /// Returns `true` if the case needs a process of its own, for its environment or to measure its memory.
    #[must_use]
    pub fn needs_own_process(&self) -> bool {
        self.case.needs_environment() || memory::is_large(self.case)
    }
}
