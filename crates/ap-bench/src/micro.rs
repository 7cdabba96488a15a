//! The core's own operations, without I/O.

use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::time::Duration;

use ap_core::{
    Account, Answer, ApiKey, Client, Credentials, DOCUMENTED_BODY, Deadline, KeyRing, Moment,
    Origins, Product, Replay, Service, Step, Transport, TransportError, Unauthorized, check, sign,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};

use crate::{Failure, KEY};

/// What is done again and again. It is made ready beforehand.
pub type Operation = Box<dyn FnMut() -> Result<(), Failure>>;

/// One operation, and what is counted without.
#[derive(Debug)]
pub struct Named {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it is; nothing for what others are counted without.
    pub about: &'static str,
    /// The operation whose cost is taken off.
    pub less: &'static str,
}

const fn named(name: &'static str, about: &'static str, less: &'static str) -> Named {
    Named { name, about, less }
}

/// Every operation.
pub const ALL: [Named; 22] = [
    named("nothing", "", "nothing"),
    named("request", "", "nothing"),
    named(
        "sign-naive",
        "a header made for each request, unchecked",
        "request",
    ),
    named(
        "put-ready",
        "a ready header put on a request, unchecked",
        "request",
    ),
    named(
        "put-checked",
        "the same, its origin checked and nothing else",
        "request",
    ),
    named(
        "sign-attempt",
        "signing a client's request within its call",
        "request",
    ),
    named(
        "sign",
        "signing a request whose URL was read from a text",
        "request",
    ),
    named(
        "sign-made",
        "signing a request that a client made",
        "request",
    ),
    named("sign-again", "signing the same request again", "nothing"),
    named("check", "checking all of a request", "nothing"),
    named("exchange", "a call's exchange, answered 200", "request"),
    named(
        "exchange-again",
        "the same with the same request again",
        "nothing",
    ),
    named(
        "exchange-second-key",
        "a call's exchange, first key refused",
        "request",
    ),
    named("client-request", "a client makes a request", "nothing"),
    named(
        "client-send",
        "a client makes a request and sends it by a transport that answers at once",
        "nothing",
    ),
    named("ring-first", "the ring: which key is first", "nothing"),
    named("ring-handle", "the ring: another handle", "nothing"),
    named(
        "ring-replace",
        "the ring: another list of two keys",
        "nothing",
    ),
    named("401-documented", "the documented 401", "nothing"),
    named("401-json", "a 401 with other JSON", "nothing"),
    named("401-html", "a 401 with a page", "nothing"),
    named("401-64-kib", "a 401 with 64 KiB of JSON", "nothing"),
];

/// Makes an operation ready.
///
/// # Errors
///
/// If there is none of this name.
pub fn operation(name: &str) -> Result<Operation, Failure> {
    let key = |text: &str| ApiKey::parse(text).map(|key| key.labelled("label"));
    let credentials = Credentials::new(key(KEY)?);
    let ring = KeyRing::new([key(KEY)?, key("placeholder-key-that-comes-second")?])?;
    let account = Account::new(ring.clone(), Origins::vendor());
    let uri: Uri = "https://app.leadconduit.com/flows?limit=100".parse()?;
    let client = Client::builder()
        .key(key(KEY)?)
        .origins(account.origins().clone())
        .build_with(AtOnce)?;
    let made = || -> Result<Uri, Failure> {
        let made = client.request(Service::LeadConduit, Method::GET, "/flows?limit=100")?;
        Ok(made.uri().clone())
    };
    Ok(match name {
        "nothing" => Box::new(|| Ok(())),
        "request" => on_new(uri, |_| Ok(())),
        "put-ready" => on_new(uri, move |request| {
            let ready = credentials.authorization().clone();
            request.headers_mut().append(header::AUTHORIZATION, ready);
            Ok(())
        }),
        "sign-naive" => on_new(uri, move |request| {
            let text = format!(
                "Basic {}",
                STANDARD.encode(format!("API:{}", black_box(KEY)))
            );
            let mut value = HeaderValue::from_str(&text)?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
            Ok(())
        }),
        "sign" => on_new(uri, move |request| {
            sign(request, &credentials, account.origins())?;
            Ok(())
        }),
        "put-checked" => on_new(made()?, move |request| {
            black_box(
                account
                    .origins()
                    .service_of(request.uri())
                    .ok_or("elsewhere")?,
            );
            let ready = credentials.authorization().clone();
            request.headers_mut().append(header::AUTHORIZATION, ready);
            Ok(())
        }),
        "sign-made" => on_new(made()?, move |request| {
            sign(request, &credentials, account.origins())?;
            Ok(())
        }),
        "sign-attempt" => {
            let Step::Send(attempt) = account.begin(&request(&made()?), Replay::Allowed)? else {
                return Err("no key".into());
            };
            on_new(made()?, move |request| Ok(attempt.sign(request)?))
        }
        "sign-again" => {
            let mut request = request(&uri);
            Box::new(move || {
                sign(black_box(&mut request), &credentials, account.origins())?;
                Ok(())
            })
        }
        "check" => {
            let request = request(&uri);
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
                // A ring of its own, since the second key would be the first one from then on.
                let account = Account::new(ring.clone().with_user("API")?, origins.clone());
                let Step::Send(attempt) = account.begin(request, Replay::Allowed)? else {
                    return Err("no key".into());
                };
                attempt.sign(request)?;
                let next = attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY);
                let Answer::Next(Step::Send(attempt)) = next else {
                    return Err("no second key".into());
                };
                attempt.sign(request)?;
                let Answer::Final = attempt.answered(StatusCode::OK, b"") else {
                    return Err("refused".into());
                };
                Ok(())
            })
        }
        "client-request" => Box::new(move || {
            black_box(client.request(
                Service::LeadConduit,
                Method::GET,
                black_box("/flows?limit=100"),
            )?);
            Ok(())
        }),
        "client-send" => Box::new(move || {
            let request = client.request(
                Service::LeadConduit,
                Method::GET,
                black_box("/flows?limit=100"),
            )?;
            black_box(client.send(request)?);
            Ok(())
        }),
        "ring-first" => Box::new(move || {
            black_box(ring.first(Product::LeadConduit));
            Ok(())
        }),
        "ring-handle" => Box::new(move || {
            black_box(ring.clone());
            Ok(())
        }),
        "ring-replace" => {
            let keys = [key("placeholder-key-a")?, key("placeholder-key-b")?];
            Box::new(move || Ok(ring.replace(keys.clone())?))
        }
        "401-documented" => read(DOCUMENTED_BODY.to_vec()),
        "401-json" => read(br#"{"error":"not authorized"}"#.to_vec()),
        "401-html" => read(
            format!(
                "<html><body>{}</body></html>",
                "<p>Sign in to go on.</p>".repeat(20)
            )
            .into(),
        ),
        "401-64-kib" => read(format!(r#"{{"error":"{}"}}"#, "a".repeat(64 * 1024 - 12)).into()),
        _ => return Err("there is no such operation".into()),
    })
}

/// A request with what a client's has, in a map that has room for one header more.
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

/// What is done to a new request each time. It is never dropped: the header that it gets would be dropped
/// with it, which is not what is measured.
fn on_new(
    uri: Uri,
    mut what: impl FnMut(&mut Request<()>) -> Result<(), Failure> + 'static,
) -> Operation {
    Box::new(move || {
        let mut request = ManuallyDrop::new(request(&uri));
        what(black_box(&mut request))
    })
}

fn exchange(account: &Account, request: &mut Request<()>) -> Result<(), Failure> {
    let Step::Send(attempt) = account.begin(request, Replay::Allowed)? else {
        return Err("no key".into());
    };
    attempt.sign(request)?;
    let Answer::Final = attempt.answered(StatusCode::OK, b"") else {
        return Err("refused".into());
    };
    Ok(())
}

fn read(body: Vec<u8>) -> Operation {
    Box::new(move || {
        black_box(Unauthorized::parse(Product::LeadConduit, black_box(&body)));
        Ok(())
    })
}

struct AtOnce;

impl Transport for AtOnce {
    fn now(&self) -> Moment {
        Moment::after_start(Duration::ZERO)
    }
    fn send(&self, _: &Request<Bytes>, _: Deadline) -> Result<Response<Bytes>, TransportError> {
        Ok(Response::new(Bytes::from_static(b"[]")))
    }
}
