//! Submitting leads, pings and feedback.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Product};
use common::{JSON, Reply, basic, send, with_key};
use serde_json::{Value, json};

const FLOW: &str = "/flows/65e0b2000000000000000001";
const SOURCE: &str = "sources/65e0a1000000000000000004";
const AS_JSON: &str = "Content-Type: application/json\r\n";
const AS_FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const AS_XML: &str = "Content-Type: text/xml; charset=utf-8\r\n";

fn call(emulator: &Emulator, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    send(
        emulator.url(Product::LeadConduit),
        method,
        path,
        headers,
        body,
    )
}

fn submit(emulator: &Emulator, headers: &str, body: &str) -> Reply {
    call(
        emulator,
        "POST",
        &format!("{FLOW}/{SOURCE}/submit"),
        headers,
        body,
    )
}

/// All events, oldest first.
fn events(emulator: &Emulator) -> Vec<Value> {
    let headers = with_key(&emulator.key());
    let reply = call(emulator, "GET", "/events?sort=asc&limit=1000", &headers, "");
    assert_eq!(reply.status(), 200, "{}", reply.text());
    serde_json::from_slice(&reply.body).unwrap()
}

/// The type and the outcome of each event.
fn outcomes(events: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let shown = events.iter();
    shown
        .map(|event| format!("{} {}", text(&event["type"]), text(&event["outcome"])))
        .collect()
}

/// Creates a flow, deploys it, and returns the path of its source.
fn source_of_new(emulator: &Emulator, flow: &str) -> String {
    let key = with_key(&emulator.key());
    let created = call(emulator, "POST", "/flows", &key, flow).json();
    let path = format!("/flows/{}", created["id"].as_str().unwrap());
    let deployed = call(emulator, "POST", &format!("{path}/deploy"), &key, "");
    assert_eq!(deployed.status(), 200);
    format!("{path}/{SOURCE}")
}

#[test]
fn the_verdict_follows_the_rules_of_the_flow() {
    let emulator = Emulator::start().unwrap();
    for (body, outcome, reason, price) in [
        (
            r#"{"email":"A@B.example","phone_1":"(512) 555-0123"}"#,
            "success",
            None,
            10,
        ),
        (r#"{"email":"a@b.example"}"#, "success", None, 10),
        (
            r#"{"first_name":"Ann"}"#,
            "failure",
            Some("An e-mail address is needed"),
            0,
        ),
        (
            r#"{"email":"","phone_1":"5125550123"}"#,
            "failure",
            Some("An e-mail address is needed"),
            0,
        ),
        (
            r#"{"email":"a@b.example","phone_1":"123"}"#,
            "failure",
            Some("The phone number is not valid"),
            0,
        ),
        (
            r#"{"email":"a@b.example","trustedform_cert_url":"https://cert.trustedform.com/0123"}"#,
            "success",
            None,
            10,
        ),
        ("{}", "failure", Some("An e-mail address is needed"), 0),
    ] {
        let reply = submit(&emulator, AS_JSON, body);
        assert_eq!(reply.status(), 201, "{body}: {}", reply.text());
        let verdict = reply.json();
        assert_eq!(verdict["outcome"], outcome, "{body}");
        assert_eq!(
            verdict.get("reason").and_then(Value::as_str),
            reason,
            "{body}"
        );
        assert_eq!(verdict["price"], price, "{body}");
        assert_eq!(verdict["lead"]["id"].as_str().unwrap().len(), 24, "{body}");
    }
    // Nobody needed a key, so nobody was refused.
    assert_eq!(emulator.state().product(Product::LeadConduit).refusals, 0);
}

#[test]
fn every_kind_of_body_submits_the_same_lead() {
    let emulator = Emulator::start().unwrap();
    let path = format!("{FLOW}/{SOURCE}/submit");
    let by_get = format!("{path}?email=A%40b.example&first_name=Ann&phone_1=5125550123&unknown=1");
    let by_both = format!("{path}?email=A%40b.example&first_name=Ann");
    let table = [
        (
            &path,
            "POST",
            AS_FORM,
            "email=A%40b.example&first_name=Ann&phone_1=5125550123&loan.amount=1",
        ),
        (
            &path,
            "POST",
            AS_JSON,
            r#"{"email":"A@b.example","first_name":"Ann","phone_1":5125550123,"x":{}}"#,
        ),
        (
            &path,
            "POST",
            AS_XML,
            "<lead first_name='Ann'><email>A@b.example</email><phone_1>5125550123</phone_1></lead>",
        ),
        (&by_get, "GET", "", ""),
        // The query wins.
        (
            &by_both,
            "POST",
            AS_FORM,
            "email=c%40d.example&phone_1=5125550123",
        ),
    ];
    for (path, method, headers, body) in table {
        let reply = call(&emulator, method, path, headers, body);
        assert_eq!(reply.status(), 201, "{path} {body}: {}", reply.text());
        let id = reply.json()["lead"]["id"].clone();
        let last = events(&emulator).pop().unwrap();
        let expected = json!({
            "id": id,
            "first_name": "Ann",
            "phone_1": "5125550123",
            "email": { "normal": "a@b.example", "raw": "A@b.example", "valid": true },
        });
        assert_eq!(last["vars"]["lead"], expected, "{path} {body}");
    }
}

#[test]
fn the_answer_has_the_form_that_the_client_accepts() {
    let emulator = Emulator::start().unwrap();
    let body = "first_name=Ann";
    let table = "
        *                                  | application/json
        */*                                | application/json
        application/json                   | application/json
        text/html, application/xml;q=0.9   | application/xml
        text/xml                           | text/xml
        application/x-www-form-urlencoded  | application/x-www-form-urlencoded
    ";
    for row in table.lines().filter(|row| row.contains('|')) {
        let (accept, expected) = row.split_once('|').unwrap();
        let accept = match accept.trim() {
            "*" => String::new(),
            accept => format!("Accept: {accept}\r\n"),
        };
        let reply = submit(&emulator, &format!("{AS_FORM}{accept}"), body);
        assert_eq!(reply.status(), 201, "{row}");
        let content_type = reply.header("Content-Type").unwrap();
        assert!(
            content_type.starts_with(expected.trim()),
            "{row}: {content_type}"
        );
        if !expected.contains("xml") {
            assert_eq!(reply.json()["outcome"], "failure");
            continue;
        }
        let id = events(&emulator).pop().unwrap()["vars"]["lead"]["id"].clone();
        let xml = format!(
            "<?xml version=\"1.0\"?>\n<result><outcome>failure</outcome><reason>An e-mail address is needed</reason><lead><id>{}</id></lead><price>0</price></result>",
            id.as_str().unwrap()
        );
        assert_eq!(reply.text(), xml);
    }
    let before = events(&emulator).len();
    let reply = submit(&emulator, &format!("{AS_FORM}Accept: text/html\r\n"), body);
    assert_eq!((reply.status(), events(&emulator).len()), (406, before));
}

#[test]
fn what_cannot_be_read_is_refused_in_plain_text() {
    let emulator = Emulator::start().unwrap();
    let path = format!("{FLOW}/{SOURCE}/submit");
    let with_redirect = format!("{path}?redir_url=ftp%3A%2F%2Fx");
    let table = [
        (
            &path,
            "POST",
            "",
            "email=a",
            415,
            "Content-Type header is required",
        ),
        (
            &path,
            "POST",
            "Content-Type: text/plain\r\n",
            "email=a",
            406,
            "application/json",
        ),
        (&path, "POST", AS_JSON, "{", 400, "Unable to parse JSON -- "),
        (
            &path,
            "POST",
            AS_JSON,
            "[]",
            400,
            "Unable to parse JSON -- ",
        ),
        (
            &path,
            "POST",
            AS_XML,
            "<lead>",
            400,
            "Body does not contain XML or XML is unparseable -- ",
        ),
        (
            &path,
            "POST",
            AS_FORM,
            "a=1&a.b=2",
            400,
            "Unable to parse body -- TypeError",
        ),
        (
            &path,
            "PUT",
            AS_FORM,
            "a=1",
            405,
            "The PUT method is not allowed",
        ),
        (
            &path,
            "DELETE",
            "",
            "",
            405,
            "The DELETE method is not allowed",
        ),
        (
            &with_redirect,
            "POST",
            AS_FORM,
            "a=1",
            400,
            "Invalid redir_url",
        ),
    ];
    for (path, method, headers, body, status, reason) in table {
        let reply = call(&emulator, method, path, headers, body);
        assert_eq!(
            reply.status(),
            status,
            "{method} {path} {body}: {}",
            reply.text()
        );
        assert!(reply.text().contains(reason), "{}", reply.text());
        assert_eq!(reply.header("Content-Type"), Some("text/plain"));
        let allowed = reply
            .head
            .lines()
            .find(|line| line.eq_ignore_ascii_case("allow: get, post"));
        assert_eq!(allowed.is_some(), status == 405, "{}", reply.head);
    }
    assert_eq!(events(&emulator).len(), 0);
}

#[test]
fn unknown_flows_and_sources_are_not_found_and_a_disabled_flow_is_an_error() {
    let emulator = Emulator::start().unwrap();
    let flow = r#"{"name":"Off","enabled":false,"fields":["email"],"sources":[{"entity":{"id":"65e0a1000000000000000004","name":"One"}}]}"#;
    let disabled = source_of_new(&emulator, flow);
    for (path, status) in [
        (
            format!("/flows/65e0ff000000000000000009/{SOURCE}/submit"),
            404,
        ),
        (
            format!("{FLOW}/sources/65e0ff000000000000000009/submit"),
            404,
        ),
        (format!("{FLOW}/sources/s1roof/submit"), 404),
        (format!("{disabled}/submit"), 201),
        (format!("{disabled}/ping"), 200),
    ] {
        let reply = call(&emulator, "POST", &path, AS_FORM, "email=a%40b.example");
        assert_eq!(reply.status(), status, "{path}");
        if status == 201 {
            assert_eq!(reply.json()["outcome"], "error");
        }
    }
    assert_eq!(outcomes(&events(&emulator)), ["source error"]);
}

#[test]
fn a_source_with_authentication_wants_the_key() {
    let emulator = Emulator::start().unwrap();
    let path = format!("{FLOW}/sources/65e0a100000000000000000a");
    let key = basic(&format!("X:{}", emulator.key()));
    for (call_path, status) in [("submit", 201), ("ping", 200)] {
        let path = format!("{path}/{call_path}");
        for (credentials, expected) in [("", 401), (&basic("X:emulator-9-no"), 401), (&key, status)]
        {
            let headers = format!("{credentials}{AS_FORM}");
            let reply = call(&emulator, "POST", &path, &headers, "email=a%40b.example");
            assert_eq!(reply.status(), expected, "{path}");
            if expected == 401 {
                assert_eq!(reply.json()["error"], "Unauthorized source");
            }
        }
    }
    let state = emulator.state();
    let product = state.product(Product::LeadConduit);
    assert_eq!(product.refusals, 4);
    // A refused submission is not recorded.
    assert_eq!(
        outcomes(&events(&emulator)).last().unwrap(),
        "source success"
    );
    assert_eq!(events(&emulator).len(), 4);
}

#[test]
fn a_redirect_follows_success_alone() {
    let emulator = Emulator::start().unwrap();
    let path = format!("{FLOW}/{SOURCE}/submit?redir_url=https%3A%2F%2Fx.example%2Fthanks");
    let reply = call(&emulator, "POST", &path, AS_FORM, "email=a%40b.example");
    assert_eq!(
        (reply.status(), reply.header("Location")),
        (303, Some("https://x.example/thanks"))
    );
    assert_eq!(reply.json()["outcome"], "success");
    let reply = call(&emulator, "POST", &path, AS_FORM, "first_name=Ann");
    assert_eq!((reply.status(), reply.header("Location")), (201, None));
}

#[test]
fn a_ping_bids_and_leaves_no_event() {
    let emulator = Emulator::start().unwrap();
    let path = format!("{FLOW}/{SOURCE}/ping");
    for (method, path, body) in [
        (
            "POST",
            path.clone(),
            "email=a%40b.example&xxTrustedFormPingUrl=https%3A%2F%2Fping.trustedform.com%2F0.1",
        ),
        ("GET", format!("{path}?state=TX"), ""),
    ] {
        let headers = if body.is_empty() { "" } else { AS_FORM };
        let reply = call(&emulator, method, &path, headers, body);
        assert_eq!(reply.status(), 200, "{}", reply.text());
        assert_eq!(reply.json(), json!({"outcome": "success", "price": 10}));
    }
    let free = r#"{"enabled":true,"ping_enabled":true,"sources":[{"entity":{"id":"65e0a1000000000000000004"}}]}"#;
    let off = r#"{"enabled":true,"sources":[{"entity":{"id":"65e0a1000000000000000004"}}]}"#;
    for (flow, reason) in [
        (free, "no bid"),
        (off, "pings are not enabled for this flow"),
    ] {
        let path = source_of_new(&emulator, flow) + "/ping";
        let reply = call(&emulator, "POST", &path, AS_FORM, "state=TX");
        assert_eq!(
            reply.json(),
            json!({"outcome": "failure", "reason": reason, "price": 0})
        );
    }
    assert_eq!(events(&emulator).len(), 0);
}

#[test]
fn each_step_has_an_event_and_the_source_has_the_last() {
    let emulator = Emulator::start().unwrap();
    let accepted = submit(&emulator, AS_FORM, "email=a%40b.example&state=tx").json();
    submit(&emulator, AS_FORM, "first_name=Ann");
    let events = events(&emulator);
    let expected = [
        "filter continue",
        "filter continue",
        "recipient success",
        "source success",
        "filter stop",
        "source failure",
    ];
    assert_eq!(outcomes(&events), expected);
    assert!(events.is_sorted_by_key(|event| event["id"].as_str().unwrap().to_owned()));
    for event in &events[..4] {
        assert_eq!(event["vars"]["lead"]["id"], accepted["lead"]["id"]);
        assert_eq!(event["vars"]["flow"]["id"], "65e0b2000000000000000001");
        assert_eq!(event["vars"]["source"]["id"], "65e0a1000000000000000004");
    }
    let (recipient, source) = (&events[2], &events[3]);
    assert_eq!(recipient["vars"]["event_id"], recipient["id"]);
    assert_eq!(
        recipient["vars"]["recipient"]["name"],
        "Sunny Roofs Example"
    );
    assert_eq!(
        (
            &recipient["cost"],
            &recipient["sale_price"],
            &recipient["revenue"]
        ),
        (&json!(10), &json!(25), &json!(15))
    );
    assert_eq!(
        (&source["step_count"], &source["purchase_price"]),
        (&json!(3), &json!(10))
    );
    assert_eq!(
        (&events[5]["reason"], &events[5]["purchase_price"]),
        (&json!("An e-mail address is needed"), &json!(0))
    );
}

#[test]
fn criteria_prices_and_rules_of_a_flow_of_ones_own_are_applied() {
    let emulator = Emulator::start().unwrap();
    let flow = json!({
        "name": "Own", "enabled": true, "fields": ["state", "email"],
        "acceptance_criteria": {
            "outcome": "failure", "reason": "Lead must live in TX",
            "rule_set": {"op": "or", "rules": [{"lhv": "lead.state", "op": "is equal to", "rhv": "TX"}]},
        },
        "sources": [{
            "entity": {"id": "65e0a1000000000000000004", "name": "One"},
            "pricing": {"prices": [
                {"amount": 1.5},
                {"amount": 4, "rule_set": {"op": "and", "rules": [{"lhv": "lead.email", "op": "is not blank"}]}},
            ]},
        }],
        "steps": [{
            "id": "d1", "type": "recipient", "entity": {"id": "65e0a1000000000000000003", "name": "Two"},
            "integration": {"module_id": "x.outbound.y"},
            "rule_set": {"op": "and", "rules": [{"lhv": "lead.email", "op": "is blank"}]},
        }],
    });
    let path = source_of_new(&emulator, &flow.to_string()) + "/submit";
    for (body, outcome, price, last) in [
        (
            "state=tx",
            "success",
            json!(1.5),
            vec!["recipient success", "source success"],
        ),
        (
            "state=tx&email=a%40b.example",
            "success",
            json!(4),
            vec!["recipient skip", "source success"],
        ),
        ("state=OK", "failure", json!(0), vec!["source failure"]),
    ] {
        let before = events(&emulator).len();
        let verdict = call(&emulator, "POST", &path, AS_FORM, body).json();
        assert_eq!(
            (&verdict["outcome"], &verdict["price"]),
            (&json!(outcome), &price),
            "{body}"
        );
        assert_eq!(outcomes(&events(&emulator)[before..]), last, "{body}");
    }
}

#[test]
fn feedback_is_about_the_event_of_a_recipient() {
    let emulator = Emulator::start().unwrap();
    let lead = submit(&emulator, AS_FORM, "email=a%40b.example&first_name=Ann").json();
    let before = events(&emulator);
    let (recipient, source) = (
        before[2]["id"].as_str().unwrap(),
        before[3]["id"].as_str().unwrap(),
    );
    let path = format!("/feedback?event_id={recipient}");
    let by_get = format!("{path}&type=conversion");
    for (method, path, headers, body) in [
        ("POST", &path, AS_FORM, "type=return&reason=Wrong+number"),
        (
            "POST",
            &path,
            AS_JSON,
            r#"{"type":"return","reason":"Wrong number"}"#,
        ),
        (
            "POST",
            &path,
            AS_XML,
            "<feedback><type>return</type><reason>Wrong number</reason></feedback>",
        ),
        ("GET", &by_get, "", ""),
    ] {
        let reply = call(&emulator, method, path, headers, body);
        assert_eq!(reply.status(), 201, "{}", reply.text());
        let answer = reply.json();
        assert_eq!(
            (&answer["outcome"], &answer["reason"]),
            (&json!("success"), &Value::Null)
        );
        assert_eq!(
            answer["lead"],
            json!({"id": lead["lead"]["id"], "first_name": "Ann", "email": "a@b.example"})
        );
        let all = events(&emulator);
        let [.., sent, received] = all.as_slice() else {
            panic!()
        };
        assert_eq!(
            (&sent["type"], &received["type"]),
            (&json!("feedback-sent"), &json!("feedback-received"))
        );
        for event in [sent, received] {
            assert_eq!(event["recipient_event_id"], recipient);
            assert_eq!(event["vars"]["lead"]["id"], lead["lead"]["id"]);
            let kind = if method == "GET" {
                "conversion"
            } else {
                "return"
            };
            assert_eq!(event["vars"]["feedback"]["type"], kind);
        }
    }
    let unknown = "/feedback?event_id=65e0ff000000000000000009&type=return";
    for (method, path, status) in [
        (
            "GET",
            format!("/feedback?event_id={source}&type=return"),
            404,
        ),
        ("GET", unknown.to_owned(), 404),
        ("GET", "/feedback?type=return".to_owned(), 404),
        ("GET", format!("{path}&type=praise"), 400),
        ("GET", path.clone(), 400),
        ("PUT", format!("{path}&type=return"), 415),
    ] {
        assert_eq!(
            call(&emulator, method, &path, "", "").status(),
            status,
            "{method} {path}"
        );
    }
    assert_eq!(events(&emulator).len(), before.len() + 8);
}

#[test]
fn feedback_finds_a_step_that_was_saved_without_an_id() {
    let emulator = Emulator::start().unwrap();
    let flow = json!({
        "enabled": true,
        "sources": [{"entity": {"id": "65e0a1000000000000000004", "name": "One"}}],
        "steps": [
            {"type": "filter", "rule_set": {"op": "and", "rules": [{"lhv": "lead.email", "op": "is not blank"}]}},
            {"type": "recipient", "entity": {"id": "65e0a1000000000000000003"}, "feedback": {"integration": {"module_id": "x"}}},
        ],
    });
    let path = source_of_new(&emulator, &flow.to_string()) + "/submit";
    call(&emulator, "POST", &path, AS_FORM, "a=1");
    let recipient = events(&emulator)[1]["id"].as_str().unwrap().to_owned();
    let path = format!("/feedback?event_id={recipient}&type=return");
    assert_eq!(call(&emulator, "GET", &path, JSON, "").status(), 201);
}

#[test]
fn feedback_to_a_step_that_does_not_accept_it_is_a_conflict() {
    let emulator = Emulator::start().unwrap();
    let flow = json!({
        "enabled": true,
        "sources": [{"entity": {"id": "65e0a1000000000000000004", "name": "One"}}],
        "steps": [{"id": "d1", "type": "recipient", "entity": {"id": "65e0a1000000000000000003"}, "integration": {"module_id": "x"}}],
    });
    let path = source_of_new(&emulator, &flow.to_string()) + "/submit";
    call(&emulator, "POST", &path, AS_FORM, "a=1");
    let recipient = events(&emulator)[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/feedback?event_id={recipient}&type=return");
    let reply = call(&emulator, "GET", &path, JSON, "");
    assert_eq!(
        (reply.status(), reply.json()["outcome"].as_str()),
        (409, Some("failure"))
    );
    assert_eq!(
        outcomes(&events(&emulator)).last().unwrap(),
        "feedback-received failure"
    );
}

#[test]
fn a_lead_that_is_too_long_is_refused() {
    let emulator = Emulator::start().unwrap();
    let body = format!("email={}", "n".repeat(100_000));
    assert_eq!(submit(&emulator, AS_FORM, &body).status(), 413);
    let body = format!("unknown={}&email=a%40b.example", "n".repeat(100_000));
    assert_eq!(submit(&emulator, AS_FORM, &body).status(), 201);
}
