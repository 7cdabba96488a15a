//! The suite that the arguments ask for.

use ap_conformance::{Capability, ChoiceError, Profile, Suite};

use super::options::Options;
use super::subject::Subject;
use crate::repo;

/// Returns the suite that the arguments ask for.
pub(super) fn suite(options: &Options) -> Result<Suite, String> {
    let mut suite = match &options.cases {
        Some(folder) => Suite::from_folder(folder).map_err(|error| error.to_string())?,
        None => Suite::builtin(),
    };
    if let (_, Some(filter)) = options.selection()? {
        suite = suite.filter(filter).map_err(|error| error.to_string())?;
    }
    suite = choose(suite, options).map_err(|error| error.to_string())?;
    for exception in &options.without {
        let (name, reason) = name_and_reason("--without", exception)?;
        let capability = name.parse::<Capability>();
        suite = capability
            .and_then(|capability| suite.without(capability, reason))
            .map_err(|error| error.to_string())?;
    }
    for exception in &options.skip {
        let (start, reason) = name_and_reason("--skip", exception)?;
        suite = suite
            .skip(start, reason)
            .map_err(|error| error.to_string())?;
    }
    Ok(match &options.case {
        Some(id) => suite
            .only(id)
            .map_err(|error| error.to_string())?
            .with_environment()
            .quiet()
            .memory_meter(ap_conformance::peak_memory),
        None => suite,
    })
}

/// Adds the cases that a transport of this workspace cannot pass, with the reasons.
pub(super) fn with_expected_failures(
    mut suite: Suite,
    subject: Subject,
    options: &Options,
) -> Result<Suite, String> {
    if options.cases.is_some() {
        return Ok(suite);
    }
    for path in subject.expected_failures() {
        let path = repo::root().join(path);
        let text = repo::read(&path)?;
        suite = suite
            .expected_failures(&text)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(suite)
}

/// Keeps the cases that the arguments name.
fn choose(mut suite: Suite, options: &Options) -> Result<Suite, ChoiceError> {
    suite = suite.profile(options.profile.parse::<Profile>()?);
    if let Some(name) = &options.capability {
        suite = suite.capability(name.parse::<Capability>()?);
    }
    if options.trace.is_some() {
        suite = suite.trace();
    }
    match options.only.as_ref().or(options.trace.as_ref()) {
        Some(id) => suite.only(id),
        None => Ok(suite),
    }
}

/// Splits `name=reason`.
fn name_and_reason<'a>(option: &str, text: &'a str) -> Result<(&'a str, &'a str), String> {
    text.split_once('=')
        .ok_or_else(|| format!("{option} {text:?} has no reason; write {option} {text}=\"why\""))
}
