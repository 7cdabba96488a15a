//! The trace layer of tower-http above and below the exchange: what it records, and what it never does.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use ap_emulator::{Emulator, Product};
use ap_tower::ExchangeLayer;
use ap_tower::ap_core::{Account, ApiKey, KeyRing};
use http::{Request, header};
use http_body_util::BodyExt as _;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_http::trace::{
    DefaultMakeSpan, DefaultOnEos, DefaultOnRequest, DefaultOnResponse, HttpMakeClassifier,
    TraceLayer,
};
use tracing::field::{Field, Visit};
use tracing::span::{self, Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};

/// A span or an event.
struct Record {
    /// The crate that made it, and the module.
    target: &'static str,
    title: String,
    /// What is not in the title.
    fields: String,
}

/// Keeps every span and every event.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Record>>>);

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = self.0.iter();
        fields.try_for_each(|(name, value)| write!(f, "{name}={value} "))
    }
}

impl Kept {
    fn push(&self, metadata: &Metadata<'static>, name: &str, fields: &Fields) -> u64 {
        let mut kept = self.0.lock().unwrap();
        kept.push(Record {
            target: metadata.target(),
            title: format!("{} {name}", metadata.level()),
            fields: fields.to_string(),
        });
        kept.len().try_into().unwrap()
    }
}

impl Subscriber for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let metadata = attributes.metadata();
        Id::from_u64(self.push(metadata, metadata.name(), &fields))
    }
    fn record(&self, span: &Id, values: &span::Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let nth = usize::try_from(span.into_u64()).unwrap() - 1;
        self.0.lock().unwrap()[nth].fields += &fields.to_string();
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let parts = ["message", "status"].map(|name| fields.0.remove(name));
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        self.push(event.metadata(), &parts.join(" "), &fields);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

type Trace = TraceLayer<HttpMakeClassifier>;

fn with_headers() -> Trace {
    TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().include_headers(true))
        .on_response(DefaultOnResponse::new().include_headers(true))
}

/// Returns a layer that records at another level than the one below.
fn above(is_with_headers: bool) -> Trace {
    let (make, level) = (DefaultMakeSpan::new(), Level::INFO);
    let response = DefaultOnResponse::new().include_headers(is_with_headers);
    TraceLayer::new_for_http()
        .make_span_with(make.include_headers(is_with_headers).level(level))
        .on_request(DefaultOnRequest::new().level(level))
        .on_response(response.level(level))
        .on_eos(DefaultOnEos::new().level(level))
}

/// Makes a call with the key before the reset, and then with the new one if there is one. Checks that nothing that was
/// recorded shows a key, and returns the titles and fields of what the two layers recorded.
async fn traced(above: Trace, below: Trace, has_new_key: bool) -> (Vec<String>, String) {
    let emulator = Emulator::start().unwrap();
    let mut keys = vec![emulator.key(), emulator.reset()];
    emulator.login(Product::LeadConduit);
    if !has_new_key {
        keys.pop();
    }
    let ring = keys.iter().map(|key| ApiKey::parse(&**key).unwrap());
    let account = Account::new(KeyRing::new(ring).unwrap(), emulator.origins());
    // What leaves, below everything.
    let sent = Arc::new(Mutex::new(Vec::new()));
    let noted = sent.clone();
    let service = ServiceBuilder::new()
        .layer(above)
        .layer(ExchangeLayer::new(account))
        .layer(below)
        .map_request(move |request: Request<_>| {
            let value = request.headers()[header::AUTHORIZATION].to_str().unwrap();
            noted.lock().unwrap().push(value.to_owned());
            request
        })
        .service(crate::http());
    let kept = Kept::default();
    let guard = tracing::subscriber::set_default(kept.clone());
    let result = service.oneshot(crate::get(&emulator, "/flows")).await;
    assert_eq!(result.is_ok(), has_new_key);
    if let Ok(response) = result {
        response.into_body().collect().await.unwrap();
    }
    drop(guard);

    let mut kept = std::mem::take(&mut *kept.0.lock().unwrap());
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), keys.len());
    for (key, sent) in keys.iter().zip(&*sent) {
        let pair = sent.strip_prefix("Basic ").unwrap();
        for Record { title, fields, .. } in &kept {
            let shows = |secret: &str| title.contains(secret) || fields.contains(secret);
            assert!(!shows(key) && !shows(pair), "{title}: {fields}");
        }
    }
    // hyper-util records what its pool does.
    kept.retain(|record| record.target.starts_with("tower_http::"));
    let (titles, fields): (Vec<_>, Vec<_>) = kept
        .into_iter()
        .map(|record| (record.title, record.fields))
        .unzip();
    (titles, fields.join("\n"))
}

/// One span above, one for each attempt below.
const TITLES: [&str; 12] = [
    "INFO request",
    "INFO started processing request",
    "DEBUG request",
    "DEBUG started processing request",
    "DEBUG finished processing request 401",
    "DEBUG end of stream",
    "DEBUG request",
    "DEBUG started processing request",
    "DEBUG finished processing request 200",
    "INFO finished processing request 200",
    "DEBUG end of stream",
    "INFO end of stream",
];

#[tokio::test]
async fn a_trace_layer_records_the_call_above_and_each_attempt_below_without_headers() {
    let (titles, fields) = traced(above(false), TraceLayer::new_for_http(), true).await;
    assert_eq!(titles, TITLES);
    assert_eq!(fields.matches("/flows").count(), 3, "{fields}");
    for name in ["accept", "authorization", "content-type"] {
        assert!(!fields.contains(name), "{name} in {fields}");
    }
}

#[tokio::test]
async fn a_trace_layer_that_records_headers_sees_a_key_only_below_and_hidden() {
    let (titles, fields) = traced(above(true), with_headers(), true).await;
    assert_eq!(titles, TITLES);
    for (text, times) in [
        (r#""accept": "application/json""#, 3),
        ("content-type", 3),
        ("authorization", 2),
        (r#""authorization": Sensitive"#, 2),
    ] {
        assert_eq!(fields.matches(text).count(), times, "{text} in {fields}");
    }
}

#[tokio::test]
async fn a_trace_layer_records_the_error_of_a_call_whose_keys_were_all_rejected() {
    let (titles, fields) = traced(above(true), with_headers(), false).await;
    assert_eq!(titles[..6], TITLES[..6]);
    assert_eq!(titles[6..], ["ERROR response failed"]);
    assert!(fields.contains("LeadConduit rejected"), "{fields}");
}
