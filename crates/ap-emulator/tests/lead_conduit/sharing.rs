//! Reports, partners, logs and settings: what changes in another way than by an update.

use serde_json::{Value, json};

use crate::api::{Api, FLOW, SPAN, UNKNOWN, USER};

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

/// The source of the example flow.
const SELLER: &str = "65e0a1000000000000000004";
const ALL_TIME: &str = "?start=2024-11-01T00:00:00Z&end=2124-11-01T00:00:00Z";

#[test]
fn a_report_counts_the_leads_of_its_time() {
    let api = Api::start();
    for email in ["a@b.example", "c@d.example"] {
        let path = format!("{FLOW}/sources/{SELLER}/submit?email={email}");
        let verdict = api.expect(201, "GET", &path, &Value::Null);
        assert_eq!(verdict["price"], 10);
    }
    let report = json!({"columns": ["source-success", {"cost": 0}], "group_by": ["source.name"]});
    let rows = api.expect(200, "POST", &format!("/reports/preview{ALL_TIME}"), &report);
    let row = json!([{"source.name": "Leads by Example", "source-success": 2, "cost": 20}]);
    assert_eq!(rows, row);
    let id = api.expect(201, "POST", "/reports", &report)["id"].clone();
    let run = format!("/reports/{}/run{ALL_TIME}", id.as_str().unwrap());
    assert_eq!(api.get(&run), row);

    let other = json!({"lhv": "lead.email", "op": "is equal to", "rhv": "c@d.example"});
    let report = json!({"columns": ["source-success"], "rules": [other]});
    let rows = api.expect(200, "POST", &format!("/reports/preview{ALL_TIME}"), &report);
    assert_eq!(rows, json!([{"source-success": 1}]));
    for wrong in [
        json!({"columns": ["cost"], "rules": [1]}),
        json!({"columns": ["cost"], "group_by": [{}]}),
    ] {
        api.refused(400, "POST", &format!("/reports/preview{ALL_TIME}"), &wrong);
    }
}
