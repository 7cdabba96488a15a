//! [`Product`]: what has its own state of a key reset. [`Service`]: what has an origin.
//!
//! The steps to add a product are in `docs/architecture.md`, "Add a product". In this crate they are this file, rows in
//! `vectors/origins.json`, and perhaps a row of [`BAD_KEY_FORMS`](crate::unauthorized::BAD_KEY_FORMS).

use std::fmt;
use std::str::FromStr;

/// An ActiveProspect product.
///
/// After a key reset, each product accepts the old key until someone logs in to it, and only the new key from
/// then on. So each product accepts exactly one key at a time, and not all of them the same one.
///
/// LeadConduit serves the account API, which has no key state of its own.
///
/// Source: <https://developers.activeprospect.com/docs/authentication>; the ids are those of `products` in
/// the response to `GET /user`.
///
/// ```
/// use ap_core::{Product, Service};
///
/// assert_eq!("trustedform".parse(), Ok(Product::TrustedForm));
/// assert_eq!(Product::LeadConduit.id(), "lcx");
/// assert_eq!(Product::TrustedForm.main_service(), Service::TrustedForm);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// LeadConduit, which also serves the account API.
    LeadConduit,
    /// TrustedForm: certificates and the application.
    TrustedForm,
    /// SuppressionList.
    SuppressionList,
}

impl Product {
    /// Every product.
    pub const ALL: [Self; 3] = [Self::LeadConduit, Self::TrustedForm, Self::SuppressionList];

    /// Returns the vendor's id: `lcx`, `trustedform` or `suppressionlist`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::LeadConduit => "lcx",
            Self::TrustedForm => "trustedform",
            Self::SuppressionList => "suppressionlist",
        }
    }

    /// Returns the service to use if only the product matters, for example to check a key.
    #[must_use]
    pub const fn main_service(self) -> Service {
        match self {
            Self::LeadConduit => Service::LeadConduit,
            Self::TrustedForm => Service::TrustedForm,
            Self::SuppressionList => Service::SuppressionList,
        }
    }

    /// Returns the services of this product, the main one first.
    pub fn services(self) -> impl Iterator<Item = Service> {
        Service::ALL
            .into_iter()
            .filter(move |service| service.product() == self)
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::LeadConduit => "LeadConduit",
            Self::TrustedForm => "TrustedForm",
            Self::SuppressionList => "SuppressionList",
        })
    }
}

/// The text is not a product's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such product; choose lcx, trustedform or suppressionlist")]
pub struct UnknownProduct;

impl FromStr for Product {
    type Err = UnknownProduct;

    fn from_str(text: &str) -> Result<Self, UnknownProduct> {
        Self::ALL
            .into_iter()
            .find(|product| product.id() == text)
            .ok_or(UnknownProduct)
    }
}

/// A part of a product with its own [`Origin`](crate::Origin).
///
/// TrustedForm has two, the certificates and the application. Both accept the same key.
///
/// ```
/// use ap_core::{Product, Service};
///
/// assert_eq!(Service::TrustedFormApp.product(), Product::TrustedForm);
/// assert_eq!(Service::TrustedFormApp.vendor_origin(), "https://app.trustedform.com");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// LeadConduit and the account API.
    LeadConduit,
    /// TrustedForm's certificates: a certificate's URL is its endpoint.
    TrustedForm,
    /// TrustedForm's application.
    TrustedFormApp,
    /// SuppressionList.
    SuppressionList,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 4] = [
        Self::LeadConduit,
        Self::TrustedForm,
        Self::TrustedFormApp,
        Self::SuppressionList,
    ];

    /// Returns the product that this service belongs to.
    #[must_use]
    pub const fn product(self) -> Product {
        match self {
            Self::LeadConduit => Product::LeadConduit,
            Self::TrustedForm | Self::TrustedFormApp => Product::TrustedForm,
            Self::SuppressionList => Product::SuppressionList,
        }
    }

    /// Returns the vendor's origin of this service, in production.
    #[must_use]
    pub const fn vendor_origin(self) -> &'static str {
        match self {
            Self::LeadConduit => "https://app.leadconduit.com",
            Self::TrustedForm => "https://cert.trustedform.com",
            Self::TrustedFormApp => "https://app.trustedform.com",
            Self::SuppressionList => "https://app.suppressionlist.com",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_and_service_is_listed_once_and_in_order() {
        for (at, product) in Product::ALL.into_iter().enumerate() {
            assert_eq!(product.index(), at);
            assert_eq!(product.services().next(), Some(product.main_service()));
            assert_eq!(product.id().parse(), Ok(product));
            assert!(UnknownProduct.to_string().contains(product.id()));
        }
        for (at, service) in Service::ALL.into_iter().enumerate() {
            assert_eq!(service.index(), at);
            assert!(service.product().services().any(|one| one == service));
        }
        assert_eq!("LCX".parse::<Product>(), Err(UnknownProduct));
    }
}
