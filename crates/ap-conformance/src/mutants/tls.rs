//! Faults with TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use ap_client::transport::TransportErrorKind;
use bytes::Bytes;
use http::{Request, Response};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::failing_cases::FailingCases;
use super::mutant::{Mutant, NO_FAULT, authorization, has_kind};

/// Writes a request to a stream. Returns an empty response if there is an answer in HTTP.
fn speak(mut stream: impl Read + Write, request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let key = authorization(request).unwrap_or_default();
    let text = format!(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {key}\r\nContent-Length: {}\r\n\r\n",
        request.method(),
        request.uri().path_and_query()?,
        request.body().len()
    );
    stream.write_all(text.as_bytes()).ok()?;
    stream.write_all(request.body()).ok()?;
    let mut start = [0; 5];
    stream.read_exact(&mut start).ok()?;
    (start == *b"HTTP/").then(|| Response::new(Bytes::new()))
}

fn dial(request: &Request<Bytes>) -> Option<TcpStream> {
    let uri = request.uri();
    let stream = TcpStream::connect((uri.host()?, uri.port_u16()?)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    Some(stream)
}

/// Accepts every certificate.
#[derive(Debug)]
struct AcceptAll;

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn without_verification(request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptAll))
        .with_no_client_auth();
    let name = ServerName::try_from(request.uri().host()?.to_owned()).ok()?;
    let connection = ClientConnection::new(Arc::new(config), name).ok()?;
    speak(StreamOwned::new(connection, dial(request)?), request)
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "does not trust the given root",
        config: |config| {
            config.root_pems.clear();
            config.mozilla_roots = true;
        },
        fails: FailingCases::listed(&[
            "authorization/over-tls",
            "connections/answer-before-the-request",
            "connections/idle-end-tls",
            "connections/idle-response-tls",
            "connections/kept-alive-tls",
            "proxy/address",
            "proxy/loopback-direct-tls",
            "proxy/over-tls",
            "proxy/password",
            "proxy/tunnel",
            "proxy/tunnel-kept",
            "redirect/scheme-change",
            "replay/over-tls",
            "rotation/in-flight-over-tls",
            "time/deadline-over-tls",
            "tls/cut",
            "tls/good-certificate",
            "tls/many-segments",
            "tls/no-closing-alert",
            "uploads/early-answer-tls",
            "uploads/large-over-tls",
            "url/same-origin-spelling",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "accepts every certificate",
        response: |_, request, answer| match answer {
            Err(error) if error.kind() == TransportErrorKind::Tls => {
                without_verification(&request).ok_or(error)
            }
            answer => answer,
        },
        fails: FailingCases::listed(&[
            "diagnostics/no-url-over-tls",
            "rotation/tls-failure",
            "tls/bad-certificate",
            "tls/bad-certificate-post",
            "tls/no-root",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "silently tries plain HTTP when TLS fails",
        response: |_, request, answer| {
            let failed = has_kind(
                &answer,
                &[TransportErrorKind::Tls, TransportErrorKind::Connect],
            );
            if failed && request.uri().scheme_str() == Some("https") {
                let _ = dial(&request).map(|stream| speak(stream, &request));
            }
            answer
        },
        fails: FailingCases::listed(&[
            "tls/bad-certificate",
            "tls/bad-certificate-post",
            "tls/no-root",
            "tls/plain-server",
            "tls/handshake-ends",
            "tls/alert",
            "rotation/tls-failure",
            "diagnostics/no-url-over-tls",
        ]),
        ..NO_FAULT
    },
];
