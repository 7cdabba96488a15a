//! Why TLS failed: both transports say it in the same words.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use ap_client::ap_core::{ApiKey, Draft, ErrorKind, Origin, Origins, Service, TransportErrorKind};
use ap_client::transport::{TlsError, TlsErrorKind};
use ap_emulator::{Emulator, Product};
use ap_tests::{Settings, TlsTerminator};
use rcgen::{CertificateParams, SanType, date_time_ymd};

/// Calls a URL with both clients, which trust a root certificate, and returns why TLS failed.
fn reason(url: &str, root_pem: Option<&str>) -> (TlsErrorKind, String) {
    let origins = Origins::vendor()
        .with(Service::LeadConduit, Origin::parse_loopback(url).unwrap())
        .unwrap();
    let mut settings = Settings::new([ApiKey::parse("placeholder-key-1").unwrap()], &origins);
    if let Some(pem) = root_pem {
        settings.config = settings.config.root_pem(pem.to_owned());
    }
    let [one, other] = settings.clients().unwrap().map(|client| {
        let error = client
            .send(Draft::get(Service::LeadConduit, "/flows"))
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Transport(TransportErrorKind::Tls),
            "{}",
            client.mode()
        );
        let why = error.source().unwrap().downcast_ref::<TlsError>().unwrap();
        assert!(why.source().is_some(), "the library's own error is kept");
        (why.kind(), why.to_string())
    });
    assert_eq!(one, other);
    one
}

/// Changes the certificate of a server before it is signed.
type Change = fn(&mut CertificateParams);

#[test]
fn each_fault_of_a_certificate_has_its_own_sentence() {
    let emulator = Emulator::start().unwrap();
    let plain = emulator.url(Product::LeadConduit);
    let cases: [(Change, TlsErrorKind, &str); 3] = [
        (
            |params| {
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
            },
            TlsErrorKind::Expired,
            "the server's certificate has expired; check this machine's clock too",
        ),
        (
            |params| {
                params.not_before = date_time_ymd(2090, 1, 1);
                params.not_after = date_time_ymd(2091, 1, 1);
            },
            TlsErrorKind::NotYetValid,
            "the server's certificate is not yet valid; check this machine's clock too",
        ),
        (
            |params| {
                let name = "elsewhere.example".try_into().unwrap();
                params.subject_alt_names = vec![SanType::DnsName(name)];
            },
            TlsErrorKind::OtherName,
            "the server's certificate is for another name",
        ),
    ];
    for (change, kind, sentence) in cases {
        let server = TlsTerminator::start_with(plain, change).unwrap();
        let reason = reason(&server.url(), Some(server.root_pem()));
        assert_eq!(reason, (kind, sentence.to_owned()));
    }

    let server = TlsTerminator::start(plain).unwrap();
    let (kind, sentence) = reason(&server.url(), None);
    assert_eq!(kind, TlsErrorKind::UnknownIssuer);
    assert_eq!(sentence, "the server's certificate has an unknown issuer");
}

#[test]
fn a_server_without_tls_is_named_for_what_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    // One connection for each client.
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 5]).unwrap();
            let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let (kind, sentence) = reason(&url, None);
    assert_eq!(kind, TlsErrorKind::NotTls);
    assert_eq!(sentence, "the server does not speak TLS");
    server.join().unwrap();
}
