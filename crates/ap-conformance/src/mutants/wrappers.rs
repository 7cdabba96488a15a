//! Transports that are broken on purpose: a sound one, with one thing done wrong around it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ap_core::{Connect, Deadline, ErrorKind, Moment, Settings, Transport, TransportError};
use ap_ureq::UreqTransport;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Sends the same request, key and all, to wherever a redirect points.
    FollowsRedirects,
    /// Follows them without the key.
    FollowsRedirectsUnsigned,
    /// Sends the body the first time only.
    DropsTheBodyOnRepeat,
    /// Sends no body at all.
    DropsTheBody,
    /// Keeps the last of repeated header lines.
    CollapsesHeaders,
    /// Keeps no header line of a response.
    DropsResponseHeaders,
    /// Joins repeated header lines of a request.
    JoinsRequestHeaders,
    /// Adds a header of its own.
    AddsAHeader,
    /// Puts the URL into its errors.
    TellsTheUrl,
    /// Sends again what was answered with 429 or 5xx.
    RepeatsAfterStatus,
    /// Takes a response that broke off for an empty one.
    BrokenIsEmpty,
    /// Takes a response that is not sound for an empty one.
    UnsoundIsEmpty,
    /// Trusts nobody.
    TrustsNobody,
    /// Sends loopback calls by the proxy too.
    ProxiesLoopback,
    /// Goes directly although there is a proxy.
    IgnoresTheProxy,
    /// Shows the proxy the key.
    TellsTheProxy,
    /// Cuts bodies after 100 bytes.
    CutsBodies,
    /// Sends back cookies.
    KeepsCookies,
    /// Decodes the path.
    DecodesThePath,
    /// Does nothing: an empty success.
    DoesNothing,
    /// Always fails.
    AlwaysFails,
}

pub(super) struct Mutant {
    inner: UreqTransport,
    wrong: Wrong,
    settings: Settings,
    calls: AtomicUsize,
    cookies: Mutex<HeaderMap>,
}

impl Mutant {
    pub(super) fn new(wrong: Wrong, settings: &Settings) -> Result<Self, TransportError> {
        let mut changed = settings.clone();
        match wrong {
            Wrong::TrustsNobody => {
                changed.root_pems.clear();
                changed.mozilla_roots = true;
            }
            Wrong::IgnoresTheProxy => changed.proxy = None,
            _ => {}
        }
        let inner = UreqTransport::connect(&changed)?;
        Ok(Self {
            inner,
            wrong,
            settings: changed,
            calls: AtomicUsize::new(0),
            cookies: Mutex::default(),
        })
    }

    fn changed(&self, request: &Request<Bytes>) -> Request<Bytes> {
        let mut request = request.clone();
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let headers = request.headers_mut();
        match self.wrong {
            Wrong::JoinsRequestHeaders => {
                let names: Vec<HeaderName> = headers.keys().cloned().collect();
                for name in names {
                    let all: Vec<_> = headers
                        .get_all(&name)
                        .iter()
                        .map(|v| v.to_str().unwrap())
                        .collect();
                    let joined = HeaderValue::from_str(&all.join(", ")).unwrap();
                    headers.insert(name, joined);
                }
            }
            Wrong::AddsAHeader => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
            }
            Wrong::DropsTheBodyOnRepeat if call > 0 => *request.body_mut() = Bytes::new(),
            Wrong::DropsTheBody => *request.body_mut() = Bytes::new(),
            Wrong::DecodesThePath => {
                let decoded = request
                    .uri()
                    .to_string()
                    .replace("%20", "+")
                    .replace("%C3%A9", "e");
                *request.uri_mut() = decoded.parse().unwrap();
            }
            Wrong::KeepsCookies => {
                for (_, value) in self
                    .cookies
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .iter()
                {
                    headers.append(header::COOKIE, value.clone());
                }
            }
            _ => {}
        }
        request
    }

    fn once(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        self.inner.send(request, deadline)
    }

    /// Follows redirects, at most three.
    fn follow(
        &self,
        mut request: Request<Bytes>,
        mut response: Response<Bytes>,
        deadline: Deadline,
    ) -> Response<Bytes> {
        for _ in 0..3 {
            let location = response.headers().get(header::LOCATION);
            let (true, Some(location)) = (response.status().is_redirection(), location) else {
                break;
            };
            let location = location.to_str().unwrap_or_default().to_owned();
            let uri = request.uri();
            let next = if location.contains("://") {
                location
            } else if location.starts_with("//") {
                format!("{}:{location}", uri.scheme_str().unwrap())
            } else {
                format!(
                    "{}://{}{location}",
                    uri.scheme_str().unwrap(),
                    uri.authority().unwrap()
                )
            };
            let Ok(next) = next.parse() else { break };
            *request.uri_mut() = next;
            if self.wrong == Wrong::FollowsRedirectsUnsigned {
                request.headers_mut().remove(header::AUTHORIZATION);
            }
            match self.once(&request, deadline) {
                Ok(other) => response = other,
                Err(_) => break,
            }
        }
        response
    }
}

impl fmt::Debug for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mutant({:?})", self.wrong)
    }
}

impl Transport for Mutant {
    fn now(&self) -> Moment {
        self.inner.now()
    }

    fn send(
        &self,
        request: &Request<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let told = || {
            let value = request.headers().get(header::AUTHORIZATION);
            value.map_or_else(String::new, |v| {
                String::from_utf8_lossy(v.as_bytes()).into_owned()
            })
        };
        match self.wrong {
            Wrong::DoesNothing => return Ok(Response::new(Bytes::new())),
            Wrong::AlwaysFails => return Err(TransportError::new(ErrorKind::Other)),
            Wrong::TellsTheProxy => {
                if let Some(proxy) = &self.settings.proxy {
                    // What a client does that sends the header with its CONNECT.
                    if let Ok(mut stream) =
                        std::net::TcpStream::connect((proxy.origin().host(), proxy.origin().port()))
                    {
                        let _ = std::io::Write::write_all(&mut stream, told().as_bytes());
                    }
                }
            }
            Wrong::ProxiesLoopback if ap_core::is_loopback(request.uri()) => {
                if let Some(proxy) = &self.settings.proxy {
                    let _ = std::net::TcpStream::connect((
                        proxy.origin().host(),
                        proxy.origin().port(),
                    ));
                }
            }
            _ => {}
        }
        let sent = self.changed(request);
        let mut result = self.once(&sent, deadline);
        let again = match (&self.wrong, &result) {
            (Wrong::RepeatsAfterStatus, Ok(response)) => {
                response.status().is_server_error()
                    || response.status() == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        };
        if again {
            result = self.once(&sent, deadline);
        }
        match result {
            Ok(response) => self.answered(sent, response, deadline),
            Err(error) => self.failed(request, error),
        }
    }
}

impl Mutant {
    fn answered(
        &self,
        sent: Request<Bytes>,
        mut response: Response<Bytes>,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        match self.wrong {
            Wrong::FollowsRedirects | Wrong::FollowsRedirectsUnsigned => {
                return Ok(self.follow(sent, response, deadline));
            }
            Wrong::CollapsesHeaders => {
                let mut collapsed = HeaderMap::new();
                for (name, value) in response.headers() {
                    collapsed.insert(name.clone(), value.clone());
                }
                *response.headers_mut() = collapsed;
            }
            Wrong::DropsResponseHeaders => response.headers_mut().clear(),
            Wrong::CutsBodies if response.body().len() > 100 => {
                let cut = response.body().slice(..100);
                *response.body_mut() = cut;
            }
            Wrong::KeepsCookies => {
                let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
                for value in response.headers().get_all(header::SET_COOKIE) {
                    cookies.append(header::COOKIE, value.clone());
                }
            }
            _ => {}
        }
        Ok(response)
    }

    fn failed(
        &self,
        request: &Request<Bytes>,
        error: TransportError,
    ) -> Result<Response<Bytes>, TransportError> {
        let kind = error.kind();
        let broken = matches!(kind, ErrorKind::Closed | ErrorKind::Truncated);
        match self.wrong {
            Wrong::BrokenIsEmpty if broken => Ok(Response::new(Bytes::new())),
            Wrong::UnsoundIsEmpty if kind == ErrorKind::Malformed => {
                Ok(Response::new(Bytes::new()))
            }
            Wrong::TellsTheUrl => {
                Err(TransportError::new(kind).with_source(format!("url {}", request.uri())))
            }
            _ => Err(error),
        }
    }
}
