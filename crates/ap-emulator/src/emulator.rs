//! The running emulator as its user holds it.

use std::fmt;
use std::sync::Arc;

use crate::listener::Server;
use crate::state::Shared;
use crate::{Builder, Fault, Plan, Product, StartError, State};

/// A running emulator, which stops and frees its ports when it is dropped.
///
/// ```
/// use ap_emulator::{Emulator, Product};
///
/// let emulator = Emulator::start()?;
/// let old = emulator.key();
/// let new = emulator.reset();
/// assert_ne!(old, new);
///
/// // Every product goes on taking the old key until somebody logs in to it.
/// emulator.login(Product::LeadConduit);
/// assert_eq!(emulator.state().product(Product::LeadConduit).generation, 2);
/// assert_eq!(emulator.state().product(Product::TrustedForm).generation, 1);
/// # Ok::<(), ap_emulator::StartError>(())
/// ```
pub struct Emulator {
    pub(crate) shared: Arc<Shared>,
    pub(crate) _server: Server,
}

impl Emulator {
    /// Starts an emulator on three free ports of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When the system refuses the ports or the thread.
    pub fn start() -> Result<Self, StartError> {
        Self::builder().start()
    }

    /// Settings for an emulator elsewhere than on three free ports of 127.0.0.1.
    pub const fn builder() -> Builder {
        Builder::new()
    }

    /// The account's newest key, which after a [`reset`](Self::reset) no product takes yet.
    #[must_use]
    pub fn key(&self) -> String {
        self.shared.world().account.newest().reveal().to_owned()
    }

    /// The origin of `product`, without a slash at the end.
    #[must_use]
    pub fn url(&self, product: Product) -> &str {
        self.shared.addresses.url(product)
    }

    /// Where the account page and the control calls are, with a slash at the end.
    #[must_use]
    pub fn control_url(&self) -> &str {
        self.shared.addresses.control()
    }

    /// Makes a new account key and returns it. Each product takes its old one until somebody
    /// [logs in](Self::login) there.
    pub fn reset(&self) -> String {
        self.shared.world().reset()
    }

    /// Brings the newest key to `product`, which refuses the one before from then on.
    pub fn login(&self, product: Product) {
        self.shared.world().login(product);
    }

    /// Sets what the account pays for.
    pub fn set_plan(&self, plan: Plan) {
        self.shared.world().plan = plan;
    }

    /// Lets the next requests to a product meet `fault`.
    pub fn fault(&self, fault: Fault) {
        self.shared.world().side(fault.product).faults.push(fault);
    }

    /// What has happened so far, without any key in it.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.world().state()
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
