//! The examples that every emulator starts with, and what is only read.

use serde_json::{Value, json};

use crate::api::{Api, FLOW, UNKNOWN};

#[test]
fn the_examples_fit_together() {
    let api = Api::start();
    let names = |path: &str| -> Vec<(String, String)> {
        let list = api.get(path);
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        let items = list.as_array().unwrap().iter();
        items
            .map(|item| (text(item, "id"), text(item, "name")))
            .collect()
    };
    let (entities, fields, packages) = (
        names("/entities"),
        api.ids("/fields"),
        api.get("/packages").to_string(),
    );
    for flow in api.get("/flows").as_array().unwrap() {
        let parts = flow["sources"]
            .as_array()
            .unwrap()
            .iter()
            .chain(flow["steps"].as_array().unwrap());
        for part in parts.filter(|part| part["type"] != "filter") {
            let entity = &part["entity"];
            let entity = (
                entity["id"].as_str().unwrap().to_owned(),
                entity["name"].as_str().unwrap().to_owned(),
            );
            assert!(entities.contains(&entity), "{entity:?}");
            assert!(
                packages.contains(&part["integration"]["module_id"].to_string()),
                "{part}"
            );
        }
        for field in flow["fields"].as_array().unwrap() {
            assert!(fields.contains(field), "{field}");
        }
    }
    let flow = api.get(FLOW);
    assert_eq!(flow["caps"][0]["id"], api.get("/caps")[0]["id"]);
    assert_eq!(
        flow["ping_limits"][0]["id"],
        api.get("/ping_limits")[0]["id"]
    );
    let account = api.get("/account");
    for (partner, path) in [
        ("connected_buyers", "buyer"),
        ("connected_sellers", "seller"),
    ] {
        let partner = &account[partner][0];
        assert!(entities.iter().any(|(id, _)| partner["id"] == **id));
        let connections = ["65e0e1000000000000000001", "65e0e1000000000000000002"];
        let connections = connections.map(|id| api.get(&format!("/connections/{id}")));
        let of_partner =
            |connection: &&Value| connection["connected_account"]["name"] == partner["name"];
        assert_eq!(
            connections.iter().find(of_partner).unwrap()["relationship_type"],
            path
        );
    }
    let route = &api.get("/routers")[0]["routes"][0];
    assert_eq!(
        (&route["flow_id"], &route["source_id"]),
        (&flow["id"], &flow["sources"][0]["entity"]["id"])
    );
}

#[test]
fn a_flow_is_deployed_and_has_fields() {
    let api = Api::start();
    let none = &Value::Null;
    let deployed = api.expect(200, "POST", &format!("{FLOW}/deploy"), none);
    assert!(
        deployed["message"].as_str().unwrap().contains("deployed"),
        "{deployed}"
    );
    let flow = api.get(FLOW);
    let fields = api.get(&format!("{FLOW}/fields"));
    let usage = api.get(&format!("{FLOW}/fields/usage?timeframe=previous_30_days"));
    assert_eq!(
        fields.as_array().unwrap().len(),
        flow["fields"].as_array().unwrap().len()
    );
    for field in fields.as_array().unwrap() {
        assert!(flow["fields"].as_array().unwrap().contains(&field["id"]));
        assert_eq!(usage[field["id"].as_str().unwrap()], 0);
    }
    // A field that is deleted is gone from there too.
    api.expect(202, "DELETE", "/fields/roof_age_exhs", none);
    assert_eq!(
        api.ids(&format!("{FLOW}/fields")).len(),
        fields.as_array().unwrap().len() - 1
    );
    for (method, below) in [
        ("POST", "deploy"),
        ("GET", "fields"),
        ("GET", "fields/usage"),
        ("GET", "changelogs"),
    ] {
        api.refused(404, method, &format!("/flows/{UNKNOWN}/{below}"), none);
    }
}

#[test]
fn what_the_vendor_publishes_is_read() {
    let api = Api::start();
    for (path, member) in [
        ("/packages", "/0/integrations/0/id"),
        ("/packages/leadconduit-default", "/integrations/0/id"),
        ("/services", "/0/id"),
        ("/exports", "/0/status"),
        ("/destinations", "/0/instance_id"),
        ("/types", "/0/operators/0"),
        ("/vars", "/0/label"),
        ("/caps", "/0/maximum"),
        ("/caps/65e0f3000000000000000001", "/maximum"),
        ("/ping_limits", "/0/maximum"),
        ("/ping_limits/65e0f4000000000000000001", "/maximum"),
        ("/status", "/version"),
        ("/version/ui", "/version"),
    ] {
        assert!(api.get(path).pointer(member).is_some(), "{path} {member}");
    }
    for path in [
        "/packages/nothing",
        "/caps/nothing",
        "/ping_limits/nothing",
        "/connections/nothing",
    ] {
        api.refused(404, "GET", path, &Value::Null);
    }
    let count = |path: &str| api.get(path).as_array().unwrap().len();
    for path in ["/caps", "/ping_limits"] {
        assert_eq!(
            count(&format!("{path}?flow_id=65e0b2000000000000000001")),
            1
        );
        assert_eq!(count(&format!("{path}?flow_id={UNKNOWN}")), 0);
    }
    assert_eq!(count("/vars"), count("/fields"));
    assert_eq!(count("/vars?flow_id=65e0b2000000000000000002"), 4);
    assert_eq!(
        count("/vars?flow_id=65e0b2000000000000000002&flow_id=65e0b2000000000000000001"),
        10
    );
    assert_eq!(count("/vars?start=2030-01-01T00:00:00Z"), 0);
    assert_eq!(count("/vars?end=2020-01-01T00:00:00Z"), 0);
    let variable = &api.get("/vars?exclude=type&exclude=name")[0];
    assert_eq!(
        (variable.get("type"), &variable["name"]),
        (None, &json!("lead.first_name"))
    );
    api.refused(400, "GET", "/vars?start=yesterday", &Value::Null);
    api.refused(
        404,
        "GET",
        &format!("/vars?flow_id={UNKNOWN}"),
        &Value::Null,
    );

    let mut flow = api.get(FLOW);
    flow["destinations"] = json!([{"name": "Example CRM", "instance_id": "emulator-instance-1"}]);
    api.expect(200, "PUT", FLOW, &flow);
    assert_eq!(api.get("/destinations")[0].get("flow_usages"), None);
    let usages = json!({"count": 1, "flows": [{"id": flow["id"], "name": flow["name"]}]});
    assert_eq!(
        api.get("/destinations?include=flow_usages")[0]["flow_usages"],
        usages
    );
    api.expect(200, "DELETE", FLOW, &Value::Null);
    assert_eq!(count("/caps"), 0);
}
