//! The invented data that every emulator starts with. Ids, names and addresses are examples.

use std::time::Duration;

use serde_json::{Value, json};

use crate::addresses::Addresses;
use crate::{Plan, Product};

/// Deliberately plain: it is no secret, every emulator has the same one.
pub(crate) const REPORT_TOKEN: &str = "emulator-shared-report";

const ACCOUNT_ID: &str = "65e0a1000000000000000001";
const USER_ID: &str = "65e0a1000000000000000002";
const BUYER_ID: &str = "65e0a1000000000000000003";
const SELLER_ID: &str = "65e0a1000000000000000004";

/// An ISO 8601 time in UTC, with milliseconds as the API writes it.
pub(crate) fn timestamp(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March put the leap day last, which makes months and years divisible.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let millis = since_epoch.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

pub(crate) fn user(key: &str, addresses: &Addresses) -> Value {
    let products: Vec<Value> = Product::ALL
        .into_iter()
        .map(|product| {
            json!({
                "id": product.code(),
                "name": product.name(),
                "base_url": addresses.url(product),
                "marketing_url": format!("https://www.example.com/{product}"),
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
        "accounts": [{ "id": ACCOUNT_ID, "name": "Example Home Services" }],
        "products": products,
        "product_code": Product::LeadConduit.code(),
        "company_name": "Example Home Services",
        "subscriptions": [{
            "id": "65e0a1000000000000000006",
            "account_id": ACCOUNT_ID,
            "product_offering_id": "example-base",
            "product_offering": {
                "id": "example-base",
                "product_id": Product::LeadConduit.code(),
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

pub(crate) fn account(key: &str, plan: Plan) -> Value {
    let paid = plan == Plan::Paid;
    json!({
        "id": ACCOUNT_ID,
        "sso_id": "65e0a1000000000000000007",
        "api_key": key,
        "name": "Example Home Services",
        "time_zone": "America/Chicago",
        "type": "customer",
        "data_retention_in_days": 90,
        "keen_project_id": "emulator-keen-project",
        "keen_read_api_key": "emulator-keen-read",
        "keen_write_api_key": "emulator-keen-write",
        "pricing_components": [],
        "billing_type": if paid { "contracted" } else { "self_service" },
        "financial_state": if paid { json!("paid") } else { Value::Null },
        "lead_ping_enabled": false,
        "product_id": Product::LeadConduit.code(),
        "state": "active",
        "connected_buyers": [{ "id": BUYER_ID, "name": "Sunny Roofs Example" }],
        "connected_sellers": [{ "id": SELLER_ID, "name": "Leads by Example" }],
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
    let seller = json!({ "id": SELLER_ID, "name": "Leads by Example" });
    let buyer = json!({ "id": BUYER_ID, "name": "Sunny Roofs Example" });
    [
        json!({
            "id": "65e0b2000000000000000001",
            "name": "Roof repair, web forms",
            "enabled": true,
            "fields": [
                "first_name", "last_name", "email", "phone_1", "postal_code",
                "roof_age_exhs", "trustedform_cert_url",
            ],
            "sources": [{
                "id": "s1roof",
                "entity": seller,
                "integration": { "module_id": "leadconduit-default.inbound", "mappings": [] },
                "enabled": true,
                "authentication_required": false,
            }],
            "steps": [
                {
                    "id": "f1roof",
                    "type": "filter",
                    "description": "No e-mail address",
                    "outcome": "failure",
                    "reason": "An e-mail address is needed",
                    "rule_set": {
                        "id": "r1roof",
                        "op": "and",
                        "rules": [{ "id": "r2roof", "lhv": "lead.email", "op": "is blank" }],
                    },
                    "enabled": true,
                },
                {
                    "id": "d1roof",
                    "type": "recipient",
                    "entity": buyer,
                    "integration": {
                        "module_id": "leadconduit-default.outbound.json",
                        "mappings": [
                            { "property": "url", "value": "https://leads.example.com/intake" },
                        ],
                    },
                    "enabled": true,
                },
            ],
            "ping_enabled": false,
            "created_at": "2024-03-04T15:20:00.000Z",
            "updated_at": "2024-09-17T08:05:30.000Z",
        }),
        json!({
            "id": "65e0b2000000000000000002",
            "name": "Solar panels, call centre",
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
        ("postal_code", "Postal Code", "postal_code"),
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
            "columns": ["source-submitted", "source-success"],
            "rules": [],
            "group_by": ["source.name"],
            "token": REPORT_TOKEN,
            "created_at": "2024-05-02T10:00:00.000Z",
            "updated_at": "2024-05-02T10:00:00.000Z",
        }),
        json!({
            "id": "65e0c3000000000000000002",
            "name": "Refused leads",
            "columns": ["source-failure"],
            "rules": [],
            "group_by": [],
            "token": null,
            "created_at": "2024-06-11T12:30:00.000Z",
            "updated_at": "2024-06-11T12:30:00.000Z",
        }),
    ]
}

pub(crate) fn trusted_form_account() -> Value {
    json!({
        "id": ACCOUNT_ID,
        "name": "Example Home Services",
        "product_components": ["retain", "insights", "verify"],
    })
}

pub(crate) fn lists() -> Value {
    json!([
        {
            "id": "65e0d4000000000000000001",
            "name": "Sold Last Month",
            "url_name": "sold_last_month",
            "type": "md5",
            "ttl": 2_592_000,
            "count": 3,
            "total_jobs": 1,
        },
        {
            "id": "65e0d4000000000000000002",
            "name": "Do Not Call",
            "url_name": "do_not_call",
            "type": "md5",
            "ttl": null,
            "count": 12,
            "total_jobs": 2,
        },
    ])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::timestamp;

    #[test]
    fn timestamps_are_calendar_times() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_735_689_600, "2025-01-01T00:00:00.000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ];
        for (seconds, expected) in table {
            assert_eq!(timestamp(Duration::from_secs(seconds)), expected);
        }
    }
}
