//! Reports as JUnit XML, which most CI systems show: a suite for each subject, a test for each case.

use ap_conformance::{CaseReport, CaseState, Report};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

/// Returns the reports as JUnit XML.
pub(super) fn xml(reports: &[Report]) -> Result<String, String> {
    let mut document = quick_junit::Report::new("conformance");
    for report in reports {
        let mut suite = TestSuite::new(report.subject());
        suite.add_test_cases(report.cases().iter().map(|case| test(report, case)));
        document.add_test_suite(suite);
    }
    document
        .to_string()
        .map_err(|error| format!("cannot write JUnit XML: {error}"))
}

fn test(report: &Report, case: &CaseReport) -> TestCase {
    let mut status = match case.state() {
        CaseState::Passed => TestCaseStatus::success(),
        CaseState::Failed => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(case.level().to_string());
            let (title, rule, source) = (case.title(), case.requirement(), case.source());
            let details = case.details();
            status.set_description(format!(
                "case: {title}\nrule: {rule}\nsource: {source}\n{details}"
            ));
            status
        }
        CaseState::Skipped | CaseState::NotApplicable => TestCaseStatus::skipped(),
    };
    if !case.reason().is_empty() {
        status.set_message(case.reason());
    }
    let mut test = TestCase::new(case.id(), status);
    test.set_time(case.duration());
    let group = case.id().split('/').next().unwrap_or_default();
    test.set_classname(format!("{}.{group}", report.subject()));
    test
}
