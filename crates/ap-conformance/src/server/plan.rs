//! [`ListenerPlan`]: what a listener does, ready to run: texts filled in, keys and certificates made.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::ServerConfig;

use crate::authority::Authority;
use crate::case::{Case, Step, Sweep, answering_script, default_script};
use crate::placeholders::Placeholders;
use crate::secrets::Secret;

/// What a listener does, ready to run.
#[derive(Clone)]
pub(crate) struct ListenerPlan {
    scripts: Vec<Vec<Step>>,
    pub(super) answers: Vec<Vec<Step>>,
    /// The accepted values of `Authorization`, one after another, each for this many requests.
    pub(super) accepts: Vec<(String, usize)>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) greeting: String,
    /// The listener accepts no connections, and its queue has no room for another.
    pub(super) full: bool,
}

impl ListenerPlan {
    /// Creates the plan of a listener that speaks TLS, and does nothing.
    #[cfg(test)]
    pub(super) fn of_tls(config: Arc<ServerConfig>) -> Self {
        Self {
            scripts: Vec::new(),
            answers: Vec::new(),
            accepts: Vec::new(),
            tls: Some(config),
            greeting: String::new(),
            full: false,
        }
    }

    /// Returns the script of a connection. The last script is repeated.
    pub(super) fn script(&self, connection: usize) -> &[Step] {
        let script = self.scripts.get(connection).or_else(|| self.scripts.last());
        script.map(Vec::as_slice).unwrap_or_default()
    }
}

/// Makes the plans of these listeners. With a sweep, the target's first text changes at the offset.
pub(crate) fn plans(
    case: &Case,
    names: &[&str],
    placeholders: &Placeholders,
    secrets: &[Secret],
    authority: &Authority,
    offset: Option<usize>,
) -> Result<BTreeMap<String, ListenerPlan>, String> {
    let mut plans = BTreeMap::new();
    for name in names {
        let listener = case.listeners.get(*name).cloned().unwrap_or_default();
        let scripts = match (listener.script, listener.scripts) {
            (Some(script), _) => vec![script],
            (None, Some(scripts)) => scripts,
            (None, None) if listener.answers.is_some() || listener.accepts.is_some() => {
                vec![answering_script()]
            }
            (None, None) => vec![default_script()],
        };
        let mut scripts = fill_scripts(scripts, placeholders)?;
        if let (&"target", Some(offset), Some(sweep)) = (name, offset, case.sweep) {
            scripts = scripts
                .into_iter()
                .map(|steps| sweep_script(steps, offset, sweep))
                .collect();
        }
        let tls = listener
            .tls
            .map(|kind| authority.server_config(kind))
            .transpose()
            .map_err(|error| format!("the suite could not make a certificate: {error}"))?;
        let accepts = listener.accepts.unwrap_or_default().into_iter().map(|key| {
            let secret = secrets.iter().find(|secret| secret.name == key.key);
            let secret = secret.ok_or_else(|| format!("there is no key {:?}", key.key))?;
            Ok((secret.authorization(), key.times.unwrap_or(usize::MAX)))
        });
        let plan = ListenerPlan {
            scripts,
            answers: fill_scripts(listener.answers.unwrap_or_default(), placeholders)?,
            accepts: accepts.collect::<Result<_, String>>()?,
            tls,
            greeting: placeholders.fill(&listener.greeting.unwrap_or_default())?,
            full: listener.full,
        };
        plans.insert((*name).to_owned(), plan);
    }
    Ok(plans)
}

fn fill_scripts(
    scripts: Vec<Vec<Step>>,
    placeholders: &Placeholders,
) -> Result<Vec<Vec<Step>>, String> {
    let fill_script = |steps: Vec<Step>| {
        steps
            .into_iter()
            .map(|step| fill(step, placeholders))
            .collect()
    };
    scripts.into_iter().map(fill_script).collect()
}

fn fill(step: Step, placeholders: &Placeholders) -> Result<Step, String> {
    Ok(match step {
        Step::Send(text) => Step::Send(placeholders.fill(&text)?),
        Step::Respond(mut respond) => {
            respond.body = placeholders.fill(&respond.body)?;
            for (_, value) in &mut respond.headers {
                *value = placeholders.fill(value)?;
            }
            Step::Respond(respond)
        }
        Step::Repeat { text, times } => Step::Repeat {
            text: placeholders.fill(&text)?,
            times,
        },
        Step::Drip { text, every_ms } => Step::Drip {
            text: placeholders.fill(&text)?,
            every_ms,
        },
        step => step,
    })
}

/// Returns a script whose first response text ends, or pauses, at an offset.
fn sweep_script(steps: Vec<Step>, offset: usize, sweep: Sweep) -> Vec<Step> {
    let mut swept = Vec::new();
    let mut rest = steps.into_iter();
    for step in rest.by_ref() {
        let Some(text) = step.response_text() else {
            swept.push(step);
            continue;
        };
        let (before, after) = text.split_at_checked(offset).unwrap_or((&text, ""));
        swept.push(Step::Send(before.to_owned()));
        match sweep {
            Sweep::CutFin => swept.push(Step::Fin),
            Sweep::CutRst => swept.push(Step::Rst),
            Sweep::Split => swept.extend([Step::Pause(1), Step::Send(after.to_owned())]),
        }
        break;
    }
    if sweep == Sweep::Split {
        swept.extend(rest);
    }
    swept
}
