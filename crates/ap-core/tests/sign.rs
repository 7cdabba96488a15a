//! Which requests get a key: one table for [`check`], [`sign`] and both attempts of an exchange.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_core::exchange::{Answer, Attempt, Resend, Step};
use ap_core::key::basic;
use ap_core::{
    Account, Credentials, KeyRing, Origin, Origins, Product, RequestError, Service, check, sign,
};
use common::{account, key, keys, letter_on, request};
use http::{HeaderName, HeaderValue, Request, StatusCode, header};

/// Parses `METHOD URL` and headers, separated by `; `. A value `key a` is the `Authorization` of key a, and
/// `copy a` an equal value that the library did not make.
fn parse(text: &str) -> Request<()> {
    let mut parts = text.split("; ");
    let (method, url) = parts.next().unwrap().split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(url).body(()).unwrap();
    for line in parts {
        let (name, value) = line.split_once(": ").unwrap();
        let value = match value.split_once(' ') {
            Some(("key", letter)) => Credentials::new(key(letter.parse().unwrap()))
                .authorization()
                .clone(),
            Some(("copy", letter)) => basic(b"API", format!("placeholder-key-{letter}").as_bytes()),
            _ => HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        };
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value);
    }
    request
}

fn begin(account: &Account) -> Attempt {
    let step = account.begin(&request(Service::LeadConduit), Resend::Allowed);
    let Ok(Step::Send(attempt)) = step else {
        panic!("{step:?}")
    };
    attempt
}

fn rejected(attempt: Attempt) -> Step {
    let answer = attempt.answered(StatusCode::UNAUTHORIZED, common::BAD.as_bytes());
    let Answer::Next(step) = answer else {
        panic!("{answer:?}")
    };
    step
}

fn resent(account: &Account) -> Attempt {
    let step = rejected(begin(account));
    let Step::Send(attempt) = step else {
        panic!("{step:?}")
    };
    attempt
}

/// Asks every function that may put key a or b on a request. They agree, and a refused request is unchanged.
fn outcome(text: &str) -> Result<(), RequestError> {
    let account = account("ab");
    let credentials = keys("ab").into_iter().map(Credentials::new);
    let credentials: Vec<_> = credentials.collect();
    let origins = account.origins();
    let expected = check(&parse(text), &credentials, origins).map(drop);
    assert_eq!(account.check(&parse(text)).map(drop), expected, "{text}");
    for (attempt, letter) in [(begin(&account), 'a'), (resent(&account), 'b')] {
        let mut request = parse(text);
        let before = request.headers().clone();
        let outcome = attempt.sign(&mut request);
        assert_eq!(outcome, expected, "{text}");
        match outcome {
            Ok(()) => assert_eq!(letter_on(&request), letter, "{text}"),
            Err(_) => assert_eq!(request.headers(), &before, "{text}"),
        }
    }
    // `sign` knows one key alone, so a value of the other one is not its own.
    if !text.contains("key b") && !text.contains("key-b") {
        let mut request = parse(text);
        let before = request.headers().clone();
        let outcome = sign(&mut request, &credentials[0], origins).map(drop);
        assert_eq!(outcome, expected, "{text}");
        match outcome {
            Ok(()) => assert_eq!(letter_on(&request), 'a', "{text}"),
            Err(_) => assert_eq!(request.headers(), &before, "{text}"),
        }
    }
    expected
}

#[test]
fn a_valid_request_gets_exactly_one_key() {
    for text in [
        "GET https://app.leadconduit.com/flows",
        "GET https://app.leadconduit.com",
        "GET https://APP.leadconduit.com:443/flows",
        "DELETE https://app.leadconduit.com/flows?a=b",
        "TRACED https://app.leadconduit.com/",
        "GET https://app.leadconduit.com/; accept: */*; content-type: text/plain; x-a: tab\there",
        // Signed before, by either key of the account, in one line or more, beside other repeated lines.
        "GET https://app.leadconduit.com/; authorization: key a",
        "GET https://app.leadconduit.com/; authorization: key b",
        "GET https://app.leadconduit.com/; authorization: key a; authorization: key a; x-a: 1; x-a: 2",
        "GET https://app.leadconduit.com/; x-a: 1; x-a: 2; authorization: copy a",
    ] {
        assert_eq!(outcome(text), Ok(()), "{text}");
    }
}

#[test]
fn a_request_that_could_reach_somebody_else_gets_no_key() {
    for row in [
        "GET https://evil.example/ -> https://evil.example is not an allowed origin of this client; add it to the client's origins",
        "GET https://app.leadconduit.com:8443/ -> https://app.leadconduit.com:8443 is not an allowed origin of this client; add it to the client's origins",
        "GET http://127.0.0.1:8002/ -> http://127.0.0.1:8002 is not an allowed origin of this client; add it to the client's origins",
        "GET http://app.leadconduit.com/ -> the URL is plain http, which is for loopback only; use https",
        "GET /flows -> the URL does not begin with https://",
        "GET https://API:x@app.leadconduit.com/ -> the URL contains a user name or a password (the part before an @); remove it",
        "GET https://app.leadconduit.com//evil.example/ -> the path begins with two slashes, which could name another host; begin with one",
        "GET https://APP.leadconduit.com:443//evil.example/ -> the path begins with two slashes, which could name another host; begin with one",
        r"GET https://app.leadconduit.com/\evil.example/ -> the path begins with two slashes, which could name another host; begin with one",
        r"GET https://app.leadconduit.com/a\b -> the path contains a backslash at byte 2; use a slash, or %5C",
        "GET https://app.leadconduit.com/a/../b -> the path contains a . or .. segment; write the path without it",
        "GET https://app.leadconduit.com/a/%2E%2e/b -> the path contains a . or .. segment; write the path without it",
        "GET https://app.leadconduit.com/100%/b -> the path contains a % at byte 4 without two hexadecimal digits after it; write %25",
        "GET https://app.leadconduit.com/a|b -> the path contains a character at byte 2 that must be percent-encoded",
        "TRACE https://app.leadconduit.com/ -> the method TRACE is not sent with a key",
        "trace https://app.leadconduit.com/ -> the method trace is not sent with a key",
        "CONNECT https://app.leadconduit.com/ -> the method CONNECT is not sent with a key",
        "Connect https://app.leadconduit.com/ -> the method Connect is not sent with a key",
        "GET https://app.leadconduit.com/?key=placeholder-key-a -> the URL contains the API key; URLs end up in logs, so remove it and reset that key",
        "GET https://app.leadconduit.com/placeholder-key-b -> the URL contains the API key; URLs end up in logs, so remove it and reset that key",
        "GET https://app.leadconduit.com/%70laceholder-key-b -> the URL contains the API key; URLs end up in logs, so remove it and reset that key",
        "GET https://app.leadconduit.com/; x-name: caf\u{e9} -> the value of the header x-name contains a byte that is not printable ASCII; encode it",
        "GET https://app.leadconduit.com/; accept: caf\u{e9} -> the value of the header accept contains a byte that is not printable ASCII; encode it",
    ] {
        let (text, error) = row.split_once(" -> ").unwrap();
        assert_eq!(outcome(text).unwrap_err().to_string(), error, "{text}");
    }
}

#[test]
fn headers_of_this_library_and_of_http_are_refused_in_any_spelling() {
    for line in [
        "authorization: key c",
        "Authorization: Basic WDpZ",
        "authorization: key a; authorization: key c",
        "authorization: key c; authorization: key a",
        "x-a: 1; x-a: 2; authorization: key c",
        "AUTHORIZATION: ",
        "proxy-authorization: 1",
        "Host: evil.example",
        "host: app.leadconduit.com",
        "content-length: 1",
        "transfer-encoding: 1",
        "connection: 1",
        "te: 1",
        "trailer: 1",
        "upgrade: 1",
        "Expect: 1",
        "keep-alive: 1",
        "proxy-connection: 1",
    ] {
        let error = outcome(&format!("GET https://app.leadconduit.com/; {line}")).unwrap_err();
        let name = match error {
            RequestError::ReservedHeader(name) => name,
            other => panic!("{line}: {other:?}"),
        };
        assert!(line.to_lowercase().contains(&format!("{name}: ")), "{line}");
    }
}

#[test]
fn a_request_that_changes_to_another_product_gets_no_key() {
    let origin = Origin::parse_loopback("http://127.0.0.1:8002").unwrap();
    let origins = Origins::vendor().with(Service::TrustedForm, origin);
    let account = Account::new(KeyRing::new(keys("ab")).unwrap(), origins.unwrap());
    for attempt in [begin(&account), resent(&account)] {
        for (url, product) in [
            ("http://127.0.0.1:8002/path", Product::TrustedForm),
            ("https://app.trustedform.com/path", Product::TrustedForm),
            (
                "https://app.suppressionlist.com/path",
                Product::SuppressionList,
            ),
        ] {
            let mut request = parse(&format!("GET {url}"));
            let error = attempt.sign(&mut request).unwrap_err();
            // The answer would teach the ring about the wrong product.
            assert_eq!(error, RequestError::OtherProduct(product));
            assert!(request.headers().is_empty());
            assert!(
                account.check(&request).is_ok(),
                "the origin is allowed all the same"
            );
        }
    }
}

#[test]
fn begin_looks_at_the_origin_alone_and_sign_at_everything() {
    let account = account("a");
    for text in [
        "TRACE https://app.leadconduit.com/",
        "GET https://app.leadconduit.com/placeholder-key-a",
        "GET https://app.leadconduit.com/; host: evil.example",
    ] {
        let mut request = parse(text);
        let step = account.begin(&request, Resend::Allowed).unwrap();
        let Step::Send(attempt) = step else {
            panic!("{step:?}")
        };
        assert!(attempt.sign(&mut request).is_err(), "{text}");
    }
    for url in ["https://evil.example/", "http://app.leadconduit.com/", "/"] {
        assert!(
            account
                .begin(&parse(&format!("GET {url}")), Resend::Allowed)
                .is_err()
        );
    }
}

#[test]
fn a_request_that_another_account_signed_is_refused() {
    let mut sent = request(Service::LeadConduit);
    begin(&account("a")).sign(&mut sent).unwrap();
    let error = begin(&account("b")).sign(&mut sent).unwrap_err();
    assert_eq!(error, RequestError::ReservedHeader(header::AUTHORIZATION));
}

#[test]
fn a_request_is_signed_again_after_its_key_was_removed_from_the_account() {
    let account = account("a");
    let mut sent = request(Service::LeadConduit);
    let first = begin(&account);
    first.sign(&mut sent).unwrap();
    account.keys().replace(keys("b")).unwrap();
    let step = rejected(first);
    let Step::Send(again) = step else {
        panic!("{step:?}")
    };
    // The call still knows the removed key: it may be in the header, and not in the URL.
    let mut with_old_key = parse("GET https://app.leadconduit.com/placeholder-key-a");
    assert_eq!(again.sign(&mut with_old_key), Err(RequestError::KeyInUrl));
    again.sign(&mut sent).unwrap();
    assert_eq!(letter_on(&sent), 'b');
}

#[test]
fn a_request_without_room_for_the_key_is_refused() {
    let mut full = request(Service::LeadConduit);
    for number in 0.. {
        let name: HeaderName = format!("x-{number}").parse().unwrap();
        let value = HeaderValue::from_static("1");
        if full.headers_mut().try_append(name, value).is_err() {
            break;
        }
    }
    assert_eq!(full.headers().len(), 24_576);
    let credentials = Credentials::new(key('a'));
    let error = sign(&mut full, &credentials, &Origins::vendor()).unwrap_err();
    assert_eq!(error, RequestError::TooManyHeaders);
    assert_eq!(full.headers().len(), 24_576);
}
