//! [`Extent`]: how much of all pairs of a mutant and a case is run.

/// How much of all pairs of a mutant and a case is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Normal,
    More,
    All,
}

impl Extent {
    /// Returns what the variable `MUTANTS` says.
    pub(super) fn from_environment() -> Self {
        match std::env::var("MUTANTS").as_deref() {
            Ok("all") => Self::All,
            Ok("more") => Self::More,
            _ => Self::Normal,
        }
    }
}
