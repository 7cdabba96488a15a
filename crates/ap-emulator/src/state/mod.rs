//! Everything that requests can change, behind one lock.

pub(crate) mod account;
pub(crate) mod budget;
pub(crate) mod certificates;
pub(crate) mod changes;
pub(crate) mod collection;
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod plan;
pub(crate) mod random;
pub(crate) mod room;
pub(crate) mod settings;
pub(crate) mod snapshot;
pub(crate) mod store;
pub(crate) mod suppression;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::account::Account;
use self::certificates::Certificates;
use self::events::Events;
use self::history::{Event, History};
use self::plan::Plan;
use self::settings::Settings;
use self::snapshot::{ProductState, State};
use self::store::Store;
use self::suppression::SuppressionLists;
use crate::Product;
use crate::addresses::Addresses;
use crate::fault::FaultQueue;
use crate::per_product::PerProduct;
use crate::request_body::BodyRoom;

/// What all three products share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) addresses: Addresses,
    /// How long a client may take to send or to read before its connection is closed.
    pub(crate) client_timeout: Duration,
    pub(crate) body_room: BodyRoom,
    state: Mutex<EmulatorState>,
}

impl Shared {
    /// `events` is the number of seeded events.
    pub(crate) fn new(addresses: Addresses, client_timeout: Duration, events: u32) -> Self {
        Self {
            addresses,
            client_timeout,
            body_room: BodyRoom::new(),
            state: Mutex::new(EmulatorState::new(events)),
        }
    }

    /// Each change of the state is one step, so a panic elsewhere leaves the state consistent.
    pub(crate) fn lock(&self) -> MutexGuard<'_, EmulatorState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct EmulatorState {
    pub(crate) account: Account,
    pub(crate) plan: Plan,
    pub(crate) certificates: Certificates,
    pub(crate) suppression: SuppressionLists,
    pub(crate) events: Events,
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) history: History,
    products: PerProduct<ProductRecord>,
}

/// The counters and the faults of one product.
#[derive(Debug, Default)]
pub(crate) struct ProductRecord {
    pub(crate) requests: u64,
    acceptances: u64,
    refusals: u64,
    last_refusal: Option<Instant>,
    pub(crate) faults: FaultQueue,
}

impl ProductRecord {
    /// Returns how long ago the product last refused the credentials of a call.
    pub(crate) fn since_refusal(&self) -> Option<Duration> {
        self.last_refusal.map(|at| at.elapsed())
    }
}

impl EmulatorState {
    fn new(events: u32) -> Self {
        Self {
            account: Account::new(),
            plan: Plan::Paid,
            certificates: Certificates::new(),
            suppression: SuppressionLists::with_examples(),
            events: Events::new(events),
            store: Store::with_examples(),
            settings: Settings::default(),
            history: History::new(),
            products: PerProduct::default(),
        }
    }

    pub(crate) const fn product(&mut self, product: Product) -> &mut ProductRecord {
        self.products.get_mut(product)
    }

    pub(crate) const fn record(&self, product: Product) -> &ProductRecord {
        self.products.get(product)
    }

    /// Makes a new key, which no product accepts yet, and returns it.
    pub(crate) fn reset(&mut self) -> String {
        let key = self.account.reset();
        let (generation, text) = (key.generation(), key.as_str().to_owned());
        self.history.record(Event::Reset, generation);
        text
    }

    /// Brings the newest key to `product`.
    pub(crate) fn login(&mut self, product: Product) {
        let previous = self.account.accepted_by(product).generation();
        self.account.login(product);
        let generation = self.account.newest().generation();
        let event = Event::Login { product, previous };
        self.history.record(event, generation);
    }

    /// Counts a call whose credentials `product` accepted.
    pub(crate) fn count_acceptance(&mut self, product: Product) {
        self.product(product).acceptances += 1;
        if let Some(calls) = self.history.calls(product) {
            calls.accepted += 1;
        }
    }

    /// Counts a call whose credentials `product` refused.
    pub(crate) fn count_refusal(&mut self, product: Product) {
        let record = self.product(product);
        record.refusals += 1;
        record.last_refusal = Some(Instant::now());
        if let Some(calls) = self.history.calls(product) {
            calls.refused += 1;
        }
    }

    pub(crate) fn snapshot(&self) -> State {
        State {
            generation: self.account.newest().generation(),
            plan: self.plan,
            products: PerProduct::from_fn(|product| {
                let record = self.record(product);
                ProductState {
                    generation: self.account.accepted_by(product).generation(),
                    requests: record.requests,
                    acceptances: record.acceptances,
                    refusals: record.refusals,
                }
            }),
        }
    }
}
