//! TrustedForm's certificates: the operations of version 4.0, and, in a file of their own, the older versions.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod older_versions;

use ap_emulator::{Emulator, Plan, Product};
use common::{Reply, send, with_key};
use jiff::Timestamp;
use serde_json::{Value, json};

const WEB: &str = "65e0e50100000000000000000000000000000001";
const MASKED: &str = "65e0e50200000000000000000000000000000001";
const MOBILE: &str =
    "65e0e506000000000000000000000000000000000000000000000000000000000000000000000001";
const LEAD_AD: &str = "0.65e0e507.example";
const NO_CERTIFICATE: &str = "0123456789abcdef0123456789abcdef01234567";

const RETAIN: &str = r#"{"match_lead":{"email":"robin@example.com"},"retain":{}}"#;
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const TYPE_JSON: &str = "Content-Type: application/json\r\n";

fn call(emulator: &Emulator, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let url = emulator.url(Product::TrustedForm);
    let headers = format!("{}{headers}", with_key(&emulator.key()));
    send(url, method, path, &headers, body)
}

/// Posts JSON to a certificate in version 4.0.
fn run(emulator: &Emulator, id: &str, body: &str) -> (u16, Value) {
    let headers = format!("{TYPE_JSON}Api-Version: 4.0\r\n");
    let reply = call(emulator, "POST", &format!("/{id}"), &headers, body);
    (reply.status(), reply.json())
}

fn time(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap();
    assert_eq!(text.len(), "2024-12-20T17:07:09Z".len(), "{text}");
    text.parse().unwrap()
}

#[test]
fn each_kind_of_certificate_has_its_documented_status() {
    let emulator = Emulator::start().unwrap();
    let table = "
        65e0e50100000000000000000000000000000001 | 200 | success |
        65e0e502000000000000000000000000000000ff | 200 | success |
        65e0e50300000000000000000000000000000001 | 404 | error   | TrustedForm certificate has expired or could not be found
        0123456789abcdef0123456789abcdef01234567 | 404 | error   | TrustedForm certificate has expired or could not be found
        65e0e50400000000000000000000000000000001 | 405 | error   | Certificate is not claimable
        65e0e50500000000000000000000000000000001 | 422 | error   | Certificate has been claimed too many times
        65e0e501                                 | 400 | error   | Malformed certificate id
        0.                                       | 400 | error   | Malformed certificate id
        0.65e0e507.example                       | 400 | error   | match_lead requires a web certificate
    ";
    for row in table.lines().filter(|row| !row.trim().is_empty()) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [id, status, outcome, reason] = cells[..] else {
            panic!("{row}");
        };
        let (found, results) = run(&emulator, id, RETAIN);
        assert_eq!(found.to_string(), status, "{row}");
        assert_eq!(results["outcome"], outcome, "{row}");
        assert_eq!(
            results["reason"].as_str().unwrap_or_default(),
            reason,
            "{row}"
        );
        assert_eq!(results.get("retain").is_some(), status == "200", "{row}");
        if status == "400" {
            assert_eq!(results["message"], reason);
            assert_eq!(results["errors"], json!({ "detail": reason }));
        }
    }
    // These two can be looked at.
    for kind in ["04", "05"] {
        let id = format!("65e0e5{kind}00000000000000000000000000000001");
        assert_eq!(run(&emulator, &id, r#"{"verify":{}}"#).0, 200);
    }
}

#[test]
fn a_request_that_asks_for_no_valid_operation_is_refused() {
    let emulator = Emulator::start().unwrap();
    let schema = "The request cannot be processed because it does not meet the expected schema.";
    for (body, reason) in [
        ("", "No valid products detected"),
        ("{}", "No valid products detected"),
        (r#"{"other":{}}"#, "No valid products detected"),
        ("[", schema),
        (r#""text""#, schema),
        (r#"{"verify":[7]}"#, schema),
        (r#"{"insights":{}}"#, schema),
        (r#"{"insights":{"properties":"ip"}}"#, schema),
        (r#"{"verify":{"opt_in_types_allowed":["other"]}}"#, schema),
        (
            r#"{"retain":{}}"#,
            "Match Lead fields not included in request.",
        ),
        (
            r#"{"match_lead":{}}"#,
            "match_lead must contain either phone or email keys",
        ),
        (
            r#"{"match_lead":{"phone":["1","2","3","4"]}}"#,
            "match_lead phone must be a list of 3 or less phone numbers",
        ),
        (
            r#"{"match_lead":{"email":["1","2","3","4"]}}"#,
            "match_lead email must be a list of 3 or less email addresses",
        ),
        (
            r#"{"insights":{"properties":["ip","age"]}}"#,
            "Invalid property key(s) requested",
        ),
        (
            r#"{"insights":{"properties":[],"scans":{"delimiter":"| |"}}}"#,
            "Invalid delimiter contains whitespace characters",
        ),
        (
            r#"{"insights":{"properties":[],"scans":{"delimiter":""}}}"#,
            "Invalid delimiter length",
        ),
    ] {
        let (status, results) = run(&emulator, WEB, body);
        assert_eq!(
            (status, &results["reason"]),
            (400, &json!(reason)),
            "{body}"
        );
        assert_eq!(results["outcome"], "error");
    }
    // Nothing is retained by a request that is refused.
    let both = r#"{"match_lead":{"email":"a"},"retain":{},"insights":{"properties":["age"]}}"#;
    assert_eq!(run(&emulator, WEB, both).0, 400);
    let (_, results) = run(&emulator, WEB, RETAIN);
    assert_eq!(results["retain"]["results"]["previously_retained"], false);
}

#[test]
fn the_body_is_json_and_short() {
    let emulator = Emulator::start().unwrap();
    let path = format!("/{WEB}");
    for (headers, body, status) in [
        ("", RETAIN, 400),
        (FORM, "email=robin@example.com", 400),
        (TYPE_JSON, RETAIN, 200),
        (
            "Content-Type: Application/JSON; charset=utf-8\r\n",
            RETAIN,
            200,
        ),
        (
            "Content-Type: application/json\r\napi-version: 5.0\r\n",
            RETAIN,
            501,
        ),
        (TYPE_JSON, &" ".repeat(65 * 1024), 413),
    ] {
        let reply = call(&emulator, "POST", &path, headers, body);
        assert_eq!(reply.status(), status, "{headers}");
    }
}

#[test]
fn a_retained_certificate_is_remembered_and_expires_later() {
    let emulator = Emulator::start().unwrap();
    let expiry = |id: &str| {
        let (_, results) = run(
            &emulator,
            id,
            r#"{"insights":{"properties":["expires_at"]}}"#,
        );
        time(&results["insights"]["properties"]["expires_at"])
    };
    let before = expiry(WEB);
    let body = r#"{
        "match_lead": {"email": "robin@example.com", "phone": "2025550142"},
        "retain": {"reference": "lead 7", "vendor": "Leads by Example", "campaign_id": "spring"}
    }"#;
    let (status, first) = run(&emulator, WEB, body);
    assert_eq!(
        (status, &first["outcome"], &first["reason"]),
        (200, &json!("success"), &Value::Null)
    );
    let retain = &first["retain"];
    for (name, value) in [
        ("reference", "lead 7"),
        ("vendor", "Leads by Example"),
        ("campaign_id", "spring"),
    ] {
        assert_eq!(retain[name], value);
    }
    assert_eq!(retain["results"]["previously_retained"], false);
    let expires_at = time(&retain["results"]["expires_at"]);
    assert!(expires_at > before);
    assert_eq!(expiry(WEB), expires_at);
    // Another one of the same kind is not retained.
    assert_eq!(expiry("65e0e50100000000000000000000000000000002"), before);

    let (_, second) = run(&emulator, WEB, RETAIN);
    assert_eq!(second["retain"]["results"]["previously_retained"], true);
    assert_eq!(time(&second["retain"]["results"]["expires_at"]), expires_at);
    assert_eq!(
        second["retain"].as_object().unwrap().len(),
        1,
        "nothing that was not sent is echoed"
    );

    // The masked certificate is one of this emulator's, and shows what it is.
    let masked = retain["results"]["masked_cert_url"].as_str().unwrap();
    assert_eq!(
        masked,
        format!("{}/{MASKED}", emulator.url(Product::TrustedForm))
    );
    let (_, shown) = run(
        &emulator,
        MASKED,
        r#"{"insights":{"properties":["is_masked","page_url"]}}"#,
    );
    let expected = json!({ "is_masked": true, "page_url": null });
    assert_eq!(shown["insights"]["properties"], expected);
}

#[test]
fn a_lead_that_does_not_match_is_a_failure_and_is_retained() {
    let emulator = Emulator::start().unwrap();
    let email = "d5a1d3b1d6c0a3c6c6ea2bd6a8e4b12e7b5e3d7b";
    for (match_lead, expected) in [
        (
            json!({ "email": "Robin@Example.com " }),
            json!({ "email_match": true, "success": true }),
        ),
        (
            json!({ "phone": "(202) 555-0142" }),
            json!({ "phone_match": true, "success": true }),
        ),
        (
            json!({ "email": "other@example.com", "phone": "2025550142" }),
            json!({ "email_match": false, "phone_match": true, "success": true }),
        ),
        (
            json!({ "email": [email, "robin@example.com"] }),
            json!({ "email_match": true, "success": true }),
        ),
        (
            json!({ "email": email }),
            json!({ "email_match": false, "success": false }),
        ),
    ] {
        let body = json!({ "match_lead": match_lead, "retain": {} }).to_string();
        let (status, results) = run(&emulator, WEB, &body);
        assert_eq!(status, 200);
        let is_success = expected["success"] == true;
        assert_eq!(results["match_lead"]["result"], expected, "{body}");
        assert_eq!(results["outcome"] == "success", is_success);
        let reason = if is_success {
            Value::Null
        } else {
            json!("No matches found")
        };
        assert_eq!(results["reason"], reason);
        for (name, value) in match_lead.as_object().unwrap() {
            assert_eq!(&results["match_lead"][name], value, "echoed as it was sent");
        }
        assert!(results["retain"]["results"]["expires_at"].is_string());
    }
}

#[test]
fn insights_are_the_requested_properties_that_the_kind_has() {
    let emulator = Emulator::start().unwrap();
    let all = [
        "age_seconds",
        "approx_ip_geo",
        "bot_detected",
        "browser",
        "confirmed_owner",
        "created_at",
        "domain",
        "expires_at",
        "form_input_kpm",
        "form_input_method",
        "form_input_wpm",
        "ip",
        "is_framed",
        "is_masked",
        "num_sensitive_content_elements",
        "num_sensitive_form_elements",
        "os",
        "page_url",
        "parent_page_url",
        "seconds_on_page",
    ];
    let body = json!({ "insights": { "properties": all } }).to_string();
    for (id, kinds_own) in [(WEB, 20), (MASKED, 17), (MOBILE, 9), (LEAD_AD, 4)] {
        let (status, results) = run(&emulator, id, &body);
        assert_eq!(
            (status, &results["outcome"]),
            (200, &json!("success")),
            "{id}"
        );
        let shown = results["insights"]["properties"].as_object().unwrap();
        assert_eq!(shown.len(), all.len());
        assert_eq!(
            shown.values().filter(|value| !value.is_null()).count(),
            kinds_own,
            "{id}"
        );
        assert!(time(&shown["created_at"]) < Timestamp::now());
        assert!(time(&shown["expires_at"]) > Timestamp::now());
        assert!(shown["age_seconds"].as_u64().unwrap() > 500);
    }
    let (_, some) = run(
        &emulator,
        WEB,
        r#"{"insights":{"properties":["ip","domain"]}}"#,
    );
    let expected = json!({ "domain": "forms.example.com", "ip": "192.0.2.42" });
    assert_eq!(some["insights"], json!({ "properties": expected }));
}

#[test]
fn the_page_is_searched_as_documented() {
    let emulator = Emulator::start().unwrap();
    for (scans, found, forbidden_found, success) in [
        (
            json!({ "required": "free  QUOTE" }),
            json!(["free  QUOTE"]),
            json!([]),
            json!(true),
        ),
        (
            json!({ "required": ["quote", "ipad"] }),
            json!(["quote"]),
            json!([]),
            json!(false),
        ),
        (
            json!({ "forbidden": ["roof"] }),
            json!([]),
            json!(["roof"]),
            json!(false),
        ),
        (
            json!({ "forbidden": ["ipad"], "required": [] }),
            json!([]),
            json!([]),
            json!(true),
        ),
        (
            json!({ "required": "free |*| roof", "delimiter": "|" }),
            json!(["free |*| roof"]),
            json!([]),
            json!(true),
        ),
        (json!({}), json!([]), json!([]), Value::Null),
    ] {
        let body = json!({ "insights": { "properties": [], "scans": scans } }).to_string();
        let (status, results) = run(&emulator, WEB, &body);
        assert_eq!(status, 200, "{body}");
        let shown = &results["insights"]["scans"];
        for (name, value) in scans.as_object().unwrap() {
            assert_eq!(&shown[name], value, "echoed as it was sent");
        }
        let result = &shown["result"];
        assert_eq!(result["required"]["found"], found, "{body}");
        assert_eq!(result["forbidden"]["found"], forbidden_found, "{body}");
        assert_eq!(result["success"], success, "{body}");
        let reason = match success == false {
            true => json!("Insights page scans unsuccessful"),
            false => Value::Null,
        };
        assert_eq!(results["reason"], reason, "{body}");
    }
}

#[test]
fn consent_is_verified_by_its_text_its_look_and_the_advertiser() {
    let emulator = Emulator::start().unwrap();
    let result = |more: Value| {
        let mut result = json!({
            "form_submitted": true, "language_approved": true, "one_to_one": null, "success": true,
        });
        for (name, value) in more.as_object().unwrap() {
            result[name] = value.clone();
        }
        result
    };
    let undocumented =
        "The consent does not look as required; the vendor's text for this is not documented.";
    let other = "Other, Inc. was not granted consent in a one-to-one manner.";
    for (verify, expected, reason) in [
        (json!({}), result(json!({})), ""),
        (
            json!({ "advertiser_name": " example HOME services." }),
            result(json!({ "one_to_one": true })),
            "",
        ),
        (
            json!({ "advertiser_name": "Other, Inc." }),
            result(json!({ "one_to_one": false, "success": false })),
            other,
        ),
        (
            json!({ "min_contrast_ratio_required": 7, "min_font_size_px_required": 16,
                "opt_in_types_allowed": ["pre-selected", "manual"] }),
            result(
                json!({ "min_contrast_ratio_satisfied": true, "min_font_size_px_satisfied": true,
                "opt_in_types_satisfied": true }),
            ),
            "",
        ),
        (
            json!({ "min_font_size_px_required": 16.5, "opt_in_types_allowed": ["non-interactive"] }),
            result(
                json!({ "min_font_size_px_satisfied": false, "opt_in_types_satisfied": false,
                "success": false }),
            ),
            undocumented,
        ),
    ] {
        let (status, results) = run(&emulator, WEB, &json!({ "verify": verify }).to_string());
        assert_eq!(status, 200);
        assert_eq!(results["verify"]["result"], expected, "{verify}");
        assert_eq!(results["reason"].as_str().unwrap_or_default(), reason);
        assert_eq!(results["outcome"] == "success", reason.is_empty());
        for (name, value) in verify.as_object().unwrap() {
            assert_eq!(&results["verify"][name], value);
        }
        assert!(results["verify"]["languages"][0]["text"].is_string());
    }
    let (status, results) = run(&emulator, MOBILE, r#"{"verify":{}}"#);
    assert_eq!(status, 200);
    assert_eq!(
        results["reason"],
        "Consent language not detected in the certificate."
    );
    assert_eq!(results["verify"]["languages"], json!([]));
}

#[test]
fn the_plan_decides_which_operations_there_are() {
    let emulator = Emulator::start().unwrap();
    let insights = r#"{"insights":{"properties":[]}}"#;
    let verify = r#"{"verify":{}}"#;
    let match_lead = r#"{"match_lead":{"email":"robin@example.com"}}"#;
    for (plan, body, status, reason) in [
        (Plan::Free, RETAIN, 403, "Unavailable product requested"),
        (Plan::Free, insights, 403, "Unavailable product requested"),
        (Plan::Free, verify, 403, "Unavailable product requested"),
        (Plan::Free, match_lead, 200, ""),
        (Plan::Unpaid, match_lead, 402, "Account is inactive"),
        (Plan::Paid, RETAIN, 200, ""),
    ] {
        emulator.set_plan(plan);
        let (found, results) = run(&emulator, WEB, body);
        assert_eq!(found, status, "{plan:?} {body}");
        assert_eq!(results["reason"].as_str().unwrap_or_default(), reason);
    }
    emulator.set_plan(Plan::Unpaid);
    assert_eq!(call(&emulator, "GET", "/account", "", "").status(), 200);
}
