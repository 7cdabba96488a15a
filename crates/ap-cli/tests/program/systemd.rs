//! The unit for systemd in the documents: what it starts, as systemd would start it.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use ap_emulator::Emulator;
use serde_json::Value;

use crate::common::{
    Home, emulator_origins, encoded_pair, ending_signal, first_line, rest_of_stderr, send_signal,
    spawn,
};

const LOCAL: &str = "placeholder-key-of-the-gateway";
const OLD_KEY: &str = "placeholder-key-of-last-year";

/// Returns the values of a setting in a unit.
fn values<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter_map(|(found, value)| (found == name).then_some(value))
        .collect()
}

#[test]
fn the_unit_starts_a_gateway_that_reads_its_credentials() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let unit = std::fs::read_to_string(format!("{root}/docs/gateway/ap-gateway.service")).unwrap();
    let (home, emulator) = (Home::new(), Emulator::start().unwrap());
    let folder = home.path().join("credentials");
    std::fs::create_dir(&folder).unwrap();
    let mut names = values(&unit, "LoadCredentialEncrypted");
    names.sort_unstable();
    assert_eq!(names, ["account-keys", "gateway-key"]);
    for (name, content) in [
        ("account-keys", format!("{OLD_KEY}\n{}\n", emulator.key())),
        ("gateway-key", LOCAL.to_owned()),
    ] {
        std::fs::write(folder.join(name), content).unwrap();
        std::fs::set_permissions(folder.join(name), Permissions::from_mode(0o400)).unwrap();
    }
    let folder = folder.display().to_string();
    let [start] = values(&unit, "ExecStart")[..] else {
        panic!("one command: {unit}");
    };
    // Other programs may use the port, so the test takes free ones.
    let start = start.replace("${CREDENTIALS_DIRECTORY}", &folder);
    assert!(start.contains(" --port 8800"), "{start}");
    let start = start.replace(" --port 8800", "");
    let arguments = start.strip_prefix("/usr/local/bin/ap ").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ap"));
    command
        .args(emulator_origins(&emulator))
        .args(arguments.split(' '))
        .env_clear()
        .env("HOME", "/")
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
        .env("CREDENTIALS_DIRECTORY", &folder);
    for assignment in values(&unit, "Environment") {
        let assignment = assignment.trim_matches('"').replace("%d", &folder);
        let (name, value) = assignment.split_once('=').unwrap();
        command.env(name, value);
    }
    let mut child = spawn(command);
    let started: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
    let url = started["lcx"].as_str().unwrap();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let pair = encoded_pair(LOCAL);
    let request = format!(
        "GET /flows HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {pair}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    send_signal(child.id(), "TERM");
    assert_eq!(ending_signal(child.wait().unwrap()), Some(15));
    assert_eq!(rest_of_stderr(&mut child), "ap: interrupted\n");
}
