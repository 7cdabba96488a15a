//! [`ChoiceError`]: why a choice of cases is refused.

use std::collections::BTreeSet;

/// How alike two texts must be for one to be offered instead of the other: 0 for nothing in common, 1 for equal.
const LIKENESS: f64 = 0.75;

/// How many names are offered instead of one that does not exist.
const OFFERED: usize = 3;

/// Why a choice of cases, or an exception from them, is refused.
///
/// ```
/// use ap_conformance::Suite;
///
/// let error = Suite::builtin().only("authorization/exactt").unwrap_err();
/// assert!(error.to_string().contains("did you mean authorization/exact?"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// No case has this text in its id, or at its start.
    #[error(
        "no case has {text:?} in its id; {}",
        advice(nearest, "`Suite::list` and `--list` show all ids")
    )]
    UnknownCase {
        /// The text.
        text: String,
        /// The ids and groups that are most like it.
        nearest: Vec<String>,
    },
    /// There are such cases, but none among those that were chosen before.
    #[error(
        "no case that is left has {0:?} in its id; the profile or the filters before leave such cases out"
    )]
    LeftOut(String),
    /// There is no capability or profile of this name.
    #[error(
        "there is no {kind} {text:?}; {}",
        advice(nearest, &format!("choose from {}", names.join(", ")))
    )]
    UnknownName {
        /// `capability` or `profile`.
        kind: &'static str,
        /// The text.
        text: String,
        /// The names that are most like it.
        nearest: Vec<String>,
        /// All names.
        names: Vec<String>,
    },
    /// The reason is empty.
    #[error("{0:?} is left out without a reason; say why the subject cannot keep the rule")]
    NoReason(String),
    /// The text is not a list of ids and reasons.
    #[error("the expected failures are not a JSON list of objects with `id` and `reason`: {0}")]
    InvalidList(String),
}

impl ChoiceError {
    /// Makes the error for an id, or a part of one, that no case has.
    pub(crate) fn unknown_case<'a>(text: &str, ids: impl Iterator<Item = &'a str>) -> Self {
        let is_group = !text.trim_end_matches('/').contains('/');
        let name = |id: &'a str| match id.find('/') {
            Some(slash) if is_group => &id[..=slash],
            _ => id,
        };
        let names: BTreeSet<_> = ids.map(name).collect();
        Self::UnknownCase {
            text: text.to_owned(),
            nearest: nearest(text, names.into_iter()),
        }
    }

    /// Makes the error for a name that does not exist.
    pub(crate) fn unknown(
        kind: &'static str,
        text: &str,
        names: impl Iterator<Item = &'static str>,
    ) -> Self {
        let names: Vec<_> = names.collect();
        Self::UnknownName {
            kind,
            text: text.to_owned(),
            nearest: nearest(text, names.iter().copied()),
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Checks that there is a reason for leaving something out.
    pub(crate) fn check_reason(what: &str, reason: &str) -> Result<(), Self> {
        if reason.trim().is_empty() {
            return Err(Self::NoReason(what.to_owned()));
        }
        Ok(())
    }
}

/// Returns the names that are most like a text, the most alike first.
fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut alike: Vec<_> = names
        .map(|name| (strsim::normalized_damerau_levenshtein(text, name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .collect();
    alike.sort_by(|one, other| other.0.total_cmp(&one.0));
    let offered = alike.into_iter().take(OFFERED);
    offered.map(|(_, name)| name.to_owned()).collect()
}

/// Offers the nearest names, or something else if there are none.
fn advice(nearest: &[String], otherwise: &str) -> String {
    match nearest {
        [] => otherwise.to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    }
}
