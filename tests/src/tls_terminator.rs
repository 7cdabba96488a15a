//! [`TlsTerminator`]: TLS in front of a plain server.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// Terminates TLS for `localhost` on a free port of 127.0.0.1, and passes the bytes on. Its certificate comes from an
/// authority of its own.
#[derive(Debug)]
pub struct TlsTerminator {
    port: u16,
    root_pem: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsTerminator {
    /// Starts TLS in front of the plain server at `http://address:port`.
    ///
    /// # Errors
    ///
    /// If that is not a URL of this form, if there is no free port, or if no certificate can be made.
    pub fn start(url: &str) -> Result<Self, Box<dyn Error>> {
        Self::start_with(url, |_| {})
    }

    /// Starts TLS with a certificate that a function changes before it is signed.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_with(
        url: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<Self, Box<dyn Error>> {
        let target: SocketAddr = url.trim_start_matches("http://").parse()?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut certificate = CertificateParams::new(["localhost".to_owned()])?;
        change(&mut certificate);
        let certificate = certificate.signed_by(&key, &authority)?;
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivateKeyDer::Pkcs8(key.serialize_der().into()),
                )?;

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, TlsAcceptor::from(Arc::new(config)), target) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            port,
            root_pem: authority.pem(),
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns its URL, `https://localhost:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Returns the certificate of its authority.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }
}

impl Drop for TlsTerminator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor, target: SocketAddr) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((client, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A client that does not trust the certificate hangs up here.
            let Ok(mut client) = acceptor.accept(client).await else {
                return;
            };
            if let Ok(mut server) = TcpStream::connect(target).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
