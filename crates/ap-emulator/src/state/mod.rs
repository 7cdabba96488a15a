//! Everything that requests can change, behind one lock.

pub(crate) mod account;
pub(crate) mod flows;
pub(crate) mod history;
pub(crate) mod plan;
pub(crate) mod snapshot;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::addresses::Addresses;
use crate::fault::Queue;
use crate::state::account::Account;
use crate::state::flows::Flows;
use crate::state::history::{Event, History};
use crate::state::snapshot::ProductState;
use crate::{Plan, Product, State};

/// What all three products share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) addresses: Addresses,
    /// How long a client may take over anything before it is given up.
    pub(crate) patience: Duration,
    world: Mutex<World>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) plan: Plan,
    pub(crate) flows: Flows,
    pub(crate) history: History,
    sides: [Side; 3],
}

#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) requests: u64,
    pub(crate) acceptances: u64,
    pub(crate) refusals: u64,
    pub(crate) faults: Queue,
}

impl Shared {
    pub(crate) fn new(addresses: Addresses, patience: Duration) -> Self {
        let world = World {
            account: Account::new(),
            plan: Plan::Paid,
            flows: Flows::seeded(),
            history: History::new(),
            sides: Default::default(),
        };
        Self {
            addresses,
            patience,
            world: Mutex::new(world),
        }
    }

    /// No change of the world is spread over several steps, so a panic elsewhere leaves it whole.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub(crate) const fn side(&mut self, product: Product) -> &mut Side {
        &mut self.sides[product.index()]
    }

    /// Makes a new key, which no product takes yet, and tells it.
    pub(crate) fn reset(&mut self) -> String {
        let key = self.account.reset();
        let (generation, text) = (key.generation(), key.reveal().to_owned());
        self.history.record(Event::Reset, generation);
        text
    }

    /// Brings the newest key to `product`.
    pub(crate) fn login(&mut self, product: Product) {
        let before = self.account.taken_by(product).generation();
        self.account.login(product);
        let generation = self.account.newest().generation();
        self.history
            .record(Event::Login(product, before), generation);
    }

    /// Counts a call whose credentials `product` accepted.
    pub(crate) fn count_acceptance(&mut self, product: Product) {
        self.side(product).acceptances += 1;
        if let Some(calls) = self.history.calls(product) {
            calls.accepted += 1;
        }
    }

    /// Counts a call whose credentials `product` refused.
    pub(crate) fn count_refusal(&mut self, product: Product) {
        self.side(product).refusals += 1;
        if let Some(calls) = self.history.calls(product) {
            calls.refused += 1;
        }
    }

    pub(crate) fn state(&self) -> State {
        let products = Product::ALL.map(|product| {
            let side = &self.sides[product.index()];
            ProductState {
                generation: self.account.taken_by(product).generation(),
                requests: side.requests,
                acceptances: side.acceptances,
                refusals: side.refusals,
            }
        });
        State {
            generation: self.account.newest().generation(),
            plan: self.plan,
            products,
        }
    }
}
