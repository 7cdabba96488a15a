//! The server of all calls, on loopback: plain and TLS, with keep-alive, on one thread. It reads just enough of a
//! request to answer it, so that it takes little time itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ap_core::unauthorized::DOCUMENTED_BODY;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::Failure;

/// The body of every response, except for the paths below.
const BODY: &str = r#"[{"id":"000000000000000000000001","name":"Example flow","enabled":true,"entities":["000000000000000000000002"]}]"#;

/// `GET` of this path and a number returns so many bytes.
const BYTES: &str = "/bytes/";

/// `GET` of this path returns the documented 401.
pub const REJECTED: &str = "/rejected";

/// How long a first request waits for those of other connections.
const GATHER_TIMEOUT: Duration = Duration::from_secs(120);

const REQUEST_LIMIT: usize = 64 * 1024;

/// The end of a request's head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What a server has counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections that were opened, plain and TLS.
    pub connections: AtomicUsize,
    /// Requests that were answered.
    pub requests: AtomicUsize,
}

/// A server that listens on two ports of loopback, but does not answer yet.
#[allow(missing_debug_implementations)]
pub struct Server {
    plain: TcpListener,
    tls: TcpListener,
    acceptor: TlsAcceptor,
    /// `http://127.0.0.1:port`.
    pub http: String,
    /// `https://localhost:port`.
    pub https: String,
    /// The certificate of the authority that only this server uses.
    pub root_pem: String,
    /// What it counts while it answers.
    pub counts: Arc<Counts>,
    gather: Arc<Gather>,
}

/// Holds back the first request of each connection until there are enough connections.
struct Gather {
    missing: AtomicUsize,
    all: Semaphore,
}

impl Gather {
    fn new(connections: usize) -> Arc<Self> {
        Arc::new(Self {
            missing: AtomicUsize::new(connections),
            all: Semaphore::new(0),
        })
    }

    async fn wait(&self) {
        let less = |missing: usize| missing.checked_sub(1);
        match self
            .missing
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        {
            // Those that wait take nothing from it.
            Ok(1) => self.all.add_permits(1),
            // If one never comes, the others continue, and report what is wrong.
            Ok(_) => drop(tokio::time::timeout(GATHER_TIMEOUT, self.all.acquire()).await),
            Err(_) => {}
        }
    }
}

impl Server {
    /// Listens on two free ports.
    ///
    /// # Errors
    ///
    /// If there are no free ports, or if no certificate can be made.
    pub async fn listen() -> Result<Self, Failure> {
        let plain = TcpListener::bind("127.0.0.1:0").await?;
        let tls = TcpListener::bind("127.0.0.1:0").await?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &authority)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )?;
        Ok(Self {
            http: format!("http://{}", plain.local_addr()?),
            https: format!("https://localhost:{}", tls.local_addr()?.port()),
            root_pem: authority.pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            counts: Arc::default(),
            gather: Gather::new(1),
            plain,
            tls,
        })
    }

    /// Answers nothing until there are so many connections with a request each, so that a client has as many
    /// connections from the start.
    #[must_use]
    pub fn gathering(mut self, connections: usize) -> Self {
        self.gather = Gather::new(connections);
        self
    }

    /// Answers until the future is dropped.
    pub async fn serve(self) {
        loop {
            // A client may hang up at any time.
            tokio::select! {
                accepted = self.plain.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let _ = stream.set_nodelay(true);
                    let (counts, gather) = (Arc::clone(&self.counts), Arc::clone(&self.gather));
                    tokio::spawn(async move { let _ = answer(stream, &counts, &gather).await; });
                }
                accepted = self.tls.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let _ = stream.set_nodelay(true);
                    let (counts, gather) = (Arc::clone(&self.counts), Arc::clone(&self.gather));
                    let acceptor = self.acceptor.clone();
                    tokio::spawn(async move {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            let _ = answer(stream, &counts, &gather).await;
                        }
                    });
                }
            }
        }
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    counts: &Counts,
    gather: &Gather,
) -> Result<(), Failure> {
    counts.connections.fetch_add(1, Ordering::Relaxed);
    let mut is_first = true;
    let usual = head("200 OK", BODY.len()) + BODY;
    let bad_key = std::str::from_utf8(DOCUMENTED_BODY)?;
    let bad_key = head("401 Unauthorized", bad_key.len()) + bad_key;
    let zeros = vec![b'0'; 64 * 1024];
    let mut request = vec![0; REQUEST_LIMIT];
    let mut read = 0;
    loop {
        match stream.read(&mut request[read..]).await? {
            0 => return Ok(()),
            n => read += n,
        }
        if !is_whole(&request[..read]) {
            continue;
        }
        if std::mem::take(&mut is_first) {
            gather.wait().await;
        }
        counts.requests.fetch_add(1, Ordering::Relaxed);
        let target = request[..read].split(|&byte| byte == b' ').nth(1);
        let target = std::str::from_utf8(target.unwrap_or_default())?;
        if let Some(size) = target.strip_prefix(BYTES) {
            let mut remaining: usize = size.parse()?;
            stream
                .write_all(head("200 OK", remaining).as_bytes())
                .await?;
            while remaining > 0 {
                let piece = remaining.min(zeros.len());
                stream.write_all(&zeros[..piece]).await?;
                remaining -= piece;
            }
        } else if target == REJECTED {
            stream.write_all(bad_key.as_bytes()).await?;
        } else {
            stream.write_all(usual.as_bytes()).await?;
        }
        stream.flush().await?;
        read = 0;
    }
}

/// Returns `true` if a request is complete. There is one at a time on a connection, and only those of `POST` have a body.
fn is_whole(request: &[u8]) -> bool {
    if !request.starts_with(b"POST ") {
        return request.ends_with(HEAD_END);
    }
    let mut ends = request.windows(HEAD_END.len());
    let Some(end) = ends.position(|bytes| bytes == HEAD_END) else {
        return false;
    };
    let (head, body) = request.split_at(end + HEAD_END.len());
    body.len() >= content_length(head).unwrap_or_default()
}

fn content_length(head: &[u8]) -> Option<usize> {
    let mut lines = std::str::from_utf8(head).ok()?.lines();
    lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok()).flatten()
    })
}

fn head(status: &str, length: usize) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\n\
         cache-control: no-store\r\ncontent-length: {length}\r\n\r\n"
    )
}
