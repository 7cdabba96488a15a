//! From the global options to a client: origins, roots, times, then keys.

use std::fs::File;
use std::path::Path;

use ap_core::{Account, ApiKey, KeyRing, Origin, Origins, Replay, Service};
use ap_emulator::Emulator;
use ap_ureq::Client;
use bytes::Bytes;
use http::Request;

use crate::cli::{Global, NamedOrigin};
use crate::emulate::not_started;
use crate::exit::{Failure, OTHER};
use crate::keys::{self, Prompt};
use crate::redact::Secrets;
use crate::{arguments, bounded, output};

/// The largest file of roots that is read: all of Mozilla's have a quarter of a MiB.
const ROOTS_LIMIT_MIB: u64 = 16;

/// A client, and the emulator that it may talk to, which ends with it.
pub(crate) struct Setup {
    pub client: Client,
    pub verbose: bool,
    pub secrets: Secrets,
    /// The keys, oldest first; none before `unlock`.
    pub keys: Vec<ApiKey>,
    emulator: Option<Emulator>,
}

impl Setup {
    /// A client without keys, for calls that need none and for looking at a call before a key is asked
    /// for.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let emulator = global.emulator.then(Emulator::start).transpose();
        let emulator = emulator.map_err(|error| not_started(&error, "try again"))?;
        let origins = match &emulator {
            Some(emulator) => emulator_origins(emulator)?,
            None => given_origins(global)?,
        };
        let mut builder = Client::builder().origins(origins);
        if let Some(timeout) = global.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(file) = &global.ca {
            builder = builder.root_pem(read_roots(file)?);
        }
        let client = builder.build().map_err(|error| {
            Failure::usage(
                format!("the client could not be made: {error}"),
                "give --ca a file of certificates in PEM",
            )
        })?;
        Ok(Self {
            client,
            verbose: global.verbose,
            secrets: Secrets::of(&[]),
            keys: Vec::new(),
            emulator,
        })
    }

    /// Gives the client the emulator's key, or the account's.
    pub(crate) fn unlock(&mut self, prompt: Prompt) -> Result<(), Failure> {
        let keys = match &self.emulator {
            Some(emulator) => vec![emulator_key(emulator)?],
            None => keys::resolve(prompt)?,
        };
        self.unlock_with(keys)
    }

    /// Gives the client these keys, oldest first.
    pub(crate) fn unlock_with(&mut self, keys: Vec<ApiKey>) -> Result<(), Failure> {
        arguments::check_for(&keys)?;
        self.secrets = Secrets::of(&keys);
        self.keys = keys;
        self.sign_with(&self.keys)
    }

    /// Which of its keys the client signs with from now on.
    pub(crate) fn sign_with(&self, keys: &[ApiKey]) -> Result<(), Failure> {
        self.client
            .keys()
            .replace(keys.to_vec())
            .map_err(|error| Failure::usage(error.to_string(), "keep the newest keys"))
    }

    /// Whether the request is one that a key may go with, as far as can be told without the key.
    pub(crate) fn check(&self, request: &Request<Bytes>) -> Result<(), Failure> {
        let nobody = Account::new(KeyRing::empty(), self.client.origins().clone());
        let begun = nobody.begin(request, Replay::Allowed);
        begun.map(drop).map_err(|error| Failure::of_request(&error))
    }
}

fn emulator_key(emulator: &Emulator) -> Result<ApiKey, Failure> {
    ApiKey::parse(emulator.key())
        .map(|key| key.labelled("made for this command"))
        .map_err(|error| Failure::new(OTHER, format!("the emulator's key: {error}"), "report this"))
}

fn emulator_origins(emulator: &Emulator) -> Result<Origins, Failure> {
    let failed = |why: String| {
        Failure::new(
            OTHER,
            format!("the emulator's origins: {why}"),
            "report this",
        )
    };
    let mut changes = Vec::new();
    for service in Service::ALL {
        let product = match service.product() {
            ap_core::Product::LeadConduit => ap_emulator::Product::LeadConduit,
            ap_core::Product::TrustedForm => ap_emulator::Product::TrustedForm,
            ap_core::Product::SuppressionList => ap_emulator::Product::SuppressionList,
        };
        let origin = Origin::parse_loopback(emulator.url(product));
        changes.push((service, origin.map_err(|error| failed(error.to_string()))?));
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
    let what = format!("the file {}", output::name(file));
    let to_do = "give --ca a file of certificates in PEM";
    bounded::read(File::open(file), &what, ROOTS_LIMIT_MIB, to_do)
}
