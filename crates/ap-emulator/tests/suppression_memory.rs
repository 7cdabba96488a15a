//! How much memory the values of suppression lists take. It measures this process, so no other test is in it.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ap_emulator::{Emulator, Product};
use common::{resident, send, with_key};
use serde_json::json;

/// The limit for a million values is 64 MiB, so this is the part of each.
const BYTES_OF_A_VALUE: usize = 64;
const MIB: usize = 1024 * 1024;

#[test]
fn values_take_no_more_memory_than_is_charged_for_them() {
    const CALLS: usize = 20;
    const VALUES_A_CALL: usize = 25_000;
    let emulator = Emulator::start().unwrap();
    let url = emulator.url(Product::SuppressionList);
    let headers = with_key(&emulator.key());
    let before = resident();
    // Ascending MD5s fill the nodes of a tree least.
    for call in 0..CALLS {
        let values: Vec<String> = (0..VALUES_A_CALL)
            .map(|number| format!("\"{:032x}\"", call * VALUES_A_CALL + number))
            .collect();
        let body = format!("{{\"values\":[{}]}}", values.join(","));
        let reply = send(url, "POST", "/lists/do_not_call/items", &headers, &body);
        let expected = json!({ "accepted": VALUES_A_CALL, "rejected": 0 });
        assert_eq!((reply.status(), reply.json()), (200, expected));
    }
    let grown = resident().saturating_sub(before);
    let charged = CALLS * VALUES_A_CALL * BYTES_OF_A_VALUE;
    // The bodies, and what the allocator has not given back.
    assert!(grown < charged + 16 * MIB, "{grown} bytes for {charged}");
}
