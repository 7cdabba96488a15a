//! Entities, and what belongs to partners: connections, onboards, logs of access to submission docs.

use serde_json::{Value, json};

use super::{ACCOUNT_ID, ACCOUNT_NAME, BUYER, CALL_CENTRE, SELLER, SELLER_ID, USER_ID};

const INVITATION_ID: &str = "65e0a200000000000000000b";

/// The sources and recipients of the flows, and one that every account has.
pub(crate) fn entities() -> [Value; 4] {
    let entity = |(id, name): (&str, &str), source: Value, recipient: Value| {
        json!({
            "id": id,
            "name": name,
            "source": source,
            "recipient": recipient,
            "module_ids": [],
            "standard": false,
            "time_zone": "America/Chicago",
            "created_at": "2024-03-01T09:30:00.000Z",
            "updated_at": "2024-03-01T09:30:00.000Z",
        })
    };
    let mut buyer = entity(BUYER, Value::Null, json!("buyer"));
    buyer["module_ids"] = json!(["leadconduit-default.outbound.json"]);
    buyer["connected"] = json!("buyer");
    let mut seller = entity(SELLER, json!("seller"), Value::Null);
    seller["module_ids"] = json!(["leadconduit-default.inbound"]);
    seller["connected"] = json!("seller");
    seller["invitation_id"] = json!(INVITATION_ID);
    let call_centre = entity(CALL_CENTRE, json!("seller"), Value::Null);
    let certificates = ("65e0a2000000000000000001", "TrustedForm");
    let mut certificates = entity(certificates, Value::Null, json!("enhancement"));
    certificates["module_ids"] = json!(["leadconduit-trustedform.outbound.data_service"]);
    certificates["standard"] = json!(true);
    [buyer, seller, call_centre, certificates]
}

pub(crate) fn connections() -> [Value; 2] {
    let connection = |number: u8, (id, name): (&str, &str), kind: &str, invitation_id: Value| {
        json!({
            "id": format!("65e0e100000000000000000{number}"),
            "external_id": format!("65e0e200000000000000000{number}"),
            "connected_account": {
                "id": id,
                "sso_id": format!("65e0e300000000000000000{number}"),
                "name": name,
            },
            "invitation_id": invitation_id,
            "relationship_type": kind,
            "created_at": "2024-03-01T09:30:00.000Z",
            "updated_at": "2024-03-01T09:30:00.000Z",
            "created_by": USER_ID,
        })
    };
    [
        connection(1, BUYER, "buyer", json!("65e0a200000000000000000a")),
        connection(2, SELLER, "seller", json!(INVITATION_ID)),
    ]
}

pub(crate) fn onboards() -> [Value; 1] {
    [json!({
        "id": "65e0e4000000000000000001",
        "invitation_id": INVITATION_ID,
        "account_id": ACCOUNT_ID,
        "connection_id": "65e0e1000000000000000002",
        "flow_id": "65e0b2000000000000000001",
        "status": "in_progress",
        "created_at": "2024-03-01T09:30:00.000Z",
        "updated_at": "2024-03-04T15:20:00.000Z",
    })]
}

/// What the account's user looked at: the submission docs of two flows of the buyer.
pub(crate) fn access_logs() -> [Value; 2] {
    let log = |number: u8, flow_name: &str, access_count: u64| {
        json!({
            "id": format!("65e0e500000000000000000{number}"),
            "accessor": {
                "account": { "id": ACCOUNT_ID, "name": ACCOUNT_NAME },
                "user": { "id": USER_ID, "name": "Robin Example", "email": "robin@example.com" },
            },
            "submission_doc": {
                "flow": {
                    "id": format!("65e0e600000000000000000{number}"),
                    "name": flow_name,
                    "account": { "id": BUYER.0, "name": BUYER.1 },
                },
                "source": { "id": SELLER_ID, "name": SELLER.1 },
            },
            "created_at": "2024-05-06T13:00:00.000Z",
            "last_accessed_at": "2024-05-07T08:30:00.000Z",
            "access_count": access_count,
        })
    };
    [
        log(1, "Roof leads, north", 4),
        log(2, "Roof leads, south", 1),
    ]
}
