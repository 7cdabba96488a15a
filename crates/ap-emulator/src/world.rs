//! Everything that requests can change, behind one lock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::account::Account;
use crate::address::Addresses;
use crate::fault::Queue;
use crate::lead_conduit::Flows;
use crate::state::ProductState;
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
    sides: [Side; 3],
}

#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) requests: u64,
    pub(crate) refusals: u64,
    pub(crate) faults: Queue,
}

impl Shared {
    pub(crate) fn new(addresses: Addresses, patience: Duration) -> Self {
        let world = World {
            account: Account::new(),
            plan: Plan::Paid,
            flows: Flows::seeded(),
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

    pub(crate) fn state(&self) -> State {
        let products = Product::ALL.map(|product| {
            let side = &self.sides[product.index()];
            ProductState {
                generation: self.account.taken_by(product).generation(),
                requests: side.requests,
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
