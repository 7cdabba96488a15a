//! The resources of LeadConduit and the account: what is created can be read, listed, changed and deleted.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Product};
use common::{JSON, Reply, send, with_key};
use serde_json::{Value, json};

const FLOW: &str = "/flows/65e0b2000000000000000001";
const BUYER: &str = "/entities/65e0a1000000000000000003";
const USER: &str = "65e0a1000000000000000002";
const UNKNOWN: &str = "65e0ff000000000000000009";
const SPAN: &str = "?start=2024-11-01T00:00:00Z&end=2024-11-22T00:00:00Z";

struct Api(Emulator);

impl Api {
    fn start() -> Self {
        Self(Emulator::start().unwrap())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let headers = with_key(&self.0.key());
        send(
            self.0.url(Product::LeadConduit),
            method,
            path,
            &headers,
            body,
        )
    }

    fn send_without_key(&self, method: &str, path: &str) -> u16 {
        send(self.0.url(Product::LeadConduit), method, path, JSON, "").status()
    }

    fn get(&self, path: &str) -> Value {
        self.expect(200, "GET", path, &Value::Null)
    }

    /// Sends a value, or nothing if it is null, and returns what was sent back.
    fn expect(&self, status: u16, method: &str, path: &str, body: &Value) -> Value {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let reply = self.send(method, path, &body);
        let shown = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status(), status, "{method} {path}: {shown}");
        match reply.body.is_empty() {
            true => Value::Null,
            false => reply.json(),
        }
    }

    fn refused(&self, status: u16, method: &str, path: &str, body: &Value) {
        let refusal = self.expect(status, method, path, body);
        assert!(refusal["error"].is_string(), "{method} {path}: {refusal}");
    }

    fn ids(&self, path: &str) -> Vec<Value> {
        let list = self.get(path);
        let items = list.as_array().into_iter().flatten();
        items.map(|item| item["id"].clone()).collect()
    }
}

/// Routers are sent as lists of one.
fn one(sent: Value) -> Value {
    match sent {
        Value::Array(mut list) => list.remove(0),
        item => item,
    }
}

/// A resource, an item without the members that every row has, a member to change, and the status of DELETE.
fn table() -> Vec<(&'static str, Value, &'static str, u16)> {
    vec![
        ("/flows", json!({"name": "Own"}), "name", 200),
        (
            "/fields",
            json!({"id": "own_acme", "name": "Own", "type": "number"}),
            "name",
            202,
        ),
        (
            "/entities",
            json!({"name": "Own", "source": "form"}),
            "name",
            200,
        ),
        (
            "/credentials",
            json!({"name": "Own", "type": "token", "package": "p", "token": "placeholder"}),
            "token",
            200,
        ),
        (
            "/reports",
            json!({"name": "Own", "columns": ["cost"], "rules": []}),
            "name",
            200,
        ),
        (
            "/routers",
            json!({"module_id": "65e0f7000000000000000002", "routes": []}),
            "module_id",
            501,
        ),
        (
            "/onboards",
            json!({"invitation_id": "65e0a200000000000000000b"}),
            "status",
            501,
        ),
    ]
}

#[test]
fn what_is_created_is_read_listed_changed_and_deleted() {
    let api = Api::start();
    for (path, mut item, member, deleted) in table() {
        let none = &Value::Null;
        item["unknown"] = json!({"kept": [1.50, null, "\u{e9}"]});
        let before = api.ids(path);
        let created = one(api.expect(201, "POST", path, &item));
        for (name, value) in item.as_object().unwrap() {
            assert_eq!(&created[name], value, "{path} {name}");
        }
        let id = created["id"].as_str().unwrap();
        assert!(
            !before.contains(&created["id"]) && created["created_at"].is_string(),
            "{created}"
        );
        assert_eq!(
            api.ids(path),
            [&before[..], &[json!(id)]].concat(),
            "the newest is the last"
        );
        let own = format!("{path}/{id}");
        let can_read = path != "/onboards";
        if can_read {
            assert_eq!(api.get(&own), created);
        }

        // The id and the time of creation are the service's.
        let mut changed = created.clone();
        changed[member] = json!("Changed");
        changed["id"] = json!(UNKNOWN);
        changed["created_at"] = json!("1999-01-01T00:00:00.000Z");
        let updated = one(api.expect(200, "PUT", &own, &changed));
        let mut expected = created.clone();
        expected[member] = json!("Changed");
        expected["updated_at"] = updated["updated_at"].clone();
        assert_eq!(updated, expected);
        let list = api.get(path);
        assert_eq!(
            list.as_array().unwrap().last(),
            Some(&updated),
            "where it was"
        );
        // What a client leaves out is gone, and the vendor's required members are there.
        changed.as_object_mut().unwrap().remove("unknown");
        let updated = one(api.expect(200, "PUT", &own, &changed));
        assert_eq!(updated.get("unknown"), None, "{path}");

        for (method, path) in [("POST", path), ("PUT", &own)] {
            for body in ["", "{", "[]", "7", "{\"a\":\"\u{1}\"}"] {
                let reply = api.send(method, path, body);
                assert_eq!(reply.status(), 400, "{method} {path} {body}");
                assert!(reply.json()["error"].is_string());
            }
        }
        let unknown = format!("{path}/{UNKNOWN}");
        api.refused(404, "PUT", &unknown, &item);
        api.refused(if can_read { 404 } else { 501 }, "GET", &unknown, none);
        if deleted == 501 {
            api.refused(501, "DELETE", &own, none);
            continue;
        }
        api.refused(404, "DELETE", &unknown, none);
        assert_eq!(
            api.expect(deleted, "DELETE", &own, none),
            updated,
            "as it was"
        );
        for (method, body) in [("GET", none), ("DELETE", none), ("PUT", &item)] {
            api.refused(404, method, &own, body);
        }
        assert_eq!(api.ids(path), before);
    }
}

#[test]
fn an_incomplete_item_gets_the_members_that_the_schema_requires() {
    let api = Api::start();
    for (path, item, members) in [
        ("/flows", json!({}), "name enabled fields sources steps"),
        ("/fields", json!({"id": "own_acme"}), "name type"),
        ("/entities", json!({}), "name source recipient module_ids"),
        (
            "/credentials",
            json!({"token": "placeholder"}),
            "name type package",
        ),
        ("/reports", json!({}), "name columns"),
    ] {
        let created = api.expect(201, "POST", path, &item);
        for member in members.split(' ') {
            assert!(created.get(member).is_some(), "{path} {member}");
        }
    }
    api.refused(400, "POST", "/onboards", &json!({}));
    for id in [
        json!(null),
        json!(7),
        json!(""),
        json!("a b"),
        json!("a/b"),
        json!("x".repeat(65)),
    ] {
        api.refused(400, "POST", "/fields", &json!({"id": id}));
    }
    api.refused(409, "POST", "/fields", &json!({"id": "email"}));
}

#[test]
fn what_every_account_has_cannot_be_changed() {
    let api = Api::start();
    for path in ["/fields/email", "/entities/65e0a2000000000000000001"] {
        let before = api.get(path);
        assert_eq!(before["standard"], true);
        api.refused(400, "PUT", path, &json!({"name": "Changed"}));
        api.refused(400, "DELETE", path, &Value::Null);
        assert_eq!(api.get(path), before);
    }
    let own = json!({"name": "Own", "standard": true, "pending": true, "connected": "both"});
    let own = api.expect(201, "POST", "/entities", &own);
    assert_eq!(
        (&own["standard"], own.get("pending"), own.get("connected")),
        (&json!(false), None, None)
    );
}

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
fn each_change_has_a_changelog() {
    let api = Api::start();
    let none = &Value::Null;
    assert_eq!(api.get("/changelogs"), json!([]));
    let mut total = 0;
    for (path, item, member, deleted) in table() {
        let kind = match path {
            "/flows" => "flow",
            "/fields" => "field",
            "/entities" => "entity",
            "/reports" => "report",
            _ => continue,
        };
        let created = api.expect(201, "POST", path, &item);
        let own = format!("{path}/{}", created["id"].as_str().unwrap());
        let mut changed = created.clone();
        changed[member] = json!("Changed");
        changed["added"] = json!([1]);
        let changed = api.expect(200, "PUT", &own, &changed);
        api.expect(deleted, "DELETE", &own, none);

        let all = api.get("/changelogs");
        let all = all.as_array().unwrap();
        total += 3;
        assert_eq!(all.len(), total);
        let [create, update, delete] = &all[total - 3..] else {
            unreachable!()
        };
        for (log, action, revision) in [
            (create, "create", &created),
            (update, "update", &changed),
            (delete, "delete", &changed),
        ] {
            assert_eq!(
                (&log["type"], &log["action"]),
                (&json!(kind), &json!(action))
            );
            assert_eq!(&log["current_revision"], revision);
            assert!(
                log["created_at"].is_string()
                    && log["user"]["id"] == USER
                    && log["user"].get("api_key").is_none()
            );
            assert_eq!(
                &api.get(&format!("/changelogs/{}", log["id"].as_str().unwrap())),
                log
            );
        }
        let delta = json!({member: [created[member], "Changed"], "added": [[1]]});
        assert_eq!(update["delta_from_last_revision"], delta);
        assert_eq!(update["changes"].as_array().unwrap().len(), 2);
        if kind != "report" {
            // They are still there when the item is gone.
            assert_eq!(
                api.get(&format!("{own}/changelogs")),
                json!([create, update, delete])
            );
        }
    }
    assert_eq!(api.get(&format!("{BUYER}/changelogs")), json!([]));
    api.refused(404, "GET", &format!("/changelogs/{UNKNOWN}"), none);
}

#[test]
fn a_report_is_shared_run_and_no_longer_shared() {
    let api = Api::start();
    let none = &Value::Null;
    let report = json!({"name": "Own", "columns": ["cost", {"revenue": 0}], "token": "chosen"});
    let report = api.expect(201, "POST", "/reports", &report);
    assert_eq!(report.get("token"), None, "only sharing makes a token");
    let own = format!("/reports/{}", report["id"].as_str().unwrap());
    api.refused(404, "GET", &format!("{own}/meta"), none);
    let token = api.expect(200, "PUT", &format!("{own}/share"), none)["token"].clone();
    assert_eq!(
        api.expect(200, "PUT", &format!("{own}/share"), none)["token"],
        token
    );
    let mut renamed = api.get(&own);
    assert_eq!(renamed["token"], token);
    renamed["name"] = json!("Renamed");
    renamed["token"] = json!("other");
    assert_eq!(api.expect(200, "PUT", &own, &renamed)["token"], token);

    let shared = format!("/reports/{}", token.as_str().unwrap());
    let paths = |report: &str| {
        [String::new(), format!("/run{SPAN}"), "/meta".to_owned()]
            .map(|below| format!("{report}{below}"))
    };
    for (by_token, by_id) in paths(&shared).iter().zip(paths(&own)) {
        assert_eq!(api.send_without_key("GET", by_token), 200, "{by_token}");
        assert_eq!(api.send_without_key("GET", &by_id), 401, "{by_id}");
        assert_eq!(api.get(by_token), api.get(&by_id));
    }
    for path in ["/share", "/unshare"] {
        assert_eq!(api.send_without_key("PUT", &format!("{shared}{path}")), 401);
    }
    assert_eq!(
        api.get(&format!("{own}/run{SPAN}")),
        json!([{"cost": 0, "revenue": 0}])
    );
    let meta = api.get(&format!("{own}/meta"));
    assert_eq!(
        (&meta["token"], &meta["flows"][0]["id"]),
        (&token, &json!("65e0b2000000000000000001"))
    );
    for query in [
        "",
        "?start=2024-11-01T00:00:00Z",
        "?start=yesterday&end=2024-11-01T00:00:00Z",
    ] {
        api.refused(400, "GET", &format!("{own}/run{query}"), none);
    }

    let preview = format!("/reports/preview{SPAN}&columns=cost");
    for (report, rows) in [
        (json!({"columns": ["cost"]}), json!([{"cost": 0}])),
        (
            json!({"columns": ["cost"], "group_by": ["source.name"]}),
            json!([]),
        ),
        (json!({"columns": []}), json!([])),
        (json!({}), json!([])),
    ] {
        assert_eq!(api.expect(200, "POST", &preview, &report), rows);
    }
    api.refused(
        400,
        "POST",
        "/reports/preview",
        &json!({"columns": ["cost"]}),
    );
    assert_eq!(api.send("POST", &preview, "{").status(), 400);

    assert_eq!(
        api.expect(200, "PUT", &format!("{own}/unshare"), none),
        json!({"token": null})
    );
    assert_eq!(api.send_without_key("GET", &shared), 401);
    api.refused(404, "GET", &shared, none);
    api.expect(200, "PUT", &format!("{own}/share"), none);
    let second = api.get(&own)["token"].clone();
    assert_ne!(second, token);
    api.expect(200, "DELETE", &own, none);
    assert_eq!(
        api.send_without_key("GET", &format!("/reports/{}", second.as_str().unwrap())),
        401
    );
    for below in ["share", "unshare"] {
        api.refused(404, "PUT", &format!("{own}/{below}"), none);
    }
}

#[test]
fn the_account_and_the_user_keep_what_was_changed() {
    let api = Api::start();
    let mut account = api.get("/account");
    account["data_retention_in_days"] = json!(30);
    account["data_truncated_at"] = json!("2024-11-01T00:00:00Z");
    account["features"]["firehose"] = json!(true);
    account["name"] = json!("Changed");
    let changed = api.expect(200, "PUT", "/account", &account);
    account["name"] = json!("Example Home Services");
    account["data_truncated_at"] = json!("2024-11-01T00:00:00.000Z");
    assert_eq!(changed, account, "the name is read-only");
    api.expect(200, "PUT", "/account", &json!({}));
    assert_eq!(api.get("/account"), account);
    let synced = api.expect(200, "POST", "/account_sso_sync", &Value::Null);
    assert_eq!(synced, json!({"success": true, "account": account}));
    for body in [
        json!({"data_retention_in_days": "30"}),
        json!({"data_truncated_at": "yesterday"}),
        json!({"features": {"firehose": 1}}),
        json!([]),
    ] {
        api.refused(400, "PUT", "/account", &body);
    }

    let own = format!("/user/{USER}");
    let seen = |has_seen: Value| json!({"ui_state": {"has_seen_free_account_modal": has_seen}});
    for (has_seen, is_time) in [(true, true), (false, false)] {
        let user = api.expect(200, "PUT", &own, &seen(json!(has_seen)));
        assert_eq!(
            user["ui_state"]["has_seen_free_account_modal"].is_string(),
            is_time
        );
        assert_eq!(api.get("/user"), user);
    }
    for body in [
        json!({}),
        seen(json!(1)),
        seen(json!(null)),
        json!({"ui_state": 1}),
    ] {
        api.refused(400, "PUT", &own, &body);
    }
    api.refused(404, "PUT", &format!("/user/{UNKNOWN}"), &seen(json!(true)));

    let settings = format!("/user_settings/{USER}");
    let notifications =
        json!({"notifications": {"connection_invites": {"enabled": false}}, "unknown": 1});
    api.refused(404, "GET", &settings, &Value::Null);
    let created = api.expect(201, "POST", "/user_settings", &notifications);
    assert_eq!(
        (&created["id"], &created["unknown"]),
        (&json!(USER), &json!(1))
    );
    assert_eq!(api.get(&settings), created);
    api.refused(409, "POST", "/user_settings", &notifications);
    let updated = api.expect(200, "PUT", &settings, &json!({}));
    assert_eq!(updated["notifications"], json!({}));
    assert_eq!(api.get(&settings), updated);
}

#[test]
fn a_partner_is_invited_once() {
    let api = Api::start();
    let none = &Value::Null;
    for (role, pending) in [
        ("source", "pending_sellers"),
        ("recipient", "pending_buyers"),
    ] {
        let path = format!("/invitations/{role}");
        let invitation = json!({"email": "partner@example.com"});
        let invited = api.expect(201, "POST", &path, &invitation);
        let entity = &invited["entity"];
        assert!(
            invited["message"].is_string() && entity["pending"] == true && entity[role].is_string(),
            "{invited}"
        );
        let own = format!("/entities/{}", entity["id"].as_str().unwrap());
        assert_eq!(&api.get(&own), entity);
        assert_eq!(
            &api.expect(200, "POST", &path, &invitation)["entity"],
            entity
        );
        assert_eq!(
            api.get("/account")[pending],
            json!([{"id": entity["id"], "name": "partner@example.com"}])
        );
        let resend = format!("/invitations/{}/resend", entity["id"].as_str().unwrap());
        assert_eq!(&api.expect(200, "PUT", &resend, none)["entity"], entity);
        // An update does not end the invitation.
        assert_eq!(
            api.expect(200, "PUT", &own, &json!({"name": "Partner"}))["pending"],
            true
        );

        let setup = json!({"invitation_id": entity["invitation_id"], "flow_id": "65e0b2000000000000000001"});
        let redirect = api.expect(200, "POST", "/onboard/buyer", &setup);
        assert_eq!(redirect, json!({"redirect": FLOW}));
        api.expect(200, "DELETE", &own, none);
        api.refused(404, "PUT", &resend, none);
        api.refused(404, "POST", "/onboard/buyer", &setup);
        assert_eq!(api.get("/account")[pending], json!([]));
        assert_ne!(
            api.expect(201, "POST", &path, &invitation)["entity"]["id"],
            entity["id"]
        );
        for body in [
            json!({}),
            json!({"email": 7}),
            json!({"email": "nobody"}),
            json!({"email": "@".repeat(300)}),
        ] {
            api.refused(400, "POST", &path, &body);
        }
    }
    for id in ["65e0a1000000000000000003", UNKNOWN] {
        api.refused(404, "PUT", &format!("/invitations/{id}/resend"), none);
    }
    let connection = api.get("/connections/65e0e1000000000000000002");
    for id in ["external_id", "invitation_id"] {
        assert_eq!(
            api.get(&format!(
                "/connections/{}",
                connection[id].as_str().unwrap()
            )),
            connection
        );
    }
    api.expect(
        200,
        "POST",
        "/onboard/buyer",
        &json!({"connection_id": connection["id"]}),
    );
    for body in [
        json!({}),
        json!({"connection_id": connection["id"], "invitation_id": connection["invitation_id"]}),
    ] {
        api.refused(400, "POST", "/onboard/buyer", &body);
    }
    for body in [
        json!({"connection_id": UNKNOWN}),
        json!({"connection_id": connection["id"], "flow_id": UNKNOWN}),
    ] {
        api.refused(404, "POST", "/onboard/buyer", &body);
    }
}

#[test]
fn access_logs_are_hidden_and_shown() {
    let api = Api::start();
    let root = "/submission_doc_access_logs";
    let all = api.get(root);
    let doc = &all[0]["submission_doc"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let flow = text(&doc["flow"]["id"]);
    for (path, left) in [
        (
            format!("account/{}", text(&doc["flow"]["account"]["id"])),
            0,
        ),
        (format!("flow/{flow}"), 1),
        (
            format!("flow/{flow}/source/{}", text(&doc["source"]["id"])),
            1,
        ),
    ] {
        let path = format!("{root}/{path}");
        for (body, left) in [
            (json!({"hidden": true}), left),
            (json!({"hidden": false}), 2),
            (json!({"ui_state": {"hidden": true}}), left),
            (json!({"ui_state": {"hidden": false}, "hidden": false}), 2),
        ] {
            let reply = api.send("PUT", &path, &body.to_string());
            assert_eq!((reply.status(), reply.text()), (200, ""), "{path}");
            assert_eq!(
                api.get(root).as_array().unwrap().len(),
                left,
                "{path} {body}"
            );
            assert_eq!(api.get(&format!("{root}?show_hidden=true")), all);
        }
        for body in [
            json!({}),
            json!({"hidden": "true"}),
            json!({"ui_state": {}}),
        ] {
            api.refused(400, "PUT", &path, &body);
        }
    }
    for path in [
        format!("account/{UNKNOWN}"),
        format!("flow/{UNKNOWN}"),
        format!("flow/{flow}/source/{UNKNOWN}"),
    ] {
        api.refused(
            404,
            "PUT",
            &format!("{root}/{path}"),
            &json!({"hidden": true}),
        );
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
        8
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

#[test]
fn an_empty_list_of_credentials_is_null() {
    let api = Api::start();
    for id in api.ids("/credentials") {
        api.expect(
            200,
            "DELETE",
            &format!("/credentials/{}", id.as_str().unwrap()),
            &Value::Null,
        );
    }
    assert_eq!(api.get("/credentials"), Value::Null);
}

#[test]
fn items_of_all_resources_share_one_limit() {
    let api = Api::start();
    let big = "n".repeat(1_000_000);
    let mut created = Vec::new();
    'full: loop {
        for (path, mut item, _, deleted) in table() {
            if path == "/fields" {
                item["id"] = json!(format!("own_{}", created.len()));
            }
            item["big"] = json!(big);
            let reply = api.send("POST", path, &item.to_string());
            if reply.status() == 507 {
                assert!(reply.json()["error"].is_string());
                break 'full;
            }
            assert_eq!(reply.status(), 201, "{path}");
            let id = one(reply.json())["id"].as_str().unwrap().to_owned();
            created.push((format!("{path}/{id}"), deleted));
        }
    }
    assert!((30..34).contains(&created.len()), "{}", created.len());
    for path in ["/flows", "/credentials", "/routers"] {
        assert_eq!(
            api.send("POST", path, &json!({"big": big}).to_string())
                .status(),
            507
        );
    }
    // An update needs room of its own, and what is deleted gives its room back.
    assert_eq!(
        api.send("PUT", &created[0].0, &json!({"big": big}).to_string())
            .status(),
        507
    );
    let mut free = created
        .iter()
        .filter(|(_, deleted)| *deleted != 501)
        .map(|(own, deleted)| (own, *deleted));
    let (own, deleted) = free.next().unwrap();
    api.expect(deleted, "DELETE", own, &Value::Null);
    assert_eq!(
        api.send("POST", "/flows", &json!({"big": big}).to_string())
            .status(),
        201
    );
}
