//! A Unix socket that only its owner can use.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Barrier;

use ap_gateway::ap_client::ap_core::ApiKey;
use ap_gateway::ap_client::{Async, ClientBuilder, fake};
use ap_gateway::{Gateway, Limits, Listener, LocalKey, Route};

use crate::common::{ACCOUNT_KEY, LOCAL_KEY, request};

#[test]
fn a_socket_has_mode_0600_serves_and_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    // A socket that nobody listens on any more is replaced.
    drop(UnixListener::bind(&path).unwrap());
    let listener = Listener::unix(&path, Route::ByPath).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(
        Listener::unix(&path, Route::ByPath).is_err(),
        "it is in use"
    );
    let key = ApiKey::parse(ACCOUNT_KEY).unwrap();
    let client = ClientBuilder::<Async>::new()
        .key(key)
        .build_with(fake(|_| (200, "[]")));
    let local_key = LocalKey::parse(LOCAL_KEY).unwrap();
    let mut gateway = Gateway::new(client.unwrap(), local_key, Limits::new()).unwrap();
    gateway.listen(listener);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let stop = async { drop(stopped.await) };
        runtime.unwrap().block_on(gateway.serve(stop)).unwrap()
    });
    let mut stream = UnixStream::connect(&path).unwrap();
    let bytes = request("GET /lcx/flows", "Connection: close\r\n", b"");
    stream.write_all(&bytes).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(
        reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("[]"),
        "{reply}"
    );
    drop(stop);
    thread.join().unwrap();
    assert!(!path.exists());
}

#[test]
fn of_two_that_start_at_once_one_gets_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    for _ in 0..100 {
        drop(UnixListener::bind(&path).unwrap());
        let start = Barrier::new(2);
        let listeners: Vec<_> = std::thread::scope(|scope| {
            let bind = || {
                start.wait();
                Listener::unix(&path, Route::ByPath)
            };
            let threads = [scope.spawn(bind), scope.spawn(bind)];
            threads.map(|thread| thread.join().unwrap()).into()
        });
        assert_eq!(listeners.iter().filter(|one| one.is_ok()).count(), 1);
        assert!(
            UnixStream::connect(&path).is_ok(),
            "it is the one that is open"
        );
        drop(listeners);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    std::fs::write(&path, "mine").unwrap();
    assert!(Listener::unix(&path, Route::ByPath).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn another_address_than_loopback_and_the_accounts_own_key_are_refused() {
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    assert!(Listener::tcp(listener, Route::ByPath).is_err());
    let key = ApiKey::parse(LOCAL_KEY).unwrap();
    let client = ClientBuilder::<Async>::new()
        .key(key)
        .build_with(fake(|_| (200, "[]")));
    let local_key = LocalKey::parse(LOCAL_KEY).unwrap();
    assert!(Gateway::new(client.unwrap(), local_key, Limits::new()).is_err());
}
