//! What makes the calls. Each subject makes the same one: a `GET` with the same headers, and it reads the whole body.
//! Two of them can make a `POST` instead.
//! The bare libraries are used as their own pages show it, so without a timeout, which our clients always have.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ap_client::transport::{AsyncTransport, Connect, Transport, TransportConfig};
use ap_client::{Async, Blocking, ClientBuilder};
use ap_core::{ApiKey, Origin, Origins, Service};
use ap_hyper::HyperTransport;
use ap_reqwest::ReqwestTransport;
use ap_ureq::UreqTransport;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tower::Service as _;

use crate::{Failure, KEY};

const USER_AGENT: &str = "activeprospect-bench/1";

/// What makes the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// hyper, with one connection for each worker, and a header that is made once: the least that a call can cost.
    Hyper,
    /// The pooled client of hyper-util, with a header that is made once.
    HyperPool,
    /// reqwest with its basic auth.
    Reqwest,
    /// ureq with a header that is made for each call.
    Ureq,
    /// The client over reqwest.
    ApReqwest,
    /// The client over ureq.
    ApUreq,
    /// The client over hyper's connections.
    ApHyper,
}

impl Subject {
    /// Every subject, with its name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Hyper, "hyper"),
        (Self::HyperPool, "hyper-pool"),
        (Self::Reqwest, "reqwest"),
        (Self::Ureq, "ureq"),
        (Self::ApReqwest, "ap-reqwest"),
        (Self::ApUreq, "ap-ureq"),
        (Self::ApHyper, "ap-hyper"),
    ];

    /// Returns `true` if its workers are threads, not tasks.
    #[must_use]
    pub fn is_blocking(self) -> bool {
        matches!(self, Self::Ureq | Self::ApUreq)
    }

    /// Returns `true` if it can make a `POST` with a body.
    #[must_use]
    pub fn can_post(self) -> bool {
        matches!(self, Self::Hyper | Self::Reqwest)
    }
}

impl FromStr for Subject {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        Ok(found.ok_or("there is no such subject")?.0)
    }
}

/// Where the calls go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The server's origin: `http://127.0.0.1:port` or `https://localhost:port`.
    pub origin: String,
    /// The path and query.
    pub path: String,
    /// The root of the server's certificate; empty for plain connections.
    pub root_pem: String,
    /// The body. With one, each call is a `POST`.
    pub body: Bytes,
}

impl Target {
    fn url(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    fn tls(&self) -> Result<rustls::ClientConfig, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if !self.root_pem.is_empty() {
            roots.add(CertificateDer::from_pem_slice(self.root_pem.as_bytes())?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }

    fn origins(&self) -> Result<Origins, Failure> {
        let origin = Origin::parse_loopback(&self.origin)?;
        Ok(Origins::vendor().with(Service::LeadConduit, origin)?)
    }

    fn config(&self) -> TransportConfig {
        TransportConfig::new().root_pem(self.root_pem.clone())
    }

    fn request(
        &self,
        uri: &str,
        authorization: &HeaderValue,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::get(uri)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::AUTHORIZATION, authorization.clone());
        if !self.body.is_empty() {
            request = request
                .method(Method::POST)
                .header(header::CONTENT_TYPE, "application/json");
        }
        Ok(request.body(Full::new(self.body.clone()))?)
    }
}

/// Returns a blocking client with the default settings, except for where the calls go.
fn blocking<T>(target: &Target) -> Result<ap_client::Client<Blocking>, Failure>
where
    T: Connect + Transport + 'static,
{
    let builder = ClientBuilder::<Blocking, T>::new()
        .key(ApiKey::parse(KEY)?)
        .user_agent(USER_AGENT)
        .origins(target.origins()?);
    Ok(builder.build_with_config(&target.config())?)
}

/// Returns an async client with the default settings, except for where the calls go.
fn asynchronous<T>(target: &Target) -> Result<ap_client::Client<Async>, Failure>
where
    T: Connect + AsyncTransport + 'static,
{
    let builder = ClientBuilder::<Async, T>::new()
        .key(ApiKey::parse(KEY)?)
        .user_agent(USER_AGENT)
        .origins(target.origins()?);
    Ok(builder.build_with_config(&target.config())?)
}

/// A worker with async calls.
pub trait AsyncCall: Send + 'static {
    /// Makes one call and returns the size of its body.
    fn call(&mut self) -> impl Future<Output = Result<usize, Failure>> + Send;
}

/// A worker with blocking calls.
pub trait BlockingCall: Send + 'static {
    /// Makes one call and returns the size of its body.
    ///
    /// # Errors
    ///
    /// If the call fails.
    fn call(&mut self) -> Result<usize, Failure>;
}

/// A connection of hyper.
pub struct Connection {
    target: Target,
    host: HeaderValue,
    authorization: HeaderValue,
    sender: SendRequest<Full<Bytes>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// If it cannot connect.
    pub async fn open(target: &Target) -> Result<Self, Failure> {
        let mut connector = connector(target)?;
        let origin = target.origin.parse::<Uri>()?;
        let host = origin.authority().ok_or("no authority")?.as_str();
        let host = HeaderValue::from_str(host)?;
        let stream = connector.call(origin).await?;
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self {
            target: target.clone(),
            host,
            authorization: authorization()?,
            sender,
        })
    }
}

impl AsyncCall for Connection {
    async fn call(&mut self) -> Result<usize, Failure> {
        // A target in origin form, as every server expects it.
        let path = &self.target.path;
        let mut request = self.target.request(path, &self.authorization)?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        // What stands before the server answers by itself if something is wrong.
        if !response.status().is_success() {
            return Err(format!("a call was answered {}", response.status()).into());
        }
        Ok(response.into_body().collect().await?.to_bytes().len())
    }
}

/// hyper's pooled client.
#[derive(Clone, Debug)]
pub struct Pool {
    target: Target,
    authorization: HeaderValue,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Pool {
    /// Makes the client. Nothing connects yet.
    ///
    /// # Errors
    ///
    /// If the root certificate cannot be read.
    pub fn new(target: &Target) -> Result<Self, Failure> {
        Ok(Self {
            target: target.clone(),
            authorization: authorization()?,
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector(target)?),
        })
    }
}

impl AsyncCall for Pool {
    async fn call(&mut self) -> Result<usize, Failure> {
        let url = self.target.url();
        let request = self.target.request(&url, &self.authorization)?;
        let response = self.client.request(request).await?;
        Ok(response.into_body().collect().await?.to_bytes().len())
    }
}

/// reqwest.
#[derive(Clone, Debug)]
pub struct Reqwest {
    url: String,
    body: Bytes,
    client: ap_reqwest::reqwest::Client,
}

impl Reqwest {
    /// Makes the client. Nothing connects yet.
    ///
    /// # Errors
    ///
    /// If the root certificate cannot be read.
    pub fn new(target: &Target) -> Result<Self, Failure> {
        Ok(Self {
            url: target.url(),
            body: target.body.clone(),
            client: ap_reqwest::reqwest::Client::builder()
                .tls_backend_preconfigured(target.tls()?)
                .user_agent(USER_AGENT)
                .build()?,
        })
    }
}

impl AsyncCall for Reqwest {
    async fn call(&mut self) -> Result<usize, Failure> {
        let request = if self.body.is_empty() {
            self.client.get(&self.url)
        } else {
            let request = self.client.post(&self.url).body(self.body.clone());
            request.header(header::CONTENT_TYPE, "application/json")
        };
        let request = request.header(header::ACCEPT, "application/json");
        let response = request.basic_auth("API", Some(KEY)).send().await?;
        Ok(response.bytes().await?.len())
    }
}

/// ureq.
#[derive(Clone, Debug)]
pub struct Ureq {
    url: String,
    agent: ap_ureq::ureq::Agent,
}

impl Ureq {
    /// Makes the agent. Nothing connects yet.
    ///
    /// # Errors
    ///
    /// If the root certificate cannot be read.
    pub fn new(target: &Target) -> Result<Self, Failure> {
        use ap_ureq::ureq::tls::{Certificate, RootCerts, TlsConfig};
        let root = Certificate::from_pem(target.root_pem.as_bytes())?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[root]))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = ap_ureq::ureq::Agent::config_builder()
            .tls_config(tls.build())
            .user_agent(USER_AGENT)
            .max_idle_connections(512)
            .max_idle_connections_per_host(512);
        Ok(Self {
            url: target.url(),
            agent: config.build().into(),
        })
    }
}

impl BlockingCall for Ureq {
    fn call(&mut self) -> Result<usize, Failure> {
        let authorization = format!("Basic {}", STANDARD.encode(format!("API:{KEY}")));
        let request = self.agent.get(&self.url);
        let request = request.header(header::ACCEPT, "application/json");
        let response = request
            .header(header::AUTHORIZATION, authorization)
            .call()?;
        // Its own limit is 10 MB, and some bodies here are larger.
        let body = response.into_body().into_with_config().limit(u64::MAX);
        Ok(body.read_to_vec()?.len())
    }
}

/// An async client of this workspace.
#[derive(Clone, Debug)]
pub struct AsyncClient {
    path: String,
    client: ap_client::Client<Async>,
}

impl AsyncClient {
    /// Makes the client over reqwest.
    ///
    /// # Errors
    ///
    /// If a setting cannot be used.
    pub fn over_reqwest(target: &Target) -> Result<Self, Failure> {
        Ok(Self {
            path: target.path.clone(),
            client: asynchronous::<ReqwestTransport>(target)?,
        })
    }

    /// Makes the client over hyper's connections.
    ///
    /// # Errors
    ///
    /// If a setting cannot be used.
    pub fn over_hyper(target: &Target) -> Result<Self, Failure> {
        Ok(Self {
            path: target.path.clone(),
            client: asynchronous::<HyperTransport>(target)?,
        })
    }
}

impl AsyncCall for AsyncClient {
    async fn call(&mut self) -> Result<usize, Failure> {
        let request = self.client.get(Service::LeadConduit, &self.path);
        let response = request.send().await?.error_for_status()?;
        Ok(response.bytes().len())
    }
}

/// The blocking client of this workspace.
#[derive(Clone, Debug)]
pub struct BlockingClient {
    path: String,
    client: ap_client::Client<Blocking>,
}

impl BlockingClient {
    /// Makes the client over ureq.
    ///
    /// # Errors
    ///
    /// If a setting cannot be used.
    pub fn over_ureq(target: &Target) -> Result<Self, Failure> {
        Ok(Self {
            path: target.path.clone(),
            client: blocking::<UreqTransport>(target)?,
        })
    }
}

impl BlockingCall for BlockingClient {
    fn call(&mut self) -> Result<usize, Failure> {
        let request = self.client.get(Service::LeadConduit, &self.path);
        let response = request.send()?.error_for_status()?;
        Ok(response.bytes().len())
    }
}

fn authorization() -> Result<HeaderValue, Failure> {
    let text = format!("Basic {}", STANDARD.encode(format!("API:{KEY}")));
    Ok(HeaderValue::from_str(&text)?)
}

fn connector(target: &Target) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    Ok((tcp, target.tls()?).into())
}
