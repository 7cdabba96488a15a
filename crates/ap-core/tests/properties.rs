//! What is true for every input: no parser panics, no key leaves the allowed origins, nothing shown repeats a
//! key or any other text of the caller or the server.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashSet;
use std::fmt::Debug;

use ap_core::exchange::{Answer, Resend, Step};
use ap_core::unauthorized::MESSAGE_LIMIT;
use ap_core::{
    Account, ApiKey, Call, Credentials, Draft, Endpoint as _, Error, InvalidKey, KeyRing, Origin,
    Origins, Product, RequestError, Response, Service, Unauthorized, sign,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{FileFailurePersistence, TestCaseError};
use serde_json::{Map, Value, json};

fn config(cases: u32) -> ProptestConfig {
    // Beside this file, which is not where proptest looks in a test of its own.
    let file = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(file)),
        ..ProptestConfig::default()
    }
}

/// Texts of these pieces, which are nearly valid more often than random ones.
fn pieces(parts: &'static [&'static str], up_to: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => select(parts).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    vec(piece, 0..up_to).prop_map(|parts| parts.concat())
}

fn key_text() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[!-~]{8,64}", "[0-9a-f]{32}", "[!-~]{500,512}"];
    text.prop_filter("a valid key", |text| ApiKey::parse(text).is_ok())
}

fn user() -> impl Strategy<Value = String> {
    "[ -9;-~]{0,20}"
}

fn product() -> impl Strategy<Value = Product> {
    select(Product::ALL.to_vec())
}

fn service() -> impl Strategy<Value = Service> {
    select(Service::ALL.to_vec())
}

// --- No parser panics, and what it accepts is valid

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn keys_from_any_bytes(bytes in vec(any::<u8>(), 0..700)) {
        assert_valid_key(&bytes)?;
    }

    #[test]
    fn keys_from_text(text in pieces(&[
        "x:", "API:", "-u", "Basic ", "Authorization:", "http:", "://", "{", "[", "\"", "'", "\u{201c}",
        "<", ">", "\n", "\r\n", " ", "\t", "placeholder", "0123456789abcdef", "\u{feff}", "key", "=",
    ], 12)) {
        assert_valid_key(text.as_bytes())?;
    }

    #[test]
    fn keys_of_the_alphabet_are_accepted_whole_or_recognised_as_something_pasted(text in "[!-~]{1,512}") {
        match ApiKey::parse(&text) {
            Ok(key) => prop_assert_eq!(key.expose(), text),
            Err(InvalidKey::Quoted | InvalidKey::Pasted(_)) => {}
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn user_names_from_any_text(text in any::<String>()) {
        let key = ApiKey::parse("1234567890").unwrap();
        if let Ok(credentials) = Credentials::with_user(&text, key) {
            prop_assert_eq!(credentials.user(), &text);
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b':'));
        }
    }

    #[test]
    fn origins_from_any_text(text in any::<String>()) {
        assert_valid_origin(&text)?;
    }

    #[test]
    fn origins_from_text_that_is_nearly_one(text in pieces(&[
        "https://", "http://", "HTTPS://", "app.leadconduit.com", "localhost", "127.0.0.1", "[::1]", "[",
        "]", ":", "443", "80", "0", "8080", "65536", "@", "/", "?", "#", "\\", ".", "-", "%2f", "0x7f",
        "a", "\u{3002}", "xn--", "1",
    ], 8)) {
        assert_valid_origin(&text)?;
    }

    #[test]
    fn targets_from_any_text(text in any::<String>(), service in service()) {
        assert_valid_target(&format!("/{text}"), service)?;
        assert_valid_target(&text, service)?;
    }

    #[test]
    fn targets_from_text_that_is_nearly_one(service in service(), text in pieces(&[
        "/", "//", ".", "..", "%2e", "%2E", "%2f", "%", "?", "#", "\\", "@", ":", "a", "flows", " ", "'",
        "{", "\r\n", "https://evil.example", "\u{fc}", "=", "&",
    ], 10)) {
        assert_valid_target(&format!("/{text}"), service)?;
        assert_valid_target(&text, service)?;
    }

    #[test]
    fn bodies_of_any_bytes(bytes in vec(any::<u8>(), 0..300), product in product()) {
        assert_valid_unauthorized(&Unauthorized::parse(product, &bytes))?;
    }

    #[test]
    fn bodies_that_are_nearly_json(product in product(), text in pieces(&[
        "{", "}", "[", "]", "\"error\"", "\"message\"", "\"errors\"", "\"authentication failed\"", ":", ",",
        "null", "1e999", "\"\\ud800\"", " ", "\u{feff}", "\"\\u001b[31m\"", "NaN", "\n", "0",
    ], 14)) {
        let unauthorized = Unauthorized::parse(product, text.as_bytes());
        assert_valid_unauthorized(&unauthorized)?;
        prop_assert_eq!(unauthorized.is_bad_key(), is_bad_key(product, &text));
    }

    #[test]
    fn bodies_that_are_json(value in json_value(), product in product()) {
        let text = value.to_string();
        let unauthorized = Unauthorized::parse(product, text.as_bytes());
        assert_valid_unauthorized(&unauthorized)?;
        prop_assert_eq!(unauthorized.is_bad_key(), is_bad_key(product, &text), "{}", text);
    }

    #[test]
    fn bodies_that_end_early(value in json_object(), product in product(), cut in any::<prop::sample::Index>()) {
        let mut text = value.to_string().into_bytes();
        text.truncate(cut.index(text.len()));
        let unauthorized = Unauthorized::parse(product, &text);
        assert_valid_unauthorized(&unauthorized)?;
        prop_assert!(!unauthorized.is_bad_key(), "an object without its brace says nothing");
    }
}

fn assert_valid_key(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(key) = ApiKey::parse(bytes) {
        prop_assert_eq!(key.expose().as_bytes(), bytes);
        prop_assert!((1..=512).contains(&bytes.len()));
        prop_assert!(bytes.iter().all(|byte| (0x21..=0x7E).contains(byte)));
    }
    Ok(())
}

fn assert_valid_origin(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(Origin::parse(text).map_or(true, |origin| origin.is_https()));
    prop_assert!(Origin::parse_loopback(text).map_or(true, |origin| origin.is_loopback()));
    for origin in [Origin::parse(text), Origin::parse_loopback(text)]
        .into_iter()
        .flatten()
    {
        let canonical = origin.as_str();
        prop_assert!(canonical.is_ascii() && !canonical.contains(['@', '\\', ' ', '?', '#', '%']));
        prop_assert_eq!(canonical, canonical.to_ascii_lowercase());
        let again = Origin::parse(canonical).or_else(|_| Origin::parse_loopback(canonical));
        prop_assert_eq!(again.as_ref(), Ok(&origin));
        let uri: Uri = canonical.parse().unwrap();
        prop_assert_eq!(uri.host(), Some(origin.host()));
        prop_assert_eq!(uri.scheme_str(), Some(origin.scheme()));
        let own = if origin.is_https() { 443 } else { 80 };
        prop_assert_eq!(uri.port_u16().unwrap_or(own), origin.port());
    }
    Ok(())
}

fn assert_valid_target(path: &str, service: Service) -> Result<(), TestCaseError> {
    let Ok((request, _)) = Draft::get(service, path).prepare(&Origins::vendor(), None) else {
        return Ok(());
    };
    let uri = request.uri();
    prop_assert_eq!(Origins::vendor().service_of(uri), Some(service));
    let sent = uri.path_and_query().unwrap().as_str();
    prop_assert!(sent.starts_with('/') && !sent.starts_with("//"));
    prop_assert!(sent.bytes().all(|byte| (0x21..=0x7E).contains(&byte)));
    let refused = ['\\', '#', '"', '<', '>', '`', '{', '}'];
    prop_assert!(!sent.contains(refused));
    let segments = uri.path().split('/').map(decode);
    prop_assert!(
        segments
            .into_iter()
            .all(|segment| segment != b"." && segment != b"..")
    );
    // Nothing is lost, doubled or changed by the encoding.
    prop_assert_eq!(decode(sent), decode(path));
    Ok(())
}

/// Percent-decodes a valid text, once.
fn decode(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || char::from(bytes.next().unwrap()).to_digit(16).unwrap();
            u8::try_from(digit() * 16 + digit()).unwrap()
        } else {
            byte
        });
    }
    decoded
}

fn assert_valid_unauthorized(unauthorized: &Unauthorized) -> Result<(), TestCaseError> {
    let message = unauthorized.message().unwrap_or_default();
    // A character is shown as itself, or as an escape of at most ten.
    prop_assert!(message.chars().count() <= MESSAGE_LIMIT * 10 + 1);
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
    prop_assert!(!message.contains(steers));
    prop_assert!(
        format!("{unauthorized} {unauthorized:?}").is_ascii(),
        "only texts of ours"
    );
    Ok(())
}

/// The rule again, in another way: over whole JSON values. An object with a member twice is no bad-key answer,
/// because readers disagree about which one counts.
fn is_bad_key(product: Product, text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let repeated = ["error", "message", "reason", "outcome", "errors"]
        .iter()
        .any(|name| top_level(text, name) > 1);
    let says = |name: &str, text: &str| members.get(name).is_some_and(|value| value == text);
    let detail = || {
        members
            .get("errors")
            .and_then(|errors| errors.get("detail"))
    };
    !repeated
        && (says("error", "authentication failed")
            || match product {
                Product::LeadConduit => false,
                Product::TrustedForm => {
                    says("outcome", "error") && says("reason", "Unauthorized")
                        || says("message", "Unauthorized")
                            && detail().is_some_and(|detail| detail == "Unauthorized")
                }
                Product::SuppressionList => says("message", "HTTP Basic: Access denied"),
            })
}

/// Returns how often an object's text has a member of this name at its own level.
fn top_level(text: &str, name: &str) -> usize {
    struct Count<'a>(&'a str);
    impl<'de> serde::de::Visitor<'de> for Count<'_> {
        type Value = usize;
        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
            let mut count = 0;
            while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                count += usize::from(name == self.0);
            }
            Ok(count)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    serde::Deserializer::deserialize_map(&mut reader, Count(name)).unwrap()
}

fn server_text() -> impl Strategy<Value = Value> {
    let known = select(vec![
        "authentication failed",
        "Unauthorized",
        "error",
        "HTTP Basic: Access denied",
        "not authorized",
    ]);
    prop_oneof![4 => known.prop_map(Value::from), 1 => any::<String>().prop_map(Value::from)]
}

fn json_object() -> impl Strategy<Value = Value> {
    let names = vec!["error", "message", "reason", "outcome", "errors", "x"];
    let leaf = prop_oneof![
        6 => server_text(),
        1 => Just(Value::Null),
        1 => any::<i64>().prop_map(Value::from),
        1 => vec(server_text(), 0..3).prop_map(Value::from),
        2 => server_text().prop_map(|text| json!({"detail": text})),
    ];
    (subsequence(names, 0..=6).prop_shuffle(), vec(leaf, 6)).prop_map(|(names, values)| {
        let members = names.into_iter().map(str::to_owned).zip(values);
        Value::Object(members.collect::<Map<_, _>>())
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => json_object(),
        1 => server_text(),
        1 => vec(json_object(), 0..3).prop_map(Value::from),
        1 => json_object().prop_map(|inner| json!({"error": inner})),
    ]
}

// --- Signing

fn path() -> impl Strategy<Value = String> {
    "(/[a-z0-9]{1,6}){1,3}(\\?[a-z]{1,3}=[0-9]{0,3})?"
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn a_signed_request_decodes_back_to_the_pair(
        text in key_text(), user in user(), service in service(), path in path(),
    ) {
        let credentials = Credentials::with_user(&user, ApiKey::parse(&text).unwrap()).unwrap();
        let url = format!("{}{path}", service.vendor_origin());
        let mut request = Request::get(&url).header("accept", "*/*").body(()).unwrap();
        let before = request.headers().clone();
        prop_assert_eq!(sign(&mut request, &credentials, &Origins::vendor()), Ok(service));
        prop_assert_eq!(sign(&mut request, &credentials, &Origins::vendor()), Ok(service), "again");

        let lines: Vec<_> = request.headers().get_all(header::AUTHORIZATION).iter().collect();
        prop_assert_eq!(lines.len(), 1);
        prop_assert!(lines[0].is_sensitive());
        let encoded = lines[0].to_str().unwrap().strip_prefix("Basic ").unwrap();
        let data = encoded.trim_end_matches('=');
        prop_assert!(encoded.len() - data.len() <= 2 && encoded.len().is_multiple_of(4));
        prop_assert!(data.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')));
        let pair = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        prop_assert_eq!(pair.split_once(':'), Some((&*user, &*text)));

        request.headers_mut().remove(header::AUTHORIZATION);
        prop_assert_eq!(request.headers(), &before, "and nothing else was changed");
        prop_assert_eq!(request.uri(), url.as_str());
    }

    #[test]
    fn a_near_miss_of_an_origin_is_never_signed(
        service in service(), path in path(), (origin, how) in near_miss(),
    ) {
        let near = origin.replace("{}", service.vendor_origin().strip_prefix("https://").unwrap());
        prop_assert!(near != service.vendor_origin());
        if let Ok(uri) = format!("{near}{path}").parse::<Uri>() {
            never_signed(uri, how)?;
        }
    }

    #[test]
    fn one_wrong_byte_in_an_origin_is_never_signed(
        service in service(), at in any::<prop::sample::Index>(), byte in "[!-~]",
    ) {
        let right = service.vendor_origin();
        let mut near = right.to_owned();
        let at = at.index(near.len());
        near.replace_range(at..=at, &byte);
        // Another case is the same origin, and a path may begin where the host ends.
        let uri = format!("{near}/").parse::<Uri>();
        if let Ok(uri) = uri && !near.eq_ignore_ascii_case(right) {
            never_signed(uri, "one byte")?;
        }
    }

    #[test]
    fn a_signed_request_goes_to_an_allowed_origin(text in pieces(&[
        "https://", "http://", "HTTPS://", "app.leadconduit.com", "APP.LeadConduit.com", "cert.trustedform.com",
        ":443", ":80", ":8443", "@", "user", "/", "/flows", "?a=1", ".", "evil.example", "127.0.0.1", "\\", "#x",
    ], 7)) {
        let Ok(uri) = text.parse::<Uri>() else { return Ok(()) };
        let credentials = Credentials::new(ApiKey::parse("placeholder-key").unwrap());
        let mut request = Request::new(());
        *request.uri_mut() = uri.clone();
        if let Ok(service) = sign(&mut request, &credentials, &Origins::vendor()) {
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            let authority = uri.authority().unwrap().as_str().to_ascii_lowercase();
            let host = authority.strip_suffix(":443").unwrap_or(&authority);
            prop_assert_eq!(format!("https://{host}"), service.vendor_origin());
        } else {
            prop_assert!(request.headers().is_empty());
        }
    }
}

/// Returns an origin that is nearly right, with `{}` for the right host, and how it is wrong.
fn near_miss() -> impl Strategy<Value = (String, &'static str)> {
    let port = (1..=u16::MAX).prop_filter("another port", |port| *port != 443);
    prop_oneof![
        port.prop_map(|port| (format!("https://{{}}:{port}"), "another port")),
        any::<u32>().prop_map(|port| (format!("https://{{}}:0{port}"), "leading zeros")),
        (65_536..u32::MAX).prop_map(|port| (format!("https://{{}}:{port}"), "no port at all")),
        select(vec!["http", "ws", "wss", "ftp", "httpss"])
            .prop_map(|s| (format!("{s}://{{}}"), "scheme")),
        "[a-z0-9]{1,8}".prop_map(|name| (format!("https://{name}.{{}}"), "below it")),
        "[a-z0-9]{1,8}".prop_map(|name| (format!("https://{name}{{}}"), "a longer first label")),
        "[a-z0-9]{1,8}".prop_map(|name| (format!("https://{{}}.{name}"), "above it")),
        "[a-z0-9]{1,8}".prop_map(|name| (format!("https://{{}}{name}"), "a longer last label")),
        "[a-z0-9:]{0,8}".prop_map(|name| (format!("https://{name}@{{}}"), "user information")),
        "[a-z0-9.]{1,8}"
            .prop_map(|name| (format!("https://{{}}@{name}"), "the right host as a user")),
        "[a-z0-9.]{1,8}".prop_map(|name| (
            format!("https://{{}}:443@{name}"),
            "the right host and port as a user"
        )),
        Just(("https://{}.".to_owned(), "trailing dot")),
        Just(("https://{}.:443".to_owned(), "trailing dot and port")),
        Just(("https://{}:".to_owned(), "an empty port")),
        Just(("https://{}:+443".to_owned(), "a port with a sign")),
        Just(("https://{}\\.evil.example".to_owned(), "a backslash")),
        Just(("https://[{}]".to_owned(), "brackets")),
    ]
}

fn never_signed(uri: Uri, how: &str) -> Result<(), TestCaseError> {
    let credentials = Credentials::new(ApiKey::parse("placeholder-key").unwrap());
    let account = Account::new(
        KeyRing::from_key(credentials.key().clone()),
        Origins::vendor(),
    );
    let mut request = Request::get(uri).header("accept", "*/*").body(()).unwrap();
    let before = request.headers().clone();
    let outcome = sign(&mut request, &credentials, &Origins::vendor());
    prop_assert!(outcome.is_err(), "{how}: {}", request.uri());
    prop_assert_eq!(request.headers(), &before);
    prop_assert!(account.begin(&request, Resend::Allowed).is_err());
    prop_assert_eq!(Origins::vendor().service_of(request.uri()), None);
    Ok(())
}

// --- What is shown

/// Every eight bytes in a row of a key, of its base64 and of its pair's base64, forwards and backwards.
struct Secrets(HashSet<[u8; 8]>);

impl Secrets {
    fn of(texts: &[&str]) -> Self {
        let mut parts = HashSet::new();
        for text in texts {
            let pair = STANDARD.encode(format!("API:{text}"));
            for spelled in [(*text).to_owned(), STANDARD.encode(text), pair] {
                let backwards: Vec<u8> = spelled.bytes().rev().collect();
                for spelled in [spelled.into_bytes(), backwards] {
                    parts.extend(parts_of(&spelled));
                }
            }
        }
        Self(parts)
    }

    fn are_not_in(&self, shown: &str) -> Result<(), TestCaseError> {
        // Escapes could hide a part that a reader would put together again.
        let plain = shown
            .replace("\\\"", "\"")
            .replace("\\\\", "\\")
            .replace("\\'", "'");
        for shown in [shown, &plain] {
            let found = parts_of(shown.as_bytes()).find(|part| self.0.contains(part));
            let found = found.map(|part| String::from_utf8_lossy(&part).into_owned());
            prop_assert!(found.is_none(), "{found:?} is in {shown}");
        }
        Ok(())
    }

    fn are_not_shown_by(&self, value: &dyn Debug) -> Result<(), TestCaseError> {
        self.are_not_in(&format!("{value:?}"))?;
        self.are_not_in(&format!("{value:#?}"))
    }

    fn are_not_in_error(
        &self,
        error: &(dyn std::error::Error + 'static),
    ) -> Result<(), TestCaseError> {
        let mut texts = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            self.are_not_shown_by(&error)?;
            texts.push(error.to_string());
            next = error.source();
        }
        texts.iter().try_for_each(|text| self.are_not_in(text))?;
        texts.sort_unstable();
        let count = texts.len();
        texts.dedup();
        prop_assert_eq!(texts.len(), count, "no text comes twice in one chain");
        Ok(())
    }
}

/// A text of the caller or of the server.
struct Hidden<'a>(&'a str);

impl Hidden<'_> {
    fn is_not_in(&self, shown: &str) -> Result<(), TestCaseError> {
        let text = self.0.to_ascii_lowercase();
        prop_assert!(!shown.to_ascii_lowercase().contains(&text), "{shown}");
        Ok(())
    }

    fn is_not_shown_by(&self, value: &dyn Debug) -> Result<(), TestCaseError> {
        self.is_not_in(&format!("{value:?}"))?;
        self.is_not_in(&format!("{value:#?}"))
    }

    fn is_not_in_error(&self, error: &Error) -> Result<(), TestCaseError> {
        self.is_not_shown_by(error)?;
        self.is_not_shown_by(&error.response())?;
        self.is_not_in(&error.hint().to_string())?;
        let mut next: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = next {
            self.is_not_in(&error.to_string())?;
            next = error.source();
        }
        Ok(())
    }
}

fn parts_of(text: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    text.windows(8).filter_map(|part| part.try_into().ok())
}

/// Returns what a server might repeat of a key, in one of twelve spellings.
fn leak(text: &str, how: usize) -> String {
    let pair = format!("API:{text}");
    let spelled = match how % 6 {
        0 => text.to_owned(),
        1 => pair,
        2 => STANDARD.encode(&pair),
        3 => STANDARD.encode(text),
        4 => format!("Basic {}", STANDARD.encode(&pair)),
        _ => text
            .get(text.len() / 3..text.len() / 3 + 8)
            .unwrap_or(text)
            .to_owned(),
    };
    if how.is_multiple_of(2) {
        spelled
    } else {
        spelled.chars().rev().collect()
    }
}

/// Returns a known bad-key answer of this product that contains a text of the server's choice.
fn bad_key_answer(product: Product, text: &str, form: usize) -> Value {
    match (product, form % 2) {
        (Product::TrustedForm, 0) => {
            json!({"error": text, "outcome": "error", "reason": "Unauthorized"})
        }
        (Product::TrustedForm, _) => {
            json!({"error": text, "errors": {"detail": "Unauthorized"}, "message": "Unauthorized"})
        }
        (Product::SuppressionList, _) => {
            json!({"error": text, "message": "HTTP Basic: Access denied"})
        }
        (Product::LeadConduit, _) => {
            json!({"error": "authentication failed", "message": text, text: text})
        }
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn nothing_repeats_a_key(
        one in "[!-~]{8,40}", other in "[0-9a-f]{32}", product in product(),
        how in vec(0..12_usize, 4), around in "[ -~]{0,10}",
    ) {
        let (Ok(first), Ok(second)) = (ApiKey::parse(&one), ApiKey::parse(&other)) else { return Ok(()) };
        let secrets = Secrets::of(&[&one, &other]);
        let with_key_part = first.clone().with_label(&leak(&one, 0));
        secrets.are_not_shown_by(&with_key_part)?;
        secrets.are_not_shown_by(&first.clone().with_label(&leak(&one, 5)))?;
        let ring = KeyRing::new([first.clone().with_label("first"), second.with_label("second")]).unwrap();
        let account = Account::new(ring.clone(), Origins::vendor());
        secrets.are_not_shown_by(&first)?;
        secrets.are_not_shown_by(&Credentials::new(first))?;
        secrets.are_not_shown_by(&ring)?;
        secrets.are_not_shown_by(&account)?;

        // The first answer repeats the first key; the second one either key, as a log at the server may.
        let service = product.main_service();
        let leaks = [leak(&one, how[0]), leak(if how[2] % 2 == 0 { &one } else { &other }, how[1])];
        let bodies = leaks.map(|leak| bad_key_answer(product, &format!("{around}{leak}{around}"), how[3]).to_string());
        let mut request = Request::get(service.vendor_origin()).body(Bytes::new()).unwrap();
        let mut step = account.begin(&request, Resend::Allowed).unwrap();
        for body in &bodies {
            secrets.are_not_shown_by(&step)?;
            let Step::Send(attempt) = step else { return Err(TestCaseError::fail("a step early")) };
            attempt.sign(&mut request).unwrap();
            secrets.are_not_shown_by(&request)?;
            let answer = attempt.answered(StatusCode::UNAUTHORIZED, body.as_bytes());
            secrets.are_not_shown_by(&answer)?;
            let Answer::Next(next) = answer else { return Err(TestCaseError::fail("a known form")) };
            step = next;
        }
        let Step::NeedKey(need) = step else { return Err(TestCaseError::fail("a key more")) };
        secrets.are_not_shown_by(&need.rejected_keys())?;
        let Step::Failed(error) = need.resume() else { return Err(TestCaseError::fail("a key more")) };
        secrets.are_not_in_error(&error)?;
        for rejected in error.rejected_keys() {
            secrets.are_not_in(&rejected.unauthorized().to_string())?;
            secrets.are_not_in(rejected.unauthorized().message().unwrap())?;
        }
        let response = http::Response::builder().status(StatusCode::UNAUTHORIZED);
        let response = response.header("x-received", &request.headers()[header::AUTHORIZATION]);
        let response = Response::from(response.body(bodies[1].clone().into()).unwrap());
        secrets.are_not_shown_by(&response)?;
        let error = Error::from(error).with_response(response);
        secrets.are_not_in_error(&error)?;
        secrets.are_not_in_error(&std::io::Error::other(error))?;
    }

    #[test]
    fn a_removed_key_is_not_repeated_either(one in "[0-9a-f]{32}", other in "[0-9a-f]{32}", how in 0..12_usize) {
        let secrets = Secrets::of(&[&one, &other]);
        let key = |text: &str| ApiKey::parse(text).unwrap();
        let account = Account::new(KeyRing::from_key(key(&one)), Origins::vendor());
        let request = Request::get("https://app.suppressionlist.com/").body(()).unwrap();
        let Step::Send(attempt) = account.begin(&request, Resend::Allowed).unwrap() else { panic!() };
        account.keys().replace([key(&other)]).unwrap();
        let body = bad_key_answer(Product::SuppressionList, "no", 0).to_string();
        let answer = attempt.answered(StatusCode::UNAUTHORIZED, body.as_bytes());
        let Answer::Next(Step::Send(attempt)) = answer else { panic!("{answer:?}") };
        let body = bad_key_answer(Product::SuppressionList, &leak(&one, how), 0).to_string();
        let answer = attempt.answered(StatusCode::UNAUTHORIZED, body.as_bytes());
        secrets.are_not_shown_by(&answer)?;
        let Answer::Next(Step::NeedKey(need)) = answer else { panic!("{answer:?}") };
        let Step::Failed(error) = need.resume() else { panic!("no key is left") };
        secrets.are_not_in_error(&error)?;
        for rejected in error.rejected_keys() {
            secrets.are_not_in(rejected.unauthorized().message().unwrap())?;
        }
    }

    #[test]
    fn no_refused_request_repeats_a_key(one in "[0-9a-f]{8,40}", service in service(), how in 0..12_usize) {
        let secrets = Secrets::of(&[&one]);
        let account = Account::new(KeyRing::from_key(ApiKey::parse(&one).unwrap()), Origins::vendor());
        let origin = service.vendor_origin();
        let host = origin.strip_prefix("https://").unwrap();
        for url in [
            format!("https://API:{one}@{host}/"),
            format!("https://{one}@evil.example/{one}?{one}"),
            format!("http://{host}/{one}"),
            format!("https://evil.example/{one}?{one}"),
            format!("{origin}/{one}"),
            format!("{origin}/?a={one}"),
            format!("{origin}//{one}"),
            format!("{origin}/../{one}"),
            format!("/{one}"),
        ] {
            let request = Request::get(url).body(()).unwrap();
            let error = account.check(&request).unwrap_err();
            secrets.are_not_in_error(&error)?;
        }
        let value = leak(&one, how);
        for (name, value) in [("authorization", value.clone()), ("proxy-authorization", value.clone()), ("x-key", format!("{value}\u{e9}"))] {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            let request = Request::get(origin).header(name, value).body(()).unwrap();
            let own = Credentials::new(ApiKey::parse(&one).unwrap());
            let is_own = request.headers().get(header::AUTHORIZATION) == Some(own.authorization());
            match account.check(&request) {
                Ok(_) => prop_assert!(is_own, "only what the library itself would put on"),
                Err(error) => {
                    prop_assert!(!is_own);
                    prop_assert!(matches!(error, RequestError::ReservedHeader(_) | RequestError::HeaderValue(_)));
                    secrets.are_not_in_error(&error)?;
                }
            }
        }
        let texts = [format!("\"{one}\""), format!("{one}\n"), format!("X:{one}"), format!("\u{feff}{one}"), format!(" {one}")];
        for text in texts {
            secrets.are_not_in_error(&ApiKey::parse(text).unwrap_err())?;
        }
        secrets.are_not_in_error(&Origin::parse(&format!("https://{one}@{host}")).unwrap_err())?;
    }

    #[test]
    fn nothing_shown_repeats_a_text_of_the_caller_or_the_server(
        text in "[A-Za-z0-9]{12,40}", at in 0..6_usize, service in service(), status in 200..600_u16,
    ) {
        let hidden = Hidden(&text);
        // The text in every part of a draft; then in one part that is an error.
        let draft = Draft::post(service, format!("/{text}"))
            .path_segment(&text)
            .query(&[(&text, &text)])
            .header("x-text", &text)
            .json(&json!({ &text: text }));
        hidden.is_not_shown_by(&draft)?;
        hidden.is_not_shown_by(&Call::<Value>::new(draft.clone()))?;
        let wrong = match at {
            0 => Draft::get(service, text.as_str()),
            1 => draft.path_segment(".."),
            2 => draft.query(&text),
            3 => draft.header(format!("{text}\n"), "1"),
            4 => draft.header("x", format!("{text}\n")),
            _ => draft.header("host", &text),
        };
        hidden.is_not_shown_by(&wrong)?;
        let error = wrong.prepare(&Origins::vendor(), None).unwrap_err();
        hidden.is_not_in_error(&error)?;
        // The text in every part of a response.
        for body in [format!("\"{text}\""), format!("{{\"{text}\":1}}"), text.clone(), format!("\u{e9}{text}")] {
            let response = http::Response::builder().status(status).header("x-text", &text);
            let response = Response::from(response.body(body.into()).unwrap());
            hidden.is_not_shown_by(&response)?;
            for error in [
                response.json::<u8>().unwrap_err(),
                response.json::<Vec<u8>>().unwrap_err(),
                response.unexpected("it is empty"),
            ] {
                hidden.is_not_in_error(&error)?;
            }
            if let Err(error) = response.clone().error_for_status() {
                hidden.is_not_in_error(&error)?;
            }
            if let Err(error) = Call::<u8>::new(Draft::get(service, "/")).decode(response) {
                hidden.is_not_in_error(&error)?;
            }
        }
        for body in [json!({"error": text}), json!({"message": "HTTP Basic: Access denied", "error": text})] {
            for product in Product::ALL {
                let unauthorized = Unauthorized::parse(product, body.to_string().as_bytes());
                hidden.is_not_shown_by(&unauthorized)?;
                hidden.is_not_in(&unauthorized.to_string())?;
                prop_assert_eq!(unauthorized.message(), Some(text.as_str()), "asked for by name, it is there");
            }
        }
    }
}
