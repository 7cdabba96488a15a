//! What is said of a server's certificate, and of a file given with `--ca`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use crate::common::Home;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

/// A server on `localhost` that answers every call with 200, and the root certificate of its authority.
struct TlsServer {
    origin: String,
    root_pem: String,
}

impl TlsServer {
    fn start(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap());
        let authority = authority.unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // The thread waits for connections until the test process ends.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut tls = Stream::new(&mut connection, &mut stream);
                // A client that does not trust the certificate hangs up here.
                if tls.read(&mut [0; 4096]).is_ok() {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                    let _ = tls.write_all(answer);
                }
            }
        });
        Self {
            origin: format!("lcx=https://localhost:{port}"),
            root_pem: authority.pem(),
        }
    }
}

/// Writes a file, and returns its name.
fn write(home: &Home, text: impl AsRef<[u8]>) -> String {
    let file = home.path().join("roots.pem");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn each_fault_of_a_certificate_has_its_own_sentence() {
    type Change = fn(&mut CertificateParams);
    let cases: [(Change, &str, &str); 4] = [
        (
            |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            "the server's certificate is that of an authority, as self-signed ones often are",
            "CA:FALSE",
        ),
        (
            |params| params.not_after = date_time_ymd(2020, 1, 1),
            "the server's certificate has expired",
            "check this machine's clock too",
        ),
        (
            |params| params.not_before = date_time_ymd(2090, 1, 1),
            "the server's certificate is not yet valid",
            "check this machine's clock too",
        ),
        (
            |params| {
                let name = "elsewhere.example".try_into().unwrap();
                params.subject_alt_names = vec![SanType::DnsName(name)];
            },
            "the server's certificate is for another name",
            "call the name",
        ),
    ];
    let home = Home::new();
    for (change, says, hint) in cases {
        let server = TlsServer::start(change);
        let file = write(&home, &server.root_pem);
        let ran = home.run(&["--origin", &server.origin, "--ca", &file, "api", "/x"]);
        ran.fails(6, says);
        ran.says(hint);
    }

    let server = TlsServer::start(|_| {});
    let ran = home.run(&["--origin", &server.origin, "api", "/x"]);
    ran.fails(6, "the server's certificate has an unknown issuer");
    ran.says("--ca FILE");
}

#[test]
fn a_bundle_is_used_whole_or_refused_with_a_reason() {
    let home = Home::new();
    let server = TlsServer::start(|_| {});
    let root = server.root_pem.as_str();
    let run = |text: &[u8]| {
        let file = write(&home, text);
        home.run(&["--origin", &server.origin, "--ca", &file, "api", "/x"])
    };
    let other = TlsServer::start(|_| {}).root_pem;
    for text in [
        root.to_owned(),
        format!("\u{feff}{root}"),
        format!("# of ours\n{other}\n{root}"),
    ] {
        assert_eq!(run(text.as_bytes()).succeeds(), "{}");
    }
    let damaged = root.replacen("MII", "MIJ", 1);
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (text, says) in [
        (format!("{root}{damaged}{root}"), "root certificate 2"),
        (
            format!(
                "{root}{}",
                root.replace("CERTIFICATE", "TRUSTED CERTIFICATE")
            ),
            "TRUSTED CERTIFICATE",
        ),
        (format!("{root}{key}"), "a private key"),
        ("0\u{1}".to_owned(), "no -----BEGIN CERTIFICATE-----"),
    ] {
        let ran = run(text.as_bytes());
        ran.fails(2, says);
        ran.says("roots.pem");
    }
    run(b"\x30\x82\x01\x00\x00").fails(2, "binary (DER");
}

#[test]
fn a_server_without_tls_is_named_for_what_it_is() {
    // It answers a request that is not HTTP as soon as the client has sent all of it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("lcx=https://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let ran = Home::new().run(&["--origin", &origin, "api", "/x"]);
    ran.fails(6, "the server does not speak TLS");
    server.join().unwrap();
}
