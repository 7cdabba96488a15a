//! The operations of the core, and a client's part of a call, without I/O.

use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ap_client::transport::{AsyncTransport, Deadline, Moment, Transport, TransportError};
use ap_client::{Async, Blocking, ClientBuilder};
use ap_core::exchange::{Answer, Resend, Step};
use ap_core::unauthorized::DOCUMENTED_BODY;
use ap_core::{
    Account, ApiKey, Credentials, Draft, Endpoint, Error, KeyRing, Origins, Product, Response,
    Service, Unauthorized, check, sign,
};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};

use crate::{Failure, KEY, events};

/// An operation that is repeated. What it needs is made beforehand.
pub type Operation = Box<dyn FnMut() -> Result<(), Failure>>;

/// An operation, and the one whose cost is not part of it.
#[derive(Debug)]
pub struct Named {
    /// The name that [`operation`] accepts.
    pub name: &'static str,
    /// What the table says. Empty for an operation that is only a baseline.
    pub description: &'static str,
    /// The operation whose cost is subtracted.
    pub baseline: &'static str,
}

const fn named(name: &'static str, description: &'static str, baseline: &'static str) -> Named {
    Named {
        name,
        description,
        baseline,
    }
}

/// Every operation. A baseline stands before the operations that need it.
#[rustfmt::skip]
pub const ALL: [Named; 32] = [
    named("nothing", "", "nothing"),
    named("request", "", "nothing"),
    named("header-made", "a header made for each request, without a check", "request"),
    named("header-ready", "a ready header put on a request, without a check", "request"),
    named("header-origin", "the same, with a check of the origin alone", "request"),
    named("sign", "signing a request, with every check", "request"),
    named("sign-again", "signing the same request again, with every check", "nothing"),
    named("sign-attempt", "signing a request within its exchange, with every check", "request"),
    named("check", "checking a request without signing it", "nothing"),
    named("exchange", "an exchange, signed and answered 200", "request"),
    named("exchange-again", "the same with the same request again", "nothing"),
    named("exchange-second-key", "an exchange whose first key is rejected", "request"),
    named("draft", "a draft, prepared", "nothing"),
    named("transport", "", "nothing"),
    named("transport-async", "", "nothing"),
    named("by-hand", "a call driven by hand, beyond its transport", "transport"),
    named("client-call", "a client's call of an endpoint, beyond its transport", "transport"),
    named("client-call-async", "the same by an async client", "transport-async"),
    named("client-send", "a client's request with its builder, beyond its transport", "transport"),
    named("client-price", "the price of the client: its call less the one driven by hand", "by-hand"),
    named("ring-preferred", "the ring: which key is preferred", "nothing"),
    named("ring-clone", "the ring: another handle", "nothing"),
    named("ring-replace", "the ring: another list of two keys", "nothing"),
    named("decode-bare-100-events", "", "nothing"),
    named("decode-100-events", "", "nothing"),
    named("decode-bare-1000-events", "1,000 events decoded into bare structs, unknown members skipped", "nothing"),
    named("decode-1000-events", "1,000 events decoded into typed ones, unknown members kept", "nothing"),
    named("401-documented", "the documented 401", "nothing"),
    named("401-json", "a 401 with other JSON", "nothing"),
    named("401-html", "a 401 with a page", "nothing"),
    named("401-64-kib", "a 401 with 64 KiB of JSON", "nothing"),
    named("401-call", "a client's call that ends in the documented 401, beyond its transport", "transport"),
];

const PATH: &str = "/flows?limit=100";

/// Makes an operation.
///
/// # Errors
///
/// If there is none of this name.
pub fn operation(name: &str) -> Result<Operation, Failure> {
    let key = |text: &str| ApiKey::parse(text).map(|key| key.with_label("label"));
    let credentials = Credentials::new(key(KEY)?);
    let ring = KeyRing::new([key(KEY)?, key("placeholder-key-that-is-second")?])?;
    let account = Account::new(ring.clone(), Origins::vendor());
    let uri: Uri = format!("https://app.leadconduit.com{PATH}").parse()?;
    let client = |transport| {
        let builder = ClientBuilder::<Blocking>::new().key(key(KEY)?);
        Ok::<_, Failure>(builder.build_with(transport)?)
    };
    Ok(match name {
        "nothing" => Box::new(|| Ok(())),
        "request" => on_new(uri, |_| Ok(())),
        "header-made" => on_new(uri, move |request| {
            let pair = format!("API:{}", black_box(KEY));
            let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
            Ok(())
        }),
        "header-ready" => on_new(uri, move |request| {
            let ready = credentials.authorization().clone();
            request.headers_mut().append(header::AUTHORIZATION, ready);
            Ok(())
        }),
        "header-origin" => on_new(uri, move |request| {
            let service = account.origins().service_of(request.uri());
            black_box(service.ok_or("the origin is not allowed")?);
            let ready = credentials.authorization().clone();
            request.headers_mut().append(header::AUTHORIZATION, ready);
            Ok(())
        }),
        "sign" => on_new(uri, move |request| {
            sign(request, &credentials, account.origins())?;
            Ok(())
        }),
        "sign-again" => {
            let mut request = request(&uri);
            Box::new(move || {
                sign(black_box(&mut request), &credentials, account.origins())?;
                Ok(())
            })
        }
        "sign-attempt" => {
            let Step::Send(attempt) = account.begin(&request(&uri), Resend::Allowed)? else {
                return Err("there is no key".into());
            };
            on_new(uri, move |request| Ok(attempt.sign(request)?))
        }
        "check" => {
            let request = request(&uri);
            let credentials = [credentials];
            Box::new(move || {
                check(black_box(&request), &credentials, account.origins())?;
                Ok(())
            })
        }
        "exchange" => on_new(uri, move |request| exchange(&account, request)),
        "exchange-again" => {
            let mut request = request(&uri);
            Box::new(move || exchange(&account, black_box(&mut request)))
        }
        "exchange-second-key" => {
            let origins = Origins::vendor();
            on_new(uri, move |request| {
                // A new ring each time, because the second key is preferred afterwards.
                let account = Account::new(ring.clone().with_user("API")?, origins.clone());
                let Step::Send(attempt) = account.begin(request, Resend::Allowed)? else {
                    return Err("there is no key".into());
                };
                attempt.sign(request)?;
                let next = attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY);
                let Answer::Next(Step::Send(attempt)) = next else {
                    return Err("there is no second key".into());
                };
                attempt.sign(request)?;
                answered(attempt.answered(StatusCode::OK, b""))
            })
        }
        "draft" => {
            let user_agent = HeaderValue::from_static("activeprospect-bench/1");
            Box::new(move || {
                let draft = Flows.draft();
                black_box(draft.prepare(account.origins(), Some(&user_agent))?);
                Ok(())
            })
        }
        "transport" => {
            let transport: Box<dyn Transport> = Box::new(AtOnce::OK);
            let request = request(&uri).map(|()| Bytes::new());
            Box::new(move || {
                black_box((*transport).send(black_box(&request), Deadline::NEVER)?);
                Ok(())
            })
        }
        "transport-async" => {
            let transport: Box<dyn AsyncTransport> = Box::new(AtOnce::OK);
            let request = request(&uri).map(|()| Bytes::new());
            Box::new(move || {
                let round_trip = (*transport).send(black_box(&request), Deadline::NEVER);
                black_box(poll_once(round_trip)??);
                Ok(())
            })
        }
        "by-hand" => {
            let user_agent = HeaderValue::from_static("activeprospect-bench/1");
            let transport: Box<dyn Transport> = Box::new(AtOnce::OK);
            Box::new(move || {
                black_box(by_hand(&account, &user_agent, &*transport)?);
                Ok(())
            })
        }
        "client-call" | "client-price" => {
            let client = client(AtOnce::OK)?;
            Box::new(move || {
                black_box(client.call(Flows)?);
                Ok(())
            })
        }
        "client-call-async" => {
            let builder = ClientBuilder::<Async>::new().key(key(KEY)?);
            let client = builder.build_with(AtOnce::OK)?;
            Box::new(move || {
                black_box(poll_once(client.call(Flows))??);
                Ok(())
            })
        }
        "client-send" => {
            let client = client(AtOnce::OK)?;
            Box::new(move || {
                let request = client.get(Service::LeadConduit, black_box(PATH));
                black_box(request.send()?.error_for_status()?.bytes().len());
                Ok(())
            })
        }
        "401-call" => {
            let client = client(AtOnce::BAD_KEY)?;
            Box::new(move || match client.call(Flows) {
                Err(error) if error.is_auth() => {
                    black_box(error);
                    Ok(())
                }
                _ => Err("the key was not rejected".into()),
            })
        }
        "ring-preferred" => Box::new(move || {
            black_box(ring.preferred(Product::LeadConduit));
            Ok(())
        }),
        "ring-clone" => Box::new(move || {
            black_box(ring.clone());
            Ok(())
        }),
        "ring-replace" => {
            let keys = [key("placeholder-key-a")?, key("placeholder-key-b")?];
            Box::new(move || Ok(ring.replace(keys.clone())?))
        }
        "decode-bare-100-events" => decode(100, events::decode_bare),
        "decode-100-events" => decode(100, events::decode),
        "decode-bare-1000-events" => decode(1_000, events::decode_bare),
        "decode-1000-events" => decode(1_000, events::decode),
        "401-documented" => parse_401(DOCUMENTED_BODY.to_vec()),
        "401-json" => parse_401(br#"{"error":"not authorized"}"#.to_vec()),
        "401-html" => parse_401(
            format!(
                "<html><body>{}</body></html>",
                "<p>Sign in to continue.</p>".repeat(20)
            )
            .into(),
        ),
        "401-64-kib" => {
            parse_401(format!(r#"{{"error":"{}"}}"#, "a".repeat(64 * 1024 - 12)).into())
        }
        _ => return Err("there is no such operation".into()),
    })
}

/// Makes a request with the headers that a client's has, in a map with room for one more.
fn request(uri: &Uri) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = uri.clone();
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static("activeprospect-bench/1"),
    );
    *request.headers_mut() = headers;
    request
}

/// Makes an operation on a new request each time. The request is never dropped: its new header would be dropped with
/// it, which is not what is measured.
fn on_new(
    uri: Uri,
    mut change: impl FnMut(&mut Request<()>) -> Result<(), Failure> + 'static,
) -> Operation {
    Box::new(move || {
        let mut request = ManuallyDrop::new(request(&uri));
        change(black_box(&mut request))
    })
}

fn exchange(account: &Account, request: &mut Request<()>) -> Result<(), Failure> {
    let Step::Send(attempt) = account.begin(request, Resend::Allowed)? else {
        return Err("there is no key".into());
    };
    attempt.sign(request)?;
    answered(attempt.answered(StatusCode::OK, b""))
}

fn answered(answer: Answer) -> Result<(), Failure> {
    match answer {
        Answer::Final => Ok(()),
        Answer::Next(_) => Err("the key was rejected".into()),
    }
}

/// Makes the call of [`Flows`] without a client.
fn by_hand(
    account: &Account,
    user_agent: &HeaderValue,
    transport: &dyn Transport,
) -> Result<usize, Failure> {
    let (mut request, called) = Flows.draft().prepare(account.origins(), Some(user_agent))?;
    let deadline = Deadline::after(transport.now(), Duration::from_secs(60));
    let Step::Send(attempt) = account.begin(&request, Resend::Allowed)? else {
        return Err("there is no key".into());
    };
    attempt.sign(&mut request)?;
    let response = transport.send(&request, deadline)?;
    answered(attempt.answered(response.status(), response.body()))?;
    Ok(Flows.decode(Response::new(response, called))?)
}

/// Polls a future that never waits.
fn poll_once<F: Future>(future: F) -> Result<F::Output, Failure> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err("the future waits".into()),
    }
}

fn decode(count: usize, decode: fn(&Bytes) -> Result<usize, Failure>) -> Operation {
    let page = events::page(count);
    Box::new(move || {
        black_box(decode(black_box(&page))?);
        Ok(())
    })
}

fn parse_401(body: Vec<u8>) -> Operation {
    Box::new(move || {
        black_box(Unauthorized::parse(Product::LeadConduit, black_box(&body)));
        Ok(())
    })
}

/// An endpoint that decodes nothing.
struct Flows;

impl Endpoint for Flows {
    type Output = usize;

    fn draft(&self) -> Draft {
        Draft::get(Service::LeadConduit, black_box(PATH))
    }

    fn decode(&self, response: Response) -> Result<usize, Error> {
        Ok(response.error_for_status()?.bytes().len())
    }
}

/// A transport that answers at once, always the same.
struct AtOnce {
    status: StatusCode,
    body: &'static [u8],
}

impl AtOnce {
    const OK: Self = Self {
        status: StatusCode::OK,
        body: b"[]",
    };
    const BAD_KEY: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        body: DOCUMENTED_BODY,
    };

    fn answer(&self) -> http::Response<Bytes> {
        let mut response = http::Response::new(Bytes::from_static(self.body));
        *response.status_mut() = self.status;
        response
    }
}

impl Transport for AtOnce {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }

    fn sleep_until(&self, _: Moment) {}

    fn send(
        &self,
        _: &Request<Bytes>,
        _: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Ok(self.answer())
    }
}

#[async_trait]
impl AsyncTransport for AtOnce {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }

    async fn sleep_until(&self, _: Moment) {}

    async fn send(
        &self,
        _: &Request<Bytes>,
        _: Deadline,
    ) -> Result<http::Response<Bytes>, TransportError> {
        Ok(self.answer())
    }
}
