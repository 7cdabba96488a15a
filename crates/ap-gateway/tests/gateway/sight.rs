//! What an operator sees.

use ap_emulator::Emulator;
use ap_gateway::Limits;

use crate::common::{
    ACCOUNT_KEY, Connection, LOCAL_KEY, Product, Running, call, latch, request, send, wait_until,
};

#[test]
fn health_needs_no_key_and_the_rest_does() {
    let emulator = Emulator::start().unwrap();
    let gateway = Running::to_emulator(&emulator);
    for (page, status) in [
        ("health", 200),
        ("ready", 401),
        ("metrics", 401),
        ("x", 401),
    ] {
        let bytes = format!("GET /_gateway/{page} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(send(&gateway.address, bytes).status(), status, "{page}");
    }
    for (line, status) in [
        ("GET /_gateway/ready", 200),
        ("GET /_gateway/metrics", 200),
        ("HEAD /_gateway/health", 200),
        ("POST /_gateway/health", 405),
        ("POST /_gateway/metrics", 405),
        ("GET /_gateway/x", 404),
    ] {
        assert_eq!(call(&gateway.lcx, line, "", b"").status(), status, "{line}");
    }
}

#[test]
fn ready_says_which_product_accepts_a_key() {
    let emulator = Emulator::start().unwrap();
    let gateway = Running::to_emulator(&emulator);
    let reply = call(&gateway.address, "GET /_gateway/ready", "", b"");
    assert_eq!(
        (reply.status(), reply.text()),
        (
            200,
            r#"{"products":{"lcx":200,"suppressionlist":200,"trustedform":200},"ready":true}"#
        )
    );
    let gateway = Running::start(emulator.origins(), &[ACCOUNT_KEY], Limits::new());
    let reply = call(&gateway.address, "GET /_gateway/ready", "", b"");
    assert_eq!(
        (reply.status(), reply.text()),
        (
            503,
            r#"{"products":{"lcx":"auth","suppressionlist":"auth","trustedform":"auth"},"ready":false}"#
        )
    );
    // One product that does not take the key, or does not work, is enough.
    for (answer, status) in [
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n{\"error\":\"authentication failed\"}",
            "\"auth\"",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            "503",
        ),
    ] {
        let product = Product::with(answer.as_bytes());
        let origins = product.among(emulator.origins());
        let other = Running::start(origins, &[&emulator.key()], Limits::new());
        let reply = call(&other.address, "GET /_gateway/ready", "", b"");
        let text = format!(
            r#"{{"products":{{"lcx":{status},"suppressionlist":200,"trustedform":200}},"ready":false}}"#
        );
        assert_eq!((reply.status(), reply.text()), (503, text.as_str()));
    }
    // Probes cost the account no more calls than one in ten seconds.
    let calls = || {
        emulator
            .state()
            .product(ap_emulator::Product::LeadConduit)
            .refusals
    };
    let before = calls();
    for _ in 0..20 {
        assert_eq!(
            call(&gateway.address, "GET /_gateway/ready", "", b"").status(),
            503
        );
    }
    assert!(calls() - before <= 1, "{}", calls() - before);
}

#[test]
fn a_probe_that_gives_up_costs_no_second_check() {
    let (open, wait) = latch();
    let product = Product::start(move |_| {
        let _ = wait.lock().unwrap().recv();
        Some(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]".to_vec())
    });
    let emulator = Emulator::start().unwrap();
    let origins = product.among(emulator.origins());
    let gateway = Running::start(origins, &[ACCOUNT_KEY], Limits::new());
    let mut probe = Connection::open(&gateway.address);
    probe.write(request("GET /_gateway/ready", "", b""));
    wait_until("a product is asked", || product.requests().len() == 1);
    drop(probe);
    wait_until("the gateway knows that nobody waits", || {
        !gateway.accesses.lock().unwrap().is_empty()
    });
    drop(open);
    call(&gateway.address, "GET /_gateway/ready", "", b"");
    assert_eq!(product.requests().len(), 1);
}

#[test]
fn metrics_and_the_access_log_count_calls_and_name_no_path() {
    let product = Product::with(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let gateway = Running::to_product(&product, Limits::new());
    for line in [
        "GET /private-1",
        "POST /private-2",
        "TRACE /private-3",
        "private /private-4",
    ] {
        call(&gateway.lcx, line, "", b"");
    }
    call(&gateway.address, "GET /private-5", "", b"");
    let metrics = call(&gateway.lcx, "GET /_gateway/metrics", "", b"");
    let media_type = metrics.header("content-type").unwrap();
    assert!(
        media_type.starts_with("application/openmetrics-text"),
        "{media_type}"
    );
    for line in [
        r#"ap_gateway_call_seconds_count{service="lcx",status="404"} 3"#,
        r#"ap_gateway_refusals_total{reason="method"} 1"#,
        r#"ap_gateway_refusals_total{reason="no_such_service"} 1"#,
        "ap_gateway_in_flight 0",
        "ap_gateway_queued 0",
        "# EOF",
    ] {
        assert!(
            metrics.text().lines().any(|found| found == line),
            "{line}\n{}",
            metrics.text()
        );
    }
    wait_until("every answer is in the log", || {
        gateway.accesses.lock().unwrap().len() == 6
    });
    let log: Vec<_> = gateway
        .accesses
        .lock()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(log[0].starts_with("GET lcx 404 "), "{}", log[0]);
    assert!(log[3].starts_with("- lcx 404 "), "{}", log[3]);
    assert!(
        log[4].starts_with("GET - 404 ") && log[4].ends_with(" no_such_service"),
        "{}",
        log[4]
    );
    for text in log.iter().chain([&metrics.text().to_owned()]) {
        for secret in ["private", LOCAL_KEY, ACCOUNT_KEY] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
