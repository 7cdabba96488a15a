//! The retry layer of tower above the exchange, with the policy of the example.

use std::future::Ready;
use std::sync::{Arc, Mutex};

use ap_emulator::{Emulator, Fault, Product};
use ap_tower::ap_core::{Account, ApiKey, Error, KeyRing};
use ap_tower::{BoxError, ExchangeLayer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::retry::{Policy, RetryLayer};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::example::Attempts;

/// The policy of the example, and each outcome that it was asked about.
#[derive(Clone)]
struct Noted {
    policy: Attempts,
    outcomes: Arc<Mutex<Vec<String>>>,
}

fn outcome<R>(result: &Result<Response<R>, BoxError>) -> String {
    match result {
        Ok(response) => response.status().as_str().to_owned(),
        Err(error) => format!("{:?}", error.downcast_ref::<Error>().unwrap().kind()),
    }
}

impl<R> Policy<Request<Full<Bytes>>, Response<R>, BoxError> for Noted {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<R>, BoxError>,
    ) -> Option<Ready<()>> {
        self.outcomes.lock().unwrap().push(outcome(result));
        self.policy.retry(request, result)
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Policy::<_, Response<R>, BoxError>::clone_request(&mut self.policy, request)
    }
}

#[tokio::test]
async fn a_fault_is_a_retry_and_a_rejected_key_is_none() {
    // The retries that are left, the keys, and a 503 at first or not: what the policy is asked about, and how many
    // requests the product gets and refuses.
    for (retries, keys, is_down, expected, requests, refusals) in [
        (3, "new", false, &["200"][..], 1, 0),
        (3, "new", true, &["503", "200"], 2, 0),
        (0, "new", true, &["503"], 1, 0),
        (3, "old new", false, &["200"], 2, 1),
        (3, "old new", true, &["503", "200"], 3, 1),
        (3, "old", false, &["Auth"], 1, 1),
    ] {
        let emulator = Emulator::start().unwrap();
        let (old, new) = (emulator.key(), emulator.reset());
        emulator.login(Product::LeadConduit);
        let keys = keys.split(' ').map(|name| match name {
            "old" => ApiKey::parse(&*old).unwrap(),
            _ => ApiKey::parse(&*new).unwrap(),
        });
        let account = Account::new(KeyRing::new(keys).unwrap(), emulator.origins());
        if is_down {
            emulator.fault(Fault::unavailable(Product::LeadConduit));
        }
        let noted = Noted {
            policy: Attempts(retries),
            outcomes: Arc::default(),
        };
        let service = ServiceBuilder::new()
            .layer(RetryLayer::new(noted.clone()))
            .layer(ExchangeLayer::new(account))
            .service(crate::http());
        let result = service.oneshot(crate::get(&emulator, "/flows")).await;
        assert_eq!(*noted.outcomes.lock().unwrap(), expected);
        assert_eq!(outcome(&result), expected[expected.len() - 1]);
        let product = emulator.state().product(Product::LeadConduit);
        assert_eq!((product.requests, product.refusals), (requests, refusals));
    }
}
