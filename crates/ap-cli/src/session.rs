//! [`Session`]: from the global options to a client, first without keys, then with them.

use std::fs::File;
use std::path::Path;

use activeprospect::blocking::{Client, ClientBuilder};
use activeprospect::transport::TransportConfig;
use activeprospect::{ApiKey, Draft, Origins, Service};
use ap_emulator::Emulator;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::{self, Prompt};
use crate::options::{GlobalOptions, NamedOrigin};
use crate::redact::Secrets;
use crate::{limited_read, output};

pub(crate) const USER_AGENT: &str = concat!("activeprospect-cli/", env!("CARGO_PKG_VERSION"));

/// The largest file of root certificates that is read. All of Mozilla's have a quarter of a MiB.
const ROOTS_LIMIT_MIB: u64 = 16;

/// The client of one command, its keys, and the emulator that it may call, which stops with it.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) is_verbose: bool,
    pub(crate) secrets: Secrets,
    /// Oldest first.
    pub(crate) keys: Vec<ApiKey>,
    emulator: Option<Emulator>,
}

impl Session {
    /// Creates a session without keys, so that a call can be checked before a key is needed.
    pub(crate) fn without_keys(options: &GlobalOptions) -> Result<Self, Failure> {
        let emulator = options.emulator.then(Emulator::start).transpose();
        let emulator =
            emulator.map_err(|error| Failure::emulator_not_started(&error, "try again"))?;
        let origins = match &emulator {
            Some(emulator) => emulator.origins(),
            None => origins(&options.origin)?,
        };
        Ok(Self {
            client: client(options, origins)?,
            is_verbose: options.verbose,
            secrets: Secrets::default(),
            keys: Vec::new(),
            emulator,
        })
    }

    /// Finds the account's keys, or uses the emulator's.
    pub(crate) fn find_keys(&mut self, prompt: Prompt) -> Result<(), Failure> {
        let keys = match &self.emulator {
            Some(emulator) => vec![emulator_key(emulator)?],
            None => keys::find(prompt)?,
        };
        self.set_keys(keys)
    }

    /// Uses these keys, oldest first.
    pub(crate) fn set_keys(&mut self, keys: Vec<ApiKey>) -> Result<(), Failure> {
        keys::in_arguments::check_for(&keys)?;
        self.secrets = Secrets::new(&keys)?;
        self.sign_with(&keys)?;
        self.keys = keys;
        Ok(())
    }

    /// Makes the client sign with only these keys.
    pub(crate) fn sign_with(&self, keys: &[ApiKey]) -> Result<(), Failure> {
        self.client
            .keys()
            .replace(keys.to_vec())
            .map_err(|error| Failure::usage(error.to_string(), "keep only the newest keys"))
    }

    /// Checks everything about a request that can be checked without a key.
    pub(crate) fn check(&self, draft: &Draft) -> Result<(), Failure> {
        draft.clone().prepare(self.client.origins(), None)?;
        Ok(())
    }
}

fn client(options: &GlobalOptions, origins: Origins) -> Result<Client, Failure> {
    let mut builder = ClientBuilder::new().origins(origins).user_agent(USER_AGENT);
    if let Some(timeout) = options.timeout {
        builder = builder.timeout(timeout);
    }
    let mut config = TransportConfig::new();
    if let Some(file) = &options.ca {
        config = config.root_pem(read_roots(file)?);
    }
    builder.build_with_config(&config).map_err(|error| {
        let cause = std::error::Error::source(&error);
        let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
        Failure::usage(
            format!("the client could not be made: {cause}"),
            "use a file of PEM certificates for --ca",
        )
    })
}

fn emulator_key(emulator: &Emulator) -> Result<ApiKey, Failure> {
    let key = ApiKey::parse(emulator.key()).map_err(|error| {
        let message = format!("the emulator's key: {error}");
        Failure::new(ExitCode::Other, message, "report this as a bug")
    })?;
    Ok(key.with_label("made for this command"))
}

fn origins(given: &[NamedOrigin]) -> Result<Origins, Failure> {
    // `trustedform-app` changes one service of what `trustedform` changes, so it comes last.
    let is_part = |named: &&NamedOrigin| named.services == [Service::TrustedFormApp];
    let (parts, products): (Vec<_>, Vec<_>) = given.iter().partition(is_part);
    let changes = products.into_iter().chain(parts).flat_map(|named| {
        let services = named.services.iter();
        services.map(|service| (*service, named.origin.clone()))
    });
    Origins::vendor()
        .with_all(changes)
        .map_err(|error| Failure::usage(error.to_string(), "see --origin in `ap --help`"))
}

fn read_roots(file: &Path) -> Result<Vec<u8>, Failure> {
    let name = format!("the file {}", output::display_path(file));
    let hint = "use a file of PEM certificates for --ca";
    limited_read::read(File::open(file), ROOTS_LIMIT_MIB, &name, hint)
}
