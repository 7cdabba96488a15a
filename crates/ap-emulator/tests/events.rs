//! Events: lists, statistics and metrics, of seeded and of real ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use ap_emulator::{Emulator, Product, StartError};
use common::{Reply, basic, send, with_key};
use serde_json::{Value, json};

const COUNT: usize = 10_000;
const SOME: usize = 2_000;
const WHOLE: &str = "start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z";
/// The same, as the metrics have it.
const TIMEFRAME: &str = "timeframe=%7B%22start%22%3A%222000-01-01T00%3A00%3A00Z%22%2C%22end%22%3A%222100-01-01T00%3A00%3A00Z%22%7D";

fn seeded(count: usize) -> Emulator {
    let count = u32::try_from(count).unwrap();
    Emulator::builder().events(count).start().unwrap()
}

fn get(emulator: &Emulator, path: &str) -> Reply {
    let headers = with_key(&emulator.key());
    send(
        emulator.url(Product::LeadConduit),
        "GET",
        path,
        &headers,
        "",
    )
}

fn ok(emulator: &Emulator, path: &str) -> Value {
    let reply = get(emulator, path);
    assert_eq!(reply.status(), 200, "{path}: {}", reply.text());
    reply.json()
}

fn list(emulator: &Emulator, query: &str) -> Vec<Value> {
    let events = ok(emulator, &format!("/events?{query}"));
    events.as_array().unwrap().clone()
}

fn id(event: &Value) -> &str {
    event["id"].as_str().unwrap()
}

/// Reads all events by pages of 1,000, until an empty one.
fn walk(emulator: &Emulator, query: &str, cursor: &str) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let place = events
            .last()
            .map_or_else(String::new, |last| format!("&{cursor}={}", id(last)));
        let page = list(emulator, &format!("limit=1000&{query}{place}"));
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

fn all(emulator: &Emulator) -> Vec<Value> {
    walk(emulator, "sort=asc", "after_id")
}

/// Encodes what has a meaning in a query.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[test]
fn a_walk_over_seeded_events_misses_none_and_sees_none_twice() {
    let emulator = seeded(COUNT);
    let oldest_first = all(&emulator);
    assert_eq!(oldest_first.len(), COUNT);
    assert!(
        oldest_first
            .windows(2)
            .all(|pair| id(&pair[0]) < id(&pair[1]))
    );
    let times: Vec<i64> = oldest_first
        .iter()
        .map(|it| it["end_timestamp"].as_i64().unwrap())
        .collect();
    assert!(times.is_sorted());
    let days = (times[COUNT - 1] - times[0]) / (24 * 60 * 60 * 1000);
    assert_eq!(days, 89);
    let mut newest_first = walk(&emulator, "sort=desc", "before_id");
    newest_first.reverse();
    assert!(newest_first == oldest_first);
    for event in oldest_first.iter().step_by(997) {
        assert_eq!(&ok(&emulator, &format!("/events/{}", id(event))), event);
    }
    // Every kind of event, and a few sources.
    let kinds: BTreeSet<&str> = oldest_first
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.len(), 6);
    let sources: BTreeSet<&str> = oldest_first
        .iter()
        .map(|it| it["vars"]["source"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(sources.len(), 2);
}

#[test]
fn seeded_events_are_the_same_at_every_start_but_for_their_times() {
    let shown = |emulator: &Emulator| -> Vec<String> {
        let events = all(emulator).into_iter();
        let shown = events.map(|event| {
            let lead = &event["vars"]["lead"];
            format!(
                "{} {} {} {} {}",
                &id(&event)[8..],
                event["type"],
                event["outcome"],
                event["reason"],
                lead["email"]
            )
        });
        shown.collect()
    };
    assert_eq!(shown(&seeded(200)), shown(&seeded(200)));
}

#[test]
fn a_page_begins_and_ends_where_it_is_asked_to() {
    let emulator = seeded(1000);
    let all = all(&emulator);
    let (first, last) = (id(&all[200]), id(&all[300]));
    let time = |event: &Value| {
        let ms = event["end_timestamp"].as_i64().unwrap();
        jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
    };
    let (start, end) = (time(&all[200]), time(&all[300]));
    for (query, range) in [
        (format!("sort=asc&limit=5&after_id={first}"), 201..206),
        (
            format!("sort=asc&limit=1000&after_id={first}&before_id={last}"),
            201..300,
        ),
        (
            format!("sort=asc&limit=1000&start={start}&end={end}"),
            200..301,
        ),
        (format!("sort=asc&start={start}"), 200..300),
        (
            format!("sort=asc&limit=3&start={start}&after_id={last}"),
            301..304,
        ),
        (
            "sort=asc&limit=1000&after_id=000000000000000000000000".to_owned(),
            0..1000,
        ),
        (
            "sort=asc&limit=1000&after_id=ffffffffffffffffffffffff".to_owned(),
            0..0,
        ),
        (
            "sort=asc&limit=2&start=2000-01-01T00:00:00".to_owned(),
            0..2,
        ),
        ("end=2000-01-01".to_owned(), 0..0),
    ] {
        let expected: Vec<&str> = all[range].iter().map(id).collect();
        let found = list(&emulator, &query);
        assert_eq!(
            found.iter().map(id).collect::<Vec<_>>(),
            expected,
            "{query}"
        );
    }
    let newest: Vec<Value> = list(&emulator, "");
    assert_eq!(newest.len(), 100);
    assert_eq!(id(&newest[0]), id(&all[999]));
    assert_eq!(
        id(&list(&emulator, &format!("limit=1&before_id={last}"))[0]),
        id(&all[299])
    );
}

#[test]
fn rules_choose_events_in_a_query_and_in_a_body() {
    let emulator = seeded(2000);
    let all = all(&emulator);
    let rules = json!([
        { "lhv": "type", "op": "is equal to", "rhv": "source" },
        { "lhv": "flow.id", "op": "is equal to", "rhv": "65e0b2000000000000000001" },
        { "lhv": "vars.lead.state", "op": "is included in", "rhv": ["tx", "OK"] },
        { "lhv": "vars.lead.phone_1", "op": "format is valid" },
    ]);
    let passes = |event: &&Value| {
        let vars = &event["vars"];
        event["type"] == "source"
            && vars["flow"]["id"] == "65e0b2000000000000000001"
            && (vars["lead"]["state"] == "TX" || vars["lead"]["state"] == "OK")
            && vars["lead"]["phone_1"].is_string()
    };
    let expected: Vec<&str> = all.iter().filter(passes).map(id).collect();
    assert!(expected.len() > 50);
    let query = format!("sort=asc&limit=1000&rules={}", encode(&rules.to_string()));
    let found = list(&emulator, &query);
    assert_eq!(found.iter().map(id).collect::<Vec<_>>(), expected);
    let body = json!({ "sort": "asc", "limit": 1000, "rules": rules }).to_string();
    let headers = with_key(&emulator.key());
    let reply = send(
        emulator.url(Product::LeadConduit),
        "POST",
        "/events",
        &headers,
        &body,
    );
    assert_eq!((reply.status(), reply.json()), (200, Value::Array(found)));
}

#[test]
fn a_client_chooses_the_members_of_events() {
    let emulator = seeded(10);
    for (query, expected) in [
        ("include=id&include=outcome", json!(["id", "outcome"])),
        ("include[]=type", json!(["type"])),
        (
            "include=vars.lead.state&include=vars.flow.name",
            json!(["vars"]),
        ),
    ] {
        for event in list(&emulator, query) {
            let names: Vec<&String> = event.as_object().unwrap().keys().collect();
            assert_eq!(json!(names), expected, "{query}");
        }
    }
    let one = &list(&emulator, "include=vars.lead.state")[0];
    assert_eq!(one["vars"]["lead"].as_object().unwrap().len(), 1);
    let without = &list(&emulator, "exclude=vars&exclude=ms")[0];
    assert!(without.get("vars").is_none() && without.get("ms").is_none());
    assert!(without["wait_ms"].is_number());
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let emulator = seeded(10);
    let table = "
        /events?limit=0                                  limit
        /events?limit=1001                               limit
        /events?limit=x                                  limit
        /events?sort=up                                  sort
        /events?after_id=1                               after_id
        /events?start=yesterday                          start
        /events?rules=x                                  rules
        /events?rules=[{\"lhv\":\"a\",\"op\":\"b\"}]     op
        /events?include=id&exclude=id                    include
        /events/stats?type=lead                          type
        /events/stats?column=leads                       column
        /events/stats?interval=hour                      interval
        /events/stats?timezone=Nowhere/Land              timezone
        /events/stats?rule=x                             rule
        /events/stats?by_lead=1                          by_lead
        /events/stats?outcome=great                      outcome
        /events/stats?interval=minutely&start=2000-01-01 intervals
        /events/event-metrics/count?timeframe=sometimes  timeframe
        /events/event-metrics/count?filters=x            filter
        /events/event-metrics/count_unique               target_property
        /events/event-metrics/select_unique              target_property
        /events/event-metrics/funnel?steps=x             step
        /firehose?access_key_id=a&secret_access_key=b    bucket
        /firehose?service=azure&bucket=abc               connection_string
        /firehose?access_key_id=a&secret_access_key=b&bucket=-bc bucket
    ";
    for row in table.lines().filter(|row| !row.trim().is_empty()) {
        let (path, word) = row.trim().rsplit_once(' ').unwrap();
        let path = path
            .trim()
            .replace('"', "%22")
            .replace('{', "%7B")
            .replace('}', "%7D");
        let reply = get(&emulator, &path);
        assert_eq!(reply.status(), 400, "{row}: {}", reply.text());
        let reason = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(reason.contains(word), "{row}: {reason}");
    }
    for path in ["/events/1", "/events/65e0ff000000000000000009"] {
        assert_eq!(get(&emulator, path).status(), 404);
    }
    let url = emulator.url(Product::LeadConduit);
    for path in [
        "/events",
        "/events/stats",
        "/events/event-metrics/count",
        "/firehose",
    ] {
        assert_eq!(
            send(url, "GET", path, common::JSON, "").status(),
            401,
            "{path}"
        );
    }
}

/// Counts the events for which `of` has a text, by it.
fn counted(events: &[Value], of: impl Fn(&Value) -> Option<String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for key in events.iter().filter_map(of) {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

#[test]
fn statistics_are_those_of_the_walk() {
    let emulator = seeded(SOME);
    let all = all(&emulator);
    let is = |event: &Value, kind: &str, outcome: &str| {
        event["type"] == kind && event["outcome"] == outcome
    };
    let count =
        |kind: &str, outcome: &str| all.iter().filter(|event| is(event, kind, outcome)).count();
    let sum = |kind: &str, member: &str| -> u64 {
        let paid = all.iter().filter(|event| is(event, kind, "success"));
        paid.map(|event| event[member].as_u64().unwrap()).sum()
    };
    let columns = "column=source-submitted&column=source-success&column=source-failure&column=source-error\
        &column=recipient-success&column=return-received-success&column=conversion-sent-success\
        &column=cost&column=revenue&column=profit&column=filter-failure";
    let rows = ok(&emulator, &format!("/events/stats?{WHOLE}&{columns}"));
    let said = |kind: &str, what: &str| {
        let events = all
            .iter()
            .filter(|it| it["type"] == kind && it["vars"]["feedback"]["type"] == what);
        events.count()
    };
    let (cost, revenue) = (
        sum("source", "purchase_price"),
        sum("recipient", "sale_price"),
    );
    let expected = json!([{
        "source-submitted": all.iter().filter(|event| event["type"] == "source").count(),
        "source-success": count("source", "success"),
        "source-failure": count("source", "failure"),
        "source-error": count("source", "error"),
        "recipient-success": count("recipient", "success"),
        "return-received-success": said("feedback-received", "return"),
        "conversion-sent-success": said("feedback-sent", "conversion"),
        "cost": cost,
        "revenue": revenue,
        "profit": revenue - cost,
        "filter-failure": count("filter", "stop"),
    }]);
    assert_eq!(rows, expected);

    // By source, and by day.
    let rows = ok(
        &emulator,
        &format!("/events/stats?{WHOLE}&group_by=vars.source.name&column=source-success"),
    );
    let by_source = counted(&all, |event| {
        let name = event["vars"]["source"]["name"].as_str().unwrap().to_owned();
        is(event, "source", "success").then_some(name)
    });
    let rows: BTreeMap<String, u64> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let name = row["vars.source.name"].as_str().unwrap().to_owned();
            (name, row["source-success"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(rows, by_source);

    let end = all[SOME - 1]["end_timestamp"].as_i64().unwrap();
    let first = all[0]["end_timestamp"].as_i64().unwrap();
    let text = |ms: i64| jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
    let span = format!("start={}&end={}", text(first), text(end));
    for (interval, zone, offset) in [
        ("daily", "-18000", -18000),
        ("hourly", "UTC", 0),
        ("daily", "3600", 3600),
    ] {
        let path = format!(
            "/events/stats?{span}&interval={interval}&timezone={zone}&column=source-submitted"
        );
        let rows = ok(&emulator, &path);
        let part = if interval == "daily" {
            86_400_000
        } else {
            3_600_000
        };
        let by_part = counted(&all, |event| {
            let local = event["end_timestamp"].as_i64().unwrap() + offset * 1000;
            (event["type"] == "source").then(|| local.div_euclid(part).to_string())
        });
        let expected: Vec<u64> = by_part.values().copied().collect();
        let found = rows.as_array().unwrap().iter();
        let found: Vec<u64> = found
            .map(|row| row["source-submitted"].as_u64().unwrap())
            .filter(|count| *count > 0)
            .collect();
        // The keys are numbers as texts of the same length, so they are sorted by time.
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn statistics_have_columns_of_their_types_and_a_form_in_csv() {
    let emulator = seeded(1000);
    for (query, columns) in [
        ("", vec!["source-error", "source-failure", "source-success"]),
        (
            "&type=recipient",
            vec!["recipient-error", "recipient-failure", "recipient-success"],
        ),
        ("&outcome=success", vec!["source-success"]),
        (
            "&type=feedback-sent&outcome=success",
            vec!["conversion-sent-success", "return-sent-success"],
        ),
    ] {
        let rows = ok(&emulator, &format!("/events/stats?{WHOLE}{query}"));
        let names: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
        assert_eq!(names, columns, "{query}");
    }
    // A lead with a success of a recipient and of the source counts once for each.
    let path = format!("/events/stats?{WHOLE}&column=recipient-success&group_by=vars.lead.state");
    let by_lead = ok(&emulator, &path);
    assert_eq!(by_lead, ok(&emulator, &format!("{path}&by_lead=false")));
    let rule = encode(r#"{"lhv":"vars.lead.state","op":"is equal to","rhv":"TX"}"#);
    let in_texas = ok(
        &emulator,
        &format!("/events/stats?{WHOLE}&column=recipient-success&rule={rule}"),
    );
    let texas = by_lead
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["vars.lead.state"] == "TX")
        .unwrap();
    assert_eq!(in_texas[0]["recipient-success"], texas["recipient-success"]);
    // Without a span, it is today.
    assert_eq!(ok(&emulator, "/events/stats").as_array().unwrap().len(), 1);

    let headers = format!(
        "{}Accept: text/csv\r\n",
        basic(&format!("X:{}", emulator.key()))
    );
    let csv = format!("{path}&column=revenue&interval=yearly").replace("2000-01", "2026-01");
    let reply = send(
        emulator.url(Product::LeadConduit),
        "GET",
        &csv,
        &headers,
        "",
    );
    assert_eq!(reply.status(), 200);
    assert_eq!(
        reply.header("Content-Type"),
        Some("text/csv; charset=utf-8")
    );
    let head = "timeframe.start,timeframe.end,vars.lead.state,recipient-success,revenue\r\n";
    assert!(reply.text().starts_with(head), "{}", reply.text());
    let sum: u64 = reply
        .text()
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(3).unwrap().parse::<u64>().unwrap())
        .sum();
    let expected: u64 = by_lead
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["recipient-success"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, expected);
    // Nothing else is served to a client that does not name JSON.
    assert_eq!(
        send(
            emulator.url(Product::LeadConduit),
            "GET",
            "/events",
            &headers,
            ""
        )
        .status(),
        403
    );
}

#[test]
fn metrics_are_those_of_the_walk() {
    let emulator = seeded(SOME);
    let all = all(&emulator);
    let metrics = |call: &str, query: &str| {
        ok(
            &emulator,
            &format!("/events/event-metrics/{call}?{TIMEFRAME}&{query}"),
        )
    };
    let filter = encode(r#"{"operator":"eq","property_name":"type","property_value":"source"}"#);
    let sources: Vec<&Value> = all
        .iter()
        .filter(|event| event["type"] == "source")
        .collect();

    let found = metrics("count", &format!("group_by=outcome&filters={filter}"));
    let value = found["result"][0]["value"].as_array().unwrap();
    for row in value {
        let expected = sources
            .iter()
            .filter(|event| event["outcome"] == row["outcome"])
            .count();
        assert_eq!(row["result"], expected, "{row}");
    }
    assert_eq!(value.len(), 3);
    assert!(
        found["result"][0]["timeframe"]["start"]
            .as_str()
            .unwrap()
            .starts_with("2000-01-01T")
    );
    assert_eq!(
        metrics("count", "")["result"][0]["value"],
        json!([{ "result": SOME }])
    );

    let leads: BTreeSet<&str> = all
        .iter()
        .map(|it| it["vars"]["lead"]["id"].as_str().unwrap())
        .collect();
    let found = metrics("count_unique", "target_property=vars.lead.id");
    assert_eq!(
        found["result"][0]["value"],
        json!([{ "result": leads.len() }])
    );

    let found = metrics(
        "select_unique",
        "target_property=vars.lead.state&group_by=vars.source.id",
    );
    let rows = found["result"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let of_source = all
            .iter()
            .filter(|it| it["vars"]["source"]["id"] == row["vars.source.id"]);
        let states: BTreeSet<&str> = of_source
            .map(|it| it["vars"]["lead"]["state"].as_str().unwrap())
            .collect();
        assert_eq!(row["result"], json!(states));
    }

    let found = ok(
        &emulator,
        "/events/event-metrics/median?max_age=99999999&target_property=ms",
    );
    for row in found["result"].as_array().unwrap() {
        let module = row.get("module_id");
        let of_group = all
            .iter()
            .filter(|it| it["type"] == row["type"] && it.get("module_id") == module);
        let mut values: Vec<f64> = of_group.map(|it| it["ms"].as_f64().unwrap()).collect();
        values.sort_by(f64::total_cmp);
        let middle = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        assert!(
            (row["median"].as_f64().unwrap() - middle).abs() < 0.01,
            "{row}"
        );
    }
    assert_eq!(found["result"].as_array().unwrap().len(), 6);

    let step = |kind: &str, outcome: &str| {
        let filter =
            json!({ "operator": "eq", "property_name": "outcome", "property_value": outcome });
        let step = json!({ "event_collection": kind, "filters": [filter] });
        encode(&step.to_string())
    };
    let steps = format!(
        "steps={}&steps={}",
        step("filter", "continue"),
        step("recipient", "success")
    );
    let found = metrics("funnel", &steps);
    let passed = |kind: &str, outcome: &str| {
        all.iter()
            .filter(|it| it["type"] == kind && it["outcome"] == outcome)
            .count()
    };
    assert_eq!(
        found["result"],
        json!([passed("filter", "continue"), passed("recipient", "success")])
    );
    assert_eq!(found["steps"][0]["event_collection"], "filter");
}

#[test]
fn real_events_follow_the_seeded_ones_and_pings_are_counted() {
    let emulator = seeded(100);
    let url = emulator.url(Product::LeadConduit);
    let source = "/flows/65e0b2000000000000000001/sources/65e0a1000000000000000004";
    for _ in 0..3 {
        assert_eq!(
            send(url, "GET", &format!("{source}/ping?state=TX"), "", "").status(),
            200
        );
    }
    let path = format!("{source}/submit?email=a%40b.example&state=TX");
    assert_eq!(send(url, "GET", &path, "", "").status(), 201);
    let events = all(&emulator);
    assert_eq!(events.len(), 104);
    assert!(events.windows(2).all(|pair| id(&pair[0]) < id(&pair[1])));
    assert!(
        events[100..]
            .iter()
            .all(|event| event["vars"]["lead"]["state"] == "TX")
    );
    for event in &events[100..] {
        assert_eq!(&ok(&emulator, &format!("/events/{}", id(event))), event);
    }
    let path = format!(
        "/events/stats?{WHOLE}&column=ping-submitted&column=ping-success&column=ping-success-rate"
    );
    let expected = json!([{ "ping-submitted": 3, "ping-success": 3, "ping-success-rate": 100 }]);
    assert_eq!(ok(&emulator, &path), expected);
    // Feedback can be about a seeded event.
    let recipient = events[..100].iter().find(|it| {
        it["type"] == "recipient" && it["vars"]["flow"]["id"] == "65e0b2000000000000000001"
    });
    let path = format!(
        "/feedback?event_id={}&type=conversion",
        id(recipient.unwrap())
    );
    assert_eq!(send(url, "GET", &path, "", "").status(), 201);
    assert_eq!(all(&emulator).len(), 106);
}

#[test]
fn a_firehose_is_only_checked() {
    let emulator = seeded(0);
    for (query, is_written) in [
        ("access_key_id=a&secret_access_key=b&bucket=my-bucket", true),
        (
            "service=azure&connection_string=a&bucket=my-bucket&prefix=x&verification_file=false",
            false,
        ),
    ] {
        let found = ok(&emulator, &format!("/firehose?{query}"));
        assert_eq!(
            found,
            json!({ "validated": true, "verification_file": is_written })
        );
    }
}

#[test]
fn too_many_events_are_refused() {
    let refused = Emulator::builder().events(10_000_001).start().unwrap_err();
    assert!(
        matches!(refused, StartError::TooManyEvents { .. }),
        "{refused}"
    );
    assert_eq!(
        refused.to_string(),
        "10000001 events are too many; choose at most 10000000"
    );
}
