//! Every object that is an output or a body, with an example.
#![allow(dead_code)]

use ap_api::account::{company, credentials, user, user_settings};
use ap_api::leadconduit::{
    changelogs, destinations, entities, events, exports, fields, firehose, flows, leads, limits,
    packages, partners, reports, routers, submission, submission_docs, system,
};
use ap_api::rules::{Rule, RuleSet};
use ap_api::suppressionlist::{AddedItems, ExistsAnswer, RemovedItems, SuppressionList};
use ap_api::trustedform::certificates::Results;
use serde_json::{Value, json};

use crate::examples;

pub(crate) struct Object {
    pub(crate) name: &'static str,
    pub(crate) example: Value,
    /// Reads a text, and writes it again.
    pub(crate) rewrite: fn(&str) -> serde_json::Result<Value>,
}

macro_rules! objects {
    ($($type:ty => $example:expr,)*) => {
        vec![$(Object {
            name: stringify!($type),
            example: $example,
            rewrite: |text| serde_json::to_value(serde_json::from_str::<$type>(text)?),
        }),*]
    };
}

pub(crate) fn objects() -> Vec<Object> {
    let id = "5fd4371e940df5a34a3888b2";
    let time = "2026-11-25T10:00:00.000Z";
    objects![
        events::Event => examples::source_event(),
        events::Event => examples::recipient_event(),
        events::Row => json!({"cost": 1.5, "vars.source.name": "Acme"}),
        events::metrics::Medians => json!({"result": [{"type": "recipient", "module_id": "m", "median": 12.5, "n": 1}]}),
        events::metrics::FunnelResult => json!({"steps": [{"with_actors": true}], "result": [3, 2.5]}),
        events::metrics::Counts => json!({"result": [{"value": [{"outcome": "success", "result": 3}],
            "timeframe": {"start": time, "end": time}}]}),
        events::metrics::UniqueValues => json!({"result": [{"vars.source.id": id, "result": ["a"], "other": null}]}),
        flows::Flow => examples::flow(),
        flows::Deployed => json!({"message": "m", "at": time}),
        flows::PingLimit => json!({"id": id, "maximum": 5, "failed_count": 2, "started_at": time, "source_id": null}),
        Rule => json!({"lhv": "a", "op": "is between", "rhv": [1, 2.5], "rule_set": {"op": "or", "rules": []}}),
        RuleSet => json!({"id": "aB3dE6", "op": "xor", "rules": [{"op": "is true", "lhv": "a"}]}),
        submission::Verdict => json!({"outcome": "success", "reason": null, "lead": {"id": id, "email": "a@b.example"},
            "price": 0.5, "appended": {}}),
        submission::Bid => json!({"outcome": "failure", "reason": "no bid", "price": 0}),
        leads::SearchResult => json!({"hits": [{"lead_id": id, "submission_timestamp": time, "highlight": {"email": ["a"]},
            "latest_event": examples::recipient_event(), "score": 1.5}], "total": 1}),
        changelogs::Changelog => json!({"id": id, "type": "flow", "action": "renamed", "current_revision": {"a": 1},
            "delta_from_last_revision": null, "changes": [{"action": "changed", "previous": {"value": [1], "index": 0},
            "current": {"value": null}}], "user": {"id": id, "api_key": "placeholder"}, "created_at": time}),
        fields::Field => json!({"id": "a", "name": "A", "type": "phone", "see": null, "standard": true, "updated_at": time}),
        fields::DeletedField => json!({"id": "a", "errors": [{"flow": id}]}),
        fields::DataType => json!({"name": "email", "maskable": false, "operators": ["is equal to", "rhymes with"],
            "components": [{"name": "user", "type": "string"}]}),
        fields::Variable => json!({"name": "lead.a", "label": "A", "examples": ["x"], "last_used_at": time}),
        entities::Entity => json!({"name": "a", "source": null, "recipient": "buyer", "module_ids": ["m"], "account": null,
            "connected": true, "flow_ids": null, "field_suffix": "acme", "website": "https://a.example"}),
        destinations::Destination => json!({"name": "a", "integration_icon_url": "placeholder",
            "actions": [{"webhook_url": "placeholder"}], "flow_usages": {"count": 1, "flows": [{"id": "f", "name": "n"}]}}),
        packages::Package => json!({"id": "leadconduit-a", "integrations": [{"id": "a.inbound.b", "direction": "inbound",
            "median_wait_ms": 12.5, "pricing": {"type": "x", "tiers": [{"unit_price": 0.05, "start_qty": 0, "end_qty": null}]},
            "request_variables": [{"name": "a", "required": true}]}]}),
        packages::PricingService => json!({"id": id, "name": "a", "integration": {"module_id": "m", "mappings": null}}),
        limits::CapCounter => json!({"id": id, "type": "volume", "maximum": 10, "duration": 1, "duration_units": "fortnight",
            "cap_ids": [], "count": 3, "step_id": "aB3dE6", "expires_at": time}),
        reports::Report => json!({"id": id, "name": "a", "columns": ["cost", "later", {"name": "cost"}], "token": "placeholder",
            "rules": [{"lhv": "a", "op": "is less than or equal", "rhv": "1"}]}),
        reports::ReportMeta => json!({"token": "placeholder", "vars": [{"name": "a", "label": "b"}], "flows": [{"id": "x"}]}),
        reports::ShareToken => json!({"token": null}),
        routers::Router => json!({"id": id, "module_id": "m", "routes": [{"id": "aB3dE6", "flow_id": id,
            "rule_set": {"op": "and", "rules": []}, "weight": 1}]}),
        exports::Export => json!({"id": id, "status": "complete", "downloads": ["a", {"url": "b"}], "filter_rules": null,
            "reason": {"message": "m"}, "date_format": "legacy", "exported_docs": 7}),
        firehose::Checked => json!({"ETag": "\"a\""}),
        partners::Invited => json!({"message": "m", "entity": {"name": "a", "pending": true, "module_ids": []}}),
        partners::Connection => json!({"id": "a", "relationship_type": "seller", "connected_account": {"name": "x"}}),
        partners::Onboard => json!({"id": id, "status": "completed_flows_sync", "created_at": time}),
        partners::CompletedBuyer => json!({"redirect": "/flows/a"}),
        submission_docs::AccessLog => json!({"id": "a", "accessor": {"user": {"id": "u", "email": "a@b.example"}},
            "submission_doc": {"flow": {"id": "f", "account": {"id": "c"}}}, "access_count": 3}),
        system::Version => json!({"version": "13.5.0"}),
        user::User => json!({"id": id, "api_key": "placeholder-key", "email": "a@b.example", "zendesk_jwt": "placeholder",
            "products": [{"id": "lcx", "name": "LeadConduit", "subscribed": true}, {"id": "next", "name": "?"}],
            "accounts": [{"id": id, "api_key": "placeholder", "keen_read_api_key": "placeholder",
                "features": {"firehose": true, "later": null}, "connected_buyers": [], "pending_sellers": null,
                "subscriptions": {"base": {"id": "x", "state": "paused"}}}],
            "subscriptions": [{"id": "y", "product_offering": {"component": "base"}}], "permissions": {"a": 1}, "expires": time}),
        user::UserUpdate => json!({"ui_state": {"has_seen_free_account_modal": time}}),
        company::Synced => json!({"success": true, "account": {"id": id, "data_truncated_at": time, "billing_type": "gratis"}}),
        user_settings::UserSettings => json!({"id": id, "notifications": {"connection_invites": {"enabled": false,
            "unsubscribed_at": time}, "other": {}}}),
        credentials::Credential => json!({"id": id, "name": "a", "type": "oauth2", "package": "p", "access_token": "placeholder",
            "refresh_token": null, "expires_at": 1_795_681_800, "org": {"id": "1", "x": 1}, "user": {"username": "u"}}),
        Results => examples::results(),
        SuppressionList => json!({"id": id, "name": "A", "url_name": "a", "type": "md5", "ttl": null, "count": 1}),
        AddedItems => json!({"accepted": 1, "rejected": 2, "at": time}),
        RemovedItems => json!({"deleted": 1, "rejected": 0}),
        ExistsAnswer => json!({"specified_lists": ["a", "b"], "key": "x", "found": true, "exists_in_lists": ["b"],
            "entries": [{"list_id": id, "list_url_name": "b", "added_at": "2018-10-08T11:01:32Z"}]}),
    ]
}
