//! The invented data that every emulator starts with. All ids, names and addresses are examples.

pub(crate) mod certificates;
mod entities;
mod integrations;
pub(crate) mod lists;
mod published;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::{Value, json};

pub(crate) use self::entities::{access_logs, connections, entities, onboards};
pub(crate) use self::integrations::{credentials, routers};
pub(crate) use self::published::{
    FIRST_USED, LAST_USED, cap_counters, destinations, exports, packages, ping_limit_counters,
    pricing_services, types,
};

use crate::addresses::Addresses;
use crate::{Plan, Product};

/// Not a secret: it is the same in every emulator.
pub(crate) const REPORT_TOKEN: &str = "emulator-shared-report";

pub(crate) const ACCOUNT_ID: &str = "65e0a1000000000000000001";
pub(crate) const ACCOUNT_NAME: &str = "Example Home Services";
pub(crate) const USER_ID: &str = "65e0a1000000000000000002";
const BUYER_ID: &str = "65e0a1000000000000000003";
const SELLER_ID: &str = "65e0a1000000000000000004";
const CALL_CENTRE_ID: &str = "65e0a100000000000000000a";

/// The id and the name of a recipient.
pub(crate) const BUYER: (&str, &str) = (BUYER_ID, "Sunny Roofs Example");
/// The id and the name of a source.
pub(crate) const SELLER: (&str, &str) = (SELLER_ID, "Leads by Example");
/// The id and the name of a source that has to authenticate itself.
pub(crate) const CALL_CENTRE: (&str, &str) = (CALL_CENTRE_ID, "Call Centre Example");
/// The id and the name of the flow that accepts leads.
pub(crate) const ROOF_FLOW: (&str, &str) = ("65e0b2000000000000000001", "Roof repair, web forms");
/// The id and the name of the flow that is disabled.
pub(crate) const SOLAR_FLOW: (&str, &str) =
    ("65e0b2000000000000000002", "Solar panels, call centre");
/// Why the first flow refuses a lead.
pub(crate) const NO_EMAIL: &str = "An e-mail address is needed";
/// Why the first flow refuses a lead.
pub(crate) const BAD_PHONE: &str = "The phone number is not valid";
pub(crate) const OUTBOUND_MODULE: &str = "leadconduit-default.outbound.json";

/// Formats a time as the API does: ISO 8601, in UTC, with milliseconds.
pub(crate) fn iso_8601(at: Timestamp) -> String {
    // The same as `format!("{at:.3}")`, without the work of a formatter: each event has such times.
    DateTimePrinter::new()
        .precision(Some(3))
        .timestamp_to_string(&at)
}

pub(crate) fn user(key: &str, addresses: &Addresses) -> Value {
    let products: Vec<Value> = Product::ALL
        .into_iter()
        .map(|product| {
            json!({
                "id": product.id(),
                "name": product.to_string(),
                "base_url": addresses.url(product),
                "marketing_url": format!("https://www.example.com/{}", product.id()),
                "subscribed": true,
            })
        })
        .collect();
    json!({
        "id": USER_ID,
        "sso_id": "65e0a1000000000000000005",
        "api_key": key,
        "superuser": false,
        "user_admin": true,
        "subscription_admin": true,
        "role_string": "user",
        "first_name": "Robin",
        "last_name": "Example",
        "email": "robin@example.com",
        "phone": "202-555-0142",
        "accounts": [{ "id": ACCOUNT_ID, "name": ACCOUNT_NAME }],
        "products": products,
        "product_code": Product::LeadConduit.id(),
        "company_name": ACCOUNT_NAME,
        "subscriptions": [{
            "id": "65e0a1000000000000000006",
            "account_id": ACCOUNT_ID,
            "product_offering_id": "example-base",
            "product_offering": {
                "id": "example-base",
                "product_id": Product::LeadConduit.id(),
                "component": "base",
                "name": "Example base",
            },
            "state": "active",
            "created_at": "2024-03-01T09:00:00.000Z",
            "updated_at": "2024-03-01T09:00:00.000Z",
            "active_at": "2024-03-01T09:00:00.000Z",
        }],
        "created_at": "2024-03-01T09:00:00.000Z",
    })
}

/// Returns the user as changelogs have it, without the key.
pub(crate) fn changing_user() -> Value {
    json!({
        "id": USER_ID,
        "first_name": "Robin",
        "last_name": "Example",
        "email": "robin@example.com",
    })
}

pub(crate) fn account(key: &str, plan: Plan) -> Value {
    let paid = plan == Plan::Paid;
    json!({
        "id": ACCOUNT_ID,
        "sso_id": "65e0a1000000000000000007",
        "api_key": key,
        "name": ACCOUNT_NAME,
        "time_zone": "America/Chicago",
        "type": "customer",
        "data_retention_in_days": 90,
        "keen_project_id": "emulator-keen-project",
        "keen_read_api_key": "emulator-keen-read",
        "keen_write_api_key": "emulator-keen-write",
        "pricing_components": [],
        "billing_type": if paid { "contracted" } else { "self_service" },
        "financial_state": if paid { json!("paid") } else { Value::Null },
        "lead_ping_enabled": true,
        "product_id": Product::LeadConduit.id(),
        "state": "active",
        "connected_buyers": [{ "id": BUYER.0, "name": BUYER.1 }],
        "connected_sellers": [{ "id": SELLER.0, "name": SELLER.1 }],
        "pending_buyers": [],
        "pending_sellers": [],
        "subscriptions": {
            "base": {
                "id": "65e0a1000000000000000008",
                "product_offering_component": "base",
                "product_offering_id": "65e0a1000000000000000009",
                "state": if paid { "active" } else { "inactive" },
            },
        },
        "features": {
            "seller_access": paid,
            "buyer_access": paid,
            "lead_transactions": false,
            "conversion_feedback": false,
            "firehose": false,
            "third_party_add_on_services": false,
            "real_time_bidding": false,
            "leadconduit_trustedform_decisions": false,
        },
    })
}

pub(crate) fn flows() -> [Value; 2] {
    let party = |(id, name): (&str, &str)| json!({ "id": id, "name": name });
    let feedback = |module: &str| json!({ "integration": { "module_id": module, "mappings": [] } });
    [
        json!({
            "id": ROOF_FLOW.0,
            "name": ROOF_FLOW.1,
            "enabled": true,
            "fields": [
                "first_name", "last_name", "email", "phone_1", "city", "state", "postal_code",
                "reference", "roof_age_exhs", "trustedform_cert_url",
            ],
            "sources": [
                {
                    "id": "s1roof",
                    "entity": party(SELLER),
                    "integration": { "module_id": "leadconduit-default.inbound", "mappings": [] },
                    "feedback": feedback("leadconduit-default.feedback"),
                    "enabled": true,
                    "authentication_required": false,
                },
                {
                    "id": "s2roof",
                    "entity": party(CALL_CENTRE),
                    "integration": { "module_id": "leadconduit-default.inbound", "mappings": [] },
                    "enabled": true,
                    "authentication_required": true,
                },
            ],
            "pricing": { "prices": [{ "amount": 10 }] },
            "steps": [
                {
                    "id": "f1roof",
                    "type": "filter",
                    "description": "No e-mail address",
                    "outcome": "failure",
                    "reason": NO_EMAIL,
                    "rule_set": {
                        "id": "r1roof",
                        "op": "and",
                        "rules": [{ "id": "r2roof", "lhv": "lead.email", "op": "is blank" }],
                    },
                    "enabled": true,
                },
                {
                    "id": "f2roof",
                    "type": "filter",
                    "description": "No valid phone number",
                    "outcome": "failure",
                    "reason": BAD_PHONE,
                    "rule_set": {
                        "id": "r3roof",
                        "op": "and",
                        "rules": [{ "id": "r4roof", "lhv": "lead.phone_1", "op": "format is invalid" }],
                    },
                    "enabled": true,
                },
                {
                    "id": "d1roof",
                    "type": "recipient",
                    "entity": party(BUYER),
                    "integration": {
                        "module_id": OUTBOUND_MODULE,
                        "mappings": [
                            { "property": "url", "value": "https://leads.example.com/intake" },
                        ],
                    },
                    "feedback": feedback(OUTBOUND_MODULE),
                    "pricing": { "prices": [{ "amount": 25 }] },
                    "enabled": true,
                },
            ],
            "ping_enabled": true,
            "caps": [{
                "id": "65e0f3000000000000000001",
                "type": "volume",
                "name": "A thousand leads a day",
                "maximum": 1000,
                "duration": 1,
                "duration_units": "day",
                "time_zone": "America/Chicago",
                "reason": "Cap reached",
            }],
            "ping_limits": [{
                "id": "65e0f4000000000000000001",
                "name": "Six hundred pings a minute",
                "maximum": 600,
                "duration": 1,
                "duration_units": "minute",
                "time_zone": "America/Chicago",
            }],
            "created_at": "2024-03-04T15:20:00.000Z",
            "updated_at": "2024-09-17T08:05:30.000Z",
        }),
        json!({
            "id": SOLAR_FLOW.0,
            "name": SOLAR_FLOW.1,
            "enabled": false,
            "fields": ["first_name", "last_name", "phone_1", "state"],
            "acceptance_criteria": {
                "outcome": "failure",
                "reason": "Outside of the service area",
                "rule_set": {
                    "id": "a1sola",
                    "op": "or",
                    "rules": [
                        { "id": "a2sola", "lhv": "lead.state", "op": "is equal to", "rhv": "NM" },
                        { "id": "a3sola", "lhv": "lead.state", "op": "is equal to", "rhv": "AZ" },
                    ],
                },
            },
            "sources": [],
            "steps": [],
            "ping_enabled": false,
            "created_at": "2024-11-21T18:45:10.000Z",
            "updated_at": "2024-11-21T18:45:10.000Z",
        }),
    ]
}

pub(crate) fn fields() -> Value {
    let standard = [
        ("first_name", "First Name", "first_name"),
        ("last_name", "Last Name", "last_name"),
        ("email", "Email", "email"),
        ("phone_1", "Phone 1", "phone"),
        ("city", "City", "city"),
        ("postal_code", "Postal Code", "postal_code"),
        ("reference", "Reference", "string"),
        ("state", "State", "state"),
        (
            "trustedform_cert_url",
            "TrustedForm Certificate URL",
            "trustedform_url",
        ),
    ];
    let mut fields: Vec<Value> = standard
        .into_iter()
        .map(|(id, name, kind)| json!({ "id": id, "name": name, "type": kind, "standard": true }))
        .collect();
    fields.push(json!({
        "id": "roof_age_exhs",
        "name": "Roof Age",
        "type": "number",
        "description": "Years since the roof was last renewed",
        "standard": false,
        "created_at": "2024-03-04T15:00:00.000Z",
        "updated_at": "2024-03-04T15:00:00.000Z",
    }));
    Value::Array(fields)
}

pub(crate) fn reports() -> [Value; 2] {
    [
        json!({
            "id": "65e0c3000000000000000001",
            "name": "Bought leads by seller",
            "description": "What each seller delivered",
            "columns": [{ "source-submitted": 0 }, { "source-success": 0 }],
            "rules": [],
            "group_by": ["source.name"],
            "token": REPORT_TOKEN,
            "created_at": "2024-05-02T10:00:00.000Z",
            "updated_at": "2024-05-02T10:00:00.000Z",
        }),
        json!({
            "id": "65e0c3000000000000000002",
            "name": "Refused leads",
            "columns": [{ "source-failure": 0 }],
            "rules": [],
            "group_by": [],
            "created_at": "2024-06-11T12:30:00.000Z",
            "updated_at": "2024-06-11T12:30:00.000Z",
        }),
    ]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::iso_8601;

    #[test]
    fn times_are_iso_8601_with_milliseconds() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_007, "2000-02-29T00:00:00.007Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (millisecond, expected) in table {
            let at = Timestamp::from_millisecond(millisecond).unwrap();
            assert_eq!(iso_8601(at), expected);
        }
        let at = Timestamp::new(0, 999_999_999).unwrap();
        assert_eq!(
            iso_8601(at),
            "1970-01-01T00:00:00.999Z",
            "cut off, not rounded"
        );
    }
}
