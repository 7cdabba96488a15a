//! A subject for the conformance suite that makes its calls through a gateway.
//!
//! It is what a program in any language is: it has the gateway's addresses and its local key, and writes its requests to a
//! socket. Nothing that the gateway sends to a product may contain that key; a transport in between checks each request.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use ap_gateway::ap_client::ap_core::key::basic;
use ap_gateway::ap_client::ap_core::{
    ApiKey, KeyRing, Origin, Origins, Service, TransportError, TransportErrorKind, Unauthorized,
};
use ap_gateway::ap_client::transport::{
    AsyncTransport, Connect as _, Deadline, Moment, Proxy, TransportConfig,
};
use ap_gateway::ap_client::{Async, ClientBuilder};
use ap_gateway::{Gateway, Limits, Listener, LocalKey, Route, service_from_name, service_name};
use ap_hyper::HyperTransport;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Message {
    Begin(Begin),
    Call(Call),
    End,
}

#[derive(Deserialize)]
struct Begin {
    keys: Vec<Key>,
    user: String,
    service: String,
    origins: BTreeMap<String, String>,
    root_pem: Option<String>,
    settings: Settings,
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

#[derive(Deserialize)]
struct Settings {
    timeout_ms: u64,
    connect_timeout_ms: u64,
    body_limit: usize,
    head_limit: usize,
    header_limit: usize,
    proxy: Option<String>,
    proxy_user: Option<String>,
    proxy_password: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    method: String,
    path: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    body: String,
    install: Option<Vec<Key>>,
}

/// A gateway, and what its program knows.
struct Subject {
    service: String,
    origins: BTreeMap<String, String>,
    /// The address of each service's listener.
    addresses: BTreeMap<String, String>,
    local_key: LocalKey,
    ring: KeyRing,
    /// Dropping it stops the gateway.
    _stop: oneshot::Sender<()>,
}

/// Refuses to send a request that contains the local key.
struct Watching {
    transport: HyperTransport,
    local_key: LocalKey,
}

#[async_trait]
impl AsyncTransport for Watching {
    fn now(&self) -> Moment {
        self.transport.now()
    }

    async fn sleep_until(&self, moment: Moment) {
        self.transport.sleep_until(moment).await;
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let seen = format!("{request:?} {}", String::from_utf8_lossy(request.body()));
        let values = request
            .headers()
            .values()
            .map(|value| value.as_bytes().to_vec());
        let seen = [seen.into_bytes(), values.collect::<Vec<_>>().concat()].concat();
        let seen = String::from_utf8_lossy(&seen).into_owned();
        let local = self.local_key.expose();
        if seen.contains(local) || seen.contains(&STANDARD.encode(format!("X:{local}"))) {
            return Err(TransportError::new(TransportErrorKind::Other)
                .with_source("the local key would leave"));
        }
        self.transport.send(request, deadline).await
    }
}

fn ring_keys(keys: &[Key]) -> Result<Vec<ApiKey>, Failure> {
    keys.iter()
        .map(|key| Ok(ApiKey::parse(&key.key)?))
        .collect()
}

impl Subject {
    fn begin(begin: Begin) -> Result<Self, Failure> {
        let ring = KeyRing::new(ring_keys(&begin.keys)?)?.with_user(&begin.user)?;
        let named = begin
            .origins
            .iter()
            .filter_map(|(name, url)| Some((service_from_name(name)?, Origin::parse_any(url))));
        let changes: Vec<_> = named
            .map(|(service, origin)| Ok::<_, Failure>((service, origin?)))
            .collect::<Result<_, _>>()?;
        let origins = Origins::vendor().with_all(changes)?;
        let settings = &begin.settings;
        let timeout = Duration::from_millis(settings.timeout_ms);
        let mut config = TransportConfig::new()
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .max_body_size(settings.body_limit)
            .max_header_size(settings.head_limit)
            .max_headers(settings.header_limit);
        if let Some(pem) = begin.root_pem {
            config = config.root_pem(pem);
        }
        if let Some(url) = &settings.proxy {
            let mut proxy = Proxy::parse(url)?;
            if let (Some(user), Some(password)) = (&settings.proxy_user, &settings.proxy_password) {
                proxy = proxy.with_password(user, password);
            }
            config = config.proxy(proxy);
        }
        let local_key = LocalKey::generate()?;
        let transport = Watching {
            transport: HyperTransport::connect(&config)?,
            local_key: local_key.clone(),
        };
        let client = ClientBuilder::<Async>::new()
            .keys(ring.clone())
            .origins(origins)
            .timeout(timeout)
            .build_with(transport)?;
        let mut gateway = Gateway::new(client, local_key.clone(), Limits::new().timeout(timeout))?;
        let mut addresses = BTreeMap::new();
        for service in Service::ALL {
            let listener = Listener::port(0, Route::Service(service))?;
            let url = listener.url().unwrap_or_default();
            let address = url.trim_start_matches("http://").to_owned();
            addresses.insert(service_name(service).to_owned(), address);
            gateway.listen(listener);
        }
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let stop = async { drop(stopped.await) };
            runtime.unwrap().block_on(gateway.serve(stop)).unwrap();
        });
        Ok(Self {
            service: begin.service,
            origins: begin.origins,
            addresses,
            local_key,
            ring,
            _stop: stop,
        })
    }

    fn call(&self, call: &Call) -> Result<Value, Failure> {
        if let Some(keys) = &call.install {
            self.ring.replace(ring_keys(keys)?)?;
        }
        let Some((service, request)) = self.request(call)? else {
            return Ok(json!({ "outcome": "refused" }));
        };
        let address = self.addresses.get(service).ok_or("no such service")?;
        let mut stream = TcpStream::connect(address)?;
        // The gateway may answer before everything is sent.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        self.outcome(service, &answer)
    }

    /// Returns the service and the bytes of a request; `None` if no program could send it to this gateway.
    fn request(&self, call: &Call) -> Result<Option<(&str, Vec<u8>)>, Failure> {
        let (service, target) = match (&call.path, &call.url) {
            (Some(path), _) => (self.service.as_str(), path.clone()),
            (None, Some(url)) => {
                // A program knows the gateway's addresses alone, so only the path of a known origin becomes a request.
                let found = self.origins.iter().find_map(|(name, origin)| {
                    let start = url.get(..origin.len())?;
                    let rest = url.get(origin.len()..)?;
                    let is_origin = start.eq_ignore_ascii_case(origin)
                        && (rest.is_empty() || rest.starts_with(['/', '?']));
                    is_origin.then(|| (name.as_str(), rest.to_owned()))
                });
                match found {
                    Some((name, rest)) if rest.starts_with('/') => (name, rest),
                    Some((name, rest)) => (name, format!("/{rest}")),
                    None => return Ok(None),
                }
            }
            (None, None) => return Err("a call without a path".into()),
        };
        let is_line = |text: &str| !text.contains(['\r', '\n', '\0']);
        let is_token = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte))
        };
        let lines_are_valid = call
            .headers
            .iter()
            .all(|(name, value)| is_token(name) && is_line(value));
        let has_control = target.bytes().any(|byte| byte.is_ascii_control());
        if has_control || target.contains('#') || !is_token(&call.method) || !lines_are_valid {
            return Ok(None);
        }
        // Every HTTP library encodes spaces: they would end the target.
        let target = target.replace(' ', "%20");
        let key = basic(b"X", self.local_key.expose().as_bytes());
        let mut head = format!("{} {target} HTTP/1.1\r\nHost: localhost\r\n", call.method);
        head += &format!("Authorization: {}\r\nConnection: close\r\n", key.to_str()?);
        for (name, value) in &call.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let body = STANDARD.decode(&call.body)?;
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        Ok(Some((service, bytes)))
    }

    fn outcome(&self, service: &str, answer: &[u8]) -> Result<Value, Failure> {
        let answer = answer
            .strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n")
            .unwrap_or(answer);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.ok_or("the gateway closed the connection")?;
        let head: String = answer[..end].iter().copied().map(char::from).collect();
        let body = &answer[end + 4..];
        let status: u16 = head.get(9..12).ok_or("no status")?.parse()?;
        let headers: Vec<_> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| !name.eq_ignore_ascii_case("connection"))
            .collect();
        let refusal = headers
            .iter()
            .find(|(name, _)| *name == "ap-gateway-refusal");
        if let Some((_, reason)) = refusal {
            let outcome = match *reason {
                "dns" | "connect" | "connect_timeout" | "proxy" | "tls" | "timeout" | "closed"
                | "truncated" | "malformed" | "unsendable" | "setup" | "cancelled" | "other" => {
                    reason
                }
                "too_large" if status == 502 => reason,
                "no_key" => "unauthorized",
                "withheld" => "other",
                _ => "refused",
            };
            return Ok(json!({ "outcome": outcome, "text": String::from_utf8_lossy(body) }));
        }
        // What is not HTTP is refused by the gateway's HTTP library, which says nothing more.
        if matches!(status, 400 | 431) && body.is_empty() {
            return Ok(json!({ "outcome": "refused" }));
        }
        let product = service_from_name(service)
            .ok_or("no such service")?
            .product();
        let code = StatusCode::from_u16(status)?;
        let unauthorized = Unauthorized::from_answer(product, code, body);
        let is_rejected = unauthorized.is_some_and(|unauthorized| unauthorized.is_bad_key());
        let outcome = if is_rejected {
            "unauthorized"
        } else {
            "response"
        };
        Ok(json!({
            "outcome": outcome,
            "status": status,
            "headers": headers,
            "body": STANDARD.encode(body),
        }))
    }
}

/// Answers the suite's messages on standard input and output.
pub(crate) fn run() -> Result<(), Failure> {
    let mut subject = None;
    for line in io::stdin().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Message::Begin(begin) => match Subject::begin(begin) {
                Ok(begun) => {
                    subject = Some(begun);
                    json!({ "ok": true })
                }
                Err(error) => json!({ "skip": error.to_string() }),
            },
            Message::Call(call) => {
                let subject = subject.as_ref().ok_or("a call before its begin")?;
                match subject.call(&call) {
                    Ok(answer) => answer,
                    Err(error) => json!({ "outcome": "other", "text": error.to_string() }),
                }
            }
            Message::End => {
                subject = None;
                json!({ "ok": true })
            }
        };
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}
