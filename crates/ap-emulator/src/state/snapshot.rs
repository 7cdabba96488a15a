//! What the emulator tells about itself: never a key, neither its own nor a received one.

use serde_json::{Value, json};

use crate::{Plan, Product};

/// A snapshot of the emulator, without any key in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct State {
    /// The generation of the account's newest key: 1 at the start, one more with every reset.
    pub generation: u64,
    /// The account's plan.
    pub plan: Plan,
    pub(crate) products: [ProductState; 3],
}

/// What one product has seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProductState {
    /// The generation of the one key that this product takes.
    pub generation: u64,
    /// How many requests reached the product, those that met a fault included.
    pub requests: u64,
    /// How many of them came with the key that the product takes.
    pub acceptances: u64,
    /// How many of them were refused because of their credentials.
    pub refusals: u64,
}

impl State {
    /// What `product` has seen so far.
    #[must_use]
    pub const fn product(&self, product: Product) -> ProductState {
        self.products[product.index()]
    }

    pub(crate) fn to_json(&self) -> Value {
        let products: serde_json::Map<String, Value> = Product::ALL
            .into_iter()
            .map(|product| {
                let seen = self.product(product);
                let told = json!({
                    "generation": seen.generation,
                    "requests": seen.requests,
                    "acceptances": seen.acceptances,
                    "refusals": seen.refusals,
                });
                (product.code().to_owned(), told)
            })
            .collect();
        json!({ "generation": self.generation, "plan": self.plan.code(), "products": products })
    }
}
