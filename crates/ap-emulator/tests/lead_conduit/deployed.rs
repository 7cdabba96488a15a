//! Leads go through the flow that was deployed, and count for its fields.

use serde_json::{Value, json};

use crate::api::{Api, FLOW};

const SOURCE: &str = "sources/65e0a1000000000000000004";
const ID: &str = "65e0b20000000000000000ff";

/// A flow that pays this much, and accepts these fields.
fn flow(price: u32, fields: &[&str]) -> Value {
    json!({
        "id": ID,
        "name": "Own",
        "enabled": true,
        "fields": fields,
        "sources": [{"entity": {"id": "65e0a1000000000000000004", "name": "One"}}],
        "steps": [{
            "type": "recipient",
            "entity": {"id": "65e0a1000000000000000003", "name": "Two"},
            "feedback": {"integration": {"module_id": "leadconduit-default.feedback"}},
        }],
        "pricing": {"prices": [{"amount": price}]},
        "ping_enabled": true,
    })
}

/// Returns the price that a submission and a ping get.
fn price(api: &Api) -> Value {
    let call = |status, name: &str| {
        let path = format!("/flows/{ID}/{SOURCE}/{name}");
        api.expect(
            status,
            "POST",
            &(path + "?email=robin%40example.com&state=TX"),
            &Value::Null,
        )
    };
    let verdict = call(201, "submit");
    assert_eq!(verdict["price"], call(200, "ping")["price"]);
    verdict["price"].clone()
}

fn is_live(api: &Api) -> bool {
    let statuses = ["submit", "ping"].map(|name| {
        let path = format!("/flows/{ID}/{SOURCE}/{name}");
        api.send("POST", &path, "").status()
    });
    assert!(matches!(statuses, [201, 200] | [404, 404]), "{statuses:?}");
    statuses == [201, 200]
}

#[test]
fn a_change_of_a_flow_counts_from_its_deployment_on() {
    let api = Api::start();
    let own = format!("/flows/{ID}");
    let deploy = || api.expect(200, "POST", &format!("{own}/deploy"), &Value::Null);
    api.expect(201, "POST", "/flows", &flow(1, &["email"]));
    assert!(!is_live(&api));
    deploy();
    assert_eq!(price(&api), 1);
    let newest = |kind: &str| {
        let rule = json!([{"lhv": "type", "op": "is equal to", "rhv": kind}]);
        let query = json!({"sort": "desc", "limit": 1, "rules": rule});
        api.expect(200, "POST", "/events", &query)[0].clone()
    };
    assert_eq!(newest("source")["vars"]["lead"].get("state"), None);

    // Another price, another field and no feedback: all of it is only saved.
    let mut saved = flow(2, &["email", "state"]);
    saved["steps"][0]
        .as_object_mut()
        .unwrap()
        .remove("feedback");
    api.expect(200, "PUT", &own, &saved);
    assert_eq!(api.get(&own)["pricing"]["prices"][0]["amount"], 2);
    assert_eq!(price(&api), 1);
    assert_eq!(newest("source")["vars"]["lead"].get("state"), None);
    let feedback = |status| {
        let event = newest("recipient")["id"].as_str().unwrap().to_owned();
        let path = format!("/feedback?event_id={event}&type=return");
        api.expect(status, "GET", &path, &Value::Null)
    };
    feedback(201);
    deploy();
    assert_eq!(price(&api), 2);
    assert_eq!(newest("source")["vars"]["lead"]["state"], "TX");
    feedback(409);

    let mut off = saved.clone();
    off["enabled"] = json!(false);
    api.expect(200, "PUT", &own, &off);
    assert_eq!(price(&api), 2);
    deploy();
    assert_eq!(price(&api), 0);

    // What has the id of a deleted flow is another flow.
    api.expect(200, "DELETE", &own, &Value::Null);
    assert!(!is_live(&api));
    api.expect(201, "POST", "/flows", &saved);
    assert!(!is_live(&api));
    deploy();
    assert!(is_live(&api));
}

#[test]
fn the_usage_of_fields_counts_leads_and_not_pings() {
    let api = Api::start();
    api.expect(201, "POST", "/flows", &flow(1, &["email", "state", "city"]));
    api.expect(200, "POST", &format!("/flows/{ID}/deploy"), &Value::Null);
    let usage = |flow: &str, timeframe: &str| api.get(&format!("{flow}/fields/usage{timeframe}"));
    let own = format!("/flows/{ID}");
    // A new day may begin meanwhile.
    let recent = "?timeframe=this_2_days";
    assert_eq!(
        usage(&own, recent),
        json!({"email": 0, "state": 0, "city": 0})
    );
    price(&api);
    price(&api);
    let path = format!("{own}/{SOURCE}/submit?state=NM");
    api.expect(201, "GET", &path, &Value::Null);
    assert_eq!(
        usage(&own, recent),
        json!({"email": 2, "state": 3, "city": 0})
    );
    let other = usage(FLOW, recent);
    assert!(
        other.as_object().unwrap().values().all(|count| *count == 0),
        "{other}"
    );
    // By default it is the usage of today. Each lead is in one of both, also if a new day has begun.
    let counts = ["", "?timeframe=previous_30_days"]
        .map(|timeframe| usage(&own, timeframe)["state"].as_u64().unwrap());
    assert_eq!(counts[0] + counts[1], 3, "{counts:?}");
    api.refused(
        400,
        "GET",
        &format!("{own}/fields/usage?timeframe=whenever"),
        &Value::Null,
    );
}
