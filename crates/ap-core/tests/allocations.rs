//! How often signing and the exchange allocate. The counter counts for its own thread, so the tests of this file
//! do not disturb each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use allocation_counter::{AllocationInfo, measure};
use ap_core::exchange::{Answer, Attempt, Resend, Step};
use ap_core::key::MAX_KEY_LEN;
use ap_core::unauthorized::{DOCUMENTED_BODY, UNAUTHORIZED_BODY_LIMIT};
use ap_core::{
    ApiKey, Credentials, Draft, Origins, Product, Service, Unauthorized, UnauthorizedKind, check,
    sign,
};
use common::{account, key};
use http::{HeaderName, HeaderValue, Request, StatusCode};

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

fn assert_final(answer: Answer) {
    assert!(matches!(answer, Answer::Final));
}

fn send(step: Step) -> Attempt {
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
fn a_signature_allocates_nothing_if_the_header_map_has_room() {
    let credentials = Credentials::new(key('a'));
    let origins = Origins::vendor();
    let mut grown = Vec::new();
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
            // The map's own growth: its entries and its index.
            assert!((1..=2).contains(&counted), "{headers} headers: {counted}");
            grown.push(headers);
        }
        if request.headers().capacity() > request.headers().len() {
            let again = count(|| {
                sign(&mut request, &credentials, &origins).unwrap();
            });
            assert_eq!(again, 0, "a second signature replaces the first");
        }
    }
    assert_eq!(grown, [6, 12, 24], "the sizes at which a map is full");
}

#[test]
fn a_signature_allocates_nothing_whatever_the_service_the_key_and_the_path() {
    let key = ApiKey::parse("k".repeat(MAX_KEY_LEN)).unwrap();
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
            let unauthorized = Unauthorized::parse(product, DOCUMENTED_BODY);
            assert!(unauthorized.is_bad_key());
            assert!(unauthorized.message().is_some());
        });
        assert_eq!(counted, 0);
    }
    let long = vec![b' '; UNAUTHORIZED_BODY_LIMIT + 1];
    let counted = count(|| {
        let unauthorized = Unauthorized::parse(Product::LeadConduit, &long);
        assert_eq!(unauthorized.kind(), UnauthorizedKind::TooLarge);
    });
    assert_eq!(counted, 0, "a body that is too large is not read");
}

#[test]
fn a_call_that_is_answered_allocates_nothing() {
    let account = account("ab");
    for status in [200, 204, 302, 403, 404, 429, 500] {
        let mut request = request();
        let counted = count(|| {
            let attempt = send(account.begin(&request, Resend::Allowed).unwrap());
            attempt.sign(&mut request).unwrap();
            assert_final(attempt.answered(StatusCode::from_u16(status).unwrap(), b""));
        });
        assert_eq!(counted, 0, "{status}");
    }
}

#[test]
fn a_call_that_needs_a_second_key_allocates_two_short_lists() {
    let account = account("ab");
    let mut request = request();
    let counted = count(|| {
        let attempt = send(account.begin(&request, Resend::Allowed).unwrap());
        attempt.sign(&mut request).unwrap();
        let step = next(attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY));
        let attempt = send(step);
        attempt.sign(&mut request).unwrap();
        assert_final(attempt.answered(StatusCode::OK, b""));
    });
    assert_eq!(
        counted, 2,
        "the keys that were tried, and the answers to them"
    );
    assert_eq!(common::preferred(&account), "baa");
}

#[test]
fn a_call_for_which_every_key_was_rejected_allocates_no_more() {
    let account = account("abc");
    let mut request = request();
    let counted = count(|| {
        let mut step = account.begin(&request, Resend::Allowed).unwrap();
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
    assert_eq!(counted, 2);
}

#[test]
fn a_check_allocates_nothing() {
    let (credentials, origins) = ([Credentials::new(key('a'))], Origins::vendor());
    let request = request();
    let counted = count(|| assert!(check(&request, &credentials, &origins).is_ok()));
    assert_eq!(counted, 0);
}

#[test]
fn a_draft_allocates_its_path_and_the_two_tables_of_a_header_map() {
    let origins = Origins::vendor();
    let user_agent = HeaderValue::from_static("test");
    let counted = count(|| {
        let draft = Draft::get(Service::LeadConduit, "/flows?limit=100");
        drop(draft.prepare(&origins, Some(&user_agent)).unwrap());
    });
    assert_eq!(counted, 3);
}

#[test]
fn handles_are_cloned_without_an_allocation() {
    let account = account("ab");
    let credentials = Credentials::new(key('a'));
    let counted = count(|| {
        drop(account.clone());
        drop(account.keys().clone());
        drop(account.keys().preferred(Product::TrustedForm));
        drop(credentials.authorization().clone());
    });
    assert_eq!(counted, 0);
}
