//! [`PerProduct`]: one value for each product.

use crate::Product;

/// One value for each product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PerProduct<T> {
    lead_conduit: T,
    trusted_form: T,
    suppression_list: T,
}

impl<T> PerProduct<T> {
    /// Calls `make` once for each product.
    pub(crate) fn from_fn(mut make: impl FnMut(Product) -> T) -> Self {
        Self {
            lead_conduit: make(Product::LeadConduit),
            trusted_form: make(Product::TrustedForm),
            suppression_list: make(Product::SuppressionList),
        }
    }

    pub(crate) const fn get(&self, product: Product) -> &T {
        match product {
            Product::LeadConduit => &self.lead_conduit,
            Product::TrustedForm => &self.trusted_form,
            Product::SuppressionList => &self.suppression_list,
        }
    }

    pub(crate) const fn get_mut(&mut self, product: Product) -> &mut T {
        match product {
            Product::LeadConduit => &mut self.lead_conduit,
            Product::TrustedForm => &mut self.trusted_form,
            Product::SuppressionList => &mut self.suppression_list,
        }
    }
}
