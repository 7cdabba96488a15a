//! What a text of root certificates may contain, and what is said of the rest.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::error::Error as _;

use ap_client::transport::{TransportConfig, TransportErrorKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

fn certificate() -> rcgen::Certificate {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["root.example".to_owned()]).unwrap();
    params.self_signed(&key).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

fn count(text: impl Into<Vec<u8>>) -> usize {
    let config = TransportConfig::new().root_pem(text.into());
    config.root_certificates().unwrap().len()
}

/// Returns why texts are refused.
fn refusal(texts: impl IntoIterator<Item = Vec<u8>>) -> String {
    let mut config = TransportConfig::new();
    for text in texts {
        config = config.root_pem(text);
    }
    let error = config.root_certificates().unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Setup);
    error.source().unwrap().to_string()
}

#[test]
fn text_around_certificates_line_breaks_and_byte_order_marks_are_allowed() {
    let one = certificate().pem();
    assert_eq!(count(one.clone()), 1);
    assert_eq!(count(one.trim_end()), 1);
    assert_eq!(count(format!("\u{feff}{one}")), 1);
    assert_eq!(count(format!("{one}\u{feff}{one}")), 2);
    assert_eq!(count(one.replace('\n', "\r\n")), 1);
    assert_eq!(count(one.replace('\n', "\r")), 1);
    assert_eq!(count(one.replace('\n', "  \n\t")), 1);
    assert_eq!(count(one.replace("CERTIFICATE", "X509 CERTIFICATE")), 1);
    let comments =
        format!("# A root - of ours\n=====\n{one}\nBag Attributes\n    name: \u{e9}\n{one}");
    assert_eq!(count(comments), 2);
    assert_eq!(count([b"caf\xE9\n", one.as_bytes()].concat()), 1);
    // A long title is underlined, and a fingerprint has no colons.
    for line in ["=".repeat(80), "-".repeat(80), "a1".repeat(32)] {
        assert_eq!(count(format!("{line}\n{one}")), 1, "{line}");
    }
}

#[test]
fn what_is_not_a_certificate_is_refused_and_counted_from_1() {
    let certificate = certificate();
    let (one, der) = (certificate.pem(), certificate.der().to_vec());
    let cut = pem("CERTIFICATE", &der[..der.len() - 1]);
    let longer = pem("CERTIFICATE", &[&der[..], b"x"].concat());
    for (text, expected) in [
        (String::new(), "contain no -----BEGIN CERTIFICATE-----"),
        ("no certificate".to_owned(), "contain no -----BEGIN"),
        (
            pem("CERTIFICATE", b"\x01\x02"),
            "root certificate 1, which begins on line 1, is not a valid X.509 certificate",
        ),
        (format!("{one}{cut}{one}"), "root certificate 2,"),
        (format!("{one}{one}{longer}"), "root certificate 3,"),
        (
            one.replacen("MII", "M!I", 1),
            "root certificate 1, which begins on line 1, is not valid base64",
        ),
        (
            format!("\n{one}").replace("-----END CERTIFICATE-----\n", ""),
            "root certificate 1, which begins on line 2, does not end with",
        ),
        (
            one.replace("-----END CERTIFICATE-----\n", "") + &one,
            "root certificate 1, which begins on line 1, does not end with",
        ),
        (one.replace("-----END", "----END"), "is neither"),
        (one.replace('\n', ""), "is neither"),
        (
            format!("{one}----BEGIN CERTIFICATE-----\nAAAA"),
            "is neither",
        ),
        (
            format!("{one}-----begin certificate-----\nAAAA"),
            "is neither",
        ),
        (
            format!("{one}\u{2014}BEGIN CERTIFICATE\u{2014}"),
            "is neither",
        ),
        (
            format!("{one}-----END CERTIFICATE-----\n"),
            "ends what has not begun",
        ),
        (
            one.replace("-----BEGIN CERTIFICATE-----\n", ""),
            "line 1 is a part of a certificate without",
        ),
        (
            format!("{one}{KEY}"),
            "begins a private key, which is no root certificate; remove it",
        ),
        (
            format!("{one}{}", KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")),
            "begins a private key",
        ),
        (
            format!("{one}{}", pem("TRUSTED CERTIFICATE", &der)),
            "root certificate 2,",
        ),
        (pem("TRUSTED CERTIFICATE", &der), "is a TRUSTED CERTIFICATE"),
        (format!("{one}{}", pem("X509 CRL", b"x")), "begins X509 CRL"),
        (pem("PKCS7", b"x"), "line 1 begins PKCS7"),
        (pem("secret-word", b"x"), "line 1 begins something"),
    ] {
        let refusal = refusal([text.clone().into_bytes()]);
        assert!(refusal.contains(expected), "{refusal}\n{text}");
        assert!(!refusal.contains("secret-word"), "{refusal}");
    }
    // They are counted over all texts.
    let second = refusal([one.into_bytes(), cut.into_bytes()]);
    assert!(second.starts_with("root certificate 2,"), "{second}");
}

#[test]
fn other_encodings_are_named() {
    let certificate = certificate();
    let der = refusal([certificate.der().to_vec()]);
    assert!(der.contains("binary (DER or PKCS #12), not PEM"), "{der}");
    let little: Vec<u8> = certificate
        .pem()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = certificate
        .pem()
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    for text in [
        [&b"\xFF\xFE"[..], &little].concat(),
        [&b"\xFE\xFF"[..], &big].concat(),
        little,
        big,
    ] {
        assert!(refusal([text]).contains("UTF-16"));
    }
}
