//! From the global options to a client: origins, roots, times, keys.

use std::path::Path;

use ap_core::{ApiKey, KeyRing, Origin, Origins, Service};
use ap_emulator::Emulator;
use ap_ureq::Client;

use crate::cli::{Global, NamedOrigin};
use crate::exit::{Failure, OTHER};
use crate::keys::{self, Prompt};

/// A client, and the emulator that it may talk to, which ends with it.
pub(crate) struct Setup {
    pub client: Client,
    _emulator: Option<Emulator>,
}

impl Setup {
    /// With keys: the emulator's, or the account's.
    pub(crate) fn with_keys(global: &Global, prompt: Prompt) -> Result<Self, Failure> {
        Self::new(global, |emulator| match emulator {
            Some(emulator) => emulator_key(emulator),
            None => keys::resolve(prompt),
        })
    }

    /// For calls that need no key.
    pub(crate) fn without_keys(global: &Global) -> Result<Self, Failure> {
        Self::new(global, |_| Ok(KeyRing::empty()))
    }

    fn new(
        global: &Global,
        keys: impl FnOnce(Option<&Emulator>) -> Result<KeyRing, Failure>,
    ) -> Result<Self, Failure> {
        if global.emulator && !global.origin.is_empty() {
            return Err(Failure::usage(
                "--emulator and --origin exclude each other",
                "leave one out",
            ));
        }
        let emulator = global
            .emulator
            .then(Emulator::start)
            .transpose()
            .map_err(|error| {
                Failure::new(OTHER, format!("the emulator could not start: {error}"), "")
            })?;
        let origins = match &emulator {
            Some(emulator) => emulator_origins(emulator)?,
            None => given_origins(global)?,
        };
        let mut builder = Client::builder()
            .origins(origins)
            .keys(keys(emulator.as_ref())?);
        if let Some(timeout) = global.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(file) = &global.ca {
            builder = builder.root_pem(read_roots(file)?);
        }
        let client = builder.build().map_err(|error| {
            Failure::usage(
                format!("the client could not be made: {error}"),
                "check the file given with --ca",
            )
        })?;
        Ok(Self {
            client,
            _emulator: emulator,
        })
    }
}

fn emulator_key(emulator: &Emulator) -> Result<KeyRing, Failure> {
    ApiKey::parse(emulator.key())
        .map(|key| KeyRing::of_one(key.labelled("made for this command")))
        .map_err(|error| Failure::new(OTHER, format!("the emulator's key: {error}"), ""))
}

pub(crate) fn emulator_product(service: Service) -> ap_emulator::Product {
    match service.product() {
        ap_core::Product::LeadConduit => ap_emulator::Product::LeadConduit,
        ap_core::Product::TrustedForm => ap_emulator::Product::TrustedForm,
        ap_core::Product::SuppressionList => ap_emulator::Product::SuppressionList,
    }
}

fn emulator_origins(emulator: &Emulator) -> Result<Origins, Failure> {
    let failed = |text: String| Failure::new(OTHER, format!("the emulator's origins: {text}"), "");
    let mut changes = Vec::new();
    for service in Service::ALL {
        let url = emulator.url(emulator_product(service));
        changes.push((
            service,
            Origin::parse_loopback(url).map_err(|error| failed(error.to_string()))?,
        ));
    }
    Origins::vendor()
        .with_all(changes)
        .map_err(|error| failed(error.to_string()))
}

fn given_origins(global: &Global) -> Result<Origins, Failure> {
    // A service alone comes after its whole product, wherever it stands.
    let is_alone = |named: &&NamedOrigin| named.services == [Service::TrustedFormApp];
    let (alone, whole): (Vec<_>, Vec<_>) = global.origin.iter().partition(is_alone);
    let of = |named: &NamedOrigin| {
        named
            .services
            .iter()
            .map(|service| (*service, named.origin.clone()))
            .collect::<Vec<_>>()
    };
    let changes: Vec<_> = whole.into_iter().chain(alone).flat_map(of).collect();
    Origins::vendor()
        .with_all(changes)
        .map_err(|error| Failure::usage(error.to_string(), "see --origin in `ap --help`"))
}

fn read_roots(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| {
        Failure::usage(
            format!(
                "the file {} cannot be read ({})",
                file.display(),
                error.kind()
            ),
            "give --ca a file of certificates in PEM",
        )
    })
}
