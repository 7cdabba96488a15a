//! [`State`]: what the emulator reports about itself. It contains no key, neither one that the
//! emulator made nor one that it received.

use serde_json::{Map, Value, json};

use super::plan::Plan;
use crate::Product;
use crate::per_product::PerProduct;

/// A snapshot of the emulator, without any key in it.
///
/// ```
/// use ap_emulator::{Emulator, Product};
///
/// let emulator = Emulator::start()?;
/// emulator.reset();
/// emulator.login(Product::LeadConduit);
/// // … here your program makes its calls, and then:
/// let state = emulator.state();
/// let lead_conduit = state.product(Product::LeadConduit);
/// assert_eq!(lead_conduit.generation, state.generation, "it accepts the newest key");
/// assert_eq!(lead_conduit.requests, lead_conduit.acceptances + lead_conduit.refusals);
/// # Ok::<(), ap_emulator::StartError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct State {
    /// The generation of the account's newest key: 1 at the start, one more with every reset.
    pub generation: u64,
    /// The account's plan.
    pub plan: Plan,
    pub(crate) products: PerProduct<ProductState>,
}

/// The accepted key and the counters of one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProductState {
    /// The generation of the one key that the product accepts.
    pub generation: u64,
    /// The number of requests to the product, including those that met a fault.
    pub requests: u64,
    /// The number of requests with the accepted key.
    pub acceptances: u64,
    /// The number of requests that were refused because of their credentials.
    pub refusals: u64,
}

impl State {
    /// Returns the accepted key and the counters of `product`.
    #[must_use]
    pub const fn product(&self, product: Product) -> ProductState {
        *self.products.get(product)
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut products = Map::new();
        for product in Product::ALL {
            let state = self.product(product);
            let json = json!({
                "generation": state.generation,
                "requests": state.requests,
                "acceptances": state.acceptances,
                "refusals": state.refusals,
            });
            products.insert(product.id().to_owned(), json);
        }
        json!({ "generation": self.generation, "plan": self.plan.name(), "products": products })
    }
}
