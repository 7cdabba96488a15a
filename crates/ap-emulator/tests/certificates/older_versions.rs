//! The versions 2.0 and 3.0: claims, and what a certificate shows without one.

use ap_emulator::{Emulator, Plan, Product};
use serde_json::{Value, json};

use super::common::{basic, send};
use super::{FORM, NO_CERTIFICATE, RETAIN, TYPE_JSON, WEB, call, run, time};

/// Claims a certificate in an older version, by a form.
fn claim(emulator: &Emulator, id: &str, version: &str, form: &str) -> (u16, Value) {
    let headers = format!("{FORM}api-version: {version}\r\n");
    let reply = call(emulator, "POST", &format!("/{id}"), &headers, form);
    (reply.status(), reply.json())
}

#[test]
fn a_claim_of_an_older_version_is_answered_by_201() {
    let emulator = Emulator::start().unwrap();
    let form = "scan%5B%5D=free+quote&scan%5B%5D=ipad&scan!%5B%5D=solar&reference=r1&vendor=v1\
        &email=robin%40example.com&phone_1=2025550199&phone_2=2025550142";
    let (status, record) = claim(&emulator, WEB, "2.0", form);
    assert_eq!(status, 201);
    assert_eq!(
        record["scans"],
        json!({ "found": ["free quote"], "not_found": ["ipad", "solar"] })
    );
    assert_eq!(
        record["fingerprints"]["matching"].as_array().unwrap().len(),
        2
    );
    assert_eq!(
        record["fingerprints"]["non_matching"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(record["warnings"], json!(["string not found in snapshot"]));
    assert_eq!(
        (&record["reference"], &record["vendor"]),
        (&json!("r1"), &json!("v1"))
    );
    assert_eq!(record["cert"]["token"], WEB);
    assert!(time(&record["expires_at"]) > time(&record["created_at"]));

    let form =
        "required_scan_terms%5B%5D=roof&forbidden_scan_terms%5B%5D=QUOTE&email=other%40example.com";
    let (status, record) = claim(&emulator, WEB, "3.0", form);
    assert_eq!((status, &record["outcome"]), (201, &json!("failure")));
    let expected = json!({
        "required_found": ["roof"], "required_not_found": [],
        "forbidden_found": ["QUOTE"], "forbidden_not_found": [],
    });
    assert_eq!(record["scans"], expected);
    let warnings = [
        "none of the provided fingerprints match",
        "string found in snapshot",
    ];
    assert_eq!(record["warnings"], json!(warnings));
    assert_eq!(record["reason"], warnings[0]);
    assert_eq!(record["cert"]["cert_id"], WEB);

    // A claim retains.
    let (_, results) = run(&emulator, WEB, RETAIN);
    assert_eq!(results["retain"]["results"]["previously_retained"], true);

    // JSON is as good as a form.
    let headers = format!("{TYPE_JSON}api-version: 3.0\r\n");
    for (body, status) in [
        (
            r#"{"required_scan_terms":["roof"],"email_2":"robin@example.com"}"#,
            201,
        ),
        ("", 201),
        (
            r#"{"required_scan_terms":{"template":"{{a}}","variables":[]}}"#,
            501,
        ),
        ("{", 400),
    ] {
        let reply = call(&emulator, "POST", &format!("/{WEB}"), &headers, body);
        assert_eq!(reply.status(), status, "{body}");
    }
}

#[test]
fn each_version_refuses_in_its_own_form() {
    let emulator = Emulator::start().unwrap();
    let malformed = "Malformed certificate id";
    for (id, status, reason) in [
        ("65e0e50300000000000000000000000000000001", 410, ""),
        (NO_CERTIFICATE, 404, "certificate not found"),
        (
            "65e0e50400000000000000000000000000000001",
            405,
            "certificate not claimable",
        ),
        (
            "65e0e50500000000000000000000000000000001",
            422,
            "certificate has been claimed too many times",
        ),
        ("short", 400, malformed),
    ] {
        for version in ["2.0", "3.0"] {
            let (found, body) = claim(&emulator, id, version, "");
            assert_eq!(found, status, "{version} {id}");
            let expected = match (version, status) {
                (_, 410) => json!({}),
                (_, 400) => json!({ "errors": { "detail": reason }, "message": reason,
                    "outcome": "error", "reason": reason }),
                ("2.0", _) => json!({ "message": reason }),
                _ => json!({ "outcome": "failure", "reason": reason }),
            };
            assert_eq!(body, expected, "{version} {id}");
        }
    }
    emulator.set_plan(Plan::Free);
    assert_eq!(claim(&emulator, WEB, "2.0", "").0, 403);
}

#[test]
fn a_certificate_is_shown_pinged_and_checked_in() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::TrustedForm);
    for (method, below, member) in [
        ("GET", "", "cert"),
        ("POST", "/ping", "cert"),
        ("GET", "/ping", "client"),
        ("POST", "/check_in", ""),
    ] {
        for (id, status) in [(WEB, 200), (NO_CERTIFICATE, 404), ("x", 400)] {
            let path = format!("/{id}{below}");
            let reply = call(&emulator, method, &path, "", "");
            assert_eq!(reply.status(), status, "{method} {path}");
            let body = reply.json();
            match (status, member) {
                (200, "") => assert_eq!(body, json!({})),
                (200, _) => assert!(body[member].is_object(), "{method} {path}: {body}"),
                _ => assert!(body["reason"].is_string()),
            }
            assert_eq!(
                send(url, method, &path, "", "").status(),
                401,
                "{method} {path}"
            );
        }
    }
    // Without an `Accept` that names JSON, a certificate is a page.
    let headers = basic(&format!("X:{}", emulator.key()));
    let page = send(url, "GET", &format!("/{WEB}"), &headers, "");
    assert_eq!(page.status(), 200);
    assert_eq!(
        page.header("Content-Type"),
        Some("text/html; charset=utf-8")
    );
    // None of these retains.
    let (_, results) = run(&emulator, WEB, RETAIN);
    assert_eq!(results["retain"]["results"]["previously_retained"], false);
}
