//! What the account pays for.

/// The account's plan, which decides whether LeadConduit's lead resources may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Plan {
    /// `/flows`, `/fields` and `/leads` are refused, with a right key too.
    Free,
    /// Everything may be used; the plan that an emulator starts with.
    Paid,
}

impl Plan {
    pub(crate) const ALL: [Self; 2] = [Self::Free, Self::Paid];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Paid => "paid",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.code() == code)
    }
}
