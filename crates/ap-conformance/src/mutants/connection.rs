//! What can go wrong with connections, with TLS, proxies, limits and time, and with sending again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use ap_core::{Connect as _, Deadline, ErrorKind, Transport as _, TransportError, is_loopback};
use ap_ureq::UreqTransport;
use bytes::Bytes;
use http::{Request, Response};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::failing_cases::{About, ends_in, gets_a_401, reuses_its_connection};
use super::mutant::{Answer, Broken, Call, SOUND, authorization};

/// Sends a request again if this holds for what came of it.
fn again(call: &Call<'_>, request: &Request<Bytes>, holds: fn(&Answer) -> bool) -> Answer {
    let answer = call.once(request);
    if holds(&answer) {
        call.once(request)
    } else {
        answer
    }
}

fn has_status(answer: &Answer, holds: fn(u16) -> bool) -> bool {
    answer
        .as_ref()
        .is_ok_and(|answer| holds(answer.status().as_u16()))
}

fn has_kind(answer: &Answer, kinds: &[ErrorKind]) -> bool {
    answer
        .as_ref()
        .is_err_and(|error| kinds.contains(&error.kind()))
}

/// Writes a request to a stream, and an empty response if anything is answered.
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

/// Takes every certificate for good.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
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
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    let name = ServerName::try_from(request.uri().host()?.to_owned()).ok()?;
    let connection = ClientConnection::new(Arc::new(config), name).ok()?;
    speak(StreamOwned::new(connection, dial(request)?), request)
}

/// A connection to the proxy that the settings name, besides the right one.
fn to_the_proxy(call: &Call<'_>) -> Option<TcpStream> {
    let proxy = call.settings().proxy.as_ref()?.origin().clone();
    TcpStream::connect((proxy.host(), proxy.port())).ok()
}

pub(super) const MUTANTS: &[Broken] = &[
    Broken {
        name: "opens a connection for every request",
        send: |call, request| call.by(&UreqTransport::connect(call.settings())?, request),
        fails: About::all(reuses_its_connection),
        ..SOUND
    },
    Broken {
        name: "knows no limits",
        settings: |settings| {
            settings.body_limit = usize::MAX;
            settings.head_limit = 1 << 30;
            settings.header_limit = 30_000;
        },
        fails: About::these(&[
            "connections/error-then-next",
            "diagnostics/key-reflected-large-body",
            "diagnostics/no-url-too-large",
            "limits/endless-chunks",
            "limits/announced",
            "limits/body-one-more",
            "limits/chunked-body-one-more",
            "limits/header-lines-101",
            "limits/header-lines-129",
            "limits/header-lines-300",
            "limits/header-lines-set-11",
            "limits/head-2001",
            "limits/head-20000",
            "limits/head-default-70-kb",
            "limits/endless-header",
            "limits/endless-reason",
            // Its library has a limit of its own, and another word for it.
            "limits/endless-headers",
            "limits/interim-size",
            "limits/one-byte-chunks",
            "limits/empty-body-limit-one-byte",
            "proxy/head-flood",
        ]),
        ..SOUND
    },
    Broken {
        name: "allows one more than its limits",
        settings: |settings| {
            settings.body_limit += 1;
            settings.head_limit += 1;
            settings.header_limit += 1;
        },
        fails: About::these(&[
            "limits/body-one-more",
            "limits/chunked-body-one-more",
            "limits/empty-body-limit-one-byte",
            "limits/header-lines-101",
            "limits/header-lines-set-11",
            "limits/head-2001",
        ]),
        ..SOUND
    },
    Broken {
        name: "allows one less than its limits",
        settings: |settings| {
            settings.body_limit = settings.body_limit.saturating_sub(1);
            settings.head_limit -= 1;
            settings.header_limit -= 1;
        },
        fails: About::these(&[
            "limits/body-at-the-limit",
            "limits/chunked-body-at-the-limit",
            "limits/header-lines-100",
            "limits/header-lines-set-10",
            "limits/head-2000",
        ]),
        ..SOUND
    },
    Broken {
        name: "takes a limit of no bytes for one that no response can keep",
        answer: |call, _, answer| {
            if call.settings().body_limit == 0 {
                return Err(TransportError::new(ErrorKind::TooLarge));
            }
            answer
        },
        fails: About::these(&["limits/empty-body-limit-empty"]),
        ..SOUND
    },
    Broken {
        name: "knows no deadline",
        send: |call, request| call.until(request, Deadline::NEVER),
        fails: About::all(|case| ends_in(case, &["timeout"])),
        ..SOUND
    },
    Broken {
        name: "has a deadline for each attempt",
        send: |call, request| {
            let timeout = call.settings().timeout;
            call.until(request, Deadline::after(call.mutant.now(), timeout))
        },
        fails: About::these(&["replay/one-deadline", "time/one-deadline-for-all-attempts"]),
        ..SOUND
    },
    Broken {
        name: "takes a far deadline for one that has passed",
        send: |call, request| {
            let left = call.deadline.left(call.mutant.now());
            if left.is_none_or(|left| left.as_millis() > u128::from(u32::MAX)) {
                return Err(TransportError::new(ErrorKind::Timeout));
            }
            call.once(request)
        },
        fails: About::these(&["time/long-deadline"]),
        ..SOUND
    },
    Broken {
        name: "takes its time for connecting",
        settings: |settings| settings.connect_timeout = Duration::from_secs(60),
        fails: About::all(|case| ends_in(case, &["connect_timeout"])),
        ..SOUND
    },
    Broken {
        name: "gives up on an upload that is answered early",
        answer: |_, request, answer| {
            if request.body().len() > 1_000_000 && has_status(&answer, |status| status >= 400) {
                return Err(TransportError::new(ErrorKind::Closed));
            }
            answer
        },
        fails: About::these(&["uploads/early-answer*"]),
        ..SOUND
    },
    Broken {
        name: "sends again what was refused",
        send: |call, request| {
            again(call, request, |answer| {
                has_status(answer, |status| status == 401)
            })
        },
        fails: About::all(gets_a_401).either(&[
            "refusal/early",
            // Whether there are too many requests depends on how many began before the login.
            "rotation/in-flight*",
        ]),
        ..SOUND
    },
    Broken {
        name: "sends again what was answered with 429 or 5xx",
        send: |call, request| {
            again(call, request, |answer| {
                has_status(answer, |status| status == 429 || status >= 500)
            })
        },
        fails: About::these(&[
            "connections/kept-alive-500",
            "redirect/not-a-redirect-503",
            "refusal/other-status-429",
            "refusal/other-status-500",
            "refusal/other-status-502",
            "refusal/other-status-503",
            "refusal/other-status-511",
            "body/with-error-500",
            "replay/learns-not-from-429",
            "replay/learns-not-from-500",
            "replay/learns-not-from-503",
            "replay/not-repeated-429",
            "replay/not-repeated-500",
            "replay/not-repeated-503",
            "throttling/retry-after",
            "throttling/retry-after-twice",
            "throttling/server-error",
            // Neither says that the server is at fault.
            "!throttling/server-error-408",
            "!throttling/server-error-425",
            "throttling/server-error-get",
            "throttling/then-fine",
        ]),
        ..SOUND
    },
    Broken {
        name: "sends again what was late, early or misdirected",
        send: |call, request| {
            again(call, request, |answer| {
                has_status(answer, |status| matches!(status, 408 | 421 | 425))
            })
        },
        fails: About::these(&[
            "refusal/other-status-408",
            "refusal/other-status-421",
            "refusal/other-status-425",
            "replay/not-repeated-408",
            "throttling/misdirected",
            "throttling/server-error-408",
            "throttling/server-error-425",
        ]),
        ..SOUND
    },
    Broken {
        name: "sends again what was not answered",
        send: |call, request| {
            let kinds = &[
                ErrorKind::Closed,
                ErrorKind::Truncated,
                ErrorKind::Malformed,
            ];
            let answer = call.once(request);
            if has_kind(&answer, kinds) {
                call.once(request)
            } else {
                answer
            }
        },
        fails: About::all(|case| ends_in(case, &["closed", "truncated", "malformed"])).and(&[
            // Nothing of a request comes to those who do not speak HTTP.
            "!tls/tls-server",
            "!connections/answer-before-the-request",
        ]),
        ..SOUND
    },
    Broken {
        name: "trusts nobody",
        settings: |settings| {
            settings.root_pems.clear();
            settings.mozilla_roots = true;
        },
        fails: About::these(&[
            "authorization/over-tls",
            "connections/answer-before-the-request",
            "connections/idle-end-tls",
            "connections/idle-response-tls",
            "connections/kept-alive-tls",
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
        ..SOUND
    },
    Broken {
        name: "trusts anyone",
        answer: |_, request, answer| match answer {
            Err(error) if error.kind() == ErrorKind::Tls => {
                without_verification(&request).ok_or(error)
            }
            answer => answer,
        },
        fails: About::these(&[
            "diagnostics/no-url-over-tls",
            "rotation/tls-failure",
            "tls/bad-certificate",
            "tls/bad-certificate-post",
            "tls/no-root",
        ]),
        ..SOUND
    },
    Broken {
        name: "tries without TLS where TLS fails, and says nothing of it",
        answer: |_, request, answer| {
            let failed = has_kind(&answer, &[ErrorKind::Tls, ErrorKind::Connect]);
            if failed && request.uri().scheme_str() == Some("https") {
                let _ = dial(&request).map(|stream| speak(stream, &request));
            }
            answer
        },
        fails: About::these(&[
            "tls/plain-server",
            "tls/handshake-ends",
            "tls/alert",
            // It counts connections.
            "rotation/tls-failure",
        ]),
        ..SOUND
    },
    Broken {
        name: "goes to loopback by the proxy too",
        send: |call, request| {
            if is_loopback(request.uri()) {
                drop(to_the_proxy(call));
            }
            call.once(request)
        },
        fails: About::these(&["proxy/loopback-direct"]),
        ..SOUND
    },
    Broken {
        name: "goes around the proxy",
        settings: |settings| settings.proxy = None,
        fails: About::these(&["proxy/*", "!proxy/loopback-direct"]),
        ..SOUND
    },
    Broken {
        name: "tells the proxy the key",
        send: |call, request| {
            // As a client does that sends its headers with CONNECT.
            if let (Some(mut proxy), Some(key)) = (to_the_proxy(call), authorization(request)) {
                let _ = proxy.write_all(key.as_bytes());
            }
            call.once(request)
        },
        fails: About::these(&[
            "proxy/*",
            // Nobody listens there.
            "!proxy/refused",
            // What comes without TLS is not heard.
            "!proxy/over-tls-bad-certificate",
        ]),
        ..SOUND
    },
];
