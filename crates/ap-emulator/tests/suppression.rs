//! SuppressionList: lists, and values on them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Plan, Product};
use common::{Reply, send, with_key};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const TYPE_JSON: &str = "Content-Type: application/json\r\n";

fn call(emulator: &Emulator, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let url = emulator.url(Product::SuppressionList);
    let headers = format!("{}{headers}", with_key(&emulator.key()));
    send(url, method, path, &headers, body)
}

/// Makes a call with a JSON body.
fn json_call(emulator: &Emulator, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let reply = call(emulator, method, path, TYPE_JSON, &body.to_string());
    (reply.status(), reply.json())
}

fn lists(emulator: &Emulator) -> Vec<Value> {
    let reply = call(emulator, "GET", "/lists", "", "");
    assert_eq!(reply.status(), 200);
    reply.json().as_array().unwrap().clone()
}

fn count(emulator: &Emulator, url_name: &str) -> u64 {
    let lists = lists(emulator);
    let list = lists.iter().find(|list| list["url_name"] == url_name);
    list.unwrap()["count"].as_u64().unwrap()
}

/// The names of those of the lists that have the value.
fn found(emulator: &Emulator, lists: &str, value: &str) -> Vec<String> {
    let reply = call(emulator, "GET", &format!("/exists/{lists}/{value}"), "", "");
    let body = reply.json();
    assert_eq!(body["found"], reply.status() == 200, "{body}");
    let Value::Array(names) = &body["exists_in_lists"] else {
        assert_eq!(reply.status(), 404);
        return Vec::new();
    };
    assert_eq!(body["entries"].as_array().unwrap().len(), names.len());
    names
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_created_list_is_listed_and_used() {
    let emulator = Emulator::start().unwrap();
    for (body, url_name, ttl) in [
        (
            json!({ "name": "Bob's List, Unplugged", "ttl": null }),
            "bobs_list_unplugged",
            Value::Null,
        ),
        (
            json!({ "name": "Duplicate Check", "ttl": 2_592_000 }),
            "duplicate_check",
            json!(2_592_000),
        ),
        (json!({ "name": "2015-10-12" }), "20151012", Value::Null),
    ] {
        let (status, list) = json_call(&emulator, "POST", "/lists", &body);
        assert_eq!(status, 201, "{body}");
        assert_eq!(list["id"].as_str().unwrap().len(), 24);
        for (member, expected) in [
            ("name", &body["name"]),
            ("url_name", &json!(url_name)),
            ("ttl", &ttl),
            ("type", &json!("md5")),
            ("count", &json!(0)),
            ("total_jobs", &json!(0)),
        ] {
            assert_eq!(&list[member], expected, "{member}");
        }
        assert_eq!(lists(&emulator).last(), Some(&list));
        assert_eq!(found(&emulator, url_name, "a"), [""; 0]);
        // What the vendor responds to a second one is not known.
        assert_eq!(json_call(&emulator, "POST", "/lists", &body).0, 501);
    }
    let reply = call(&emulator, "POST", "/lists", FORM, "name=By+form&ttl=60");
    assert_eq!((reply.status(), &reply.json()["ttl"]), (201, &json!(60)));
    for body in [
        "",
        "[]",
        "{",
        "{}",
        r#"{"name":7}"#,
        r#"{"name":"..."}"#,
        r#"{"name":"a","ttl":-1}"#,
    ] {
        let reply = call(&emulator, "POST", "/lists", TYPE_JSON, body);
        assert_eq!(reply.status(), 400, "{body}");
        assert!(reply.json()["error"].is_string());
    }
    let ids: std::collections::BTreeSet<String> = lists(&emulator)
        .iter()
        .map(|list| list["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 6);
}

#[test]
fn values_are_added_in_every_documented_form() {
    let emulator = Emulator::start().unwrap();
    let md5 = "93942e96f5acd83e2e047ad8fe03114d";
    for (headers, body, accepted, rejected) in [
        (TYPE_JSON, r#"{"values":"Test@Email.com "}"#, 1, 0),
        (TYPE_JSON, r#"{"values":"a|test@email.com|b"}"#, 3, 0),
        (
            TYPE_JSON,
            r#"{"values":["test@email.com","","  ",null,{"a":[1]},5125550100]}"#,
            2,
            4,
        ),
        (TYPE_JSON, &format!(r#"{{"values":["{md5}"]}}"#), 1, 0),
        (
            TYPE_JSON,
            &format!(r#"{{"values":"{}"}}"#, md5.to_uppercase()),
            1,
            0,
        ),
        ("", r#"{"values":"test@email.com"}"#, 1, 0),
        (FORM, "values=test%40email.com", 1, 0),
        (FORM, "values=a%7C+Test@email.com&values=c|", 3, 1),
        (FORM, "values[]=test%40email.com&values%5B%5D=d", 2, 0),
    ] {
        let reply = call(&emulator, "POST", "/lists/do_not_call/items", headers, body);
        let expected = json!({ "accepted": accepted, "rejected": rejected });
        assert_eq!((reply.status(), reply.json()), (200, expected), "{body}");
        for value in ["test@email.com", "%20TEST@email.com", md5] {
            assert_eq!(
                found(&emulator, "do_not_call", value),
                ["do_not_call"],
                "{body}"
            );
        }
        let removal = json!({ "values": ["test@email.com"] });
        let (status, body) = json_call(&emulator, "DELETE", "/lists/do_not_call/items", &removal);
        assert_eq!(
            (status, body),
            (200, json!({ "deleted": 1, "rejected": 0 }))
        );
        assert_eq!(found(&emulator, "do_not_call", md5), [""; 0]);
    }
    assert_eq!(
        found(&emulator, "do_not_call", "5125550100"),
        ["do_not_call"]
    );
    for (headers, body) in [
        (TYPE_JSON, ""),
        (TYPE_JSON, "{}"),
        (TYPE_JSON, r#"{"values":7}"#),
        (TYPE_JSON, r#"{"values":{"a":1}}"#),
        (TYPE_JSON, "values=a"),
        (FORM, "value=a"),
        (FORM, r#"{"values":"a"}"#),
    ] {
        for method in ["POST", "DELETE"] {
            let reply = call(&emulator, method, "/lists/do_not_call/items", headers, body);
            assert_eq!(reply.status(), 400, "{body}");
            assert!(reply.json()["error"].is_string());
        }
    }
}

#[test]
fn several_lists_are_searched_changed_and_named_together() {
    let emulator = Emulator::start().unwrap();
    let (one, two) = ("do_not_call", "sold_last_month");
    let before = (count(&emulator, one), count(&emulator, two));
    let (status, body) = json_call(
        &emulator,
        "POST",
        "/lists/do_not_call%7Csold_last_month/items",
        &json!({ "values": ["x@example.com", "y@example.com"] }),
    );
    assert_eq!(
        (status, body),
        (200, json!({ "accepted": 2, "rejected": 0 }))
    );
    for separator in ["|", "%7C"] {
        let lists = format!("{two}{separator}{one}");
        assert_eq!(found(&emulator, &lists, "x@example.com").len(), 2);
        assert_eq!(found(&emulator, &lists, "robin@example.com"), [one]);
    }
    assert_eq!(
        (count(&emulator, one), count(&emulator, two)),
        (before.0 + 2, before.1 + 2)
    );
    // The older form has the values in the path. What is on none of the lists is rejected.
    for (path, deleted, rejected) in [
        ("/lists/sold_last_month/items/x@example.com", 1, 0),
        (
            "/lists/sold_last_month|do_not_call/items/x%40example.com%7Cy@example.com|z",
            2,
            1,
        ),
        ("/lists/sold_last_month/items/x@example.com", 0, 1),
    ] {
        let reply = call(&emulator, "DELETE", path, "", "");
        let expected = json!({ "deleted": deleted, "rejected": rejected });
        assert_eq!((reply.status(), reply.json()), (200, expected), "{path}");
    }
    assert_eq!((count(&emulator, one), count(&emulator, two)), before);
}

#[test]
fn the_answer_to_a_query_has_the_documented_members() {
    let emulator = Emulator::start().unwrap();
    let path = "/exists/sold_last_month%7Cdo_not_call/Robin@example.com";
    let reply = call(&emulator, "GET", path, "", "");
    let mut body = reply.json();
    let added_at = body["entries"][0]["added_at"].take();
    assert_eq!(
        added_at.as_str().unwrap().len(),
        "2018-10-08T11:01:32Z".len()
    );
    let expected = json!({
        "specified_lists": ["sold_last_month", "do_not_call"],
        "key": "Robin@example.com",
        "found": true,
        "exists_in_lists": ["do_not_call"],
        "entries": [{
            "list_id": "65e0d4000000000000000002",
            "list_url_name": "do_not_call",
            "added_at": null,
        }],
    });
    assert_eq!((reply.status(), body), (200, expected));
    let reply = call(&emulator, "GET", "/exists/do_not_call/a%2Fb", "", "");
    let expected = json!({ "specified_lists": ["do_not_call"], "key": "a/b", "found": false });
    assert_eq!((reply.status(), reply.json()), (404, expected));
}

#[test]
fn the_timestamp_says_since_when_a_value_is_on_a_list() {
    let emulator = Emulator::start().unwrap();
    let now = Timestamp::now();
    let long_ago = now - SignedDuration::from_hours(40 * 24);
    let path = "/lists/do_not_call|sold_last_month/items";
    let add = |value: &str, timestamp: &str| {
        let body = json!({ "values": value, "timestamp": timestamp });
        json_call(&emulator, "POST", path, &body).0
    };
    assert_eq!(add("recent", &now.to_string()), 200);
    assert_eq!(add("old", &long_ago.to_string()), 200);
    assert_eq!(add("garbled", "the other day"), 422);
    let both = "do_not_call|sold_last_month";
    assert_eq!(found(&emulator, both, "recent").len(), 2);
    // The one list keeps its values for 30 days, the other for ever.
    assert_eq!(found(&emulator, both, "old"), ["do_not_call"]);
    assert_eq!(
        found(&emulator, both, "garbled"),
        [""; 0],
        "nothing is added"
    );
    assert_eq!(count(&emulator, "sold_last_month"), 4);
    // Adding a value again updates its time.
    let form = "values=old&timestamp=2018-10-08+11%3A01%3A32+Z";
    assert_eq!(
        call(&emulator, "POST", "/lists/do_not_call/items", FORM, form).status(),
        200
    );
    let reply = call(&emulator, "GET", "/exists/do_not_call/old", "", "");
    assert_eq!(
        reply.json()["entries"][0]["added_at"],
        "2018-10-08T11:01:32Z"
    );
}

#[test]
fn what_the_vendor_does_not_document_is_said_to_be_unknown() {
    let emulator = Emulator::start().unwrap();
    let values = r#"{"values":"a"}"#;
    for (method, path) in [
        ("GET", "/exists/unknown/a"),
        ("GET", "/exists/do_not_call|unknown/a"),
        ("GET", "/exists/do_not_call|/a"),
        ("GET", "/exists/65e0d4000000000000000002/a"),
        ("POST", "/lists/unknown/items"),
        ("DELETE", "/lists/unknown|do_not_call/items"),
        ("DELETE", "/lists/unknown/items/a"),
    ] {
        let body = if method == "GET" { "" } else { values };
        let reply = call(&emulator, method, path, TYPE_JSON, body);
        assert_eq!(reply.status(), 501, "{path}");
        assert!(
            reply.json()["error"]
                .as_str()
                .unwrap()
                .contains("no such list")
        );
    }
}

#[test]
fn an_unpaid_account_is_refused_everything() {
    let emulator = Emulator::start().unwrap();
    emulator.set_plan(Plan::Unpaid);
    for (method, path) in [
        ("GET", "/lists"),
        ("POST", "/lists"),
        ("GET", "/exists/do_not_call/a"),
        ("POST", "/lists/do_not_call/items"),
        ("DELETE", "/lists/do_not_call/items"),
    ] {
        let reply = call(&emulator, method, path, "", "");
        let expected = json!({ "message": "Unpaid account" });
        assert_eq!((reply.status(), reply.json()), (402, expected), "{path}");
    }
    emulator.set_plan(Plan::Free);
    assert_eq!(lists(&emulator).len(), 2);
}
