//! The three products, each of which listens on a port of its own.

use std::fmt;

/// One of the vendor's products. Each has its own origin and takes its own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Product {
    /// LeadConduit, with the account calls that its host answers too.
    LeadConduit,
    /// TrustedForm: its certificate origin and its application origin in one.
    TrustedForm,
    /// SuppressionList.
    SuppressionList,
}

impl Product {
    /// Every product, in the order of their ports.
    pub const ALL: [Self; 3] = [Self::LeadConduit, Self::TrustedForm, Self::SuppressionList];

    /// The short name that the APIs and the control calls use.
    ///
    /// ```
    /// assert_eq!(ap_emulator::Product::LeadConduit.code(), "lcx");
    /// ```
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LeadConduit => "lcx",
            Self::TrustedForm => "trustedform",
            Self::SuppressionList => "suppressionlist",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LeadConduit => "LeadConduit",
            Self::TrustedForm => "TrustedForm",
            Self::SuppressionList => "SuppressionList",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.code() == code)
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::LeadConduit => 0,
            Self::TrustedForm => 1,
            Self::SuppressionList => 2,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
