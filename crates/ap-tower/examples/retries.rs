//! Retries and a timeout of tower's around calls that survive a key reset. It runs against an emulator of its own:
//!
//! ```text
//! cargo run -p ap-tower --example retries
//! ```

use std::future::{Ready, ready};
use std::time::Duration;

use ap_emulator::Emulator;
use ap_tower::ap_core::{Account, ApiKey, Error, KeyRing, Product};
use ap_tower::{BoxError, ExchangeLayer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::retry::{Policy, RetryLayer};
use tower::{Service as _, ServiceBuilder, ServiceExt as _};

/// Repeats a GET up to so many times: after a 5xx, after any error of the service below, and after an error of the core
/// that says that it may be repeated.
#[derive(Clone)]
pub(crate) struct Attempts(pub(crate) usize);

impl<R> Policy<Request<Full<Bytes>>, Response<R>, BoxError> for Attempts {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<R>, BoxError>,
    ) -> Option<Ready<()>> {
        let is_worth_it = match result {
            Ok(response) => response.status().is_server_error(),
            Err(error) => error.downcast_ref::<Error>().is_none_or(Error::may_retry),
        };
        self.0 = self.0.checked_sub(1)?;
        (is_worth_it && request.method().is_idempotent()).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let emulator = Emulator::start()?;
    let old = ApiKey::parse(emulator.key())?;
    let keys = KeyRing::from_key(old.clone());
    let account = Account::new(keys.clone(), emulator.origins());

    let mut service = ServiceBuilder::new()
        .layer(RetryLayer::new(Attempts(3)))
        .timeout(Duration::from_secs(10))
        .layer(ExchangeLayer::new(account))
        .service(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());
    let url = format!("{}/flows", emulator.url(Product::LeadConduit));
    let get = || {
        Request::get(&url)
            .header("accept", "application/json")
            .body(Full::default())
    };

    let response = service.ready().await?.call(get()?).await?;
    println!("with the old key: {}", response.status());

    // The reset. The old key works until somebody logs in; both are in the ring meanwhile.
    keys.replace([old, ApiKey::parse(emulator.reset())?])?;
    let response = service.ready().await?.call(get()?).await?;
    println!("after the reset: {}", response.status());
    emulator.login(Product::LeadConduit);
    let response = service.ready().await?.call(get()?).await?;
    println!("after the login: {}", response.status());
    Ok(())
}
