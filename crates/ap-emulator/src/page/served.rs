//! What each product serves.

use crate::Product;

/// Returns the operations of `product`, each as a method and a path.
pub(super) const fn operations(product: Product) -> &'static [&'static str] {
    match product {
        Product::LeadConduit => &[
            "GET /user",
            "GET /account",
            "GET /flows",
            "POST /flows",
            "GET /flows/{id}",
            "GET /fields",
            "GET /reports",
            "GET /reports/{id}",
        ],
        Product::TrustedForm => &["GET /account"],
        Product::SuppressionList => &["GET /lists"],
    }
}
