//! An example of each object, written for these tests. They have unknown members, nulls and unknown values of enums.
#![allow(dead_code)]

use serde_json::{Value, json};

pub(crate) fn source_event() -> Value {
    json!({
        "id": "5fd4371e940df5a34a3888b2", "type": "source", "outcome": "failure", "reason": "duplicate",
        "vars": {
            "lead": {"state": "TX", "phone_1": {"normal": "5125550100", "raw": "(512) 555-0100", "valid": true, "area": "512"},
                "ssn": {"normal": "***", "masked": true, "valid": false}},
            "flow": {"id": "5fd4371e940df5a34a3888b3", "name": "Solar"}, "submission": {"ip": "192.0.2.7"}},
        "host": "app-1", "start_timestamp": 1_607_743_262_123_i64, "end_timestamp": 1_607_743_262_125_i64,
        "ms": 2, "wait_ms": 0, "overhead_ms": 1, "lag_ms": 0, "total_ms": 2,
        "handler_version": "2.1.0", "version": "3.1.4", "cap_reached": false, "ping_limit_reached": null,
        "flow_ping_limits": [{"id": "5fd4371e940df5a34a3888b4"}], "firehose": null,
        "expires_at": "2021-03-11T03:21:02.123Z", "module_id": "leadconduit-default.inbound.standard",
        "package_version": "2.9.10", "step_count": 3, "appended": {"duplicate": {"found": true}},
        "acceptance_criteria": {"outcome": "failure"},
        "request": {"method": "POST", "uri": "https://app.leadconduit.com/flows/a/sources/b/submit", "version": "1.1",
            "headers": {"Accept": "*/*", "Authorization": "placeholder"}, "body": "a=1", "timestamp": 1_607_743_262_122_i64},
        "response": {"status": 201, "status_text": "Created", "version": "1.1", "headers": {}, "body": "{}",
            "timestamp": 1_607_743_262_126_i64, "uri": null},
        "description": "unknown member", "flow_caps": [1, 2.5, null]
    })
}

pub(crate) fn recipient_event() -> Value {
    json!({
        "id": "5fd4371e940df5a34a3888b5", "type": "recipient", "outcome": "skip", "reason": null, "vars": {},
        "step_id": "aB3dE6", "caps": null, "caps_reached": false, "key": "briteverify", "briteverify": {"valid": true},
        "cost": 1.1, "purchase_price": 1.1, "sale_price": 3, "revenue": 1.9, "module_id": "a.outbound.b",
        "credential": {"type": "token", "token": "placeholder"}, "credential_updated": true,
        "rule_set": {"op": "and", "rules": []}, "mappings": [{"property": "a", "value": null}],
        "pricing": {"override": true}, "retry_status": "paused",
        "transactions": [{"request": {"method": "GET"}, "response": {"status": 200}, "ms": 12, "attempt": 1}]
    })
}

pub(crate) fn flow() -> Value {
    json!({
        "id": "5fd4371e940df5a34a3888b2", "name": "Solar", "enabled": true, "level": "pro",
        "fields": ["first_name", "loan_amount_acme"],
        "sources": [{"id": "aB3dE6", "entity": {"id": "5fd4371e940df5a34a3888b3", "name": "Acme", "color": "red"},
            "integration": {"module_id": "leadconduit-default.inbound.standard",
                "mappings": [{"id": "a1b2c3", "property": "state", "value": ["TX", null]}]},
            "acceptance_criteria": {"outcome": "failure", "reason": "no", "rule_set": {"op": "or", "id": "abc123",
                "rules": [{"lhv": "lead.state", "op": "is equal to", "rhv": "TX", "id": "abc124"},
                    {"op": "and", "rules": [{"lhv": "lead.email", "op": "is blank", "later": 1}]},
                    {"lhv": "a", "op": "sounds like", "rhv": null}]}},
            "feedback": {"integration": {"module_id": "a.inbound.b"}}, "credential_id": null,
            "pricing": {"override": false, "prices": [{"id": {"a": 1}, "amount": 12.5, "rule_set": null}]},
            "pricing_service": {"service_id": "5fd4371e940df5a34a3888b7", "fallback_price": 2},
            "enabled": true, "authentication_required": true, "anything": {"x": []}}],
        "steps": [
            {"type": "filter", "id": "fIlTer", "description": "TX alone", "notes": "", "outcome": "failure",
                "reason": "state", "enabled": false, "rule_set": {"op": "and", "rules": []}},
            {"type": "recipient", "id": "rEcIpi", "entity": {"id": "5fd4371e940df5a34a3888b4"},
                "integration": {"module_id": "a.outbound.b", "mappings": []}, "retry_enabled": true,
                "caps": [{"id": "5fd4371e940df5a34a3888b5", "type": "volume", "maximum": 100, "duration": 1.5,
                    "duration_units": "day", "time_zone": "America/New_York", "caps": [{"maximum": 1}],
                    "created_at": "2026-11-25T10:00:00.000Z"}]},
            {"type": "split", "branches": [1, 2]}],
        "caps": null, "acceptance_criteria": null, "ping_enabled": false,
        "list_checks": {"duplicate": {"value": "{{lead.email}}", "list_name": "dup", "lookback": {"value": 30, "interval": "day"}},
            "dnc": {"value": "", "list_name": "dnc", "lookback": null}},
        "destinations": [{"name": "CRM", "integration_icon_url": "https://icons.example/?sig=placeholder",
            "actions": [{"name": "send", "webhook_url": "https://hooks.example/placeholder"}]}],
        "ping_limits": [{"id": "5fd4371e940df5a34a3888b6", "maximum": 5, "duration_units": "week"}],
        "firehose": {"enabled": true, "services": {"aws": {"bucket": "b"}}},
        "errors": {"steps": ["is empty"]}, "created_at": "2020-12-12T00:00:00Z", "updated_at": "2020-12-12T01:00:00+01:00"
    })
}

pub(crate) fn results() -> Value {
    json!({
        "outcome": "failure", "reason": "No matches found",
        "match_lead": {"email": "a@b.example", "phone": ["1", "2"],
            "result": {"email_match": false, "phone_match": null, "success": false}},
        "retain": {"reference": "r", "vendor": "v", "campaign_id": "c", "results": {"expires_at": "2031-11-26T00:00:00Z",
            "masked_cert_url": null, "previously_retained": false, "share_url": "https://cert.trustedform.com/a?shared_token=placeholder"}},
        "insights": {"properties": {"age_seconds": 12, "approx_ip_geo": {"city": null, "lat": 30, "lon": -97.5, "zip": "x"},
            "bot_detected": null, "browser": {"full": "B 1", "version": {"major": "1", "patch": null}}, "is_framed": true,
            "form_input_kpm": 12.5, "form_input_wpm": 2, "form_input_method": ["typing", "dictation"], "is_masked": false,
            "num_sensitive_form_elements": 0, "os": {"is_mobile": true}, "seconds_on_page": 17.25, "new_property": 1},
            "scans": {"delimiter": "|", "required": "terms", "forbidden": [], "result": {"success": true,
                "required": {"found": "terms", "not_found": []}, "forbidden": {"found": [], "not_found": []}}}},
        "verify": {"advertiser_name": "Acme", "min_contrast_ratio_required": 7, "min_font_size_px_required": 16.5,
            "opt_in_types_allowed": ["manual"], "languages": [{"text": "I agree"}],
            "result": {"form_submitted": true, "language_approved": true, "one_to_one": null, "success": true}},
        "request_id": "x"
    })
}
