//! A subject whose calls end only because of the suite's own limit is stopped after 20 cases.

use ap_client::transport::{
    Clock, Deadline, Moment, Transport, TransportError, TransportErrorKind,
};
use ap_conformance::{CaseState, Report, Suite};
use bytes::Bytes;
use http::{Request, Response};

/// Sends nothing, and reports a timeout: at the deadline, or at once.
#[derive(Debug)]
struct TimesOut {
    clock: Clock,
    waits: bool,
}

impl Transport for TimesOut {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn sleep_until(&self, moment: Moment) {
        self.clock.sleep_until(moment);
    }

    fn send(
        &self,
        _: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        if let Some(end) = deadline.moment().filter(|_| self.waits) {
            self.clock.sleep_until(end);
        }
        Err(TransportError::new(TransportErrorKind::Timeout))
    }
}

fn report(waits: bool) -> Report {
    let suite = Suite::builtin()
        .quiet()
        .jobs(24)
        .filter("framing/")
        .unwrap();
    let clock = Clock::start();
    suite.check(|_| Ok(TimesOut { clock, waits }))
}

fn not_run(report: &Report) -> usize {
    let is_not_run = |reason: &str| reason == "stopped after 20 hangs";
    let cases = report.cases().iter();
    cases.filter(|case| is_not_run(case.reason())).count()
}

#[test]
fn a_transport_that_waits_every_deadline_out_is_stopped_and_what_it_failed_is_shown() {
    let report = report(true);
    let failed = report.count(CaseState::Failed);
    // Those that ran at the same time as the twentieth count too.
    assert!((20..20 + 24 + 24).contains(&failed), "{failed}");
    assert!(not_run(&report) > 50, "{report}");
    assert!(!report.is_success(false));
}

#[test]
fn a_transport_that_reports_a_timeout_early_is_judged_by_every_case() {
    let report = report(false);
    assert!(report.count(CaseState::Failed) > 50);
    assert_eq!(not_run(&report), 0);
}
