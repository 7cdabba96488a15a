//! What signing and the exchange allocate. The counter counts for its own thread, so that the tests
//! of this file do not disturb each other.
#![allow(clippy::unwrap_used, clippy::panic)]

use allocation_counter::{AllocationInfo, measure};
use ap_core::{
    Account, Answer, ApiKey, Client, Credentials, DOCUMENTED_BODY, Deadline, KeyRing, Moment,
    Origins, Product, Replay, Service, Step, Transport, TransportError, Unauthorized, sign,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use std::sync::Mutex;
use std::time::Duration;

fn key(letter: char) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{letter}"))
        .unwrap()
        .labelled("label")
}

fn account(letters: &str) -> Account {
    Account::new(
        KeyRing::new(letters.chars().map(key)).unwrap(),
        Origins::vendor(),
    )
}

fn request() -> Request<()> {
    Request::get("https://app.leadconduit.com/flows?limit=100")
        .header("accept", "application/json")
        .header("user-agent", "test")
        .body(())
        .unwrap()
}

fn count(run: impl FnOnce()) -> u64 {
    let AllocationInfo { count_total, .. } = measure(run);
    count_total
}

/// The response of this status ends the call.
fn final_answer(answer: Answer) {
    assert!(matches!(answer, Answer::Final));
}

fn send(step: Step) -> ap_core::Attempt {
    match step {
        Step::Send(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

fn next(answer: Answer) -> Step {
    match answer {
        Answer::Next(step) => step,
        Answer::Final => panic!("the call is over"),
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(count(|| drop(std::hint::black_box(Box::new(1)))), 1);
    assert_eq!(count(|| drop(std::hint::black_box(String::new()))), 0);
}

#[test]
fn a_signature_allocates_nothing_where_the_header_map_has_room() {
    let credentials = Credentials::new(key('a'));
    let origins = Origins::vendor();
    let mut grown = 0;
    for headers in 1..=24_usize {
        let mut request = Request::get("https://app.leadconduit.com/flows")
            .body(())
            .unwrap();
        for nth in 0..headers {
            let name: HeaderName = format!("x-{nth}").parse().unwrap();
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static("1"));
        }
        let room = request.headers().capacity() > request.headers().len();
        let counted = count(|| {
            sign(&mut request, &credentials, &origins).unwrap();
        });
        if room {
            assert_eq!(counted, 0, "{headers} headers");
        } else {
            // The map's own growth: its table of entries and its index.
            assert!(counted <= 2, "{headers} headers: {counted}");
            grown += 1;
        }
        if request.headers().capacity() > request.headers().len() {
            let again = count(|| {
                sign(&mut request, &credentials, &origins).unwrap();
            });
            assert_eq!(again, 0, "a second signature takes the place of the first");
        }
    }
    assert!(grown <= 3, "a map is full at few sizes");
}

#[test]
fn a_signature_allocates_nothing_whatever_the_service_the_key_and_the_path() {
    let key = ApiKey::parse("k".repeat(ap_core::MAX_KEY_LEN)).unwrap();
    let credentials = Credentials::with_user("a user name", key).unwrap();
    let origins = Origins::vendor();
    for service in Service::ALL {
        for path in [
            "/",
            "/a.b/%2Fc/..d",
            "/?q=%7B%7D",
            &format!("/{}", "a".repeat(5_000)),
        ] {
            let url = format!("{}{path}", service.vendor_origin());
            let mut request = Request::get(&url).header("accept", "*/*").body(()).unwrap();
            let counted = count(|| {
                assert_eq!(sign(&mut request, &credentials, &origins), Ok(service));
            });
            assert_eq!(counted, 0, "{url:.60}");
        }
    }
}

#[test]
fn the_documented_401_is_read_without_an_allocation() {
    for product in Product::ALL {
        let counted = count(|| {
            let said = Unauthorized::parse(product, DOCUMENTED_BODY);
            assert!(said.is_bad_key());
            assert!(said.message().is_some());
        });
        assert_eq!(counted, 0);
    }
    let long = vec![b' '; ap_core::UNAUTHORIZED_BODY_LIMIT + 1];
    let counted = count(|| {
        let said = Unauthorized::parse(Product::LeadConduit, &long);
        assert_eq!(said.cause(), ap_core::Cause::TooLarge);
    });
    assert_eq!(counted, 0, "what is too large is not looked at");
}

#[test]
fn a_call_that_is_answered_allocates_nothing() {
    let account = account("ab");
    for status in [200, 204, 302, 403, 404, 429, 500] {
        let mut request = request();
        let counted = count(|| {
            let attempt = send(account.begin(&request, Replay::Allowed).unwrap());
            attempt.sign(&mut request).unwrap();
            final_answer(attempt.answered(StatusCode::from_u16(status).unwrap(), b""));
        });
        assert_eq!(counted, 0, "{status}");
    }
}

#[test]
fn a_call_that_needs_a_second_key_allocates_two_short_lists() {
    let account = account("ab");
    let mut request = request();
    let counted = count(|| {
        let attempt = send(account.begin(&request, Replay::Allowed).unwrap());
        attempt.sign(&mut request).unwrap();
        let step = next(attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY));
        let attempt = send(step);
        attempt.sign(&mut request).unwrap();
        final_answer(attempt.answered(StatusCode::OK, b""));
    });
    assert!(
        counted <= 2,
        "{counted}: the keys that were tried, and what each was told"
    );
    assert_eq!(
        account.keys().first(Product::LeadConduit).unwrap().expose(),
        "placeholder-key-b"
    );
}

#[test]
fn a_call_that_every_key_was_refused_to_allocates_no_more() {
    let account = account("abc");
    let mut request = request();
    let counted = count(|| {
        let mut step = account.begin(&request, Replay::Allowed).unwrap();
        for _ in 0..3 {
            let attempt = send(step);
            attempt.sign(&mut request).unwrap();
            step = next(attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY));
        }
        let Step::NeedKey(need) = step else {
            panic!("{step:?}")
        };
        assert!(matches!(need.resume(), Step::Failed(_)));
    });
    assert!(counted <= 2, "{counted}");
}

/// Hands out responses that were made before anything is counted.
struct Ready(Mutex<Vec<Response<Bytes>>>);

impl Transport for Ready {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }
    fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        assert!(request.headers().contains_key(header::AUTHORIZATION));
        Ok(self.0.lock().unwrap().pop().unwrap())
    }
}

#[test]
fn a_client_adds_nothing_to_what_its_transport_allocates() {
    let responses = vec![Response::new(Bytes::from_static(b"[]"))];
    let client = Client::builder().keys(KeyRing::of_one(key('a')));
    let client = client.build_with(Ready(Mutex::new(responses))).unwrap();
    let request = client
        .request(Service::LeadConduit, Method::GET, "/flows")
        .unwrap();
    let mut response = None;
    let counted = count(|| response = client.send(request).ok());
    assert_eq!(counted, 0);
    assert_eq!(response.unwrap().body(), "[]");
}

#[test]
fn handles_are_copied_without_an_allocation() {
    let client = Client::builder().keys(KeyRing::of_one(key('a')));
    let client = client.build_with(Ready(Mutex::new(Vec::new()))).unwrap();
    let account = account("ab");
    let credentials = Credentials::new(key('a'));
    let counted = count(|| {
        drop(client.clone());
        drop(client.with_timeout(Duration::from_secs(1)));
        drop(account.clone());
        drop(account.keys().clone());
        drop(account.keys().first(Product::TrustedForm));
        drop(credentials.authorization().clone());
    });
    assert_eq!(counted, 0);
}
