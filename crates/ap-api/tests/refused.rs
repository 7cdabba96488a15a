//! Requests that are known to be wrong are refused before they are sent, with one sentence.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use ap_api::leadconduit::{events, firehose, flows, leads, reports, submission};
use ap_api::suppressionlist::{AddItems, CreateList, Exists};
use ap_api::trustedform::certificates::{
    CertificateId, Insights, InvalidCertificate, MatchLead, Property, Retain, Run, Verify,
};
use ap_api::{FieldId, Id, ListName, PackageId, ReportKey, Secret, ShortId};
use ap_core::{Draft, Endpoint as _, ErrorKind, Origin, Origins, Service};
use common::{CERTIFICATE, id, prepare};
use serde_json::json;

#[test]
fn wrong_requests_are_refused_with_a_sentence() {
    let certificate = || Run::new(CERTIFICATE.parse::<CertificateId>().unwrap());
    let list = || ListName::parse("list").unwrap();
    let time = |text: &str| text.parse().unwrap();
    let (start, end) = (time("2026-11-26T00:00:00Z"), time("2026-11-25T00:00:00Z"));
    // As ids come in responses: unchecked.
    let malformed: Id = serde_json::from_value(json!("../flows")).unwrap();
    let report = reports::Report::new("a", []);
    let rows: &[(Draft, &str)] = &[
        (
            events::List::new().limit(0).draft(),
            "the limit of events is not from 1 to 1000",
        ),
        (
            events::List::new().limit(1_001).draft(),
            "the limit of events is not from 1 to 1000",
        ),
        (
            events::List::new().start(start).end(end).in_body().draft(),
            "the start of the events is after their end",
        ),
        (
            events::List::new().include(["a"]).exclude(["b"]).draft(),
            "members of events are included and excluded; do only one of them",
        ),
        (
            events::List::new().exclude(["id"]).draft(),
            "the id of events is excluded, but the next page is found by it",
        ),
        (
            events::List::new().after(&malformed).draft(),
            "the id does not have 24 hexadecimal digits",
        ),
        (
            events::Stats::new().start(start).end(end).draft(),
            "the start of the counted events is after their end",
        ),
        (
            flows::Get::new(&malformed).draft(),
            "the id does not have 24 hexadecimal digits",
        ),
        (
            submission::Feedback::new(&malformed, submission::FeedbackType::Return).draft(),
            "the id does not have 24 hexadecimal digits",
        ),
        (
            submission::Submit::new(id(), id()).draft(),
            "the lead has no field",
        ),
        (
            submission::Submit::new(id(), id()).fields(&[1, 2]).draft(),
            "the lead cannot be written as an object of fields",
        ),
        (
            submission::Submit::new(id(), id())
                .field("a", json!({"b": 1}))
                .as_form()
                .draft(),
            "a form has no nested fields; use names with dots, or JSON",
        ),
        (
            leads::Search::new("a").limit(0).draft(),
            "the limit of found leads is not from 1 to 100",
        ),
        (
            leads::Search::new("a").limit(101).draft(),
            "the limit of found leads is not from 1 to 100",
        ),
        (
            leads::Search::new("a").from(1_000).draft(),
            "a search returns 1000 leads at most; search for other words",
        ),
        (
            reports::Run::new(id(), start, end).draft(),
            "the start of the report is after its end",
        ),
        (
            reports::Preview::new(report, end, start).draft(),
            "the report has no column",
        ),
        (
            firehose::Check::aws("Bucket_1", "placeholder", Secret::new("placeholder")).draft(),
            "the bucket is not 3 to 63 lower-case letters, digits and hyphens",
        ),
        (
            certificate().draft(),
            "no operation on the certificate was chosen",
        ),
        (
            certificate().retain(Retain::new()).draft(),
            "retaining a certificate needs the lead's email address or phone number",
        ),
        (
            certificate().match_lead(MatchLead::new()).draft(),
            "matching the lead needs an email address or a phone number",
        ),
        (
            certificate()
                .match_lead(MatchLead::new().email(" "))
                .draft(),
            "an email address or phone number to match is empty",
        ),
        (
            certificate()
                .match_lead(MatchLead::new().phone("1").phone("2").phone("3").phone("4"))
                .draft(),
            "more than three email addresses or phone numbers are to be matched",
        ),
        (
            certificate().insights(Insights::new([])).draft(),
            "insights need a property, or a text to search for",
        ),
        (
            certificate()
                .insights(Insights::new([Property::Ip]).delimiter("| |"))
                .draft(),
            "the delimiter of the search is empty or contains white space",
        ),
        (
            certificate()
                .verify(Verify::new().min_contrast_ratio(f64::NAN))
                .draft(),
            "the contrast ratio is not from 1 to 21",
        ),
        (
            certificate()
                .verify(Verify::new().min_font_size_px(-1.0))
                .draft(),
            "the size of the font is not a positive number",
        ),
        (
            AddItems::new(list(), [""; 0]).draft(),
            "there is no value to add or remove",
        ),
        (
            AddItems::new(list(), ["a", " "]).draft(),
            "a value to add or remove is empty",
        ),
        (
            Exists::new(list(), "").draft(),
            "the value to search for is empty",
        ),
        (
            Exists::new(list(), "..").draft(),
            "the value to search for is a dot segment; send its MD5",
        ),
        (
            CreateList::new(" ").draft(),
            "the name of the list is empty",
        ),
    ];
    for (draft, sentence) in rows {
        let error = prepare(draft.clone()).expect_err(sentence);
        assert_eq!(error.kind(), ErrorKind::Request, "{sentence}");
        assert_eq!(error.to_string(), *sentence);
    }
}

#[test]
fn malformed_ids_are_not_parsed() {
    for text in [
        "",
        "5fd4371e940df5a34a3888b",
        "5fd4371e940df5a34a3888bg",
        "5fd4371e940df5a34a3888b22",
        "é5fd4371e940df5a34a3888",
    ] {
        assert!(Id::parse(text).is_err(), "{text:?}");
    }
    assert!(ShortId::parse("aB3").is_err() && ShortId::parse("aB3dE6").is_ok());
    for text in ["", "a b", "a/b", "..", "é"] {
        assert!(FieldId::parse(text).is_err(), "{text:?}");
        assert!(ListName::parse(text).is_err(), "{text:?}");
        assert!(ReportKey::parse(text).is_err(), "{text:?}");
        assert!(PackageId::parse(text).is_err() || text == "..", "{text:?}");
    }
    let token = ReportKey::parse("a-secret-token").unwrap();
    assert_eq!(
        format!("{token:?} {:?}", id()),
        format!("ReportKey Id(\"{}\")", common::FLOW)
    );
    assert!(ListName::parse("one|two").is_err());
    for (title, name) in [
        ("My List", "my_list"),
        ("2015-10-12", "20151012"),
        ("  a ", "__a_"),
    ] {
        assert_eq!(ListName::from_title(title).unwrap().as_str(), name);
    }
    assert!(ListName::from_title("…").is_err());
}

#[test]
fn a_certificate_is_only_taken_from_a_url_at_its_own_origin() {
    let app = "a".repeat(80);
    let meta = "0.AbC-_d.Ef0";
    for url in [
        format!("https://cert.trustedform.com/{CERTIFICATE}"),
        format!("http://cert.trustedform.com/{CERTIFICATE}"),
        format!("HTTPS://CERT.TrustedForm.com/{CERTIFICATE}/"),
        format!(" https://cert.trustedform.com:443/{CERTIFICATE} "),
    ] {
        assert_eq!(
            CertificateId::from_url(&url).unwrap().as_str(),
            CERTIFICATE,
            "{url}"
        );
    }
    for id in [app.as_str(), meta] {
        let url = format!("https://cert.trustedform.com/{id}");
        assert_eq!(CertificateId::from_url(&url).unwrap().url(), url);
    }
    use InvalidCertificate::{Elsewhere, Id, NotOnlyPath, PingUrl};
    for (url, expected) in [
        (
            format!("https://cert.trustedform.com.example/{CERTIFICATE}"),
            Elsewhere,
        ),
        (
            format!("https://cert.trustedform.com@example.com/{CERTIFICATE}"),
            Elsewhere,
        ),
        (
            format!("https://user:placeholder@cert.trustedform.com/{CERTIFICATE}"),
            Elsewhere,
        ),
        (
            format!("https://cert.trustedform.com:8443/{CERTIFICATE}"),
            Elsewhere,
        ),
        (
            format!("https://example.com/https://cert.trustedform.com/{CERTIFICATE}"),
            Elsewhere,
        ),
        (
            format!("ftp://cert.trustedform.com/{CERTIFICATE}"),
            Elsewhere,
        ),
        (format!("//cert.trustedform.com/{CERTIFICATE}"), Elsewhere),
        (format!("https://ping.trustedform.com/{meta}"), PingUrl),
        (
            format!("https://cert.trustedform.com/{CERTIFICATE}?shared_token=a"),
            NotOnlyPath,
        ),
        (
            format!("https://cert.trustedform.com/{CERTIFICATE}#a"),
            NotOnlyPath,
        ),
        (format!("https://cert.trustedform.com/../{CERTIFICATE}"), Id),
        (format!("https://cert.trustedform.com/a/{CERTIFICATE}"), Id),
        (
            format!("https://cert.trustedform.com/0.{}", "a".repeat(254)),
            Id,
        ),
        ("https://cert.trustedform.com/0.".to_owned(), Id),
        ("https://cert.trustedform.com/".to_owned(), Id),
        ("https://cert.trustedform.com".to_owned(), Elsewhere),
        (CERTIFICATE.to_owned(), Elsewhere),
        (String::new(), Elsewhere),
    ] {
        assert_eq!(CertificateId::from_url(&url), Err(expected), "{url}");
    }
}

#[test]
fn a_request_goes_to_the_client_s_origin_whatever_the_lead_says() {
    let emulator = Origin::parse_loopback("http://127.0.0.1:8080").unwrap();
    let origins = Origins::vendor()
        .with(Service::TrustedForm, emulator)
        .unwrap();
    let url = format!("http://127.0.0.1:8080/{CERTIFICATE}");
    assert!(CertificateId::from_url_at(&url, &origins).is_ok());
    let vendor = format!("https://cert.trustedform.com/{CERTIFICATE}");
    assert!(CertificateId::from_url_at(&vendor, &origins).is_err());
    let run = Run::new(CertificateId::from_url(&vendor).unwrap()).verify(Verify::new());
    let (request, _) = run.draft().prepare(&origins, None).unwrap();
    assert_eq!(request.uri().to_string(), url);
}
