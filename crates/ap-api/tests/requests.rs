//! The request of each endpoint: method, path, query and body.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use ap_api::leadconduit::{events, firehose, flows, reports, submission};
use ap_api::suppressionlist::Exists;
use ap_api::trustedform::certificates::{CertificateId, MatchLead, Run, Verify};
use ap_api::{Auth, ListName, ReportKey, Secret, operations};
use ap_core::{Draft, Endpoint as _, Service};
use common::endpoints::{Ids, table};
use common::{CERTIFICATE, id, line, prepare};

#[test]
fn each_request_is_as_documented() {
    for (endpoint, expected) in table(&Ids::examples()) {
        let request =
            prepare(endpoint.draft()).unwrap_or_else(|error| panic!("{expected}: {error}"));
        assert_eq!(line(&request), expected);
    }
}

/// Returns `true` if a path is one of a template.
fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(part, own)| part.starts_with('{') || part == own)
}

#[test]
fn every_operation_of_the_table_has_a_request_and_the_service_of_its_host() {
    let requests: Vec<_> = table(&Ids::examples())
        .into_iter()
        .map(|(endpoint, _)| {
            let draft = endpoint.draft();
            (
                draft.service(),
                draft.is_unsigned(),
                prepare(draft).unwrap(),
            )
        })
        .collect();
    for operation in operations::ALL {
        let own = requests.iter().find(|(service, _, request)| {
            *service == operation.service
                && request.method() == operation.method
                && fits(operation.path, request.uri().path())
        });
        let Some((_, is_unsigned, _)) = own else {
            panic!(
                "{} {} has no request in the table",
                operation.method, operation.path
            );
        };
        match operation.auth {
            Auth::Key => assert!(!is_unsigned, "{}", operation.path),
            Auth::NoKey => assert!(is_unsigned, "{}", operation.path),
            _ => {}
        }
    }
}

#[test]
fn the_table_has_each_operation_once_and_none_that_is_left_out() {
    let mut names: Vec<_> = operations::ALL
        .iter()
        .map(|operation| (operation.service, operation.method, operation.path))
        .collect();
    let count = names.len();
    names.sort_by_key(|(service, method, path)| (service.vendor_origin(), *path, *method));
    names.dedup();
    assert_eq!(names.len(), count);
    for left_out in operations::LEFT_OUT {
        let is_there = operations::ALL.iter().any(|operation| {
            (operation.product(), operation.method, operation.path)
                == (left_out.product, left_out.method, left_out.path)
        });
        assert!(!is_there, "{} {}", left_out.method, left_out.path);
        assert!(!left_out.reason.is_empty() && !left_out.reason.ends_with('.'));
    }
    // What the vendor documents: 93 operations of LeadConduit and the account.
    let of_lead_conduit = |service| service == Service::LeadConduit;
    let own = operations::ALL
        .iter()
        .filter(|one| of_lead_conduit(one.service))
        .count();
    let left_out = operations::LEFT_OUT
        .iter()
        .filter(|one| one.product == Service::LeadConduit.product())
        .count();
    assert_eq!(own + left_out, 93);
}

#[test]
fn operations_without_a_key_send_one_only_if_asked() {
    let submit = submission::Submit::new(id(), id()).field("a", 1);
    assert!(submit.draft().is_unsigned());
    assert!(!submit.with_key().draft().is_unsigned());
    let ping = submission::Ping::new(id(), id()).field("a", 1);
    assert!(ping.draft().is_unsigned());
    assert!(!ping.with_key().draft().is_unsigned());
    assert!(
        submission::Feedback::new(id(), submission::FeedbackType::Return)
            .draft()
            .is_unsigned()
    );
    let token = || ReportKey::parse("token").unwrap();
    assert!(reports::Get::shared(token()).draft().is_unsigned());
    assert!(!reports::Get::new(id()).draft().is_unsigned());
}

#[test]
fn only_what_changes_nothing_when_sent_twice_may_be_repeated() {
    let called = |draft: Draft| draft.prepare(&ap_core::Origins::vendor(), None).unwrap().1;
    let secret = Secret::new("placeholder");
    for draft in [
        submission::Submit::new(id(), id()).field("a", 1).draft(),
        submission::Ping::new(id(), id()).field("a", 1).draft(),
        submission::Feedback::new(id(), submission::FeedbackType::Return).draft(),
        firehose::Check::azure("bucket", secret).draft(),
    ] {
        assert!(called(draft.clone()).is_at_most_once() && !called(draft).is_repeatable());
    }
    let create = called(flows::Create::new(flows::Flow::new("a")).draft());
    assert!(!create.is_repeatable() && !create.is_at_most_once());
    for draft in [
        flows::Update::new(id(), flows::Flow::new("a")).draft(),
        events::List::new().in_body().draft(),
    ] {
        assert!(called(draft.clone()).is_repeatable() && !called(draft).is_at_most_once());
    }
}

#[test]
fn certificates_are_asked_for_version_4_and_csv_by_its_media_type() {
    let id: CertificateId = CERTIFICATE.parse().unwrap();
    let run = Run::new(id).verify(Verify::new());
    assert_eq!(
        prepare(run.draft()).unwrap().headers()["api-version"],
        "4.0"
    );
    let csv = events::Stats::new().as_csv();
    assert_eq!(
        prepare(csv.draft()).unwrap().headers()["accept"],
        "text/csv"
    );
}

#[test]
fn debug_of_an_endpoint_shows_no_value() {
    let submit = submission::Submit::new(id(), id()).field("email", "a@b.example");
    assert_eq!(
        format!("{submit:?}"),
        "POST /flows/{flow_id}/sources/{source_id}/submit"
    );
    let exists = Exists::new(ListName::parse("a").unwrap(), "5125550100");
    assert_eq!(format!("{exists:?}"), "GET /exists/{list}/{value}");
    let match_lead = MatchLead::new().email("a@b.example");
    assert!(!format!("{match_lead:?}").contains("example"));
}
