//! The suite's certificate authority, which is new for every run, and certificates that are wrong on
//! purpose.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::case::Certificate;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An authority that subjects trust, and one that they do not.
pub(crate) struct Authority {
    trusted: CertifiedIssuer<'static, KeyPair>,
    unknown: CertifiedIssuer<'static, KeyPair>,
    made: Mutex<HashMap<Certificate, Arc<ServerConfig>>>,
}

impl Authority {
    pub(crate) fn new() -> Result<Self, BoxError> {
        Ok(Self {
            trusted: authority("Conformance suite authority")?,
            unknown: authority("Authority that nobody trusts")?,
            made: Mutex::default(),
        })
    }

    pub(crate) fn root_pem(&self) -> String {
        self.trusted.pem()
    }

    /// Returns a TLS server configuration with a certificate of this kind.
    pub(crate) fn server_config(&self, kind: Certificate) -> Result<Arc<ServerConfig>, BoxError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(&kind) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make(kind)?);
        made.insert(kind, Arc::clone(&config));
        Ok(config)
    }

    fn make(&self, kind: Certificate) -> Result<ServerConfig, BoxError> {
        let names = match kind {
            Certificate::OtherName => vec!["elsewhere.example".to_owned()],
            Certificate::NameInSubject => Vec::new(),
            _ => vec!["localhost".to_owned(), "proxied.example".to_owned()],
        };
        let mut params = CertificateParams::new(names)?;
        if !matches!(kind, Certificate::OtherName | Certificate::NameInSubject) {
            for address in ADDRESSES {
                params.subject_alt_names.push(SanType::IpAddress(address));
            }
        }
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![match kind {
            Certificate::ClientOnly => ExtendedKeyUsagePurpose::ClientAuth,
            _ => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        match kind {
            Certificate::Expired => {
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
            }
            Certificate::NotYetValid => {
                params.not_before = date_time_ymd(2090, 1, 1);
                params.not_after = date_time_ymd(2091, 1, 1);
            }
            _ => {}
        }
        let key = KeyPair::generate()?;
        let certificate = match kind {
            Certificate::SelfSigned => params.self_signed(&key)?,
            Certificate::UnknownAuthority => params.signed_by(&key, &self.unknown)?,
            _ => params.signed_by(&key, &self.trusted)?,
        };
        config(certificate.der().clone(), &key)
    }
}

/// The addresses that a certificate names: loopback, and two that are reached through a proxy (RFC 5737, RFC 3849).
const ADDRESSES: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, BoxError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> Result<ServerConfig, BoxError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )?;
    // Lets a listener send its greeting before any request arrives.
    config.send_half_rtt_data = true;
    Ok(config)
}
