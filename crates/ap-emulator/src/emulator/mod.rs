//! [`Emulator`]: a running emulator.

mod builder;

use std::fmt;
use std::sync::Arc;

use crate::listener::ServerThread;
use crate::state::Shared;
use crate::{Fault, Origins, Plan, Product, StartError, State};

pub use builder::Builder;

/// A running emulator. It stops and frees its ports when you drop it.
///
/// ```
/// use ap_emulator::{Emulator, Product};
///
/// let emulator = Emulator::start()?;
/// let old = emulator.key();
/// let new = emulator.reset();
/// assert_ne!(old, new);
///
/// // Every product still accepts the old key until somebody logs in to it.
/// emulator.login(Product::LeadConduit);
/// assert_eq!(emulator.state().product(Product::LeadConduit).generation, 2);
/// assert_eq!(emulator.state().product(Product::TrustedForm).generation, 1);
/// # Ok::<(), ap_emulator::StartError>(())
/// ```
pub struct Emulator {
    pub(crate) shared: Arc<Shared>,
    pub(crate) _server: ServerThread,
}

impl Emulator {
    /// Starts an emulator on three free ports of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system refuses the ports or the thread.
    pub fn start() -> Result<Self, StartError> {
        Self::builder().start()
    }

    /// Returns a builder, to choose the address, the ports and the limits.
    pub const fn builder() -> Builder {
        Builder::new()
    }

    /// Returns the account's newest key. After a [`reset`](Self::reset), no product accepts it yet.
    #[must_use]
    pub fn key(&self) -> String {
        self.shared.lock().account.newest().as_str().to_owned()
    }

    /// Returns the URL of `product`, without a slash at the end.
    #[must_use]
    pub fn url(&self, product: Product) -> &str {
        self.shared.addresses.url(product)
    }

    /// Returns the origins of all four services, each at the port of its product here, none at the
    /// vendor.
    ///
    /// Pass them to a client, so that it calls this emulator and may send its key nowhere else.
    ///
    /// ```
    /// use ap_core::Service;
    /// use ap_emulator::{Emulator, Product};
    ///
    /// let emulator = Emulator::start()?;
    /// let origin = emulator.origins().get(Service::TrustedFormApp).to_string();
    /// assert_eq!(origin, emulator.url(Product::TrustedForm));
    /// # Ok::<(), ap_emulator::StartError>(())
    /// ```
    #[must_use]
    pub fn origins(&self) -> Origins {
        self.shared.addresses.origins().clone()
    }

    /// Returns the URL of the account page and the control API, with a slash at the end.
    #[must_use]
    pub fn control_url(&self) -> &str {
        self.shared.addresses.control_url()
    }

    /// Makes a new account key and returns it. Each product still accepts its old one until
    /// somebody [logs in](Self::login) to it.
    pub fn reset(&self) -> String {
        self.shared.lock().reset()
    }

    /// Brings the newest key to `product`, which rejects the previous one from then on.
    pub fn login(&self, product: Product) {
        self.shared.lock().login(product);
    }

    /// Sets the account's plan.
    pub fn set_plan(&self, plan: Plan) {
        self.shared.lock().plan = plan;
    }

    /// Queues a fault for the next requests to its product.
    pub fn fault(&self, fault: Fault) {
        self.shared.lock().product(fault.product).faults.push(fault);
    }

    /// Returns what has happened so far, without any key in it.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.lock().snapshot()
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("urls", &Product::ALL.map(|product| self.url(product)))
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
