//! The subjects: what makes the calls. Each makes the same one: a `GET` with the same headers, and the whole
//! body read. The bare libraries are used as their own pages show it, so without a limit of time, which
//! ours always have.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ap_core::{ApiKey, AsyncClient, AsyncTransport, Origin, Origins, Service};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tower::Service as _;

use crate::hyper_pool::HyperTransport;
use crate::{Failure, KEY};

const USER_AGENT: &str = "activeprospect-bench/1";

/// What makes the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One connection of hyper a worker, its header made once: the limit.
    Hyper,
    /// The pooled client of hyper-util, its header made once.
    HyperPool,
    /// reqwest with its basic auth.
    Reqwest,
    /// ureq with its header made for each call.
    Ureq,
    /// The client over reqwest.
    ApReqwest,
    /// The client over ureq.
    ApUreq,
    /// The client over the example transport, on hyper's pooled client.
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

    /// Whether its workers are threads; else they are tasks.
    #[must_use]
    pub fn is_blocking(self) -> bool {
        matches!(self, Self::Ureq | Self::ApUreq)
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
pub struct Place {
    /// `http://127.0.0.1:port` or `https://localhost:port`.
    pub origin: String,
    /// The path and query.
    pub path: String,
    /// The root of the server's certificate.
    pub root_pem: String,
}

impl Place {
    fn url(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    fn tls(&self) -> Result<rustls::ClientConfig, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add(CertificateDer::from_pem_slice(self.root_pem.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }

    fn request(&self, authorization: &HeaderValue) -> Result<Request<Empty<Bytes>>, Failure> {
        Ok(Request::get(self.url())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::AUTHORIZATION, authorization.clone())
            .body(Empty::new())?)
    }
}

/// One of our clients, at its defaults but for where the calls go.
macro_rules! client {
    ($builder:expr, $place:expr) => {{
        let origin = Origin::parse_loopback(&$place.origin)?;
        let builder = $builder
            .key(ApiKey::parse(KEY)?)
            .user_agent(USER_AGENT)
            .origins(Origins::vendor().with(Service::LeadConduit, origin)?)
            .root_pem($place.root_pem.clone());
        builder.build()?
    }};
}

/// A worker whose calls are awaited. It returns how many bytes the body had.
pub trait AsyncCall: Send + 'static {
    /// One call.
    fn call(&mut self) -> impl Future<Output = Result<usize, Failure>> + Send;
}

/// A worker whose calls block.
pub trait BlockingCall: Send + 'static {
    /// One call.
    ///
    /// # Errors
    ///
    /// If the call did not come to its end.
    fn call(&mut self) -> Result<usize, Failure>;
}

/// A connection of hyper.
pub struct Connection {
    place: Place,
    authorization: HeaderValue,
    sender: SendRequest<Empty<Bytes>>,
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
    /// If there is no connection.
    pub async fn open(place: &Place) -> Result<Self, Failure> {
        let mut connector = connector(place)?;
        let stream = connector.call(place.origin.parse::<Uri>()?).await?;
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self {
            place: place.clone(),
            authorization: authorization()?,
            sender,
        })
    }
}

impl AsyncCall for Connection {
    async fn call(&mut self) -> Result<usize, Failure> {
        let mut request = self.place.request(&self.authorization)?;
        let authority = request.uri().authority().ok_or("no authority")?;
        let host = HeaderValue::from_str(authority.as_str())?;
        request.headers_mut().insert(header::HOST, host);
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        Ok(response.into_body().collect().await?.to_bytes().len())
    }
}

/// hyper's pooled client.
#[derive(Clone, Debug)]
pub struct Pool {
    place: Place,
    authorization: HeaderValue,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Pool {
    /// A client; nothing connects yet.
    ///
    /// # Errors
    ///
    /// If the root is none.
    pub fn new(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            place: place.clone(),
            authorization: authorization()?,
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector(place)?),
        })
    }
}

impl AsyncCall for Pool {
    async fn call(&mut self) -> Result<usize, Failure> {
        let request = self.place.request(&self.authorization)?;
        let response = self.client.request(request).await?;
        Ok(response.into_body().collect().await?.to_bytes().len())
    }
}

/// reqwest.
#[derive(Clone, Debug)]
pub struct Reqwest {
    url: String,
    client: ap_reqwest::reqwest::Client,
}

impl Reqwest {
    /// A client; nothing connects yet.
    ///
    /// # Errors
    ///
    /// If the root is none.
    pub fn new(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            url: place.url(),
            client: ap_reqwest::reqwest::Client::builder()
                .tls_backend_preconfigured(place.tls()?)
                .user_agent(USER_AGENT)
                .build()?,
        })
    }
}

impl AsyncCall for Reqwest {
    async fn call(&mut self) -> Result<usize, Failure> {
        let request = self.client.get(&self.url);
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
    /// An agent; nothing connects yet.
    ///
    /// # Errors
    ///
    /// If the root is none.
    pub fn new(place: &Place) -> Result<Self, Failure> {
        use ap_ureq::ureq::tls::{Certificate, RootCerts, TlsConfig};
        let root = Certificate::from_pem(place.root_pem.as_bytes())?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[root]))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = ap_ureq::ureq::Agent::config_builder()
            .tls_config(tls.build())
            .user_agent(USER_AGENT)
            .max_idle_connections(512)
            .max_idle_connections_per_host(512);
        Ok(Self {
            url: place.url(),
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
        // Its own limit is ten megabytes, and some answers here are larger.
        let body = response.into_body().into_with_config().limit(u64::MAX);
        Ok(body.read_to_vec()?.len())
    }
}

/// One of our async clients.
pub struct Ours<T> {
    path: String,
    client: AsyncClient<T>,
}

impl<T> fmt::Debug for Ours<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ours").finish_non_exhaustive()
    }
}

impl<T> Clone for Ours<T> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            client: self.client.clone(),
        }
    }
}

/// The client over reqwest.
///
/// # Errors
///
/// If a setting is not taken.
pub fn ap_reqwest(place: &Place) -> Result<impl AsyncCall + Clone, Failure> {
    Ok(Ours {
        path: place.path.clone(),
        client: client!(ap_reqwest::Client::builder(), place),
    })
}

/// The client over the example transport.
///
/// # Errors
///
/// If a setting is not taken.
pub fn ap_hyper(place: &Place) -> Result<impl AsyncCall + Clone, Failure> {
    let client: AsyncClient<HyperTransport> = client!(AsyncClient::builder(), place);
    Ok(Ours {
        path: place.path.clone(),
        client,
    })
}

impl<T: AsyncTransport + 'static> AsyncCall for Ours<T> {
    async fn call(&mut self) -> Result<usize, Failure> {
        let request = self
            .client
            .request(Service::LeadConduit, Method::GET, &self.path)?;
        Ok(self.client.send(request).await?.body().len())
    }
}

/// The client over ureq.
#[derive(Clone, Debug)]
pub struct ApUreq {
    path: String,
    client: ap_ureq::Client,
}

impl ApUreq {
    /// A client; nothing connects yet.
    ///
    /// # Errors
    ///
    /// If a setting is not taken.
    pub fn new(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            path: place.path.clone(),
            client: client!(ap_ureq::Client::builder(), place),
        })
    }
}

impl BlockingCall for ApUreq {
    fn call(&mut self) -> Result<usize, Failure> {
        let request = self
            .client
            .request(Service::LeadConduit, Method::GET, &self.path)?;
        Ok(self.client.send(request)?.body().len())
    }
}

fn authorization() -> Result<HeaderValue, Failure> {
    let text = format!("Basic {}", STANDARD.encode(format!("API:{KEY}")));
    Ok(HeaderValue::from_str(&text)?)
}

fn connector(place: &Place) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    Ok((tcp, place.tls()?).into())
}
