//! Credentials of integrations, and routers. The secrets are placeholders.

use serde_json::{Value, json};

use super::{SELLER_ID, USER_ID};

pub(crate) fn credentials() -> [Value; 3] {
    let credential = |number: u8, name: &str, kind: &str| {
        json!({
            "id": format!("65e0f500000000000000000{number}"),
            "name": name,
            "type": kind,
            "package": "leadconduit-default",
            "created_at": "2024-03-04T15:10:00.000Z",
            "updated_at": "2024-03-04T15:10:00.000Z",
        })
    };
    let mut user = credential(1, "Example intake", "user");
    user["username"] = json!("intake");
    user["password"] = json!("emulator-placeholder-password");
    let mut token = credential(2, "Example webhook", "token");
    token["token"] = json!("emulator-placeholder-token");
    let mut oauth = credential(3, "Example CRM", "oauth2");
    oauth["access_token"] = json!("emulator-placeholder-access");
    oauth["refresh_token"] = json!("emulator-placeholder-refresh");
    oauth["expires_at"] = json!(1_764_000_000);
    oauth["user"] = json!({ "id": USER_ID, "username": "robin", "email": "robin@example.com" });
    [user, token, oauth]
}

pub(crate) fn routers() -> [Value; 1] {
    [json!({
        "id": "65e0f6000000000000000001",
        "module_id": "65e0f7000000000000000001",
        "routes": [{
            "id": "t1roof",
            "flow_id": "65e0b2000000000000000001",
            "source_id": SELLER_ID,
            "rule_set": {
                "id": "t2roof",
                "op": "and",
                "rules": [{ "id": "t3roof", "lhv": "lead.roof_age_exhs", "op": "is not blank" }],
            },
        }],
        "created_at": "2024-03-05T10:00:00.000Z",
        "updated_at": "2024-03-05T10:00:00.000Z",
    })]
}
