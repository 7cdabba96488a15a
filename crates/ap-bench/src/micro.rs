//! The core's own operations, without I/O.

use std::hint::black_box;
use std::time::Duration;

use ap_core::{
    Account, Answer, ApiKey, Client, Credentials, DOCUMENTED_BODY, Deadline, KeyRing, Moment,
    Origins, Product, Replay, Service, Step, Transport, TransportError, Unauthorized, check, sign,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};

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
pub const ALL: [Named; 19] = [
    named("nothing", "", "nothing"),
    named("headers", "", "nothing"),
    named(
        "sign-naive",
        "a header made for each request, unchecked",
        "headers",
    ),
    named(
        "put-ready",
        "a ready header put on a request, unchecked",
        "headers",
    ),
    named("sign", "signing a request", "headers"),
    named("sign-again", "signing the same request again", "nothing"),
    named("check", "checking all of a request", "nothing"),
    named("exchange", "a call's exchange, answered 200", "headers"),
    named(
        "exchange-again",
        "the same with the same request again",
        "nothing",
    ),
    named(
        "exchange-second-key",
        "a call's exchange, first key refused",
        "headers",
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
    let mut request = Request::get("https://app.leadconduit.com/flows?limit=100").body(())?;
    put_headers(&mut request);
    sign(&mut request, &credentials, account.origins())?;
    Ok(match name {
        "nothing" => Box::new(|| Ok(())),
        "headers" => Box::new(move || {
            put_headers(&mut request);
            Ok(())
        }),
        "put-ready" => Box::new(move || {
            put_headers(&mut request);
            let ready = credentials.authorization().clone();
            request.headers_mut().append(header::AUTHORIZATION, ready);
            Ok(())
        }),
        "sign-naive" => Box::new(move || {
            put_headers(&mut request);
            let text = format!(
                "Basic {}",
                STANDARD.encode(format!("API:{}", black_box(KEY)))
            );
            let mut value = HeaderValue::from_str(&text)?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
            Ok(())
        }),
        "sign" => Box::new(move || {
            put_headers(&mut request);
            sign(black_box(&mut request), &credentials, account.origins())?;
            Ok(())
        }),
        "sign-made" => {
            let client = Client::builder().key(key(KEY)?).build_with(AtOnce)?;
            let made = client.request(Service::LeadConduit, Method::GET, "/flows?limit=100")?;
            *request.uri_mut() = made.uri().clone();
            let origins = client.origins().clone();
            Box::new(move || {
                put_headers(&mut request);
                sign(black_box(&mut request), &credentials, &origins)?;
                Ok(())
            })
        }
        "sign-again" => Box::new(move || {
            sign(black_box(&mut request), &credentials, account.origins())?;
            Ok(())
        }),
        "check" => {
            put_headers(&mut request);
            Box::new(move || {
                check(black_box(&request), &credentials, account.origins())?;
                Ok(())
            })
        }
        "exchange" => Box::new(move || {
            put_headers(&mut request);
            exchange(&account, &mut request)
        }),
        "exchange-again" => {
            put_headers(&mut request);
            Box::new(move || exchange(&account, &mut request))
        }
        "exchange-second-key" => {
            let origins = Origins::vendor();
            Box::new(move || {
                // A ring of its own, since the second key would be the first one from then on.
                let account = Account::new(ring.clone().with_user("API")?, origins.clone());
                put_headers(&mut request);
                let Step::Send(attempt) = account.begin(&request, Replay::Allowed)? else {
                    return Err("no key".into());
                };
                attempt.sign(&mut request)?;
                let next = attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY);
                let Answer::Next(Step::Send(attempt)) = next else {
                    return Err("no second key".into());
                };
                attempt.sign(&mut request)?;
                let Answer::Final = attempt.answered(StatusCode::OK, b"") else {
                    return Err("refused".into());
                };
                Ok(())
            })
        }
        "client-request" => {
            let client = Client::builder().key(key(KEY)?).build_with(AtOnce)?;
            Box::new(move || {
                black_box(client.request(
                    Service::LeadConduit,
                    Method::GET,
                    black_box("/flows?limit=100"),
                )?);
                Ok(())
            })
        }
        "client-send" => {
            let client = Client::builder().key(key(KEY)?).build_with(AtOnce)?;
            Box::new(move || {
                let request = client.request(
                    Service::LeadConduit,
                    Method::GET,
                    black_box("/flows?limit=100"),
                )?;
                black_box(client.send(request)?);
                Ok(())
            })
        }
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

/// What a request of a client has, in a map that has room for one header more.
fn put_headers(request: &mut Request<()>) {
    let headers = black_box(request).headers_mut();
    headers.clear();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static("activeprospect-bench/1"),
    );
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
