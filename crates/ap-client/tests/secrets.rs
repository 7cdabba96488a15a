//! No text that a client makes repeats a key, a URL, a header or a body.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt::Debug;

use ap_client::transport::{Proxy, TransportConfig, TransportError, TransportErrorKind};
use ap_client::{Async, Blocking, ClientBuilder, fake};
use ap_core::{ApiKey, Call, Draft, Error, KeyRing, Service};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use common::{Numbers, Scripted, block_on, key};
use http::{Request, Response, header};
use proptest::prelude::*;
use serde_json::json;

/// Every eight characters of some texts, plain and as credentials.
struct Secrets(HashSet<[u8; 8]>);

impl Secrets {
    fn of(texts: &[&str]) -> Self {
        let spelled = texts.iter().flat_map(|text| {
            let pair = STANDARD.encode(format!("API:{text}"));
            [(*text).to_owned(), STANDARD.encode(text), pair]
        });
        Self(spelled.flat_map(|text| parts(&text)).collect())
    }

    fn are_not_in(&self, shown: &str) -> Result<(), TestCaseError> {
        // Escapes could hide a part that a reader would put together again.
        let plain = shown.replace("\\\"", "\"").replace("\\\\", "\\");
        for shown in [shown, &plain] {
            let found = parts(shown).into_iter().find(|part| self.0.contains(part));
            let found = found.map(|part| String::from_utf8_lossy(&part).into_owned());
            prop_assert!(found.is_none(), "{:?} is in {}", found, shown);
        }
        Ok(())
    }

    fn are_not_shown_by(&self, value: &dyn Debug) -> Result<(), TestCaseError> {
        self.are_not_in(&format!("{value:?}"))?;
        self.are_not_in(&format!("{value:#?}"))
    }

    /// Looks at an error, at everything behind it, and at what it says to do.
    fn are_not_in_error(&self, error: &Error) -> Result<(), TestCaseError> {
        self.are_not_in(&error.hint().to_string())?;
        for rejected in error.rejected_keys() {
            self.are_not_shown_by(rejected)?;
            self.are_not_in(&rejected.unauthorized().to_string())?;
        }
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            self.are_not_in(&error.to_string())?;
            self.are_not_shown_by(&error)?;
            next = error.source();
        }
        Ok(())
    }
}

fn parts(text: &str) -> Vec<[u8; 8]> {
    let parts = text.as_bytes().windows(8);
    parts.map(|part| part.try_into().unwrap()).collect()
}

/// Sends a draft with clients of both modes, and returns their errors, if any.
fn errors(keys: &KeyRing, draft: &Draft, response: &Response<String>) -> Vec<Error> {
    let answers = |response: &Response<String>| {
        let response = response.clone();
        move |_: &Request<Bytes>| response.clone()
    };
    let call = Call::<Vec<u32>>::new(draft.clone());
    let one = ClientBuilder::<Blocking>::new().keys(keys.clone());
    let one = one.build_with(fake(answers(response))).unwrap().call(&call);
    let other = ClientBuilder::<Async>::new().keys(keys.clone());
    let other = block_on(
        other
            .build_with(fake(answers(response)))
            .unwrap()
            .call(&call),
    );
    [one, other].into_iter().filter_map(Result::err).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_repeats_what_was_sent_or_received(
        one in "[!-~]{12,40}", two in "[0-9a-f]{32}", secret in "[a-z0-9]{12,30}",
        status in prop::sample::select(vec![200_u16, 302, 401, 403, 404, 429, 500]),
        form in 0..3_u8,
    ) {
        let (Ok(first), Ok(second)) = (ApiKey::parse(&one), ApiKey::parse(&two)) else { return Ok(()) };
        let secrets = Secrets::of(&[&one, &two, &secret]);
        let ring = KeyRing::new([first.clone().with_label("first"), second.clone()]).unwrap();

        let draft = || Draft::post(Service::SuppressionList, format!("/{secret}"))
            .path_segment(&secret).query(&[(&secret, &secret)])
            .header("x-id", &*secret).json(&json!({ &*secret: &secret }));
        secrets.are_not_shown_by(&draft())?;
        // Bad keys that the server repeats, plans, and bodies that do not fit.
        let body = match form {
            0 => json!({ "message": "HTTP Basic: Access denied", "error": [&secret, &one, &two] }),
            1 => json!({ "error": format!("{secret} {one}"), "message": "HTTP Basic: Access denied" }),
            _ => json!([secret, one]),
        };
        let sent = STANDARD.encode(format!("API:{one}"));
        let response = Response::builder().status(status).header("x-id", &*secret)
            .header("x-received", format!("Basic {sent}"));
        let response = response.body(body.to_string()).unwrap();
        let found = errors(&ring, &draft(), &response);
        prop_assert_eq!(found.len(), 2);
        for error in &found {
            prop_assert!(error.response().is_some(), "the body is there for those who ask");
            secrets.are_not_in_error(error)?;
            secrets.are_not_shown_by(&error.response())?;
        }
        // Requests that are refused, for each setter and each part of a URL.
        for draft in [
            Draft::get(Service::LeadConduit, secret.clone()),
            Draft::get(Service::LeadConduit, format!("//{secret}")),
            Draft::get(Service::LeadConduit, format!("/../{secret}?{one}")),
            Draft::get(Service::LeadConduit, format!("/{secret}#{secret}")),
            Draft::get(Service::LeadConduit, format!("/{two}")),
            Draft::get(Service::LeadConduit, format!("/{secret}?{two}")),
            draft().path_segment(&two),
            draft().header("authorization", format!("Basic {secret}")),
            draft().header("x-id", format!("{secret}\u{e9}")),
            draft().header(format!("{secret} {secret}"), "1"),
            draft().query(&secret),
            draft().form(&json!({ &*secret: { &*secret: 1 } })),
        ] {
            for draft in [draft.clone(), draft.unsigned()] {
                secrets.are_not_shown_by(&draft)?;
                let found = errors(&ring, &draft, &response);
                prop_assert_eq!(found.len(), 2);
                for error in &found {
                    secrets.are_not_in_error(error)?;
                }
            }
        }
        // Whole URLs of other origins, with user information.
        for url in [format!("https://API:{two}@app.leadconduit.com/"), format!("https://evil.example/{secret}?{two}")] {
            let request = Request::get(url).body("").unwrap();
            let error = Draft::from_http(request, &ap_core::Origins::vendor()).unwrap_err();
            secrets.are_not_in_error(&error.into())?;
        }

        // Clients, and what makes them.
        let client = ClientBuilder::<Blocking>::new().keys(ring.clone());
        secrets.are_not_shown_by(&client)?;
        secrets.are_not_shown_by(&ClientBuilder::<Async>::new().key(first))?;
        let client = client.build_with(Scripted::new("")).unwrap();
        secrets.are_not_shown_by(&client)?;
        let request = client.get(Service::LeadConduit, format!("/{secret}"))
            .header("x-id", &*secret).query(&[(&secret, 1)]).body(secret.clone());
        secrets.are_not_shown_by(&request)?;
        secrets.are_not_shown_by(&client.pages(Numbers(0)))?;
        secrets.are_not_shown_by(&client.items(Numbers(0)))?;
        let proxy = Proxy::parse("http://127.0.0.1:3128").unwrap().with_password("API", &two);
        secrets.are_not_shown_by(&proxy)?;
        secrets.are_not_shown_by(&TransportConfig::new().proxy(proxy))?;
        let both = ClientBuilder::<Blocking>::new().key(second).keys(ring).build_with(Scripted::new(""));
        secrets.are_not_in_error(&both.unwrap_err())?;
        let agent = ClientBuilder::<Async>::new().user_agent(format!("{secret}\n")).build_with(Scripted::new(""));
        secrets.are_not_in_error(&agent.unwrap_err())?;
    }
}

#[test]
fn the_key_on_a_request_is_sensitive() {
    let client = ClientBuilder::<Blocking>::new().key(key('a'));
    let client = client.build_with(fake(|request: &Request<Bytes>| {
        assert!(request.headers()[header::AUTHORIZATION].is_sensitive());
        let shown = format!("{request:?}");
        assert!(!shown.contains("QVBJ"), "{shown}");
        Err::<(u16, &str), _>(TransportError::new(TransportErrorKind::Closed))
    }));
    client
        .unwrap()
        .get(Service::LeadConduit, "/")
        .send()
        .unwrap_err();
}
