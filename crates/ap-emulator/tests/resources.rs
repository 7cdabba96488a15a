//! What the products respond to the accepted key.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Plan, Product};
use common::{JSON, connect, raw, read_reply, request, send, with_key};
use serde_json::{Value, json};
use std::io::Write;

fn get(emulator: &Emulator, product: Product, path: &str) -> Value {
    let reply = send(
        emulator.url(product),
        "GET",
        path,
        &with_key(&emulator.key()),
        "",
    );
    assert_eq!(reply.status(), 200, "{path}");
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/json; charset=utf-8")
    );
    reply.json()
}

#[test]
fn the_user_names_the_products_of_this_emulator() {
    let emulator = Emulator::start().unwrap();
    let user = get(&emulator, Product::LeadConduit, "/user");
    for required in ["id", "email", "first_name", "last_name"] {
        assert!(user[required].is_string(), "{required}");
    }
    assert_eq!(user["api_key"], emulator.key());
    for (entry, product) in user["products"]
        .as_array()
        .unwrap()
        .iter()
        .zip(Product::ALL)
    {
        assert_eq!(entry["id"], product.id());
        assert_eq!(entry["base_url"], emulator.url(product));
        assert_eq!(entry["subscribed"], true);
        assert!(entry["name"].is_string());
    }
    let account = get(&emulator, Product::LeadConduit, "/account");
    assert_eq!(account["api_key"], emulator.key());
    assert!(account["keen_read_api_key"].is_string());
}

#[test]
fn the_other_products_have_their_documented_shapes() {
    let emulator = Emulator::start().unwrap();
    let account = get(&emulator, Product::TrustedForm, "/account");
    assert_eq!(
        account["product_components"],
        json!(["retain", "insights", "verify"])
    );
    let lists = get(&emulator, Product::SuppressionList, "/lists");
    for list in lists.as_array().unwrap() {
        for member in [
            "id",
            "name",
            "url_name",
            "type",
            "ttl",
            "count",
            "total_jobs",
        ] {
            assert!(list.get(member).is_some(), "{member}");
        }
    }
}

#[test]
fn seeded_reports_keep_the_vendors_schema() {
    let emulator = Emulator::start().unwrap();
    let reports = get(&emulator, Product::LeadConduit, "/reports");
    for report in reports.as_array().unwrap() {
        for column in report["columns"].as_array().unwrap() {
            let counts = column.as_object().unwrap();
            assert!(
                !counts.is_empty() && counts.values().all(Value::is_u64),
                "{column}"
            );
        }
        assert!(report.get("token").is_none_or(Value::is_string), "{report}");
        for group in report["group_by"].as_array().unwrap() {
            assert!(group.is_string());
        }
        assert!(
            report["rules"]
                .as_array()
                .unwrap()
                .iter()
                .all(Value::is_object)
        );
    }
}

#[test]
fn flows_are_listed_created_and_found() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let headers = with_key(&emulator.key());
    let examples = get(&emulator, Product::LeadConduit, "/flows");
    let examples = examples.as_array().unwrap();
    assert_eq!(examples.len(), 2);
    for flow in examples {
        for required in ["enabled", "name", "fields", "sources", "steps"] {
            assert!(flow.get(required).is_some(), "{required}");
        }
        let path = format!("/flows/{}", flow["id"].as_str().unwrap());
        assert_eq!(&get(&emulator, Product::LeadConduit, &path), flow);
    }

    let reply = send(
        url,
        "POST",
        "/flows",
        &headers,
        r#"{"name":"Mine","enabled":true}"#,
    );
    assert_eq!(reply.status(), 201);
    let flow = reply.json();
    let id = flow["id"].as_str().unwrap();
    assert!(
        id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    assert_eq!(
        (&flow["name"], &flow["enabled"]),
        (&json!("Mine"), &json!(true))
    );
    assert_eq!(
        get(&emulator, Product::LeadConduit, &format!("/flows/{id}")),
        flow
    );
    assert_eq!(
        get(&emulator, Product::LeadConduit, "/flows")
            .as_array()
            .unwrap()
            .len(),
        3
    );

    let chosen = r#"{"id":"65E0FF000000000000000001","name":"Chosen"}"#;
    let reply = send(url, "POST", "/flows", &headers, chosen);
    assert_eq!(
        (reply.status(), &reply.json()["id"]),
        (201, &json!("65e0ff000000000000000001"))
    );
    let table = [
        (chosen, 409),
        (r#"{"id":"short"}"#, 400),
        (r#"{"id":7}"#, 400),
        (r#"{"id":"\ud800"}"#, 400),
        ("[]", 400),
        ("\"text\"", 400),
        ("{\"name\":", 400),
        ("", 400),
    ];
    for (body, status) in table {
        let reply = send(url, "POST", "/flows", &headers, body);
        assert_eq!(reply.status(), status, "{body}");
        assert!(reply.json()["error"].is_string());
    }
    assert_eq!(
        get(&emulator, Product::LeadConduit, "/flows")
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn a_shared_report_needs_no_key() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let reports = get(&emulator, Product::LeadConduit, "/reports");
    let reports = reports.as_array().unwrap();
    let shared = reports
        .iter()
        .find(|report| report["token"].is_string())
        .unwrap();
    let by_token = format!("/reports/{}", shared["token"].as_str().unwrap());
    let by_id = format!("/reports/{}", shared["id"].as_str().unwrap());
    for path in [&by_token, &by_id] {
        assert_eq!(&get(&emulator, Product::LeadConduit, path), shared);
    }
    assert_eq!(&send(url, "GET", &by_token, JSON, "").json(), shared);
    assert_eq!(
        send(url, "GET", &by_token, &with_key("wrong"), "").status(),
        200
    );
    assert_eq!(send(url, "HEAD", &by_token, JSON, "").status(), 200);
    assert_eq!(emulator.state().product(Product::LeadConduit).refusals, 0);
    for path in [&by_id, "/reports/unknown", "/reports", "/reports/"] {
        assert_eq!(send(url, "GET", path, JSON, "").status(), 401, "{path}");
    }
    assert_eq!(send(url, "DELETE", &by_token, JSON, "").status(), 401);
    assert_eq!(emulator.state().product(Product::LeadConduit).refusals, 5);
}

#[test]
fn head_is_get_without_the_body() {
    let emulator = Emulator::start().unwrap();
    let headers = with_key(&emulator.key());
    let url = emulator.url(Product::LeadConduit);
    for path in ["/user", "/flows", "/flows/nope", "/reports"] {
        let whole = send(url, "GET", path, &headers, "");
        let mut stream = connect(url);
        for _ in 0..2 {
            // The second response on the connection proves that the first had no body.
            stream
                .write_all(request("HEAD", path, &headers, "").as_bytes())
                .unwrap();
            let head = read_reply(&mut stream, true);
            assert_eq!(head.status(), whole.status());
            assert_eq!(
                head.header("Content-Length"),
                whole.header("Content-Length")
            );
        }
    }
}

#[test]
fn a_free_plan_refuses_the_lead_resources() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let headers = with_key(&emulator.key());
    let paths = [
        "/flows",
        "/fields",
        "/leads",
        "/flows/65e0b2000000000000000001",
        "/leads/1",
        "/search/leads",
    ];
    emulator.set_plan(Plan::Free);
    for path in paths {
        for method in ["GET", "POST", "DELETE"] {
            let reply = send(url, method, path, &headers, "");
            assert_eq!(
                (reply.status(), reply.text()),
                (401, r#"{"error":"not authorized"}"#)
            );
            let bad = send(url, method, path, &with_key("wrong"), "");
            assert_eq!(bad.text(), r#"{"error":"authentication failed"}"#);
        }
    }
    for path in ["/user", "/account", "/reports"] {
        assert_eq!(send(url, "GET", path, &headers, "").status(), 200, "{path}");
    }
    assert_eq!(send(url, "GET", "/flowsx", &headers, "").status(), 501);
    assert_eq!(
        common::status_of(&emulator, Product::TrustedForm, &emulator.key()),
        200
    );
    emulator.set_plan(Plan::Paid);
    for path in ["/flows", "/fields"] {
        assert!(
            !get(&emulator, Product::LeadConduit, path)
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn connections_stay_open_or_close_as_requested() {
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::LeadConduit);
    let headers = with_key(&emulator.key());
    let mut stream = connect(url);
    for _ in 0..3 {
        let body = r#"{"name":"kept"}"#;
        let both =
            request("POST", "/flows", &headers, body) + &request("GET", "/user", &headers, "");
        stream.write_all(both.as_bytes()).unwrap();
        for status in [201, 200] {
            let reply = read_reply(&mut stream, false);
            assert_eq!(reply.status(), status);
            assert_eq!(reply.header("Connection"), Some("keep-alive"));
        }
    }
    for (version, connection, expected) in [
        ("1.1", "Connection: close\r\n", "close"),
        ("1.1", "Connection: foo, Close\r\n", "close"),
        ("1.0", "", "close"),
        ("1.0", "Connection: keep-alive\r\n", "keep-alive"),
    ] {
        let head = format!("GET /user HTTP/{version}\r\nHost: localhost\r\n{connection}\r\n");
        let reply = raw(url, head);
        assert_eq!(
            reply.header("Connection"),
            Some(expected),
            "{version} {connection:?}"
        );
    }
}
