//! What the layer does with requests and responses, over a service that is played.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use ap_tower::ap_core::unauthorized::{DOCUMENTED_BODY, UNAUTHORIZED_BODY_LIMIT};
use ap_tower::ap_core::{Account, ApiKey, Error, ErrorKind, KeyRing, Origins};
use ap_tower::{BoxError, ExchangeLayer, PeekedBody, Resent};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

const URL: &str = "https://app.leadconduit.com/flows";

/// What the service below was asked.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Request<Full<Bytes>>>>>);

impl Seen {
    fn requests(&self) -> Vec<Request<Full<Bytes>>> {
        self.0.lock().unwrap().clone()
    }

    fn keys(&self) -> Vec<String> {
        let authorization = |request: &Request<Full<Bytes>>| {
            let value = request.headers().get(header::AUTHORIZATION).unwrap();
            value.to_str().unwrap().to_owned()
        };
        self.requests().iter().map(authorization).collect()
    }
}

fn account(keys: &[&str]) -> Account {
    let keys = keys.iter().map(|key| ApiKey::parse(*key).unwrap());
    Account::new(KeyRing::new(keys).unwrap(), Origins::vendor())
}

fn request(url: &str) -> Request<Full<Bytes>> {
    let request = Request::post(url).header("accept", "application/json");
    request.body(Full::from("the body")).unwrap()
}

/// Makes a call over a service that gives these answers in turn.
async fn call<R>(
    account: &Account,
    request: Request<Full<Bytes>>,
    answers: impl IntoIterator<Item = Response<R>>,
) -> (Seen, Result<Response<PeekedBody<R>>, BoxError>)
where
    R: Body + Send + Unpin + 'static,
    R::Data: Send,
    R::Error: Into<BoxError>,
{
    let seen = Seen::default();
    let answers: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(answers.into_iter().collect()));
    let noted = seen.clone();
    let inner = service_fn(move |request| {
        noted.0.lock().unwrap().push(request);
        let answer = answers.lock().unwrap().pop_front();
        async move { answer.ok_or("the service has no answer left") }
    });
    let layer = ExchangeLayer::new(account.clone());
    let service = ServiceBuilder::new().layer(layer).service(inner);
    (seen, service.oneshot(request).await)
}

fn answer(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("x-tag", "kept");
    response.body(Full::new(body.into())).unwrap()
}

fn core_error(error: &BoxError) -> &Error {
    error.downcast_ref::<Error>().unwrap()
}

#[tokio::test]
async fn a_key_that_is_rejected_is_followed_by_the_next_one_and_every_other_answer_passes_through()
{
    let bad_key_of_trustedform: &[u8] = br#"{"outcome":"error","reason":"Unauthorized"}"#;
    for (status, body, attempts) in [
        (200, &b"[]"[..], 1),
        (204, b"", 1),
        (302, b"elsewhere", 1),
        (401, DOCUMENTED_BODY, 2),
        (401, b"another text", 1),
        // The form of another product.
        (401, bad_key_of_trustedform, 1),
        (403, DOCUMENTED_BODY, 1),
        (403, b"", 1),
        (429, b"slowly", 1),
        (500, b"{}", 1),
    ] {
        let account = account(&["old-key", "new-key"]);
        let answers = [answer(status, body), answer(201, "created")];
        let (seen, outcome) = call(&account, request(URL), answers).await;
        let (head, whole) = outcome.unwrap().into_parts();
        let whole = whole.collect().await.unwrap().to_bytes();
        let expected = if attempts == 1 {
            (status, body)
        } else {
            (201, &b"created"[..])
        };
        assert_eq!((head.status.as_u16(), &whole[..]), expected, "{status}");
        assert_eq!(head.headers["x-tag"], "kept");
        assert_eq!(seen.requests().len(), attempts, "{status}");
    }
}

#[tokio::test]
async fn a_repeated_request_is_the_same_but_for_its_key_and_is_marked() {
    let account = account(&["old-key", "new-key"]);
    let answers = [answer(401, DOCUMENTED_BODY), answer(200, "[]")];
    let (seen, _) = call(&account, request(URL), answers).await;
    let keys = seen.keys();
    assert_ne!(keys[0], keys[1]);
    for (number, sent) in seen.requests().into_iter().enumerate() {
        assert_eq!(sent.uri(), URL);
        assert_eq!(sent.method(), "POST");
        assert_eq!(sent.headers().len(), 2);
        assert_eq!(sent.extensions().get::<Resent>().is_some(), number == 1);
        assert_eq!(
            sent.into_body().collect().await.unwrap().to_bytes(),
            "the body"
        );
    }
    // The next call begins with the key that was accepted.
    let (seen, _) = call(&account, request(URL), [answer(200, "[]")]).await;
    assert_eq!(seen.keys(), keys[1..]);
}

#[tokio::test]
async fn a_request_that_must_not_be_signed_never_reaches_the_service() {
    let mut signed = request(URL);
    signed
        .headers_mut()
        .insert(header::AUTHORIZATION, "Basic x".parse().unwrap());
    for (request, expected) in [
        (
            request("https://app.leadconduit.com.example/flows"),
            "not an allowed origin",
        ),
        (request("https://example.com/"), "not an allowed origin"),
        (request("http://app.leadconduit.com/flows"), "http"),
        (request("/flows"), "URL"),
        (
            request("https://app.leadconduit.com/flows?key=the-only-key"),
            "contains the API key",
        ),
        (signed, "authorization"),
    ] {
        let account = account(&["the-only-key"]);
        let (seen, outcome) = call(&account, request, [answer(200, "[]")]).await;
        let error = outcome.unwrap_err();
        assert_eq!(core_error(&error).kind(), ErrorKind::Request, "{error}");
        assert!(core_error(&error).to_string().contains(expected), "{error}");
        assert!(seen.requests().is_empty());
    }
}

#[tokio::test]
async fn if_no_key_is_accepted_the_error_says_so_with_the_last_response() {
    for keys in [&["first-key"][..], &["first-key", "second-key"]] {
        let account = account(keys);
        let answers = keys.iter().map(|_| answer(401, DOCUMENTED_BODY));
        let (seen, outcome) = call(&account, request(URL), answers).await;
        let error = outcome.unwrap_err();
        let error = core_error(&error);
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert_eq!(error.rejected_keys().len(), keys.len());
        assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
        assert_eq!(error.response().unwrap().bytes(), DOCUMENTED_BODY);
        assert!(!error.may_have_been_applied());
        assert_eq!(seen.requests().len(), keys.len());
    }
    let (seen, outcome) = call(&account(&[]), request(URL), [answer(200, "")]).await;
    assert_eq!(core_error(&outcome.unwrap_err()).kind(), ErrorKind::Auth);
    assert!(seen.requests().is_empty());
}

#[tokio::test]
async fn a_key_that_comes_while_a_call_is_under_way_is_used_by_it() {
    let account = account(&["old-key"]);
    let ring = account.keys().clone();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let inner = service_fn(move |_: Request<Full<Bytes>>| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        if number == 0 {
            ring.replace([ApiKey::parse("new-key").unwrap()]).unwrap();
        }
        let answer = [answer(401, DOCUMENTED_BODY), answer(200, "[]")]
            .into_iter()
            .nth(number);
        async move { answer.ok_or("the service has no answer left") }
    });
    let layer = ExchangeLayer::new(account);
    let service = ServiceBuilder::new().layer(layer).service(inner);
    assert_eq!(service.oneshot(request(URL)).await.unwrap().status(), 200);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn errors_of_the_service_pass_through() {
    let (_, outcome) = call::<Full<Bytes>>(&account(&["key-1"]), request(URL), []).await;
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "the service has no answer left"
    );
}

/// A body without an end. It counts how often it was asked.
struct Endless {
    asked: Arc<AtomicUsize>,
    piece: Bytes,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

#[tokio::test]
async fn only_the_start_of_a_large_refusal_is_read() {
    const PIECE: usize = 1024;
    for (status, expected) in [
        (401, UNAUTHORIZED_BODY_LIMIT / PIECE + 1),
        (403, UNAUTHORIZED_BODY_LIMIT / PIECE + 1),
        (200, 0),
        (500, 0),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let body = Endless {
            asked: Arc::clone(&asked),
            piece: vec![b' '; PIECE].into(),
        };
        let response = Response::builder().status(status).body(body).unwrap();
        let account = account(&["first-key", "second-key"]);
        let (seen, outcome) = call(&account, request(URL), [response]).await;
        assert_eq!(outcome.unwrap().status(), status);
        assert_eq!(asked.load(Ordering::SeqCst), expected, "{status}");
        assert_eq!(seen.requests().len(), 1);
    }
}

/// A body of these frames.
struct Frames(VecDeque<Frame<Bytes>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

#[tokio::test]
async fn a_body_that_was_looked_at_comes_whole_with_its_trailers() {
    let trailers = HeaderMap::from_iter([(header::ETAG, "x".parse().unwrap())]);
    let frames = [
        Frame::data(Bytes::from("{\"error\":")),
        Frame::data(Bytes::from("\"another\"}")),
        Frame::trailers(trailers.clone()),
    ];
    let response = Response::builder()
        .status(401)
        .body(Frames(frames.into()))
        .unwrap();
    let (_, outcome) = call(&account(&["key-1"]), request(URL), [response]).await;
    let body = outcome.unwrap().into_body();
    assert_eq!(body.size_hint().lower(), 19);
    let whole = body.collect().await.unwrap();
    assert_eq!(whole.trailers(), Some(&trailers));
    assert_eq!(whole.to_bytes(), "{\"error\":\"another\"}");
}
