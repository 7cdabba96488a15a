//! One run of a case: listeners up, settings and requests ready, calls made by a subject, judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ap_core::{ApiKey, KeyRing, Origin, Origins, Proxy, Service, Settings};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use crate::authority::Authority;
use crate::case::{self, Case, Sweep};
use crate::home_directory;
use crate::judge;
use crate::memory;
use crate::outcome::Outcome;
use crate::placeholders::Template;
use crate::secrets::Secret;
use crate::server::script::{self, Step};
use crate::server::{Bound, Plan, Record, Servers};

/// The deadline of a call, where a case says nothing.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long past its deadline a call may take on a busy machine.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

pub(crate) struct Run<'a> {
    pub case: &'a Case,
    pub secrets: Vec<Secret>,
    pub template: Template,
    pub settings: Settings,
    pub origins: Origins,
    pub outcomes: Vec<Outcome>,
    /// By how many bytes the process grew over the calls, where there is a meter.
    pub grown: Option<u64>,
    pub servers: Servers,
}

/// A call, ready to be made.
pub(crate) enum Ready {
    /// A request that the `http` crate can hold.
    Request {
        request: Request<Bytes>,
        unsigned: bool,
    },
    /// A path, which the client makes a request of.
    Path {
        method: Method,
        path: String,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
        unsigned: bool,
    },
    /// It cannot even be written down as a request, so nothing can be sent.
    Unwritable,
}

impl<'a> Run<'a> {
    /// Brings the listeners up. With a sweep, `place` says where the target's first text is cut.
    pub(crate) fn prepare(
        case: &'a Case,
        authority: &Authority,
        place: Option<usize>,
    ) -> Result<Self, String> {
        let secrets = secrets(case);
        let mut names: Vec<&str> = case.listeners.keys().map(String::as_str).collect();
        if !names.contains(&"target") {
            names.push("target");
        }
        let bound = Servers::bind(names.iter().copied())
            .map_err(|error| format!("the suite could not listen: {error}"))?;
        let mut template = template(case, &bound, &secrets);
        template.set("root".to_owned(), authority.root_pem());
        home_directory::furnish(case, &template)?;
        let plans = plans(case, &names, &template, &secrets, authority, place)?;
        let origins = origins(case, &template)?;
        let settings = settings(case, &template, authority)?;
        let servers = bound.start(plans);
        Ok(Self {
            case,
            secrets,
            template,
            settings,
            origins,
            outcomes: Vec::new(),
            grown: None,
            servers,
        })
    }

    pub(crate) fn keys(&self) -> Result<KeyRing, String> {
        let keys = KeyRing::new(self.named(&self.case.keys)?).map_err(|error| error.to_string())?;
        match &self.case.user {
            Some(user) => keys.with_user(user).map_err(|error| error.to_string()),
            None => Ok(keys),
        }
    }

    /// The keys with these names.
    pub(crate) fn named(&self, names: &[String]) -> Result<Vec<ApiKey>, String> {
        let key = |name: &String| {
            let secret = self.secrets.iter().find(|secret| secret.name == *name);
            let secret = secret.ok_or_else(|| format!("there is no key {name:?}"))?;
            let key = ApiKey::parse(&secret.key).map_err(|error| error.to_string())?;
            Ok(key.labelled(&secret.name))
        };
        names.iter().map(key).collect()
    }

    /// Puts the keys in place that the client has from a call on.
    pub(crate) fn install(&self, call: &case::Call, ring: &KeyRing) -> Result<(), String> {
        match &call.install {
            Some(names) => ring
                .replace(self.named(names)?)
                .map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    /// The call's method, URL or path, headers and body, filled in.
    pub(crate) fn parts(&self, call: &case::Call) -> Result<Parts, String> {
        let target = call
            .path
            .as_ref()
            .or(call.url.as_ref())
            .map_or("", String::as_str);
        let body = match (&call.body, call.body_bytes) {
            (Some(text), _) => self.template.fill(text)?.into_bytes(),
            (None, Some(length)) => vec![b'b'; length],
            (None, None) => Vec::new(),
        };
        let headers: Result<Vec<_>, String> = call
            .headers
            .iter()
            .map(|(name, value)| Ok((name.clone(), self.template.fill(value)?)))
            .collect();
        Ok(Parts {
            method: call.method.clone(),
            target: self.template.fill(target)?,
            is_path: call.path.is_some(),
            headers: headers?,
            body,
            unsigned: call.unsigned,
        })
    }

    /// The service that the target is.
    pub(crate) fn service(&self) -> Service {
        service(self.case.product)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// How long a call may take before it is late.
    pub(crate) fn allowed(&self, call: &case::Call) -> Duration {
        call.expect
            .within_ms
            .map_or_else(|| self.timeout(), Duration::from_millis)
            + GRACE
    }

    /// Whether the target's scripts have passed the marks that a call waits for.
    pub(crate) fn is_marked(&self, call: &case::Call) -> bool {
        self.servers.record("target").marks >= call.after_mark
    }

    /// Notes how much more memory there was than before.
    pub(crate) fn measure(&mut self, ground: &Ground, before: Option<u64>) {
        self.grown = before.and_then(|before| Some(ground.memory()?.saturating_sub(before)));
    }

    /// Whether the client has still to hang up a connection.
    pub(crate) fn is_left_open(&self) -> bool {
        let mut listeners = self.case.listeners.iter();
        listeners.any(|(name, listener)| {
            judge::left_open(listener, &self.servers.record(name)).is_some()
        })
    }

    /// The verdict: nothing, or why the case failed.
    pub(crate) fn judge(&self) -> Result<(), String> {
        self.servers.settle();
        let mut records: BTreeMap<&str, Record> = BTreeMap::new();
        for name in self
            .case
            .listeners
            .keys()
            .map(String::as_str)
            .chain(["target"])
        {
            records.insert(name, self.servers.record(name));
        }
        memory::judge(self.case, self.grown)?;
        home_directory::judge(self.case)?;
        judge::judge(
            self.case,
            &self.template,
            &self.secrets,
            &self.outcomes,
            &records,
        )
    }
}

/// What a call is made of, as texts and bytes.
pub(crate) struct Parts {
    pub method: String,
    pub target: String,
    pub is_path: bool,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub unsigned: bool,
}

impl Parts {
    /// The call as the `http` crate's types hold it, if they can.
    pub(crate) fn ready(self) -> Ready {
        let headers: Option<Vec<(HeaderName, HeaderValue)>> = self
            .headers
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
            })
            .collect();
        let (Some(headers), Ok(method)) = (headers, Method::from_bytes(self.method.as_bytes()))
        else {
            return Ready::Unwritable;
        };
        let (body, unsigned) = (Bytes::from(self.body), self.unsigned);
        if self.is_path {
            return Ready::Path {
                method,
                path: self.target,
                headers,
                body,
                unsigned,
            };
        }
        let Ok(uri) = Uri::try_from(self.target) else {
            return Ready::Unwritable;
        };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        for (name, value) in headers {
            request.headers_mut().append(name, value);
        }
        request
            .headers_mut()
            .entry(http::header::ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        Ready::Request { request, unsigned }
    }
}

/// The bytes that a sweep goes through: the target's first sent text, filled in.
pub(crate) fn places(case: &Case) -> usize {
    let length = |step: &Step| match step {
        Step::Send(text) => Some(text.len()),
        Step::Respond(respond) => Some(respond.text().len()),
        Step::Refuse => Some(script::DOCUMENTED_401.len()),
        _ => None,
    };
    let target = case.listeners.get("target");
    target
        .and_then(|target| target.script.as_ref()?.iter().find_map(length))
        .unwrap_or(0)
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

fn service(product: case::Product) -> Service {
    match product {
        case::Product::Lcx => Service::LeadConduit,
        case::Product::TrustedForm => Service::TrustedForm,
        case::Product::SuppressionList => Service::SuppressionList,
    }
}

fn template(case: &Case, bound: &Bound, secrets: &[Secret]) -> Template {
    let mut template = Template::default();
    for (name, address) in bound.addresses.iter() {
        let has_tls = case
            .listeners
            .get(name)
            .is_some_and(|listener| listener.https.unwrap_or_else(|| listener.tls.is_some()));
        let port = address.port();
        let origin = match &case.host {
            Some(host) if name == "target" => format!("https://{host}"),
            _ if has_tls => format!("https://localhost:{port}"),
            _ => format!("http://127.0.0.1:{port}"),
        };
        template.set(format!("{name}.origin"), origin);
        template.set(format!("{name}.port"), port.to_string());
    }
    for secret in secrets {
        template.set(format!("key.{}", secret.name), secret.key.clone());
        template.set(format!("pair.{}", secret.name), secret.pair());
        template.set(
            format!("rev.{}", secret.name),
            secret.key.chars().rev().collect(),
        );
    }
    template
}

fn plans(
    case: &Case,
    names: &[&str],
    template: &Template,
    secrets: &[Secret],
    authority: &Authority,
    place: Option<usize>,
) -> Result<BTreeMap<String, Plan>, String> {
    let mut plans = BTreeMap::new();
    for name in names {
        let listener = case.listeners.get(*name).cloned().unwrap_or_default();
        let scripts = match (listener.script, listener.scripts) {
            (Some(script), _) => vec![script],
            (None, Some(scripts)) => scripts,
            (None, None) if listener.answers.is_some() || listener.takes.is_some() => {
                vec![script::answering()]
            }
            (None, None) => vec![script::default_script()],
        };
        let mut scripts = fill_all(scripts, template)?;
        let answers = fill_all(listener.answers.unwrap_or_default(), template)?;
        if let (&"target", Some(place), Some(sweep)) = (name, place, case.sweep) {
            scripts = scripts
                .into_iter()
                .map(|steps| cut(steps, place, sweep))
                .collect();
        }
        let tls = listener.tls.map(|kind| authority.server(kind)).transpose();
        let tls =
            tls.map_err(|error| format!("the suite could not make a certificate: {error}"))?;
        let takes = listener.takes.unwrap_or_default().into_iter().map(|takes| {
            let secret = secrets.iter().find(|secret| secret.name == takes.key);
            let secret = secret.ok_or_else(|| format!("there is no key {:?}", takes.key))?;
            Ok((secret.authorization(), takes.times.unwrap_or(usize::MAX)))
        });
        let plan = Plan {
            scripts,
            answers,
            takes: takes.collect::<Result<_, String>>()?,
            tls,
            greeting: template.fill(&listener.greeting.unwrap_or_default())?,
            full: listener.full,
        };
        plans.insert((*name).to_owned(), plan);
    }
    Ok(plans)
}

fn fill_all(scripts: Vec<Vec<Step>>, template: &Template) -> Result<Vec<Vec<Step>>, String> {
    let fill_one = |steps: Vec<Step>| steps.into_iter().map(|step| fill(step, template)).collect();
    scripts.into_iter().map(fill_one).collect()
}

fn fill(step: Step, template: &Template) -> Result<Step, String> {
    Ok(match step {
        Step::Send(text) => Step::Send(template.fill(&text)?),
        Step::Respond(mut respond) => {
            respond.body = template.fill(&respond.body)?;
            for (_, value) in &mut respond.headers {
                *value = template.fill(value)?;
            }
            Step::Respond(respond)
        }
        Step::Repeat { text, times } => Step::Repeat {
            text: template.fill(&text)?,
            times,
        },
        Step::Drip { text, every_ms } => Step::Drip {
            text: template.fill(&text)?,
            every_ms,
        },
        step => step,
    })
}

/// A script whose first sent text ends, or pauses, at a place.
fn cut(steps: Vec<Step>, place: usize, sweep: Sweep) -> Vec<Step> {
    let mut out = Vec::new();
    let mut rest = steps.into_iter();
    for step in rest.by_ref() {
        let text = match &step {
            Step::Send(text) => text.clone(),
            Step::Respond(respond) => respond.text(),
            Step::Refuse => script::DOCUMENTED_401.to_owned(),
            _ => {
                out.push(step);
                continue;
            }
        };
        let (before, after) = text.split_at_checked(place).unwrap_or((&text, ""));
        out.push(Step::Send(before.to_owned()));
        match sweep {
            Sweep::CutFin => out.push(Step::Fin),
            Sweep::CutRst => out.push(Step::Rst),
            Sweep::Split => out.extend([Step::Pause(1), Step::Send(after.to_owned())]),
        }
        break;
    }
    if sweep == Sweep::Split {
        out.extend(rest);
    }
    out
}

fn origins(case: &Case, template: &Template) -> Result<Origins, String> {
    let text = template.fill("${target.origin}")?;
    let origin = Origin::parse(&text).or_else(|_| Origin::parse_loopback(&text));
    let origin = origin.map_err(|error| format!("the target's origin: {error}"))?;
    let mut origins = Origins::vendor()
        .with(service(case.product), origin)
        .map_err(|error| error.to_string())?;
    for (product, listener) in &case.products {
        let text = template.fill(&format!("${{{listener}.origin}}"))?;
        let origin = Origin::parse_loopback(&text).map_err(|error| error.to_string())?;
        origins = origins
            .with(service(*product), origin)
            .map_err(|error| error.to_string())?;
    }
    Ok(origins)
}

fn settings(case: &Case, template: &Template, authority: &Authority) -> Result<Settings, String> {
    let given = &case.settings;
    let mut settings = Settings::default();
    settings.timeout = given.timeout_ms.map_or(TIMEOUT, Duration::from_millis);
    settings.connect_timeout = given
        .connect_timeout_ms
        .map_or(TIMEOUT, Duration::from_millis);
    settings.body_limit = given.body_limit.unwrap_or(settings.body_limit);
    settings.head_limit = given.head_limit.unwrap_or(settings.head_limit);
    settings.header_limit = given.header_limit.unwrap_or(settings.header_limit);
    // Only the suite's authority is of use here, and reading a hundred others takes a while.
    settings.mozilla_roots = given.no_root;
    if !given.no_root {
        settings.root_pems = vec![authority.root_pem().into()];
    }
    if let Some(url) = &given.proxy {
        let proxy = Proxy::parse(&template.fill(url)?).map_err(|error| error.to_string())?;
        settings.proxy = Some(match (&given.proxy_user, &given.proxy_password) {
            (Some(user), Some(password)) => proxy.with_password(user, &template.fill(password)?),
            _ => proxy,
        });
    }
    Ok(settings)
}

/// Everything that is the same for all runs of a suite.
#[derive(Clone)]
pub(crate) struct Ground {
    pub authority: Arc<Authority>,
    /// What the subject has logged since it was last asked.
    pub log: Option<fn() -> String>,
    /// The most memory that the process has had so far.
    pub meter: Option<fn() -> Option<u64>>,
}

impl Ground {
    pub(crate) fn memory(&self) -> Option<u64> {
        self.meter.and_then(|meter| meter())
    }
}
