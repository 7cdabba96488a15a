//! [`Vendor`]: what a reset needs of the vendor. The emulator is one over HTTP, [`InMemory`] one in a transport.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ap_client::ap_core::key::basic;
use ap_client::ap_core::unauthorized::DOCUMENTED_BODY;
use ap_client::ap_core::{ApiKey, Origins, Product};
use ap_client::transport::{AsyncTransport, Deadline, Moment, Transport, TransportError};
use ap_emulator::Emulator;
use ap_tests::Dice;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};

/// What a product has counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    /// Requests whose key it rejected.
    pub(crate) rejections: u64,
}

/// The vendor, with one account.
pub(crate) trait Vendor: Sync {
    /// Returns the newest key.
    fn key(&self) -> ApiKey;
    fn origins(&self) -> Origins;
    /// Makes a new key and returns it.
    fn reset(&self) -> ApiKey;
    /// Brings the newest key to a product.
    fn login(&self, product: Product);
    /// Returns what each product has counted, in the order of [`Product::ALL`].
    fn counted(&self) -> [Counted; 3];
}

impl Vendor for Emulator {
    fn key(&self) -> ApiKey {
        ApiKey::parse(Self::key(self)).unwrap()
    }

    fn origins(&self) -> Origins {
        Self::origins(self)
    }

    fn reset(&self) -> ApiKey {
        ApiKey::parse(Self::reset(self)).unwrap()
    }

    fn login(&self, product: Product) {
        Self::login(self, product);
    }

    fn counted(&self) -> [Counted; 3] {
        let state = self.state();
        Product::ALL.map(|product| Counted {
            requests: state.product(product).requests,
            rejections: state.product(product).refusals,
        })
    }
}

/// A vendor that is itself the transport: it answers at once, after other threads or tasks had their turn.
#[derive(Debug)]
pub(crate) struct InMemory {
    account: Mutex<Account>,
    dice: Dice,
    start: Instant,
}

#[derive(Debug, Default)]
struct Account {
    /// The generation of the newest key.
    newest: usize,
    /// The generation that each product accepts.
    accepted: [usize; 3],
    counted: [Counted; 3],
    flows: usize,
}

impl Default for InMemory {
    fn default() -> Self {
        Self {
            account: Mutex::default(),
            dice: Dice::default(),
            start: Instant::now(),
        }
    }
}

fn key_of(generation: usize) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{generation}")).unwrap()
}

impl Vendor for Arc<InMemory> {
    fn key(&self) -> ApiKey {
        key_of(self.account.lock().unwrap().newest)
    }

    fn origins(&self) -> Origins {
        Origins::vendor()
    }

    fn reset(&self) -> ApiKey {
        let mut account = self.account.lock().unwrap();
        account.newest += 1;
        key_of(account.newest)
    }

    fn login(&self, product: Product) {
        let mut account = self.account.lock().unwrap();
        account.accepted[product as usize] = account.newest;
    }

    fn counted(&self) -> [Counted; 3] {
        self.account.lock().unwrap().counted
    }
}

impl InMemory {
    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let service = Origins::vendor().service_of(request.uri()).unwrap();
        let product = service.product() as usize;
        let mut account = self.account.lock().unwrap();
        account.counted[product].requests += 1;
        let accepted = key_of(account.accepted[product]);
        let (status, body) = if request.headers()[header::AUTHORIZATION]
            != basic(b"API", accepted.expose().as_bytes())
        {
            account.counted[product].rejections += 1;
            (401, Bytes::from_static(DOCUMENTED_BODY))
        } else if *request.method() == Method::POST {
            account.flows += 1;
            (201, Bytes::from_static(b"{}"))
        } else if request.uri().path() == "/exists/do_not_call/nothing" {
            (404, Bytes::from_static(b"{}"))
        } else {
            let flows = vec![(); account.flows];
            (200, serde_json::to_vec(&flows).unwrap().into())
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    fn now(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }
}

impl Transport for InMemory {
    fn now(&self) -> Moment {
        self.now()
    }

    fn sleep_until(&self, _: Moment) {}

    fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        let wait = || (0..self.dice.below(3)).for_each(|_| std::thread::yield_now());
        wait();
        let response = self.answer(request);
        wait();
        Ok(response)
    }
}

#[async_trait]
impl AsyncTransport for InMemory {
    fn now(&self) -> Moment {
        self.now()
    }

    async fn sleep_until(&self, moment: Moment) {
        let remaining = moment.since_start().saturating_sub(self.start.elapsed());
        tokio::time::sleep(remaining.max(Duration::from_millis(1))).await;
    }

    async fn send(
        &self,
        request: &Request<Bytes>,
        _: Deadline,
    ) -> Result<Response<Bytes>, TransportError> {
        for _ in 0..self.dice.below(3) {
            tokio::task::yield_now().await;
        }
        let response = self.answer(request);
        for _ in 0..self.dice.below(3) {
            tokio::task::yield_now().await;
        }
        Ok(response)
    }
}
