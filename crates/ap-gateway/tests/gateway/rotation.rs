//! A reset of the account's key costs no failed call.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ap_emulator::Emulator;
use ap_gateway::ap_client::ap_core::{ApiKey, Product};

use crate::common::{Connection, Running};

const IN_FLIGHT: usize = 64;
const RESETS: usize = 3;
/// How many calls are answered before and after each step of a reset.
const CALLS: usize = 200;

/// Makes calls on 64 connections while the key is reset three times, and returns how many there were.
fn calls_through_resets(line: &str, body: &[u8]) -> usize {
    let emulator = Emulator::start().unwrap();
    let gateway = Running::to_emulator(&emulator);
    let (answered, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..IN_FLIGHT {
            scope.spawn(|| {
                let mut connection = Connection::open(&gateway.address);
                let headers = "Accept: application/json\r\nContent-Type: application/json\r\n";
                while !is_over.load(Ordering::SeqCst) {
                    let reply = connection.call(line, headers, body);
                    let reply = reply.expect("the connection stays open");
                    if !(200..300).contains(&reply.status()) {
                        is_over.store(true, Ordering::SeqCst);
                        panic!("{line}: {} {}", reply.head, reply.text());
                    }
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let wait_for_calls = || {
            let target = answered.load(Ordering::SeqCst) + CALLS;
            while answered.load(Ordering::SeqCst) < target && !is_over.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        };
        for _ in 0..RESETS {
            wait_for_calls();
            let (old, new) = (emulator.key(), emulator.reset());
            let keys = [&old, &new].map(|key| ApiKey::parse(key).unwrap());
            gateway.ring.replace(keys).unwrap();
            wait_for_calls();
            for product in Product::ALL {
                emulator.login(product);
            }
            wait_for_calls();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    answered.load(Ordering::SeqCst)
}

#[test]
fn three_resets_cost_no_failed_get() {
    assert!(calls_through_resets("GET /lcx/flows", b"") >= 3 * RESETS * CALLS);
}

#[test]
fn three_resets_cost_no_failed_post() {
    let name = "x".repeat(1_900);
    let body = format!("{{\"name\":\"{name}\"}}");
    let line = "POST /suppressionlist/lists/do_not_call/items";
    let body = body.replace("name", "values");
    assert!(calls_through_resets(line, body.as_bytes()) >= 3 * RESETS * CALLS);
}
