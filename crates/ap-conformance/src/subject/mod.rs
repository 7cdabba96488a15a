//! The subject: what is under test. A blocking transport, an async one, or a program.
//!
//! Each makes the calls of a [`Run`] and stores their outcomes. This file has what the two kinds of
//! transport share; it and its two submodules are the only files that use a client.

mod asynchronous;
mod blocking;
mod error_output;
mod process;
pub(crate) mod program;
pub(crate) mod round_trip;
mod watch;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use ap_client::transport::TransportError;
use ap_core::Draft;

use crate::case::Call;
use crate::context::SuiteContext;
use crate::outcome::{Outcome, error_chain, error_in_words};
use crate::request::PreparedRequest;
use crate::run::Run;

pub(crate) use asynchronous::run_async;
#[cfg(test)]
pub(crate) use blocking::make_calls;
pub(crate) use blocking::run_blocking;
pub(crate) use watch::all;
pub use watch::block_on;

/// How long a call waits for the listener's mark.
const MARK_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a condition is checked that nobody announces.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Makes the draft of a call.
///
/// Returns the outcome of the call instead, if the request is refused already.
fn draft(run: &Run<'_>, call: &Call) -> Result<Result<Draft, Outcome>, String> {
    let draft = match run.request(call)?.prepare() {
        PreparedRequest::Whole(request) => match Draft::from_http(request, &run.origins) {
            Ok(draft) => draft,
            Err(error) => return Ok(Err(Outcome::of(Err(error.into())))),
        },
        PreparedRequest::Path {
            method,
            path,
            headers,
            body,
        } => Draft::new(run.service(), method, path)
            .headers(headers)
            .body(body),
        PreparedRequest::Inexpressible => return Ok(Err(Outcome::of_kind("refused"))),
    };
    Ok(Ok(if call.unsigned {
        draft.unsigned()
    } else {
        draft
    }))
}

/// Stores the failure of a subject that could not be made, for every call of the run.
fn fail_all_calls(run: &mut Run<'_>, error: &TransportError) {
    let mut outcome = Outcome::of_kind(error.kind().name());
    outcome.error = error_in_words(error);
    outcome.text = error_chain(error);
    run.outcomes = vec![outcome; run.case.each_call().count()];
}

/// Stores the outcomes of a call, with everything that the subject shows of itself afterwards.
fn store_outcomes(
    run: &mut Run<'_>,
    context: &SuiteContext,
    call: &Call,
    started: Instant,
    outcomes: Vec<Outcome>,
    (client, transport): (&dyn Debug, &dyn Debug),
) {
    for mut outcome in outcomes {
        let elapsed = started.elapsed();
        if let Some(log) = context.log {
            outcome.log = log();
        }
        let shown = format!("{client:?}{client:#?}{transport:?}{transport:#?}");
        outcome.text.push_str(&shown);
        let limit = run.allowed_time(call);
        if elapsed > limit && outcome.kind != "hung" {
            outcome = outcome.late(elapsed, limit);
        }
        outcome.is_at_limit = run.is_at_limit(elapsed);
        run.outcomes.push(outcome);
    }
}
