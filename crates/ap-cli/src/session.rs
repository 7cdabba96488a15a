//! [`Session`]: from the global options to a client, first without keys, then with them.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use activeprospect::blocking::{Client, ClientBuilder};
use activeprospect::keys::OnThread;
use activeprospect::transport::{Proxy, TransportConfig};
use activeprospect::{
    ApiKey, Draft, Error, ErrorKind, KeySource, KeySourceError, Origins, Service,
    TransportErrorKind,
};
use ap_emulator::Emulator;
use ap_hyper::HyperTransport;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::account::Account;
use crate::keys::profile::ProfileName;
use crate::keys::{self, Prompt};
use crate::options::{GlobalOptions, NamedOrigin};
use crate::redact::KnownSecrets;
use crate::{limited_read, output, proxy};

pub(crate) const USER_AGENT: &str = concat!("activeprospect-cli/", env!("CARGO_PKG_VERSION"));

/// The largest file of root certificates that is read. All of Mozilla's have a quarter of a MiB.
const ROOTS_LIMIT_MIB: u64 = 16;

const ROOTS_HINT: &str = "use a file of PEM certificates for --ca";

/// How many events an emulator of this program starts with, unless another number is given: those of 20 leads a day, and
/// every lead has all of its events.
pub(crate) const EXAMPLE_EVENTS: u32 = 90 * 62;

/// The client of one command, its keys, and the emulator that it may call, which stops with it.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// How much is printed about calls: nothing, all but the path, or the path too.
    pub(crate) verbosity: u8,
    /// Every key that the session has used.
    pub(crate) secrets: KnownSecrets,
    /// Oldest first.
    pub(crate) keys: Vec<ApiKey>,
    emulator: Option<Emulator>,
    config: TransportConfig,
    timeout: Option<Duration>,
    account: Account,
    /// A proxy variable of other programs that is set, if there is no proxy.
    unread_proxy_variable: Option<&'static str>,
}

impl Session {
    /// Creates a session without keys, so that a call can be checked before a key is needed.
    pub(crate) fn without_keys(options: &GlobalOptions) -> Result<Self, Failure> {
        let emulator = Emulator::builder().events(EXAMPLE_EVENTS);
        let emulator = options.emulator.then(|| emulator.start()).transpose();
        let emulator =
            emulator.map_err(|error| Failure::emulator_not_started(&error, "try again"))?;
        let origins = match &emulator {
            Some(emulator) => emulator.origins(),
            None => origins(&options.origin)?,
        };
        let proxy = proxy::find(options)?;
        let is_proxied = proxy.is_some();
        let config = config(options, proxy)?;
        Ok(Self {
            client: client(options, origins, &config)?,
            config,
            timeout: options.timeout,
            verbosity: options.verbose,
            secrets: KnownSecrets::default(),
            keys: Vec::new(),
            emulator,
            account: options.account.clone(),
            unread_proxy_variable: proxy::unread_variable().filter(|_| !is_proxied),
        })
    }

    /// Finds the account's keys, or uses the emulator's.
    pub(crate) fn find_keys(&mut self, prompt: Prompt) -> Result<(), Failure> {
        let keys = match &self.emulator {
            Some(emulator) => vec![emulator_key(emulator)?],
            None => self.account.find_keys(prompt)?,
        };
        self.set_keys(keys)
    }

    /// Uses these keys, oldest first.
    pub(crate) fn set_keys(&mut self, keys: Vec<ApiKey>) -> Result<(), Failure> {
        keys::in_arguments::check_for(&keys)?;
        self.secrets.add(&keys)?;
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

    /// Creates an async client with the same settings and keys. If every key is rejected, it looks for the account's
    /// keys again, so that a reset during a long run costs no call.
    pub(crate) fn async_client(&self) -> Result<ap_hyper::Client, Failure> {
        self.async_client_with(ap_hyper::Limits::new())
    }

    /// Does the same, with limits on what its calls share.
    pub(crate) fn async_client_with(
        &self,
        limits: ap_hyper::Limits,
    ) -> Result<ap_hyper::Client, Failure> {
        let mut builder = ap_hyper::ClientBuilder::new()
            .origins(self.client.origins().clone())
            .keys(self.client.keys().clone())
            .user_agent(USER_AGENT);
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        if self.emulator.is_none() {
            let source = FoundAgain {
                account: self.account.clone(),
                secrets: self.secrets.clone(),
            };
            builder = builder.key_source(OnThread::new(source));
        }
        let client = HyperTransport::with_limits(&self.config, limits)
            .map_err(Error::from)
            .and_then(|transport| builder.build_with(transport));
        client.map_err(|error| not_made(&error))
    }

    /// Returns the value of `--timeout`.
    pub(crate) const fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Returns what distinguishes calls to a service from those of another session: its origin, and the account's profile.
    /// All emulators have one name, because each has other ports.
    pub(crate) fn target(&self, service: Service) -> [(&'static str, String); 2] {
        let origin = match &self.emulator {
            Some(_) => "emulator".to_owned(),
            None => self.client.origins().get(service).to_string(),
        };
        let profile = self.account.profile().map_or("", ProfileName::as_str);
        [("origin", origin), ("profile", profile.to_owned())]
    }

    /// Checks everything about a request that can be checked without a key.
    pub(crate) fn check(&self, draft: &Draft) -> Result<(), Failure> {
        draft.clone().prepare(self.client.origins(), None)?;
        Ok(())
    }

    /// Describes a call that failed, and says how to use a proxy if other programs of this machine use one.
    pub(crate) fn failure(&self, error: Error) -> Failure {
        use TransportErrorKind::{Connect, ConnectTimeout, Dns};

        let is_unreachable = matches!(
            error.kind(),
            ErrorKind::Transport(Connect | ConnectTimeout | Dns)
        );
        let origin = error
            .service()
            .map(|service| self.client.origins().get(service));
        let is_remote = origin.is_some_and(|origin| !origin.is_loopback());
        let mut failure = Failure::from(error);
        if let Some(variable) = self.unread_proxy_variable
            && is_unreachable
            && is_remote
        {
            failure.hint = format!(
                "{variable} is set, but `ap` does not read it; name the proxy with --proxy URL or ACTIVEPROSPECT_PROXY"
            );
        }
        failure
    }
}

/// Returns the settings of the transport.
fn config(options: &GlobalOptions, proxy: Option<Proxy>) -> Result<TransportConfig, Failure> {
    let mut config = TransportConfig::new();
    if let Some(file) = &options.ca {
        config = config.root_pem(read_roots(file)?);
        config.root_certificates().map_err(|error| {
            Failure::usage(
                format!(
                    "the file {} cannot be used: {}",
                    output::display_path(file),
                    cause(&error)
                ),
                ROOTS_HINT,
            )
        })?;
    }
    if let Some(proxy) = proxy {
        config = config.proxy(proxy);
    }
    Ok(config)
}

fn client(
    options: &GlobalOptions,
    origins: Origins,
    config: &TransportConfig,
) -> Result<Client, Failure> {
    let mut builder = ClientBuilder::new().origins(origins).user_agent(USER_AGENT);
    if let Some(timeout) = options.timeout {
        builder = builder.timeout(timeout);
    }
    builder
        .build_with_config(config)
        .map_err(|error| not_made(&error))
}

fn not_made(error: &Error) -> Failure {
    let message = format!("the client could not be made: {}", cause(error));
    Failure::usage(message, "check the options of every command")
}

/// Looks for the account's keys again, when those that a run began with are rejected.
struct FoundAgain {
    account: Account,
    secrets: KnownSecrets,
}

impl FoundAgain {
    fn find(&self) -> Result<Vec<ApiKey>, Failure> {
        let keys = self.account.find_keys(Prompt::Never)?;
        keys::in_arguments::check_for(&keys)?;
        // Before any call can have one of them, and a server repeat it.
        self.secrets.add(&keys)?;
        Ok(keys)
    }
}

impl KeySource for FoundAgain {
    fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        self.find()
            .map_err(|failure| KeySourceError::new(failure.message))
    }
}

/// Returns the text of an error's source, which says what is wrong with a setting.
fn cause(error: &dyn std::error::Error) -> String {
    let cause = error.source();
    cause.map_or_else(|| error.to_string(), ToString::to_string)
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
    limited_read::read(File::open(file), ROOTS_LIMIT_MIB, &name, ROOTS_HINT)
}
