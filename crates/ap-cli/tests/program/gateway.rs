//! `ap gateway`: its key, its addresses, and its end.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;

use crate::common;
use crate::common::{
    Home, KEY, VARIABLE, emulator_origins, encoded_pair, ending_signal, first_line, join,
    rest_of_stderr, send_signal, spawn,
};
use ap_emulator::Emulator;
use serde_json::Value;

const LOCAL: &str = "placeholder-key-of-the-gateway";
const LOCAL_VARIABLE: &str = "ACTIVEPROSPECT_GATEWAY_KEY";

/// Starts a gateway to an emulator. Its own key is in a variable, if one is given.
fn start(
    home: &Home,
    emulator: &Emulator,
    arguments: &[&str],
    local: Option<&str>,
) -> (Child, Value) {
    let origins = emulator_origins(emulator);
    let mut command = home.ap(&join(&origins, &[&["gateway"], arguments].concat()));
    command.env(VARIABLE, emulator.key());
    if let Some(local) = local {
        command.env(LOCAL_VARIABLE, local);
    }
    let mut child = spawn(command);
    let line = first_line(&mut child);
    (child, serde_json::from_str(&line).unwrap())
}

fn request(path: &str, key: &str) -> String {
    let pair = encoded_pair(key);
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {pair}\r\nConnection: close\r\n\r\n"
    )
}

fn get(url: &str, path: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request(path, key).as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn end(child: &mut Child) -> String {
    send_signal(child.id(), "TERM");
    assert_eq!(ending_signal(child.wait().unwrap()), Some(15));
    rest_of_stderr(child)
}

#[test]
fn the_first_start_makes_a_key_file_and_the_next_uses_it() {
    let (home, emulator) = (Home::new(), Emulator::start().unwrap());
    let (mut child, started) = start(&home, &emulator, &[], None);
    let file = home.path().join("config/ap/gateway-key");
    assert_eq!(started["key_file"], file.display().to_string());
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = std::fs::read_to_string(&file).unwrap();
    let reply = get(
        started["url"].as_str().unwrap(),
        "/lcx/flows",
        key.trim_end(),
    );
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    for (name, path) in [
        ("lcx", "/flows"),
        ("trustedform-app", "/account"),
        ("suppressionlist", "/lists"),
    ] {
        let reply = get(started[name].as_str().unwrap(), path, key.trim_end());
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{name}: {reply}");
    }
    let stderr = end(&mut child);
    assert!(
        stderr.starts_with("ap: made the gateway's key in "),
        "{stderr}"
    );
    assert!(!stderr.contains(key.trim_end()) && !started.to_string().contains(key.trim_end()));

    let (mut child, started) = start(&home, &emulator, &[], None);
    let reply = get(
        started["url"].as_str().unwrap(),
        "/lcx/flows",
        key.trim_end(),
    );
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert_eq!(end(&mut child), "ap: interrupted\n");

    // As a service manager hands it over.
    std::fs::write(&file, key.trim_end()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o440)).unwrap();
    if std::fs::metadata(&file).unwrap().uid() == 0 {
        let (mut child, started) = start(&home, &emulator, &[], None);
        let url = started["url"].as_str().unwrap();
        let reply = get(url, "/lcx/flows", key.trim_end());
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        end(&mut child);
    }
}

#[test]
fn a_body_above_max_body_is_refused() {
    const MIB: usize = 1 << 20;
    let (home, emulator) = (Home::new(), Emulator::start().unwrap());
    let (mut child, started) = start(&home, &emulator, &["--max-body", "1"], Some(LOCAL));
    let address = started["lcx"].as_str().unwrap();
    // The emulator has no such operation, so 501 is its answer.
    for (length, body, status) in [
        (MIB, vec![b'x'; MIB], "501 "),
        (MIB + 1, Vec::new(), "413 "),
    ] {
        let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
        let head = request("/nowhere", LOCAL).replace("\r\n\r\n", "\r\nContent-Length: ");
        write!(stream, "{head}{length}\r\n\r\n").unwrap();
        stream.write_all(&body).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert_eq!(&reply[9..13], status, "{reply}");
    }
    end(&mut child);
}

#[test]
fn a_socket_with_mode_0600_serves_and_is_removed() {
    let (home, emulator) = (Home::new(), Emulator::start().unwrap());
    let path = home.file("gateway.sock");
    let (mut child, started) = start(&home, &emulator, &["--socket", &path], Some(LOCAL));
    assert_eq!(started["socket"], path);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream
        .write_all(request("/lcx/flows", LOCAL).as_bytes())
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert_eq!(end(&mut child), "ap: interrupted\n");
    assert!(!Path::new(&path).exists());
}

#[test]
fn a_call_under_way_is_finished_after_term() {
    let home = Home::new();
    let product = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("lcx=http://{}", product.local_addr().unwrap());
    let mut command = home.ap(&["--origin", &origin, "gateway"]);
    command.env(VARIABLE, KEY).env(LOCAL_VARIABLE, LOCAL);
    let mut child = spawn(command);
    let started: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
    let url = started["lcx"].as_str().unwrap().to_owned();
    let call = std::thread::spawn(move || get(&url, "/flows", LOCAL));
    let (mut upstream, _) = product.accept().unwrap();
    let mut line = String::new();
    BufReader::new(&upstream).read_line(&mut line).unwrap();
    assert_eq!(line, "GET /flows HTTP/1.1\r\n");
    send_signal(child.id(), "TERM");
    let address = started["url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    upstream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .unwrap();
    assert!(call.join().unwrap().ends_with("\r\n\r\nok"));
    assert_eq!(ending_signal(child.wait().unwrap()), Some(15));
}

#[test]
fn a_key_that_cannot_be_used_is_refused_and_not_repeated() {
    let home = Home::new();
    let run = |local: &str| {
        let mut command = home.ap(&["gateway"]);
        command.env(VARIABLE, KEY).env(LOCAL_VARIABLE, local);
        common::Ran::of(command.output().unwrap(), local)
    };
    run("too-short").fails(
        2,
        "ACTIVEPROSPECT_GATEWAY_KEY: the local key has fewer than 16 bytes",
    );
    run("0123456789 abcdefghi").fails(2, "contains a space at byte 10; remove it");
    run(KEY).fails(2, "the gateway's key is the account's API key");
    let file = home.file("open-key");
    std::fs::write(&file, format!("{LOCAL}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    home.run(&["gateway", "--key-file", &file])
        .fails(2, "open-key");
    home.run(&["gateway", "--port", "65532"])
        .fails(2, "write a port from 1 to 65531");
    home.run_bare(&["gateway"]).fails(3, "there is no API key");
}
