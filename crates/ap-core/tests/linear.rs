//! Every parser takes time in proportion to its input: what is ten times as long takes about ten times as
//! long, not a hundred times.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ap_core::origin::is_loopback;
use ap_core::redact::escape;
use ap_core::{
    ApiKey, Credentials, Draft, Origin, Origins, Product, Response, Service, Unauthorized, check,
};
use http::{Request, Uri};

/// Parses a text and drops the result.
type Parser<'a> = &'a dyn Fn(&str);

fn time(run: Parser<'_>, text: &str) -> Duration {
    let start = Instant::now();
    run(black_box(text));
    start.elapsed()
}

#[test]
fn every_parser_is_linear() {
    let parsers: [(&str, Parser<'_>); 10] = [
        ("key", &|text| drop(black_box(ApiKey::parse(text)))),
        ("label", &|text| {
            drop(black_box(ApiKey::parse("k").unwrap().with_label(text)));
        }),
        ("user", &|text| {
            let key = ApiKey::parse("k").unwrap();
            drop(black_box(Credentials::with_user(text, key)));
        }),
        ("origin", &|text| {
            drop(black_box(Origin::parse(&format!("https://{text}"))));
            drop(black_box(Origin::parse(&format!("https://{text}@"))));
        }),
        ("origin on loopback", &|text| {
            drop(black_box(Origin::parse_loopback(&format!(
                "http://[{text}"
            ))));
        }),
        ("uri", &|text| {
            if let Ok(uri) = format!("https://{text}/").parse::<Uri>() {
                black_box((is_loopback(&uri), Origins::vendor().service_of(&uri)));
            }
        }),
        ("target", &|text| {
            let draft = Draft::get(Service::LeadConduit, format!("/{text}")).path_segment(text);
            drop(black_box(
                draft
                    .query(&[("q", text)])
                    .prepare(&Origins::vendor(), None),
            ));
        }),
        ("signed url", &|text| {
            if let Ok(request) =
                Request::get(format!("https://app.leadconduit.com/{text}")).body(())
            {
                let credentials = [Credentials::new(ApiKey::parse("aaaaaaaaab").unwrap())];
                drop(black_box(check(&request, &credentials, &Origins::vendor())));
            }
        }),
        ("401", &|text| {
            for body in [
                text.to_owned(),
                format!(r#"{{"error":"{text}"}}"#),
                format!("{{{text}"),
            ] {
                black_box(Unauthorized::parse(Product::TrustedForm, body.as_bytes()));
            }
        }),
        ("response", &|text| {
            let response = Response::from(http::Response::new(text.to_owned().into()));
            drop(black_box((
                response.json::<serde_json::Value>(),
                response.text().map(escape),
            )));
        }),
    ];
    for piece in [
        "?", "@", "/", ":", ".", "%", "%2e", "[", "\"", "\\", "a", "\u{fc}", " ", "{\"a\":", "a.",
    ] {
        let short = piece.repeat(10_000 / piece.len());
        let long = short.repeat(10);
        for (name, parse) in parsers {
            // A loaded machine makes single runs slower, so one fast run of many is enough. Below 100
            // microseconds, the clock decides.
            let short = (0..3).map(|_| time(parse, &short)).max().unwrap();
            let allowed = short.max(Duration::from_micros(100)) * 40;
            let is_fast = (0..20).any(|_| time(parse, &long) <= allowed);
            assert!(
                is_fast,
                "{name} of {piece:?}: {short:?}, and more than {allowed:?} for ten times as much"
            );
        }
    }
}

#[test]
fn a_hostile_origin_of_100_kb_is_refused_with_the_right_reason() {
    let path = "the URL has something after the host and port; remove it";
    let user = "the URL contains a user name or a password (the part before an @); remove it";
    let host = "the URL's host is not an ASCII name or an IP address in its usual form";
    for (piece, end, error) in [
        ("?", "", path),
        ("?", "@", user),
        ("/", "@", user),
        ("@", "", user),
        ("a.", "", host),
        ("[", "", host),
    ] {
        let text = format!("https://{}{end}", piece.repeat(100_000));
        let found = Origin::parse(&text).unwrap_err();
        assert_eq!(found.to_string(), error, "{piece}{end}");
    }
}
