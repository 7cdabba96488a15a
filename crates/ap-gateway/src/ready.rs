//! [`Readiness`]: if each product accepts a key of the gateway's.

use std::time::{Duration, Instant};

use ap_client::ap_core::{Draft, Service};
use ap_client::{Async, Client};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

/// What is read of each product to see if it accepts a key.
pub const KEY_CHECKS: [(Service, &str); 3] = [
    (Service::LeadConduit, "/user"),
    (Service::TrustedFormApp, "/account"),
    (Service::SuppressionList, "/lists"),
];

/// How long an answer is given again, so that probes cost the account few calls.
const FRESH: Duration = Duration::from_secs(10);
/// How long a product may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What was found last.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    at: Instant,
    pub(crate) is_ready: bool,
    pub(crate) products: Value,
}

/// Asks one call at a time; the others wait for its answer.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<Found>>);

impl Readiness {
    pub(crate) async fn find(&self, client: &Client<Async>) -> Found {
        let mut last = self.0.lock().await;
        if let Some(found) = last.as_ref().filter(|found| found.at.elapsed() < FRESH) {
            return found.clone();
        }
        let client = client.with_timeout(TIMEOUT);
        let (mut is_ready, mut products) = (true, Map::new());
        for (service, path) in KEY_CHECKS {
            let (is_accepted, answer) = check(&client, service, path).await;
            is_ready &= is_accepted;
            products.insert(service.product().id().to_owned(), answer);
        }
        let found = Found {
            at: Instant::now(),
            is_ready,
            products: Value::Object(products),
        };
        *last = Some(found.clone());
        found
    }
}

/// A plan that does not include the resource is an answer to an accepted key; a product that fails is none.
async fn check(client: &Client<Async>, service: Service, path: &str) -> (bool, Value) {
    match client.send(Draft::get(service, path)).await {
        Ok(response) => {
            let status = response.status();
            (!status.is_server_error(), json!(status.as_u16()))
        }
        Err(error) => (false, json!(error.name())),
    }
}
