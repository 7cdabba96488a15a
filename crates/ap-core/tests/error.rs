//! Errors: the kind, what may be done about each, and the words.
#![allow(clippy::unwrap_used)]

use std::error::Error as _;
use std::time::Duration;

use ap_core::exchange::{Answer, Resend, Step};
use ap_core::unauthorized::DOCUMENTED_BODY;
use ap_core::{
    Account, ApiKey, Called, Draft, Error, ErrorKind, Hint, KeyRing, Origins, Product,
    RequestError, Response, Service, TransportError, TransportErrorKind,
};
use bytes::Bytes;
use http::{Method, StatusCode, header};

fn called(method: Method) -> Called {
    called_of(Service::SuppressionList, method)
}

fn called_of(service: Service, method: Method) -> Called {
    let draft = Draft::new(service, method, "/lists");
    draft.prepare(&Origins::vendor(), None).unwrap().1
}

fn response(status: u16, method: Method, body: &'static str) -> Response {
    response_of(Service::SuppressionList, status, method, body)
}

fn response_of(service: Service, status: u16, method: Method, body: &'static str) -> Response {
    let response = http::Response::builder().status(status);
    let response = response.body(Bytes::from_static(body.as_bytes())).unwrap();
    Response::new(response, called_of(service, method))
}

fn status_error(status: u16, method: Method) -> Error {
    response(status, method, "").error_for_status().unwrap_err()
}

fn transport_error(kind: TransportErrorKind, method: Method) -> Error {
    Error::from(TransportError::new(kind)).with_called(called(method))
}

/// What a table says of an error: may it have been applied, may a GET and a POST be sent again, and the hints.
fn row(error: &dyn Fn(Method) -> Error) -> String {
    let (get, post) = (error(Method::GET), error(Method::POST));
    assert_eq!(get.may_have_been_applied(), post.may_have_been_applied());
    for error in [&get, &post] {
        assert_consistent(error);
    }
    let word = |is: bool, word| if is { word } else { "-" };
    format!(
        "{} {} {} | {} | {}",
        word(get.may_have_been_applied(), "applied?"),
        word(get.may_retry(), "get"),
        word(post.may_retry(), "post"),
        hint(get.hint()),
        hint(post.hint()),
    )
}

fn hint(hint: Hint) -> &'static str {
    match hint {
        Hint::AddKey => "add key",
        Hint::CheckKeyOrLogIn(_) => "check key",
        Hint::CheckPlan => "plan",
        Hint::CheckKeyOrPlan(_) => "key or plan",
        Hint::CheckPath => "path",
        Hint::CheckNetwork => "network",
        Hint::ChangeRequest => "request",
        Hint::ChangeSettings => "settings",
        Hint::Wait(_) => "wait",
        Hint::Retry => "retry",
        Hint::CheckBeforeRetry => "check first",
        Hint::Update => "update",
        _ => "?",
    }
}

/// No hint contradicts the other answers.
fn assert_consistent(error: &Error) {
    match error.hint() {
        Hint::Wait(_) | Hint::Retry => assert!(error.may_retry(), "{error:?}"),
        Hint::CheckBeforeRetry => {
            assert!(
                !error.may_retry() && error.may_have_been_applied(),
                "{error:?}"
            );
        }
        Hint::CheckNetwork => {}
        _ => assert!(!error.may_retry(), "{error:?}"),
    }
}

#[test]
fn every_status_says_if_it_may_be_sent_again_and_what_to_do() {
    // Applied?, may a GET and a POST be sent again, the hint for each.
    let request = "- - - | request | request";
    let maybe = "applied? - - | request | request";
    let plan = "- - - | plan | plan";
    let path = "- - - | path | path";
    let network = "- - - | network | network";
    let wait = "- get post | wait | wait";
    let server = "applied? get - | wait | check first";
    let check = "applied? - - | check first | check first";
    for status in (100..200).chain(300..1000) {
        let expected = match status {
            401 => network, // An empty body is no answer of a product.
            402 | 403 => plan,
            407 => network,
            408 | 425 | 429 => wait,
            404 | 410 => path,
            400 | 405 | 406 | 411..=417 | 421 | 422 | 426 | 428 | 431 | 451 | 501 | 505 => request,
            300..500 => maybe,
            500 | 502 | 503 | 504 => server,
            511 => "applied? - - | network | network",
            500..600 => check,
            _ => "applied? - - | update | update",
        };
        assert_eq!(
            row(&|method| status_error(status, method)),
            expected,
            "{status}"
        );
        let error = status_error(status, Method::GET);
        let code = StatusCode::from_u16(status).unwrap();
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::Status(code), "status")
        );
        assert_eq!(
            (error.status(), error.service()),
            (Some(code), Some(Service::SuppressionList))
        );
        assert_eq!(
            error.to_string(),
            match code.canonical_reason() {
                Some(reason) => format!("SuppressionList answered {status} {reason}"),
                None => format!("SuppressionList answered {status}"),
            }
        );
        assert_eq!(error.is_not_found(), matches!(status, 404 | 410));
        assert_eq!(error.is_rate_limited(), status == 429);
        assert!(!error.is_auth() && !error.is_timeout() && !error.is_connect());
    }
    for status in 200..300 {
        assert!(
            response(status, Method::POST, "")
                .error_for_status()
                .is_ok(),
            "{status}"
        );
    }
}

#[test]
fn every_transport_error_says_if_it_may_be_sent_again_and_what_to_do() {
    use TransportErrorKind as Kind;
    for (kind, name, expected) in [
        (Kind::Setup, "setup", "- - - | settings | settings"),
        (Kind::Unsendable, "unsendable", "- - - | request | request"),
        (Kind::Dns, "dns", "- get post | network | network"),
        (Kind::Connect, "connect", "- get post | network | network"),
        (
            Kind::ConnectTimeout,
            "connect_timeout",
            "- get post | network | network",
        ),
        (Kind::Proxy, "proxy", "- get post | network | network"),
        (Kind::Tls, "tls", "applied? - - | network | network"),
        (
            Kind::Timeout,
            "timeout",
            "applied? get - | retry | check first",
        ),
        (
            Kind::Closed,
            "closed",
            "applied? get - | retry | check first",
        ),
        (
            Kind::Truncated,
            "truncated",
            "applied? get - | retry | check first",
        ),
        (
            Kind::Malformed,
            "malformed",
            "applied? get - | retry | check first",
        ),
        (
            Kind::TooLarge,
            "too_large",
            "applied? - - | settings | settings",
        ),
        (
            Kind::Cancelled,
            "cancelled",
            "applied? - - | check first | check first",
        ),
        (Kind::Other, "other", "applied? get - | retry | check first"),
    ] {
        assert_eq!(
            row(&|method| transport_error(kind, method)),
            expected,
            "{kind:?}"
        );
        let error = transport_error(kind, Method::GET);
        assert_eq!(
            (error.kind(), error.name()),
            (ErrorKind::Transport(kind), name)
        );
        assert_eq!(
            error.is_timeout(),
            matches!(kind, Kind::Timeout | Kind::ConnectTimeout)
        );
        let is_connect = matches!(
            kind,
            Kind::Dns | Kind::Connect | Kind::ConnectTimeout | Kind::Proxy
        );
        assert_eq!(error.is_connect(), is_connect);
        assert_eq!(error.to_string(), kind.to_string());
        assert_eq!(error.service(), Some(Service::SuppressionList));
        assert!(error.status().is_none() && error.rejected_keys().is_empty());
    }
}

#[test]
fn the_other_kinds_are_never_sent_again_as_they_are() {
    let json = response(200, Method::GET, "[").json::<u8>().unwrap_err();
    for (error, kind, name, hint, is_applied) in [
        (
            Error::build("no transport"),
            ErrorKind::Build,
            "build",
            Hint::ChangeSettings,
            false,
        ),
        (
            RequestError::KeyInUrl.into(),
            ErrorKind::Request,
            "request",
            Hint::ChangeRequest,
            false,
        ),
        (json, ErrorKind::Decode, "decode", Hint::Update, true),
    ] {
        assert_eq!(
            (error.kind(), error.name(), error.hint()),
            (kind, name, hint)
        );
        assert_eq!(error.may_have_been_applied(), is_applied);
        assert!(!error.may_retry());
    }
}

#[test]
fn a_call_that_the_clients_own_rate_limit_held_back_was_not_sent_and_says_how_long_to_wait() {
    let wait = Duration::from_millis(1_500);
    let error = Error::rate_limit(wait);
    assert_eq!(
        (error.kind(), error.name()),
        (ErrorKind::RateLimit, "rate_limit")
    );
    assert!(error.may_retry() && !error.may_have_been_applied());
    assert!(!error.is_rate_limited() && !error.is_timeout() && !error.is_connect());
    assert_eq!(
        (error.retry_after(), error.hint()),
        (Some(wait), Hint::Wait(Some(wait)))
    );
    assert_eq!(
        format!("{error}; {}", error.hint()),
        "the client's rate limit does not let the call start before its deadline; nothing was sent; \
            wait 2 seconds, then send the request again"
    );
}

#[test]
fn a_401_that_rejects_no_key_has_the_hint_of_its_body() {
    for (body, expected) in [
        (r#"{"error":"not authorized"}"#, Hint::CheckPlan),
        (r#"{"id":1}"#, Hint::CheckPlan),
        ("<html>sign in</html>", Hint::CheckNetwork),
        ("", Hint::CheckNetwork),
        (
            r#"{"error":"authentication failed"}"#,
            Hint::CheckKeyOrLogIn(Product::SuppressionList),
        ),
        (
            r#"{"message":"HTTP Basic: Access denied"}"#,
            Hint::CheckKeyOrLogIn(Product::SuppressionList),
        ),
        (
            r#"{"outcome":"error","reason":"Unauthorized"}"#,
            Hint::CheckPlan,
        ),
    ] {
        let error = response(401, Method::GET, body)
            .error_for_status()
            .unwrap_err();
        assert_eq!(error.hint(), expected, "{body}");
        assert_eq!(
            error.to_string(),
            "SuppressionList answered 401 Unauthorized"
        );
        assert!(!error.is_auth() && !error.may_retry() && !error.may_have_been_applied());
    }
    let response = http::Response::builder()
        .status(401)
        .body(Bytes::new())
        .unwrap();
    let error = Response::from(response).error_for_status().unwrap_err();
    assert_eq!(
        error.hint(),
        Hint::CheckPlan,
        "nothing is known of the product"
    );
    assert_eq!(error.to_string(), "the product answered 401 Unauthorized");
}

#[test]
fn the_hint_for_any_403_of_trustedform_names_the_key() {
    for (service, body, expected) in [
        (Service::TrustedForm, "", "check the key, and if"),
        (
            Service::TrustedForm,
            "<html></html>",
            "check the key, and if",
        ),
        (
            Service::TrustedFormApp,
            r#"{"outcome":"error","reason":"Unavailable product requested"}"#,
            "check the key, and if the account's plan includes this resource; \
             TrustedForm answers 403 for both",
        ),
        // Of a request that was sent without a key.
        (
            Service::TrustedForm,
            r#"{"error":"Invalid Authentication"}"#,
            "check the key; if it was reset",
        ),
        (Service::LeadConduit, "", "the key may be good"),
        (
            Service::SuppressionList,
            r#"{"error":"Invalid Authentication"}"#,
            "the key may be good",
        ),
    ] {
        let error = response_of(service, 403, Method::GET, body)
            .error_for_status()
            .unwrap_err();
        let hint = error.hint().to_string();
        assert!(hint.starts_with(expected), "{service:?}, {body}: {hint}");
        assert_eq!(error.unauthorized().unwrap().status(), 403);
        assert!(!error.is_auth() && !error.may_retry() && !error.may_have_been_applied());
    }
}

#[test]
fn a_call_whose_body_cannot_be_sent_again_may_be_retried_while_there_is_another_key() {
    for (keys, resend, expected) in [
        (2, Resend::Never, "- get post | retry | retry"),
        (1, Resend::Never, "- - - | check key | check key"),
        (2, Resend::Allowed, "- - - | check key | check key"),
        (0, Resend::Allowed, "- - - | add key | add key"),
    ] {
        let keys = (0..keys).map(|at| ApiKey::parse(format!("key-{at}")).unwrap());
        let keys: Vec<ApiKey> = keys.collect();
        let error = |method: Method| {
            let account = Account::new(KeyRing::new(keys.clone()).unwrap(), Origins::vendor());
            let request = http::Request::post("https://app.suppressionlist.com/lists");
            let request = request.body(()).unwrap();
            let mut step = account.begin(&request, resend).unwrap();
            loop {
                step = match step {
                    Step::Send(attempt) => {
                        match attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY) {
                            Answer::Next(step) => step,
                            Answer::Final => panic!("the key was rejected"),
                        }
                    }
                    Step::NeedKey(need) => need.resume(),
                    Step::Failed(error) => return Error::from(error).with_called(called(method)),
                };
            }
        };
        assert_eq!(row(&error), expected, "{} keys, {resend:?}", keys.len());
    }
}

#[test]
fn retry_after_is_what_the_response_asks() {
    let error = |headers: &[(header::HeaderName, &str)], method| {
        let mut response = http::Response::builder().status(503);
        for (name, value) in headers {
            response = response.header(name, *value);
        }
        let response = Response::new(response.body(Bytes::new()).unwrap(), called(method));
        response.error_for_status().unwrap_err()
    };
    let wait = Some(Duration::from_secs(120));
    let seconds = [(header::RETRY_AFTER, "120")];
    let get = error(&seconds, Method::GET);
    assert_eq!((get.retry_after(), get.hint()), (wait, Hint::Wait(wait)));
    assert_eq!(
        get.hint().to_string(),
        "wait 120 seconds, then send the request again"
    );
    assert_eq!(error(&seconds, Method::POST).hint(), Hint::CheckBeforeRetry);
    let date = [
        (header::RETRY_AFTER, "Sun, 06 Nov 1994 08:51:37 GMT"),
        (header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    assert_eq!(error(&date, Method::GET).retry_after(), wait);
    assert_eq!(
        error(&date[..1], Method::GET).retry_after(),
        None,
        "there is no clock here"
    );
    assert_eq!(error(&[], Method::GET).hint(), Hint::Wait(None));
    assert_eq!(
        transport_error(TransportErrorKind::Timeout, Method::GET).retry_after(),
        None
    );
}

#[test]
fn a_request_that_may_be_sent_twice_may_be_sent_again() {
    let draft = Draft::post(Service::LeadConduit, "/flows").repeatable();
    let (_, called) = draft.prepare(&Origins::vendor(), None).unwrap();
    let error = Error::from(TransportError::new(TransportErrorKind::Closed));
    assert!(!error.may_retry(), "nothing is known of the request");
    assert!(error.with_called(called).may_retry());
}

#[test]
fn json_that_does_not_fit_is_an_error_without_the_body() {
    for (body, text) in [
        ("", "the response ends early (line 1, column 0)"),
        (
            "{\"secret\":",
            "the response ends early (line 1, column 10)",
        ),
        (
            "<html>secret",
            "the response is not JSON (line 1, column 1)",
        ),
        (
            "\"secret\"",
            "the response is not of the expected form (line 1, column 8)",
        ),
        (
            "{\n\"id\":\"secret\"}",
            "the response is not of the expected form (line 2, column 13)",
        ),
        (
            "{\"id\":1} secret",
            "the response is not JSON (line 1, column 10)",
        ),
    ] {
        #[derive(Debug, serde::Deserialize)]
        struct Flow {
            #[allow(dead_code, reason = "read by serde alone")]
            id: u8,
        }
        let error = response(200, Method::GET, body).json::<Flow>().unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Decode, text),
            "{body}"
        );
        assert!(error.source().is_none() && !format!("{error:#?}").contains("secret"));
        assert_eq!(
            error.response().unwrap().bytes(),
            body,
            "the body is there for who asks"
        );
        assert_eq!(error.status(), Some(StatusCode::OK));
    }
    let error = Response::from(http::Response::new(Bytes::from_static(b"\xff")))
        .text()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the response is not as expected: it is not UTF-8"
    );
}

#[test]
fn the_error_behind_a_transport_error_is_its_source() {
    let inner = std::io::Error::other("the library's own words");
    let error = TransportError::new(TransportErrorKind::Connect).with_source(inner);
    let through_proxy = error.through_proxy();
    assert_eq!(through_proxy.kind(), TransportErrorKind::Proxy);
    let error = Error::from(through_proxy);
    assert_eq!(
        error.to_string(),
        "the proxy refused the connection or failed"
    );
    let connect = error.source().unwrap();
    assert_eq!(
        connect.to_string(),
        "the host does not accept the connection"
    );
    assert_eq!(
        connect.source().unwrap().to_string(),
        "the library's own words"
    );
    let timeout = TransportError::new(TransportErrorKind::Timeout).through_proxy();
    assert_eq!(
        timeout.kind(),
        TransportErrorKind::Timeout,
        "the proxy is not to blame"
    );
}

#[test]
fn hints_are_one_sentence_each() {
    for hint in [
        Hint::AddKey,
        Hint::CheckKeyOrLogIn(Product::TrustedForm),
        Hint::CheckPlan,
        Hint::CheckKeyOrPlan(Product::TrustedForm),
        Hint::CheckPath,
        Hint::CheckNetwork,
        Hint::ChangeRequest,
        Hint::ChangeSettings,
        Hint::Wait(None),
        Hint::Wait(Some(Duration::from_secs(1))),
        Hint::Retry,
        Hint::CheckBeforeRetry,
        Hint::Update,
    ] {
        let text = hint.to_string();
        assert!(text.starts_with(|c: char| c.is_ascii_lowercase()), "{text}");
        assert!(!text.ends_with('.') && !text.contains(". "), "{text}");
    }
}

#[test]
fn errors_are_one_pointer_and_can_be_sent_to_other_threads() {
    fn assert_portable<T: Send + Sync + 'static>() {}
    assert_portable::<Error>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}
