//! [`Product`]: what a key reset reaches, one at a time. [`Service`]: what has an origin.

use std::fmt;
use std::str::FromStr;

/// An ActiveProspect product. A reset key reaches each product by itself, when someone logs in to it:
/// so at any time each product takes exactly one key, and not all the same one.
///
/// The account API is served by LeadConduit and has no key state of its own.
///
/// Source: <https://developers.activeprospect.com/docs/authentication>; the ids are those of the
/// `products` array in the answer to `GET /user`.
///
/// ```
/// use ap_core::Product;
/// assert_eq!("trustedform".parse(), Ok(Product::TrustedForm));
/// assert_eq!(Product::LeadConduit.id(), "lcx");
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

    /// The vendor's id: `lcx`, `trustedform` or `suppressionlist`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::LeadConduit => "lcx",
            Self::TrustedForm => "trustedform",
            Self::SuppressionList => "suppressionlist",
        }
    }

    /// The services of this product.
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
#[error("there is no such product: choose lcx, trustedform or suppressionlist")]
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

/// Something that answers at one [`Origin`](crate::Origin). TrustedForm has two: the certificates and
/// the application; both take the same key.
///
/// ```
/// use ap_core::{Product, Service};
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

    /// The product that this service belongs to.
    #[must_use]
    pub const fn product(self) -> Product {
        match self {
            Self::LeadConduit => Product::LeadConduit,
            Self::TrustedForm | Self::TrustedFormApp => Product::TrustedForm,
            Self::SuppressionList => Product::SuppressionList,
        }
    }

    /// Where the vendor serves it.
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
