//! [`Readiness`]: if each product accepts a key of the gateway's.

use std::sync::Arc;
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
pub(crate) struct Readiness(Arc<Mutex<Option<Found>>>);

impl Readiness {
    /// Returns what was found in the last ten seconds, or asks again. `None` if the gateway ends meanwhile.
    pub(crate) async fn find(&self, client: &Client<Async>) -> Option<Found> {
        let mut last = Arc::clone(&self.0).lock_owned().await;
        if let Some(found) = last.as_ref().filter(|found| found.at.elapsed() < FRESH) {
            return Some(found.clone());
        }
        let client = client.with_timeout(TIMEOUT);
        // A task of its own: a probe that gives up loses nothing for the next one.
        let asking = tokio::spawn(async move {
            let found = ask(&client).await;
            *last = Some(found.clone());
            found
        });
        asking.await.ok()
    }
}

async fn ask(client: &Client<Async>) -> Found {
    let (mut is_ready, mut products) = (true, Map::new());
    for (service, path) in KEY_CHECKS {
        let (is_accepted, answer) = check(client, service, path).await;
        is_ready &= is_accepted;
        products.insert(service.product().id().to_owned(), answer);
    }
    Found {
        at: Instant::now(),
        is_ready,
        products: Value::Object(products),
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
