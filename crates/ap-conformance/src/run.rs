//! [`Run`]: one run of a case: the server, the keys and settings of the subject, and the [`Verdict`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ap_client::transport::{Proxy, TransportConfig};
use ap_core::{ApiKey, KeyRing, Origin, Origins, Service};

use crate::case::{Call, Case, Product};
use crate::context::SuiteContext;
use crate::explain::Explanation;
use crate::home_directory;
use crate::judge::{self, Failure};
use crate::memory;
use crate::outcome::Outcome;
use crate::placeholders::Placeholders;
use crate::request::RequestParts;
use crate::secrets::Secret;
use crate::server::{self, Bound, Record, Server};

/// The deadline of a call, and the time to connect, if a case has no other.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long past its deadline a call may take on a busy machine.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// One run of a case.
pub(crate) struct Run<'a> {
    pub case: &'a Case,
    pub secrets: Vec<Secret>,
    pub config: TransportConfig,
    timeout: Duration,
    started: Instant,
    trace: bool,
    pub origins: Origins,
    pub outcomes: Vec<Outcome>,
    placeholders: Placeholders,
    server: Server,
    /// By how many bytes the process grew over the calls, if that was measured.
    memory_growth: Option<u64>,
}

/// The result of one run.
pub(crate) struct Verdict {
    pub result: Result<(), Failure>,
    /// What happened, if the run failed or is traced.
    pub details: String,
    /// The kinds of outcome of the calls, in order.
    pub kinds: Vec<String>,
    /// By how many bytes the process grew, if that was measured.
    pub memory: Option<u64>,
    /// A call did not end, or only because of the suite's own limit.
    pub has_hung: bool,
    /// Why the subject skips the case, if it does.
    pub skipped: Option<String>,
}

impl Verdict {
    /// The verdict of a run in which the subject answered nothing.
    pub(crate) fn hung(message: String) -> Self {
        Self {
            result: Err(Failure::of_every_case(message)),
            kinds: vec!["hung".to_owned()],
            details: String::new(),
            memory: None,
            has_hung: true,
            skipped: None,
        }
    }

    /// The verdict of a run that the subject skips.
    pub(crate) fn skipped(reason: String) -> Self {
        Self {
            result: Ok(()),
            details: String::new(),
            kinds: Vec::new(),
            memory: None,
            has_hung: false,
            skipped: Some(reason),
        }
    }
}

impl<'a> Run<'a> {
    /// Starts the listeners. With a sweep, `offset` is where the target's first text changes.
    pub(crate) fn prepare(
        case: &'a Case,
        context: &SuiteContext,
        offset: Option<usize>,
    ) -> Result<Self, String> {
        let authority = &context.authority;
        let secrets = secrets(case);
        let mut names: Vec<&str> = case.listeners.keys().map(String::as_str).collect();
        if !names.contains(&"target") {
            names.push("target");
        }
        let bound = Bound::bind(names.iter().copied())
            .map_err(|error| format!("the suite could not listen: {error}"))?;
        let placeholders = placeholders(case, &bound, &secrets, &authority.root_pem());
        home_directory::prepare(case, &placeholders)?;
        let plans = server::plans(case, &names, &placeholders, &secrets, authority, offset)?;
        let origins = origins(case, &placeholders)?;
        let config = config(case, &placeholders, &authority.root_pem())?;
        Ok(Self {
            case,
            secrets,
            config,
            timeout: timeout(case),
            started: Instant::now(),
            trace: context.trace,
            origins,
            outcomes: Vec::new(),
            placeholders,
            server: bound.start(plans),
            memory_growth: None,
        })
    }

    /// Returns the client's key ring.
    pub(crate) fn key_ring(&self) -> Result<KeyRing, String> {
        let ring =
            KeyRing::new(self.keys_named(&self.case.keys)?).map_err(|error| error.to_string())?;
        match &self.case.user {
            Some(user) => ring.with_user(user).map_err(|error| error.to_string()),
            None => Ok(ring),
        }
    }

    fn keys_named(&self, names: &[String]) -> Result<Vec<ApiKey>, String> {
        let key = |name: &String| {
            let secret = self.secrets.iter().find(|secret| secret.name == *name);
            let secret = secret.ok_or_else(|| format!("there is no key {name:?}"))?;
            let key = ApiKey::parse(&secret.key).map_err(|error| error.to_string())?;
            Ok(key.with_label(&secret.name))
        };
        names.iter().map(key).collect()
    }

    /// Replaces the keys of the client with those that it has from this call on.
    pub(crate) fn install_keys(&self, call: &Call, ring: &KeyRing) -> Result<(), String> {
        match &call.install {
            Some(names) => ring
                .replace(self.keys_named(names)?)
                .map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    /// Returns the request of a call, filled in.
    pub(crate) fn request(&self, call: &Call) -> Result<RequestParts, String> {
        RequestParts::of(call, &self.placeholders)
    }

    /// Returns the target's service.
    pub(crate) fn service(&self) -> Service {
        service(self.case.product)
    }

    /// Returns the deadline of each call.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns `true` if a call lasted until the suite's own limit: until the deadline, if the case has none.
    ///
    /// A case with a deadline of its own is about time, and its calls end soon.
    pub(crate) fn is_at_limit(&self, elapsed: Duration) -> bool {
        self.case.settings.timeout_ms.is_none() && elapsed >= self.timeout
    }

    /// Returns how long a call may take before it is late.
    pub(crate) fn allowed_time(&self, call: &Call) -> Duration {
        call.expect
            .within_ms
            .map_or_else(|| self.timeout(), Duration::from_millis)
            + GRACE
    }

    /// Returns `true` if the target's scripts have passed the marks that a call waits for.
    pub(crate) fn has_passed_marks(&self, call: &Call) -> bool {
        let marks = self.server.with_record("target", |record| record.marks);
        marks.unwrap_or(0) >= call.after_mark
    }

    /// Returns how many requests the target has read.
    pub(crate) fn requests_at_target(&self) -> usize {
        let count = self
            .server
            .with_record("target", |record| record.requests.len());
        count.unwrap_or(0)
    }

    /// Records how much the process has grown since `before`.
    pub(crate) fn measure_memory(&mut self, context: &SuiteContext, before: Option<u64>) {
        self.memory_growth =
            before.and_then(|before| Some(context.memory()?.saturating_sub(before)));
    }

    /// Returns `true` if the client must still close a connection.
    pub(crate) fn has_open_connection(&self) -> bool {
        let mut listeners = self.case.listeners.iter();
        listeners.any(|(name, listener)| {
            let open = |record: &Record| judge::open_connection(listener, record);
            self.server.with_record(name, open).flatten().is_some()
        })
    }

    /// Judges the run.
    pub(crate) fn verdict(&self) -> Verdict {
        let kinds = self.outcomes.iter().map(|outcome| outcome.kind.clone());
        self.server.wait_for_connections();
        let names = self.case.listeners.keys().map(String::as_str);
        let records: BTreeMap<&str, Record> = names
            .chain(["target"])
            .map(|name| (name, self.server.record(name)))
            .collect();
        let result = self.judge(&records);
        let explanation = Explanation {
            case: self.case,
            secrets: &self.secrets,
            outcomes: &self.outcomes,
            records: &records,
            started: self.started,
        };
        let details = match &result {
            _ if self.trace => explanation.trace(),
            Err(_) => explanation.failure(),
            Ok(()) => String::new(),
        };
        Verdict {
            result,
            details,
            kinds: kinds.collect(),
            memory: self.memory_growth,
            has_hung: self.outcomes.iter().any(Outcome::has_hung),
            skipped: None,
        }
    }

    fn judge(&self, records: &BTreeMap<&str, Record>) -> Result<(), Failure> {
        memory::judge(self.case, self.memory_growth)?;
        home_directory::judge(self.case)?;
        judge::judge(
            self.case,
            &self.placeholders,
            &self.secrets,
            &self.outcomes,
            records,
        )
    }
}

fn service(product: Product) -> Service {
    match product {
        Product::Lcx => Service::LeadConduit,
        Product::TrustedForm => Service::TrustedForm,
        Product::SuppressionList => Service::SuppressionList,
    }
}

fn secrets(case: &Case) -> Vec<Secret> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    case.all_keys()
        .into_iter()
        .map(|name| {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut secret = Secret::new(name, now.as_nanos() as u64 ^ count.rotate_left(40));
            if let Some(text) = case.key_texts.get(name) {
                secret.key = text.replace('*', &secret.key);
            }
            if let Some(user) = &case.user {
                secret.user.clone_from(user);
            }
            secret
        })
        .collect()
}

fn placeholders(case: &Case, bound: &Bound, secrets: &[Secret], root_pem: &str) -> Placeholders {
    let mut placeholders = Placeholders::default();
    placeholders.set("root".to_owned(), root_pem.to_owned());
    for (name, port) in bound.ports() {
        let is_https = case
            .listeners
            .get(name)
            .is_some_and(|listener| listener.https.unwrap_or_else(|| listener.tls.is_some()));
        let origin = match &case.host {
            Some(host) if name == "target" => format!("https://{host}"),
            _ if is_https => format!("https://localhost:{port}"),
            _ => format!("http://127.0.0.1:{port}"),
        };
        placeholders.set(format!("{name}.origin"), origin);
        placeholders.set(format!("{name}.port"), port.to_string());
    }
    for secret in secrets {
        let reversed = secret.key.chars().rev().collect();
        placeholders.set(format!("key.{}", secret.name), secret.key.clone());
        placeholders.set(format!("pair.{}", secret.name), secret.pair());
        placeholders.set(format!("rev.{}", secret.name), reversed);
    }
    placeholders
}

fn origins(case: &Case, placeholders: &Placeholders) -> Result<Origins, String> {
    let text = placeholders.fill("${target.origin}")?;
    let origin = Origin::parse(&text).or_else(|_| Origin::parse_loopback(&text));
    let origin = origin.map_err(|error| format!("the target's origin: {error}"))?;
    let mut origins = Origins::vendor()
        .with(service(case.product), origin)
        .map_err(|error| error.to_string())?;
    for (product, listener) in &case.products {
        let text = placeholders.fill(&format!("${{{listener}.origin}}"))?;
        let origin = Origin::parse_loopback(&text).map_err(|error| error.to_string())?;
        origins = origins
            .with(service(*product), origin)
            .map_err(|error| error.to_string())?;
    }
    Ok(origins)
}

fn timeout(case: &Case) -> Duration {
    let millis = case.settings.timeout_ms;
    millis.map_or(DEFAULT_TIMEOUT, Duration::from_millis)
}

fn config(
    case: &Case,
    placeholders: &Placeholders,
    root_pem: &str,
) -> Result<TransportConfig, String> {
    let given = &case.settings;
    let mut config = TransportConfig::new();
    config.connect_timeout = given
        .connect_timeout_ms
        .map_or(DEFAULT_TIMEOUT, Duration::from_millis);
    config.max_body_size = given.body_limit.unwrap_or(config.max_body_size);
    config.max_header_size = given.head_limit.unwrap_or(config.max_header_size);
    config.max_headers = given.header_limit.unwrap_or(config.max_headers);
    // Only the suite's authority is needed here, and parsing a hundred other roots takes time.
    config.mozilla_roots = given.no_root;
    if !given.no_root {
        config.root_pems = vec![root_pem.to_owned().into()];
    }
    if let Some(url) = &given.proxy {
        let proxy = Proxy::parse(&placeholders.fill(url)?).map_err(|error| error.to_string())?;
        config.proxy = Some(match (&given.proxy_user, &given.proxy_password) {
            (Some(user), Some(password)) => {
                proxy.with_password(user, &placeholders.fill(password)?)
            }
            _ => proxy,
        });
    }
    Ok(config)
}
