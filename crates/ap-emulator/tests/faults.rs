//! Fault injection, as a client sees it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use ap_emulator::{Emulator, Fault, Product};
use common::{control, known_path, read_reply, read_to_end, send, start, status_of, with_key};

#[test]
fn faults_happen_in_order_and_per_product() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    emulator.fault(Fault::unavailable(Product::LeadConduit).times(2));
    emulator.fault(Fault::internal_error(Product::LeadConduit));
    emulator.fault(Fault::too_many_requests(
        Product::SuppressionList,
        Duration::ZERO,
    ));
    emulator.fault(Fault::cut(Product::TrustedForm).times(0));
    let lead_conduit = [503, 503, 500, 200];
    for status in lead_conduit {
        assert_eq!(status_of(&emulator, Product::LeadConduit, &key), status);
        assert_eq!(status_of(&emulator, Product::TrustedForm, &key), 200);
    }
    assert_eq!(status_of(&emulator, Product::SuppressionList, &key), 429);
    assert_eq!(status_of(&emulator, Product::SuppressionList, &key), 200);
    assert_eq!(emulator.state().product(Product::LeadConduit).requests, 4);

    // A fault comes before the key is checked, and control calls use none up.
    emulator.fault(Fault::unavailable(Product::LeadConduit));
    assert_eq!(control(&emulator, "GET", "state", "").status(), 200);
    assert_eq!(status_of(&emulator, Product::LeadConduit, "wrong"), 503);
    assert_eq!(emulator.state().product(Product::LeadConduit).refusals, 0);
}

#[test]
fn the_control_api_queues_faults_too() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    for product in Product::ALL {
        for status in [429, 500, 502, 503, 504] {
            let body = format!(
                r#"{{"product":"{}","kind":"{status}","count":2,"ms":1}}"#,
                product.id()
            );
            assert_eq!(control(&emulator, "POST", "fault", &body).status(), 200);
            for expected in [status, status, 200] {
                let headers = with_key(&key);
                let url = emulator.url(product);
                let reply = send(url, "GET", known_path(product), &headers, "");
                assert_eq!(reply.status(), expected);
                assert!(!reply.json().is_null());
                let retry_after = (expected == 429).then_some("1");
                assert_eq!(reply.header("Retry-After"), retry_after);
            }
        }
    }
}

#[test]
fn retry_after_is_in_whole_seconds_rounded_up() {
    let emulator = Emulator::start().unwrap();
    for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (90_000, "90")] {
        let wait = Duration::from_millis(millis);
        emulator.fault(Fault::too_many_requests(Product::LeadConduit, wait));
        let reply = send(emulator.url(Product::LeadConduit), "GET", "/user", "", "");
        assert_eq!(
            (reply.status(), reply.header("Retry-After")),
            (429, Some(seconds))
        );
    }
}

#[test]
fn a_delayed_response_is_the_usual_one_and_delays_nobody_else() {
    let emulator = Emulator::start().unwrap();
    let wait = Duration::from_millis(150);
    for (key, status) in [(emulator.key(), 200), ("wrong".to_owned(), 401)] {
        emulator.fault(Fault::delay(Product::LeadConduit, wait));
        let begun = Instant::now();
        assert_eq!(status_of(&emulator, Product::LeadConduit, &key), status);
        assert!(begun.elapsed() >= wait);
    }
    // Meanwhile, others are served.
    emulator.fault(Fault::delay(Product::LeadConduit, Duration::from_secs(600)));
    let mut waiting = start(emulator.url(Product::LeadConduit), "GET", "/user", "", "");
    while emulator.state().product(Product::LeadConduit).requests < 3 {
        std::thread::yield_now();
    }
    assert_eq!(
        status_of(&emulator, Product::LeadConduit, &emulator.key()),
        200
    );
    // If the end had waited for the delayed request, there would be a response.
    drop(emulator);
    assert!(read_to_end(&mut waiting).0.is_empty());
}

#[test]
fn a_cut_response_announces_all_and_sends_half() {
    let emulator = Emulator::start().unwrap();
    for product in Product::ALL {
        let path = known_path(product);
        for key in [emulator.key(), "wrong".to_owned()] {
            let headers = with_key(&key);
            let whole = send(emulator.url(product), "GET", path, &headers, "");
            emulator.fault(Fault::cut(product));
            let mut stream = start(emulator.url(product), "GET", path, &headers, "");
            let (bytes, closed) = read_to_end(&mut stream);
            assert!(closed);
            let text = String::from_utf8(bytes).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", whole.body.len())));
            assert_eq!(body.as_bytes(), &whole.body[..whole.body.len() / 2]);
        }
        emulator.fault(Fault::cut(product));
        let mut stream = start(emulator.url(product), "HEAD", "/", "", "");
        assert_eq!(
            read_reply(&mut stream, true).header("Connection"),
            Some("close")
        );
        assert_eq!(read_to_end(&mut stream), (Vec::new(), true));
    }
}

#[test]
fn a_closed_connection_has_no_response() {
    let emulator = Emulator::start().unwrap();
    let key = emulator.key();
    for product in Product::ALL {
        emulator.fault(Fault::close(product).times(2));
        for body in ["", "some unread body"] {
            let mut stream = start(emulator.url(product), "POST", "/x", "", body);
            assert_eq!(read_to_end(&mut stream), (Vec::new(), true));
        }
        assert_eq!(status_of(&emulator, product, &key), 200);
    }
}
