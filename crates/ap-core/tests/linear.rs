//! Every parser takes time in proportion to its input: for ten times as much it takes ten times as many
//! instructions, not a hundred times as many.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::hint::black_box;

use ap_core::exchange::{Answer, Resend, Step};
use ap_core::key::MAX_KEY_LEN;
use ap_core::origin::is_loopback;
use ap_core::page::Walk;
use ap_core::redact::{escape, is_secret_name};
use ap_core::unauthorized::MESSAGE_LIMIT;
use ap_core::{
    Account, ApiKey, Credentials, Draft, Endpoint, Error, KeyRing, Origin, Origins, Page, Paged,
    Product, Response, Service, Unauthorized, check,
};
use ap_linear::assert_linear;
use http::{Request, StatusCode, Uri, header};

/// What the texts consist of.
const PIECES: [&str; 17] = [
    "?", "@", "/", ":", ".", "%", "%2e", "[", "\"", "\\", "a", "\u{fc}", " ", "{\"a\":", "a.",
    "\u{200b}", "9",
];

/// The length of the shorter texts, in bytes. Ten times as much is still a path that is sent.
const SHORT: usize = 700;

/// Parses a text and drops the result.
type Parser = fn(&str);

/// Parsers that read the same kind of text.
const PARSERS: [(&str, Parser); 6] = [
    ("keys, labels, users, names", |text| {
        let key = || ApiKey::parse("k").unwrap();
        drop(black_box((
            ApiKey::parse(text),
            key().with_label(text),
            Credentials::with_user(text, key()),
            is_secret_name(text),
        )));
    }),
    ("origins", |text| {
        drop(black_box((
            Origin::parse(&format!("https://{text}")),
            Origin::parse(&format!("https://{text}@")),
            Origin::parse_loopback(&format!("http://[{text}")),
        )));
        if let Ok(uri) = format!("https://{text}/").parse::<Uri>() {
            black_box((is_loopback(&uri), Origins::vendor().service_of(&uri)));
        }
    }),
    ("paths and queries", |text| {
        let draft = Draft::get(Service::LeadConduit, format!("/{text}")).path_segment(text);
        let draft = draft.query(&[("q", text)]);
        drop(black_box(draft.prepare(&Origins::vendor(), None)));
        if let Ok(request) = Request::get(format!("https://app.leadconduit.com/{text}")).body(()) {
            let credentials = [Credentials::new(ApiKey::parse("aaaaaaaaab").unwrap())];
            drop(black_box(check(&request, &credentials, &Origins::vendor())));
        }
    }),
    ("bodies of a 401", |text| {
        for body in [
            text.to_owned(),
            serde_json::json!({ "error": text }).to_string(),
            format!("{{{text}"),
        ] {
            black_box(Unauthorized::parse(Product::TrustedForm, body.as_bytes()));
        }
    }),
    ("messages for rejected keys", |text| {
        // As much of each as is kept: the message has a limit, and keys have one.
        let message: String = text
            .chars()
            .take(text.len() * MESSAGE_LIMIT / (10 * SHORT))
            .collect();
        let key_len = (text.len() * MAX_KEY_LEN / (10 * SHORT)).max(1);
        let long_key = |letter: &str| ApiKey::parse(letter.repeat(key_len)).unwrap();
        let keys = KeyRing::new(["a", "b", "c"].map(long_key)).unwrap();
        let account = Account::new(keys, Origins::vendor());
        let origin = Service::TrustedForm.vendor_origin();
        let request = Request::get(format!("{origin}/")).body(()).unwrap();
        // A body that has a known form, and a text beside it.
        let body =
            serde_json::json!({"error": message, "outcome": "error", "reason": "Unauthorized"});
        let mut step = account.begin(&request, Resend::Allowed).unwrap();
        while let Step::Send(attempt) = step {
            let answer = attempt.answered(StatusCode::UNAUTHORIZED, body.to_string().as_bytes());
            let Answer::Next(next) = answer else {
                panic!("the key was not rejected");
            };
            step = next;
        }
    }),
    ("responses and pages", |text| {
        let response = || Response::from(http::Response::new(text.to_owned().into()));
        drop(black_box((
            response().json::<serde_json::Value>(),
            response().text().map(escape),
        )));
        let mut walk = Walk::new(Texts(text.to_owned()));
        drop(black_box((
            walk.received(response()),
            walk.received(response()),
        )));
        let head = http::Response::builder()
            .status(StatusCode::TOO_MANY_REQUESTS)
            .header(header::RETRY_AFTER, text)
            .header(header::DATE, text);
        if let Ok(response) = head.body(Default::default()) {
            let error = Response::from(response).error_for_status().unwrap_err();
            black_box(error.retry_after());
        }
    }),
];

/// A list that says itself where its next page begins.
#[derive(Clone)]
struct Texts(String);

impl Endpoint for Texts {
    type Output = Page<char, String>;

    fn draft(&self) -> Draft {
        Draft::get(Service::LeadConduit, "/").query(&[("q", &self.0)])
    }

    fn decode(&self, response: Response) -> Result<Self::Output, Error> {
        let text = response.text()?;
        Ok(Page::new(text.chars().collect(), Some(text.to_owned())))
    }
}

impl Paged for Texts {
    type Item = char;
    type Cursor = String;

    fn starting_at(self, cursor: String) -> Self {
        Self(cursor)
    }
}

#[test]
fn every_parser_is_linear() {
    let test = "every_parser_is_linear";
    assert_linear(test, SHORT, &PARSERS, |parse, length| {
        for piece in PIECES {
            parse(black_box(&piece.repeat(length / piece.len())));
        }
    });
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
