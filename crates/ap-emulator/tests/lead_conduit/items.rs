//! Items of every resource: created, read, listed, changed, deleted, and all within one limit.

use serde_json::{Value, json};

use crate::api::{Api, BUYER, UNKNOWN, USER, one};

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

#[test]
fn the_sources_and_steps_of_a_flow_get_ids() {
    let api = Api::start();
    let flow = json!({"name": "Own", "sources": [{"name": "A"}], "steps": [{"type": "filter"}, {"type": "filter"}]});
    let created = one(api.expect(201, "POST", "/flows", &flow));
    let source = created["sources"][0]["id"].as_str().unwrap();
    assert_eq!(source.len(), 24);
    let [first, second] = [0, 1].map(|step| created["steps"][step]["id"].as_str().unwrap());
    assert!(first.len() == 6 && first != second, "{first}, {second}");
    // An update keeps them, and gives ids to new ones.
    let mut changed = created.clone();
    changed["steps"]
        .as_array_mut()
        .unwrap()
        .push(json!({"type": "filter"}));
    let path = format!("/flows/{}", created["id"].as_str().unwrap());
    let updated = one(api.expect(200, "PUT", &path, &changed));
    assert_eq!(updated["steps"][1], created["steps"][1]);
    assert_eq!(updated["steps"][2]["id"].as_str().unwrap().len(), 6);
}
