//! [`Plan`]: what the account pays for.

/// The account's plan. It decides whether LeadConduit's lead resources are available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Plan {
    /// `/flows`, `/fields` and `/leads` are refused, even with the accepted key.
    Free,
    /// Everything is available. An emulator starts with this plan.
    Paid,
}

impl Plan {
    pub(crate) const ALL: [Self; 2] = [Self::Free, Self::Paid];

    /// The name in the control API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Paid => "paid",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.name() == name)
    }
}
