//! Which connection a call uses, and what becomes of it.
#![allow(clippy::unwrap_used)]

#[path = "../../ap-reqwest/tests/common/mod.rs"]
mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use ap_hyper::HyperTransport;
use ap_hyper::ap_client::transport::{
    AsyncTransport as _, Deadline, FreshConnection, TransportConfig,
};
use bytes::Bytes;
use common::{LIMIT, Server, get};
use http::{Request, Response};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn transport() -> HyperTransport {
    HyperTransport::new(&TransportConfig::new()).unwrap()
}

async fn call(transport: &HyperTransport, request: &Request<Bytes>) -> Response<Bytes> {
    let deadline = Deadline::after(transport.now(), LIMIT);
    transport.send(request, deadline).await.unwrap()
}

/// A server whose connections are played by hand.
struct Peer {
    listener: TcpListener,
    origin: String,
}

impl Peer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, origin }
    }

    fn request(&self, method: &str, body: &'static str) -> Request<Bytes> {
        let mut request = get(&format!("{}/flows", self.origin));
        *request.method_mut() = method.parse().unwrap();
        *request.body_mut() = body.into();
        request
    }

    /// Plays on a thread. What it returns can be waited for.
    fn play<T: Send + 'static>(
        self,
        script: impl FnOnce(TcpListener) -> T + Send + 'static,
    ) -> Receiver<T> {
        let (sender, receiver) = channel();
        thread::spawn(move || sender.send(script(self.listener)));
        receiver
    }
}

fn accept(listener: &TcpListener) -> TcpStream {
    let stream = listener.accept().unwrap().0;
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

fn read_head(mut stream: &TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
}

fn answer(mut stream: &TcpStream, body: &str) {
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).unwrap();
}

/// Returns `true` if the other side ends the connection.
fn has_ended(mut stream: &TcpStream) -> bool {
    loop {
        match stream.read(&mut [0; 1024]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[tokio::test]
async fn localhost_is_this_machine_in_every_spelling() {
    let server = Server::start();
    for host in ["localhost", "LOCALHOST", "127.0.0.1"] {
        let request = get(&format!("http://{host}:{}/flows", server.port));
        assert_eq!(call(&transport(), &request).await.body(), "ok", "{host}");
    }
}

#[tokio::test]
async fn a_connection_on_which_a_key_was_rejected_before_the_body_was_read_carries_no_other_request()
 {
    let server = Server::answering("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
    let transport = transport();
    for (method, body, is_fresh, accepted) in [
        ("GET", "", false, 1),
        ("GET", "", false, 1),
        ("POST", "body", false, 1),
        ("GET", "", false, 2),
        ("GET", "", false, 2),
        ("GET", "", true, 3),
        ("GET", "", false, 3),
    ] {
        let mut request = server.get();
        *request.method_mut() = method.parse().unwrap();
        *request.body_mut() = body.into();
        if is_fresh {
            request.extensions_mut().insert(FreshConnection);
        }
        assert_eq!(call(&transport, &request).await.body(), "no");
        assert_eq!(server.accepted(), accepted, "{method} {is_fresh}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_resend_takes_the_place_of_an_idle_connection() {
    let peer = Peer::start();
    let (first, mut resend) = (peer.request("GET", ""), peer.request("GET", ""));
    resend.extensions_mut().insert(FreshConnection);
    let ended = peer.play(|listener| {
        let first = accept(&listener);
        read_head(&first);
        answer(&first, "first");
        let second = accept(&listener);
        read_head(&second);
        answer(&second, "second");
        has_ended(&first)
    });
    let transport = transport();
    assert_eq!(call(&transport, &first).await.body(), "first");
    assert_eq!(call(&transport, &resend).await.body(), "second");
    let ended = tokio::task::spawn_blocking(move || ended.recv_timeout(LIMIT));
    assert!(
        ended.await.unwrap().unwrap(),
        "calls in flight at a reset would double the connections"
    );
}

#[test]
fn a_connection_that_ended_while_nobody_ran_the_runtime_is_replaced() {
    for method in ["GET", "POST"] {
        let peer = Peer::start();
        let requests = [peer.request("GET", ""), peer.request(method, "")];
        let (ended, first_has_ended) = channel();
        let played = peer.play(move |listener| {
            let first = accept(&listener);
            read_head(&first);
            answer(&first, "first");
            drop(first);
            ended.send(()).unwrap();
            let second = accept(&listener);
            read_head(&second);
            answer(&second, "second");
        });
        let (runtime, transport) = (runtime(), transport());
        assert_eq!(
            runtime.block_on(call(&transport, &requests[0])).body(),
            "first"
        );
        first_has_ended.recv_timeout(LIMIT).unwrap();
        // A younger connection is not looked at before it is used.
        thread::sleep(Duration::from_millis(20));
        assert_eq!(
            runtime.block_on(call(&transport, &requests[1])).body(),
            "second"
        );
        played.recv_timeout(LIMIT).unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_ended_together_with_its_response_is_replaced() {
    for method in ["GET", "POST"] {
        let peer = Peer::start();
        let requests = [peer.request("GET", ""), peer.request(method, "")];
        let (received, is_received) = channel();
        let (ended, has_ended) = channel();
        let played = peer.play(move |listener| {
            let first = accept(&listener);
            read_head(&first);
            received.send(()).unwrap();
            answer(&first, "first");
            drop(first);
            ended.send(()).unwrap();
            let second = accept(&listener);
            read_head(&second);
            answer(&second, "second");
        });
        let transport = transport();
        // The runtime looks at its sockets when the response and the end are both there.
        let both_are_there = async {
            while is_received.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
            has_ended.recv_timeout(LIMIT).unwrap();
        };
        let (first, ()) = tokio::join!(call(&transport, &requests[0]), both_are_there);
        assert_eq!(first.body(), "first");
        assert_eq!(call(&transport, &requests[1]).await.body(), "second");
        played.recv_timeout(LIMIT).unwrap();
    }
}

#[test]
fn an_idle_connection_ends_with_its_runtime() {
    let peer = Peer::start();
    let request = peer.request("GET", "");
    let ended = peer.play(|listener| {
        let first = accept(&listener);
        read_head(&first);
        answer(&first, "first");
        has_ended(&first)
    });
    let (runtime, transport) = (runtime(), transport());
    assert_eq!(runtime.block_on(call(&transport, &request)).body(), "first");
    drop(runtime);
    assert!(
        ended.recv_timeout(LIMIT).unwrap(),
        "nobody can use it any more"
    );
    drop(transport);
}

#[tokio::test]
async fn a_dropped_call_ends_its_connection_and_the_next_one_works() {
    let peer = Peer::start();
    let request = peer.request("GET", "");
    let (arrived, mut has_arrived) = tokio::sync::mpsc::unbounded_channel();
    let played = peer.play(move |listener| {
        // The first call is answered, so that the second one has a connection that was used before.
        let first = accept(&listener);
        read_head(&first);
        answer(&first, "first");
        read_head(&first);
        arrived.send(()).unwrap();
        let second = accept(&listener);
        read_head(&second);
        answer(&second, "second");
        // Late, and on a connection that nobody reads.
        let _ = (&first).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
        has_ended(&first)
    });
    let transport = transport();
    assert_eq!(call(&transport, &request).await.body(), "first");
    tokio::select! {
        _ = call(&transport, &request) => unreachable!("it is not answered"),
        _ = has_arrived.recv() => {}
    }
    assert_eq!(call(&transport, &request).await.body(), "second");
    let waited = tokio::task::spawn_blocking(move || played.recv_timeout(LIMIT)).await;
    assert!(
        waited.unwrap().unwrap(),
        "the dropped call's connection has ended"
    );
}

#[tokio::test]
async fn limits_above_those_of_hyper_hold() {
    for (lines, size) in [(300, 10), (1, 600_000)] {
        let peer = Peer::start();
        let request = peer.request("GET", "");
        let played = peer.play(move |listener| {
            let mut stream = &accept(&listener);
            read_head(stream);
            let value = "a".repeat(size);
            let headers: String = (0..lines)
                .map(|at| format!("x-{at}: {value}\r\n"))
                .collect();
            let text = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\n\r\nok");
            stream.write_all(text.as_bytes()).unwrap();
        });
        let config = TransportConfig::new()
            .max_headers(1000)
            .max_header_size(1_000_000);
        let transport = HyperTransport::new(&config).unwrap();
        assert_eq!(call(&transport, &request).await.headers().len(), lines + 1);
        played.recv_timeout(LIMIT).unwrap();
    }
}

#[test]
fn many_calls_on_many_threads_all_get_their_own_answers() {
    let server = Server::start();
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let transport = transport();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (transport, request) = (transport.clone(), server.get());
                tokio::spawn(async move {
                    for _ in 0..20 {
                        assert_eq!(call(&transport, &request).await.body(), "ok");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}
